"""The next ticks of a schedule with what clock changes do to them, for people to look at before they happen."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import msgspec

from tidewheel.logic.cron.errors import CronError
from tidewheel.logic.cron.expression import CronExpression
from tidewheel.logic.cron.ticks import next_after_any
from tidewheel.logic.cron.zones import stretch_at, zone_info


class PreviewedTick(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One tick: the moment (seconds since the epoch), as the zone's clocks show it, and what is special about it."""

    at: float
    local: str
    utc: str
    notes: tuple[str, ...] = ()


def preview(
    crons: Sequence[CronExpression], zone: str, *, after: float, count: int
) -> tuple[PreviewedTick, ...]:
    """The next ticks after a moment, at most ``count`` of them; fewer when there are no more."""
    ticks: list[PreviewedTick] = []
    before = after
    for _ in range(count):
        try:
            moment = next_after_any(crons, before, zone)
        except CronError:
            break
        ticks.append(_described(moment, before if ticks else None, zone))
        before = moment
    return tuple(ticks)


def _described(moment: float, previous: float | None, zone: str) -> PreviewedTick:
    local = datetime.datetime.fromtimestamp(moment, zone_info(zone))
    utc = datetime.datetime.fromtimestamp(moment, datetime.UTC)
    return PreviewedTick(
        at=moment,
        local=f"{local:%a %Y-%m-%d %H:%M} {local.tzname()} (UTC{local:%z})",
        utc=f"{utc:%Y-%m-%dT%H:%M:%SZ}",
        notes=tuple(_notes(int(moment), previous, zone)),
    )


def _notes(moment: int, previous: float | None, zone: str) -> list[str]:
    stretch = stretch_at(zone, moment)
    into = moment - stretch.start
    change = stretch.offset - stretch.before
    notes = []
    if change > 0 and into == 0:
        notes.append(f"the clock jumps {_minutes(change)} ahead just now: times in the gap are moved here")
    elif change < 0 and into < -change:
        notes.append("this time of day occurs twice; this is the second one")
    elif stretch.after < stretch.offset and stretch.end - moment <= stretch.offset - stretch.after:
        notes.append("this time of day occurs twice; this is the first one")
    if previous is not None and not notes and previous < stretch.start:
        way = "ahead" if change > 0 else "back"
        if change:
            notes.append(f"the clock was put {way} by {_minutes(abs(change))} since the tick before")
    return notes


def _minutes(seconds: int) -> str:
    hours, rest = divmod(abs(seconds), 3600)
    return f"{hours} h" if not rest else f"{abs(seconds) // 60} min"
