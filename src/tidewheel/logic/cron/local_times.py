"""The local times that a cron expression names: search, count and number them, without any zone.

A local time is an integer: the seconds from 1970-01-01 00:00 to what the clock on the wall shows, as if
every day had 86,400 seconds. The search goes by fields (month, day, time of day), never minute by minute.
Counting uses that the calendar repeats after 400 years, a whole number of weeks.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import date
from functools import lru_cache

from tidewheel.logic.cron.errors import CronError
from tidewheel.logic.cron.expression import CronExpression

DAY_S = 86_400
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
CYCLE_MONTHS = 4_800  # 400 years
SEARCH_YEARS = 60  # `5#5` in February needs 40; no accepted expression needs more
FIRST_YEAR, LAST_YEAR = 1, 9_998
MONTH_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class LocalTimes:
    """The increasing sequence of local times (seconds) of one expression. Get it from `local_times_of`."""

    __slots__ = ("_cycle", "_expression", "_masks", "_seconds")

    def __init__(self, expression: CronExpression) -> None:
        """Prepare the times of day; the day tables are built when first asked for."""
        self._expression = expression
        self._seconds = [
            hour * 3600 + minute * 60
            for hour in range(24)
            if expression.hours >> hour & 1
            for minute in range(60)
            if expression.minutes >> minute & 1
        ]
        self._masks: dict[tuple[int, int], int] = {}
        self._cycle: list[int] | None = None

    def at_or_after(self, local_s: int) -> int:
        """The first local time >= `local_s`; raises CronError past the year 9998."""
        day, second = divmod(local_s, DAY_S)
        at = bisect_left(self._seconds, second)
        if at == len(self._seconds):
            day, at = day + 1, 0
        found = self._day_at_or_after(day)
        return found * DAY_S + self._seconds[at if found == day else 0]

    def at_or_before(self, local_s: int) -> int:
        """The last local time <= `local_s`; raises CronError before the year 1."""
        day, second = divmod(local_s, DAY_S)
        at = bisect_right(self._seconds, second) - 1
        if at < 0:
            day -= 1
        found = self._day_at_or_before(day)
        return found * DAY_S + self._seconds[at if found == day else -1]

    def between(self, low_s: int, high_s: int) -> Iterator[int]:
        """The local times in low_s <= t < high_s, in order."""
        at = low_s
        while at < high_s:
            day, second = divmod(self.at_or_after(at), DAY_S)
            start = day * DAY_S
            for time_of_day in self._seconds[bisect_left(self._seconds, second) :]:
                if start + time_of_day >= high_s:
                    return
                yield start + time_of_day
            at = start + DAY_S

    def count_before(self, local_s: int) -> int:
        """How many local times since the year 0 lie before `local_s`; only differences mean something."""
        day, second = divmod(local_s, DAY_S)
        cycle = self._cycle_table()
        moment = date.fromordinal(day + EPOCH_ORDINAL)
        cycles, year = divmod(moment.year, 400)
        days = cycles * cycle[-1] + cycle[year * 12 + moment.month - 1]
        mask = self._month_mask(moment.year, moment.month)
        days += (mask & ((1 << moment.day) - 1)).bit_count()
        within = bisect_left(self._seconds, second) if mask >> moment.day & 1 else 0
        return days * len(self._seconds) + within

    def numbered(self, number: int) -> int:
        """The local time with exactly `number` others before it, in the count of `count_before`."""
        days, within = divmod(number, len(self._seconds))
        cycle = self._cycle_table()
        cycles, days = divmod(days, cycle[-1])
        month_at = bisect_right(cycle, days) - 1
        year, month = cycles * 400 + month_at // 12, month_at % 12 + 1
        if not FIRST_YEAR <= year <= LAST_YEAR:
            raise CronError(
                f"cron ticks: expected a time in the years 1 to 9998, got year {year}; use a nearer time"
            )
        mask = self._month_mask(year, month)
        for _ in range(days - cycle[month_at]):
            mask &= mask - 1
        day = (mask & -mask).bit_length() - 1
        return (date(year, month, day).toordinal() - EPOCH_ORDINAL) * DAY_S + self._seconds[within]

    def _day_at_or_after(self, day: int) -> int:
        moment = date.fromordinal(day + EPOCH_ORDINAL)
        year, month = moment.year, moment.month
        mask = self._month_mask(year, month) >> moment.day << moment.day
        for _ in range(SEARCH_YEARS * 12):
            if mask:
                return date(year, month, (mask & -mask).bit_length() - 1).toordinal() - EPOCH_ORDINAL
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)
            if year > LAST_YEAR:
                break
            mask = self._month_mask(year, month)
        raise CronError(
            f"cron ticks: expected one before the year 9999, got none after {moment}; use another cron"
        )

    def _day_at_or_before(self, day: int) -> int:
        moment = date.fromordinal(day + EPOCH_ORDINAL)
        year, month = moment.year, moment.month
        mask = self._month_mask(year, month) & ((2 << moment.day) - 1)
        for _ in range(SEARCH_YEARS * 12):
            if mask:
                return date(year, month, mask.bit_length() - 1).toordinal() - EPOCH_ORDINAL
            year, month = (year, month - 1) if month > 1 else (year - 1, 12)
            if year < FIRST_YEAR:
                break
            mask = self._month_mask(year, month)
        raise CronError(
            f"cron ticks: expected one after the year 1, got none before {moment}; use another cron"
        )

    def _month_mask(self, year: int, month: int) -> int:
        """The bit set of the matching days of one month."""
        if not self._expression.months >> month & 1:
            return 0
        leap = month == 2 and (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0))
        length = MONTH_LENGTHS[month - 1] + leap
        first_weekday = _first_weekday(year, month)
        mask = self._masks.get((first_weekday, length))
        if mask is None:
            mask = self._masks[first_weekday, length] = _day_mask(self._expression, first_weekday, length)
        return mask

    def _cycle_table(self) -> list[int]:
        """How many matching days precede each month of the years 0 to 399, and at last their whole number."""
        if self._cycle is None:
            table = [0]
            for at in range(CYCLE_MONTHS):
                # 2000 stands for 0: the same calendar, and a year that `date` knows
                table.append(table[-1] + self._month_mask(2000 + at // 12, at % 12 + 1).bit_count())
            self._cycle = table
        return self._cycle


@lru_cache(maxsize=4096)
def local_times_of(expression: CronExpression) -> LocalTimes:
    """The local times of an expression, remembered."""
    return LocalTimes(expression)


@lru_cache(maxsize=8192)
def _first_weekday(year: int, month: int) -> int:
    """The weekday of a month's first day, 0 is Sunday."""
    return date(year, month, 1).toordinal() % 7


def _day_mask(expression: CronExpression, first_weekday: int, length: int) -> int:
    """Bit d for each matching day d of a month with this first weekday and this length."""
    mask = expression.days
    if expression.last_day:
        mask |= 1 << length
    for weekday in range(7):
        first = (weekday - first_weekday) % 7 + 1
        occurrences = list(range(first, length + 1, 7))
        if expression.weekdays >> weekday & 1:
            mask |= sum(1 << day for day in occurrences)
        for nth, day in enumerate(occurrences):
            if expression.nth_weekdays >> (5 * weekday + nth) & 1:
                mask |= 1 << day
        if expression.last_weekdays >> weekday & 1:
            mask |= 1 << occurrences[-1]
    return mask & ((2 << length) - 1)
