"""Finds what is legal in a cron string but often not what its author meant."""

import msgspec

from tidewheel.logic.cron.expression import (
    parse,
    parse_items,
    possible_days,
    restricted_day_fields,
)
from tidewheel.logic.cron.fields import (
    DAY,
    FIELDS,
    MONTH,
    WEEKDAY,
    Field,
    Item,
    ItemKind,
    bits_of,
    item_values,
)

SURE_DAYS = 28  # every month has this many


class CronWarning(msgspec.Struct, frozen=True, kw_only=True):
    """One surprise in a cron string.

    `code` is stable: day_rule_or, wrapped_range, uneven_step, step_without_effect, single_value_range,
    short_months, leap_day, impossible_day.
    """

    code: str
    message: str


def lint(text: str) -> tuple[CronWarning, ...]:
    """Warnings about a valid cron string, in the order of its fields; raises CronError for an invalid one."""
    parse(text)
    items = parse_items(text)
    found: list[CronWarning] = []
    for field, field_items in zip(FIELDS, items, strict=True):
        for item in field_items:
            found.extend(_item_warnings(item, field))
    found.extend(_date_warnings(items[2], items[3], items[4]))
    return tuple(found)


def _item_warnings(item: Item, field: Field) -> list[CronWarning]:
    if item.kind not in (ItemKind.STAR, ItemKind.SPAN):
        return []
    found = []
    if item.wraps():
        found.append(
            _warn(
                "wrapped_range",
                f"{item.text!r} in the {field.name} field runs over the end of the field and means "
                f"{_listed(item, field)}",
            )
        )
    if "-" in item.text and item.start == item.stop:
        found.append(
            _warn(
                "single_value_range", f"{item.text!r} in the {field.name} field is the one value {item.start}"
            )
        )
    if item.step > 1:
        found.extend(_step_warnings(item, field))
    return found


def _step_warnings(item: Item, field: Field) -> list[CronWarning]:
    values = item_values(item, field)
    if len(values) == 1:
        return [
            _warn(
                "step_without_effect",
                f"{item.text!r} in the {field.name} field is just {values[0]}: "
                "a step starts again in each period",
            )
        ]
    whole_field = item.kind is ItemKind.STAR or "-" not in item.text
    if whole_field and (field.size % item.step or field is DAY):
        return [
            _warn(
                "uneven_step",
                f"{item.text!r} in the {field.name} field starts again in each period, "
                f"so that the last distance is shorter; it means {_listed(item, field)}",
            )
        ]
    return []


def _date_warnings(
    days: tuple[Item, ...], months: tuple[Item, ...], weekdays: tuple[Item, ...]
) -> list[CronWarning]:
    day_restricted, weekday_restricted = restricted_day_fields(days, weekdays)
    special = any(item.kind in (ItemKind.NTH_WEEKDAY, ItemKind.LAST_WEEKDAY) for item in weekdays)
    found = []
    if day_restricted and weekday_restricted and not special:
        found.append(
            _warn(
                "day_rule_or",
                "day-of-month and day-of-week are both restricted: "
                "a day matches if EITHER does, not only if both do",
            )
        )
    if day_restricted and not special:
        found.extend(_length_warnings(days, months, weekday_restricted))
    return found


def _length_warnings(
    days: tuple[Item, ...], months: tuple[Item, ...], weekday_restricted: bool
) -> list[CronWarning]:
    if any(item.kind is ItemKind.LAST_DAY for item in days):
        return []
    day_bits, month_bits = bits_of(days, DAY), bits_of(months, MONTH)
    if not possible_days(day_bits, month_bits):  # only reachable beside weekdays, otherwise parse rejects it
        return [
            _warn("impossible_day", "the day-of-month never occurs in these months; only the weekdays tick")
        ]
    lowest = (day_bits & -day_bits).bit_length() - 1
    if lowest <= SURE_DAYS or weekday_restricted:
        return []
    if month_bits == 1 << 2:
        return [_warn("leap_day", "29 February comes in leap years only")]
    if not all(possible_days(day_bits, 1 << month) for month in range(1, 13) if month_bits >> month & 1) or (
        month_bits >> 2 & 1
    ):
        return [
            _warn(
                "short_months",
                f"months with fewer than {lowest} days are skipped; use 'L' for the last day of each month",
            )
        ]
    return []


def _listed(item: Item, field: Field) -> str:
    values = item_values(item, field)
    if field is WEEKDAY:
        words = {number: name for name, number in field.names.items()}
        return ", ".join(words[value] for value in values)
    if len(values) <= 12:
        return ", ".join(str(value) for value in values)
    return ", ".join(str(value) for value in values[:5]) + f", ... {values[-1]}"


def _warn(code: str, message: str) -> CronWarning:
    return CronWarning(code=code, message=message)
