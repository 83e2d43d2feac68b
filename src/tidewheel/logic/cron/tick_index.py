"""Numbers the ticks of one expression in one zone, so that tick n and the number of an instant cost O(log n).

The numbering starts at an arbitrary fixed point (about 1970); only differences of numbers mean something.
It is what makes the n-th window of a partitions definition cheap, however far it is from the first.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

from tidewheel.logic.cron.errors import CronError
from tidewheel.logic.cron.expression import parse
from tidewheel.logic.cron.local_times import local_times_of
from tidewheel.logic.cron.zone_ticks import TickRange, ticks_in_stretch
from tidewheel.logic.cron.zones import EARLIEST_S, LATEST_S, require_zone, stretch_at


class _Counted(NamedTuple):
    """A stretch's ticks: the number of the first, how many, and the local count at `ticks.low`."""

    ticks: TickRange
    first: int
    size: int
    local_first: int


_Reached = Callable[[_Counted], bool]


class TickIndex:
    """The numbered ticks of (expression, zone). Get it from `tick_index`.

    Stretches are counted from 1970 outwards as far as questions have reached. The table is replaced, never
    changed, when it grows, so that readers in other threads see a whole one.
    """

    __slots__ = ("_is_hourly", "_table", "_times", "_zone")

    def __init__(self, cron: str, zone: str) -> None:
        """Raises CronError or ZoneError for a bad cron string or zone."""
        expression = parse(cron)
        self._is_hourly = expression.is_hourly
        self._times = local_times_of(expression)
        self._zone = require_zone(zone)
        first = self._counted_from(stretch_at(self._zone, 0).start, 0)
        self._table: tuple[list[int], list[int], list[_Counted]] = ([first.ticks.start], [0], [first])

    def count_before(self, instant_s: float) -> int:
        """The number of the first tick at or after an instant."""
        instant = int(-(-instant_s // 1))
        self._cover_instant(instant)
        starts, _, stretches = self._table
        ticks, first, size, local_first = stretches[bisect_right(starts, instant) - 1]
        if instant <= ticks.start:
            return first
        local = min(max(instant + ticks.offset, ticks.low), ticks.high)
        return first + min(size, ticks.head + self._times.count_before(local) - local_first)

    def instant_of(self, number: int) -> int:
        """The instant of tick `number`; raises CronError outside the years 2 to 9997."""
        self._cover_number(number)
        _, firsts, stretches = self._table
        ticks, first, _, local_first = stretches[bisect_right(firsts, number) - 1]
        within = number - first - ticks.head
        if within < 0:
            return ticks.start
        return self._times.numbered(local_first + within) - ticks.offset

    def instants(self, first: int, stop: int) -> Iterator[int]:
        """The instants of ticks first <= n < stop, in order; much cheaper each than `instant_of`."""
        if first >= stop:
            return
        self._cover_number(first)
        self._cover_number(stop - 1)
        at = self.instant_of(first)
        starts, _, stretches = self._table
        left = stop - first
        for ticks, *_ in stretches[bisect_right(starts, at) - 1 :]:
            if left <= 0:  # they ended with the stretch before
                return
            if ticks.head and at <= ticks.start:
                yield ticks.start
                left -= 1
            for local in self._times.between(max(ticks.low, at + ticks.offset), ticks.high):
                if left <= 0:
                    return
                yield local - ticks.offset
                left -= 1

    def _cover_instant(self, instant: int) -> None:
        if not EARLIEST_S <= instant < LATEST_S:
            raise CronError(
                f"cron ticks: expected an instant in the years 2 to 9997, got {instant} s; use a nearer time"
            )
        if instant < self._table[0][0]:
            self._grow_back(lambda earliest: earliest.ticks.start <= instant)
        elif instant >= self._table[2][-1].ticks.end:
            self._grow(lambda latest: latest.ticks.end > instant)

    def _cover_number(self, number: int) -> None:
        if number < self._table[1][0]:
            self._grow_back(lambda earliest: earliest.first <= number)
        elif number >= self._table[2][-1].first + self._table[2][-1].size:
            self._grow(lambda latest: latest.first + latest.size > number)

    def _grow(self, reached: _Reached) -> None:
        _, _, stretches = self._table
        more = list(stretches)
        while not reached(more[-1]):
            latest = more[-1]
            if latest.ticks.end >= LATEST_S:
                raise CronError(
                    "cron ticks: expected a tick before the year 9998, got none; use a nearer time"
                )
            more.append(self._counted_from(latest.ticks.end, latest.first + latest.size))
        self._replace(more)

    def _grow_back(self, reached: _Reached) -> None:
        _, _, stretches = self._table
        less: list[_Counted] = []
        earliest = stretches[0]
        while not reached(earliest):
            if earliest.ticks.start <= EARLIEST_S:
                raise CronError("cron ticks: expected a tick after the year 1, got none; use a nearer time")
            start = stretch_at(self._zone, earliest.ticks.start - 1).start
            counted = self._counted_from(start, 0)
            earliest = counted._replace(first=earliest.first - counted.size)
            less.append(earliest)
        self._replace([*reversed(less), *stretches])

    def _replace(self, stretches: list[_Counted]) -> None:
        self._table = ([one.ticks.start for one in stretches], [one.first for one in stretches], stretches)

    def _counted_from(self, start: int, first: int) -> _Counted:
        ticks = ticks_in_stretch(self._times, self._is_hourly, stretch_at(self._zone, start))
        local_first = self._times.count_before(ticks.low)
        size = ticks.head + self._times.count_before(ticks.high) - local_first
        return _Counted(ticks, first, size, local_first)


@lru_cache(maxsize=1024)
def tick_index(cron: str, zone: str) -> TickIndex:
    """The numbered ticks of a cron string in a zone, remembered; raises CronError or ZoneError."""
    return TickIndex(cron, zone)
