"""Reads a cron string into a canonical value.

The language: five fields (minute, hour, day-of-month, month, day-of-week) or a macro such as `@daily`;
lists, ranges, steps, three-letter names in any case; `L` (last day) in day-of-month; `L5` (last Friday) and
`1#2` (second Monday) in day-of-week; `?` for `*` in either day field. Sunday is 0 and 7. Reversed ranges
wrap around (`22-2`). When both day fields are restricted, a day matches if either does.
"""

from functools import lru_cache

import msgspec

from tidewheel.logic.cron.fields import (
    DAY,
    FIELDS,
    HOUR,
    MINUTE,
    MONTH,
    WEEKDAY,
    Fail,
    Item,
    ItemKind,
    bits_of,
    failing,
    parse_field,
)

MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class CronExpression(msgspec.Struct, frozen=True, kw_only=True):
    """The local times that a cron string names; two strings that name the same times are equal.

    All fields but `last_day` are bit sets. A day matches if its month does and any of the five day rules
    names it: bit d of `days` (1..31), `last_day` of the month, bit w of `weekdays` (0 is Sunday), bit 5 * w
    + n - 1 of `nth_weekdays`, bit w of `last_weekdays`. An unrestricted day is all of `days` and nothing
    else.
    """

    minutes: int
    hours: int
    days: int
    months: int
    weekdays: int = 0
    last_day: bool = False
    nth_weekdays: int = 0
    last_weekdays: int = 0

    @property
    def is_hourly(self) -> bool:
        """Whether every hour of the day is named; such ticks follow elapsed time through clock changes."""
        return self.hours == HOUR.full


@lru_cache(maxsize=4096)
def parse(text: str) -> CronExpression:
    """Read a cron string.

    Raises CronError for anything outside the language of this module, for `#` or `L5` beside a restricted
    day of month (they cannot be combined), for steps larger than their field, and for dates that never
    occur.
    """
    fail = failing(text)
    minutes, hours, days, months, weekdays = parse_items(text)
    day_restricted, weekday_restricted = restricted_day_fields(days, weekdays)
    month_bits = bits_of(months, MONTH)
    day_bits = bits_of(days, DAY)
    last_day = any(item.kind is ItemKind.LAST_DAY for item in days)
    nth, last_weekdays = _special_weekdays(weekdays, fail)
    if nth or last_weekdays:
        if day_restricted and day_bits != DAY.full:
            fail(
                "'*' as the day-of-month beside '#' or 'L' in the day-of-week",
                text,
                "use two cron strings, one for the day of the month and one for the weekday",
            )
        day_restricted = False
    if not day_restricted:
        day_bits, last_day = (0, False) if weekday_restricted else (DAY.full, False)
    weekday_bits = bits_of(weekdays, WEEKDAY) if weekday_restricted and not (nth or last_weekdays) else 0
    every_day = day_bits == DAY.full or weekday_bits == WEEKDAY.full
    expression = CronExpression(
        minutes=bits_of(minutes, MINUTE),
        hours=bits_of(hours, HOUR),
        days=DAY.full if every_day else day_bits,
        months=month_bits,
        weekdays=0 if every_day else weekday_bits,
        last_day=last_day and not every_day,
        nth_weekdays=nth,
        last_weekdays=last_weekdays,
    )
    _reject_impossible_dates(expression, text, fail)
    return expression


def parse_items(text: str) -> tuple[tuple[Item, ...], ...]:
    """Split a cron string or macro into the items of its five fields; raises CronError."""
    fail = failing(text)
    stripped = text.strip()
    if stripped.startswith("@"):
        if stripped.lower() not in MACROS:
            fail(f"one of {', '.join(MACROS)}", stripped, "use one of these or write five fields")
        stripped = MACROS[stripped.lower()]
    parts = stripped.split()
    if len(parts) != len(FIELDS):
        fail(
            "five fields (minute, hour, day-of-month, month, day-of-week)",
            f"{len(parts)} fields",
            "seconds and years are not supported; write for example '30 6 * * 1-5'",
        )
    return tuple(parse_field(part, field, fail) for part, field in zip(parts, FIELDS, strict=True))


def restricted_day_fields(days: tuple[Item, ...], weekdays: tuple[Item, ...]) -> tuple[bool, bool]:
    """Whether day-of-month and day-of-week each restrict the day.

    A plain `*` or `?` does not. Any other text does, even if it names every value, so that `0 0 13 * 0-6` is every
    day; but beside a stepped star it does not, so that `0 0 */2 * */1` is every second day.
    """
    day_restricted = not any(item.unrestricted for item in days)
    weekday_restricted = not any(item.unrestricted for item in weekdays)
    if day_restricted and weekday_restricted:
        if bits_of(weekdays, WEEKDAY) == WEEKDAY.full and days[0].kind is ItemKind.STAR:
            weekday_restricted = False
        elif bits_of(days, DAY) == DAY.full and weekdays[0].kind is ItemKind.STAR:
            day_restricted = False
    return day_restricted, weekday_restricted


def possible_days(days: int, months: int) -> bool:
    """Whether at least one of the named months ever has one of the named days (both bit sets)."""
    longest = max(length for month, length in enumerate(LONGEST_MONTHS, start=1) if months >> month & 1)
    return bool(days & ((1 << (longest + 1)) - 1))


def _special_weekdays(items: tuple[Item, ...], fail: Fail) -> tuple[int, int]:
    """The bit sets of `1#2` and of `L5` items; such items cannot stand beside plain weekdays."""
    nth = last = 0
    for item in items:
        if item.kind is ItemKind.NTH_WEEKDAY:
            nth |= 1 << (5 * item.start + item.nth - 1)
        elif item.kind is ItemKind.LAST_WEEKDAY:
            last |= 1 << item.start
        elif any(other.kind in (ItemKind.NTH_WEEKDAY, ItemKind.LAST_WEEKDAY) for other in items):
            fail(
                "either plain weekdays or weekdays of the month ('1#2', 'L5')",
                item.text,
                "use two cron strings, one for each kind",
            )
    return nth, last


def _reject_impossible_dates(expression: CronExpression, text: str, fail: Fail) -> None:
    if expression.weekdays or expression.nth_weekdays or expression.last_weekdays or expression.last_day:
        return
    if not possible_days(expression.days, expression.months):
        fail(
            "a day of the month that occurs in one of the months",
            text,
            "this date never comes; use 'L' for the last day of a month",
        )
