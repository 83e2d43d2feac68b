"""Time zone names, and each zone's stretches of constant distance from UTC.

The standard library's zone data answers "what is the offset at this instant"; ticks and windows need "until
when". The stretches are found by sampling, in pieces of four years that are remembered. Two changes of one
zone are never closer than `SAMPLE_S` (the closest pair on record, Freetown 1939, is 95 hours apart).
"""

from bisect import bisect_right
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from tidewheel.logic.cron.errors import ZoneError

DAY_S = 86_400
CHUNK_S = 1461 * DAY_S
SAMPLE_S = 3 * DAY_S
EARLIEST_S = -62_104_060_800  # 0002-01-01; the calendar at hand ends a year further out at both sides
LATEST_S = 253_339_228_800  # 9998-01-01


class Stretch(NamedTuple):
    """Instants start <= t < end at which local time is t + offset (all in seconds).

    `before` and `after` are the offsets just outside; they equal `offset` where a piece of zone data ends
    without a clock change.
    """

    start: int
    end: int
    offset: int
    before: int
    after: int


@lru_cache(maxsize=1024)
def zone_info(name: str) -> ZoneInfo:
    """The zone data of an IANA name; the empty name and `utc` mean UTC. Raises ZoneError."""
    if name in ("", "utc"):
        return ZoneInfo("UTC")
    try:
        if name.startswith(("posix/", "right/")) or name in ("Factory", "localtime", "posixrules"):
            raise ValueError(name)
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as reason:
        raise ZoneError(
            f"zone: expected an IANA name such as 'Europe/Berlin', got {name!r}; {_zone_advice(name)}"
        ) from reason


def require_zone(name: str) -> str:
    """The zone's own name (`UTC` for the empty name and `utc`); raises ZoneError, naming the nearest."""
    return zone_info(name).key


def stretch_at(zone: str, instant_s: int) -> Stretch:
    """The stretch of constant offset around an instant, cut at the borders of four-year pieces."""
    starts, stretches = _chunk(zone, instant_s // CHUNK_S)
    return stretches[bisect_right(starts, instant_s) - 1]


def offset_at(zone: str, instant_s: float) -> int:
    """Local time minus UTC, in seconds, at an instant."""
    return stretch_at(zone, int(instant_s // 1)).offset


def first_instant(zone: str, local_s: int) -> int:
    """The first instant at which the zone's clocks show `local_s` (seconds since 1970-01-01 00:00).

    A local time that a clock change skips gives the instant of that change.
    """
    stretch = stretch_at(zone, local_s - DAY_S)
    while local_s >= stretch.end + stretch.offset:
        stretch = stretch_at(zone, stretch.end)
    return max(stretch.start, local_s - stretch.offset)


@lru_cache(maxsize=4096)
def _chunk(zone: str, number: int) -> tuple[list[int], list[Stretch]]:
    """The stretches of four years, with their starts for searching; never changed after it is built."""
    info = zone_info(zone)
    first, last = number * CHUNK_S, (number + 1) * CHUNK_S
    starts, offsets = [first], [_offset(info, first)]
    for sample in (*range(first + SAMPLE_S, last, SAMPLE_S), last - 1):
        offset = _offset(info, sample)
        if offset != offsets[-1]:
            starts.append(_change_between(info, max(starts[-1], sample - SAMPLE_S), sample))
            offsets.append(offset)
    around = [_offset(info, first - 1), *offsets, _offset(info, last)]
    ends = [*starts[1:], last]
    stretches = [
        Stretch(start, end, around[at + 1], around[at], around[at + 2])
        for at, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]
    return starts, stretches


def _change_between(info: ZoneInfo, low: int, high: int) -> int:
    """The first instant in (low, high] with the offset of `high`, by halving."""
    target = _offset(info, high)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(info, middle) == target:
            high = middle
        else:
            low = middle
    return high


def _offset(info: ZoneInfo, instant_s: int) -> int:
    moment = datetime.fromtimestamp(min(max(instant_s, EARLIEST_S), LATEST_S), UTC).astimezone(info)
    offset = moment.utcoffset()
    return 0 if offset is None else offset.days * DAY_S + offset.seconds


def _zone_advice(name: str) -> str:
    known = available_timezones()
    same = [zone for zone in known if zone.lower() == name.lower()]
    near = sorted(same) or get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    if name[:1] in "+-" or name == "Z":
        return "offsets are not zones; name a place, or 'UTC'"
    if near:
        return f"use {near[0]!r} (names are case-sensitive)" if same else f"did you mean {near[0]!r}?"
    return "name a zone of the IANA database, or 'UTC'"
