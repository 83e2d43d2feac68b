"""The five fields of a cron string and the items that may stand in them.

This module reads one field; what the fields mean together (the day rule, impossible dates) is
`expression.py`'s, and what is legal but surprising is `lint.py`'s. Both look at the same `Item` values, so
that they cannot disagree.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import NoReturn

import msgspec

from tidewheel.logic.cron.errors import CronError

MONTH_NAMES = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}
WEEKDAY_NAMES = {
    name: number for number, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))
}


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One of the five fields: its name, its inclusive bounds and the words that stand for numbers."""

    name: str
    low: int
    high: int
    names: Mapping[str, int]

    @property
    def size(self) -> int:
        """How many different values the field has."""
        return self.high - self.low + 1

    @property
    def full(self) -> int:
        """The bit set of all values (bit v stands for value v)."""
        return ((1 << self.size) - 1) << self.low


MINUTE = Field(name="minute", low=0, high=59, names={})
HOUR = Field(name="hour", low=0, high=23, names={})
DAY = Field(name="day-of-month", low=1, high=31, names={})
MONTH = Field(name="month", low=1, high=12, names=MONTH_NAMES)
WEEKDAY = Field(name="day-of-week", low=0, high=6, names=WEEKDAY_NAMES)
FIELDS = (MINUTE, HOUR, DAY, MONTH, WEEKDAY)


class ItemKind(Enum):
    """The forms an item of a list can have."""

    STAR = "star"  # *, */n, or ? for the whole of a day field
    SPAN = "span"  # a, a-b, a/n, a-b/n
    LAST_DAY = "last_day"  # L in day-of-month
    NTH_WEEKDAY = "nth_weekday"  # 1#2 in day-of-week
    LAST_WEEKDAY = "last_weekday"  # L5 in day-of-week


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One element of a field's comma list.

    `start` and `stop` are inclusive; `stop < start` means that the span wraps around the end of the field.
    For weekdays `start` is 0..6 and `stop` may be 7 (Sunday at the end). `nth` is the 2 of `1#2`, else 0.
    """

    kind: ItemKind
    text: str
    start: int = 0
    stop: int = 0
    step: int = 1
    nth: int = 0

    @property
    def unrestricted(self) -> bool:
        """Whether the item is a plain `*` or `?`; a stepped star restricts the field."""
        return self.kind is ItemKind.STAR and "/" not in self.text

    def wraps(self) -> bool:
        """Whether the span runs over the end of its field (`22-2`)."""
        return self.stop < self.start


Fail = Callable[[str, str, str], NoReturn]


def failing(expression: str) -> Fail:
    """Build the function that rejects `expression`: fail(expected, got, what to do)."""

    def fail(expected: str, got: str, do: str) -> NoReturn:
        raise CronError(f"cron {expression!r}: expected {expected}, got {got!r}; {do}")

    return fail


def parse_field(text: str, field: Field, fail: Fail) -> tuple[Item, ...]:
    """Read one field's comma list; `fail` is called (and raises CronError) at the first bad item."""
    if text == "?" and field in (DAY, WEEKDAY):
        return (Item(kind=ItemKind.STAR, text=text, start=field.low, stop=field.high),)
    return tuple(_parse_item(part, field, fail) for part in text.split(","))


def bits_of(items: tuple[Item, ...], field: Field) -> int:
    """The bit set of the plain values named by `items` (special day items contribute nothing)."""
    bits = 0
    for item in items:
        if item.kind in (ItemKind.STAR, ItemKind.SPAN):
            for value in item_values(item, field):
                bits |= 1 << value
    return bits


def item_values(item: Item, field: Field) -> list[int]:
    """The values of a star or span, in the order in which the span meets them."""
    stop = item.stop + field.size if item.wraps() else item.stop
    return [(value - field.low) % field.size + field.low for value in range(item.start, stop + 1, item.step)]


def _parse_item(part: str, field: Field, fail: Fail) -> Item:
    if special := _parse_special(part, field, fail):
        return special
    body, slash, step_text = part.partition("/")
    step = _parse_step(part, step_text, field, fail) if slash else 1
    if body == "*":
        return Item(kind=ItemKind.STAR, text=part, start=field.low, stop=field.high, step=step)
    first, dash, last = body.partition("-")
    start = _parse_value(first, part, field, fail)
    if dash:
        stop = field.high if field is DAY and last.lower() == "l" else _parse_value(last, part, field, fail)
    else:
        stop = field.high if slash else start
    if field is WEEKDAY and start == 7:  # Sunday at the beginning of a span is 0, at its end it stays 7
        start, stop = 0, 0 if stop == 7 else stop
    return Item(kind=ItemKind.SPAN, text=part, start=start, stop=stop, step=step)


def _parse_special(part: str, field: Field, fail: Fail) -> Item | None:
    lowered = part.lower()
    if lowered == "r" or lowered.startswith(("r(", "h(", "r/", "h/")) or lowered == "h":
        fail(
            f"a fixed {field.name}",
            part,
            f"write a number from {field.low} to {field.high}; random and hashed values are not supported",
        )
    if field is DAY and lowered == "l":
        return Item(kind=ItemKind.LAST_DAY, text=part)
    if field is not WEEKDAY:
        return None
    if "#" in part:
        weekday, _, nth = part.partition("#")
        if nth not in ("1", "2", "3", "4", "5"):
            fail(
                "a week of the month between 1 and 5 after '#'",
                part,
                "write for example '1#2', second Monday",
            )
        day = _parse_value(weekday, part, field, fail) % 7
        return Item(kind=ItemKind.NTH_WEEKDAY, text=part, start=day, stop=day, nth=int(nth))
    if lowered.startswith("l") and lowered != "l":
        if not (lowered[1:].isascii() and lowered[1:].isdigit() and int(lowered[1:]) <= 7):
            fail("a weekday number between 0 and 7 after 'L'", part, "write for example 'L5', last Friday")
        day = int(lowered[1:]) % 7
        return Item(kind=ItemKind.LAST_WEEKDAY, text=part, start=day, stop=day)
    return None


def _parse_step(part: str, text: str, field: Field, fail: Fail) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) == 0:
        fail(f"a step of 1 or more after '/' in the {field.name} field", part, "write for example '*/2'")
    step = int(text)
    if step > field.size:
        fail(
            f"a step of at most {field.size} in the {field.name} field",
            part,
            "a cron step starts again in each period and cannot span several; use several cron strings "
            "that together name the times",
        )
    return step


def _parse_value(text: str, part: str, field: Field, fail: Fail) -> int:
    named = field.names.get(text.lower())
    if named is not None:
        return named
    high = 7 if field is WEEKDAY else field.high
    if text.isascii() and text.isdigit() and field.low <= int(text) <= high:
        return int(text)
    words = f" or one of {', '.join(field.names)}" if field.names else ""
    fail(
        f"a number between {field.low} and {high}{words} in the {field.name} field",
        part,
        f"correct {text!r}" if text else "remove the empty place",
    )
