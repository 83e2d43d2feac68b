"""The instants at which cron expressions tick in a time zone.

Instants are seconds since the epoch, UTC. "Now" is never known here: every function is told its instant.
Ticks are whole seconds, so "strictly after" and "at or after" are one search that begins a second apart.
"""

from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import islice
from math import ceil, floor

from tidewheel.logic.cron.errors import CronError
from tidewheel.logic.cron.expression import CronExpression
from tidewheel.logic.cron.local_times import local_times_of
from tidewheel.logic.cron.zone_ticks import TickRange, ticks_in_stretch
from tidewheel.logic.cron.zones import EARLIEST_S, LATEST_S, stretch_at

STRETCH_LIMIT = (
    400  # stretches crossed in one search; the rarest expression (40 years) crosses fewer than 200
)


def next_after(expression: CronExpression, instant_s: float, zone: str) -> float:
    """The first tick strictly after an instant; raises ZoneError, and CronError past the year 9997."""
    return float(_at_or_after(expression, floor(instant_s) + 1, zone))


def next_at_or_after(expression: CronExpression, instant_s: float, zone: str) -> float:
    """The first tick at or after an instant; raises ZoneError, and CronError past the year 9997."""
    return float(_at_or_after(expression, ceil(instant_s), zone))


def previous_before(expression: CronExpression, instant_s: float, zone: str) -> float:
    """The last tick strictly before an instant; raises ZoneError, and CronError before the year 2."""
    return float(_at_or_before(expression, ceil(instant_s) - 1, zone))


def previous_at_or_before(expression: CronExpression, instant_s: float, zone: str) -> float:
    """The last tick at or before an instant; raises ZoneError, and CronError before the year 2."""
    return float(_at_or_before(expression, floor(instant_s), zone))


def is_tick(expression: CronExpression, instant_s: float, zone: str) -> bool:
    """Whether the expression ticks exactly at an instant."""
    return _at_or_after(expression, ceil(instant_s), zone) == instant_s


def next_after_any(expressions: Sequence[CronExpression], instant_s: float, zone: str) -> float:
    """The first tick of any of the expressions strictly after an instant; `expressions` must not be empty."""
    return min(next_after(expression, instant_s, zone) for expression in expressions)


def previous_at_or_before_any(expressions: Sequence[CronExpression], instant_s: float, zone: str) -> float:
    """The last tick of any of the expressions at or before an instant; `expressions` must not be empty."""
    return max(previous_at_or_before(expression, instant_s, zone) for expression in expressions)


def ticks_between(
    expressions: Sequence[CronExpression], start_s: float, end_s: float, zone: str, *, limit: int
) -> list[float]:
    """The earliest `limit` ticks t of the union with start_s <= t < end_s, ascending, coinciding ones once.

    Exactly `limit` results mean that there may be more.
    """
    runs = [iter_ticks(expression, start_s, end_s, zone) for expression in expressions]
    return list(islice(_distinct(merge(*runs)), limit))


def latest_ticks(
    expressions: Sequence[CronExpression], start_s: float, end_s: float, zone: str, *, limit: int
) -> list[float]:
    """The latest `limit` ticks t of the union with start_s <= t < end_s, ascending, coinciding ones once."""
    found: list[float] = []
    bound = end_s
    while expressions and len(found) < limit:
        bound = max(previous_before(expression, bound, zone) for expression in expressions)
        if bound < start_s:
            break
        found.append(bound)
    return found[::-1]


def iter_ticks(expression: CronExpression, start_s: float, end_s: float, zone: str) -> Iterator[float]:
    """All ticks t with start_s <= t < end_s, ascending, computed as they are taken."""
    at, end = ceil(start_s), ceil(end_s)
    times = local_times_of(expression)
    while at < end:
        ticks = _range_at(expression, at, zone)
        if ticks.head and at == ticks.start:
            yield float(at)
        for local in times.between(max(ticks.low, at + ticks.offset), min(ticks.high, end + ticks.offset)):
            yield float(local - ticks.offset)
        at = ticks.end


def _at_or_after(expression: CronExpression, instant: int, zone: str) -> int:
    times = local_times_of(expression)
    at = instant
    for _ in range(STRETCH_LIMIT):
        ticks = _range_at(expression, at, zone)
        if ticks.head and at == ticks.start:
            return at
        local = times.at_or_after(max(ticks.low, at + ticks.offset))
        if local < ticks.high:
            return local - ticks.offset
        at = ticks.end
    raise _endless(instant, zone)


def _at_or_before(expression: CronExpression, instant: int, zone: str) -> int:
    times = local_times_of(expression)
    at = instant
    for _ in range(STRETCH_LIMIT):
        ticks = _range_at(expression, at, zone)
        local = times.at_or_before(min(ticks.high - 1, at + ticks.offset))
        if local >= ticks.low:
            return local - ticks.offset
        if ticks.head:
            return ticks.start
        at = ticks.start - 1
    raise _endless(instant, zone)


def _range_at(expression: CronExpression, instant: int, zone: str) -> TickRange:
    if not EARLIEST_S <= instant < LATEST_S:
        raise CronError(
            f"cron ticks: expected an instant in the years 2 to 9997, got {instant} s; use a nearer time"
        )
    return ticks_in_stretch(local_times_of(expression), expression.is_hourly, stretch_at(zone, instant))


def _distinct(ticks: Iterator[float]) -> Iterator[float]:
    last: float | None = None
    for tick in ticks:
        if tick != last:
            yield tick
        last = tick


def _endless(instant: int, zone: str) -> CronError:
    return CronError(
        f"cron ticks: expected one within {STRETCH_LIMIT} clock changes of {instant} s in zone {zone!r}, "
        "got none; use another cron"
    )
