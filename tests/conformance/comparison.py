"""Compares two documents leaf by leaf and knows the differences that a program declares as deliberate."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

ABSENT = "(absent)"


@dataclass(frozen=True)
class Difference:
    """One place where the documents differ: its path and both values."""

    path: str
    expected: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.path}: Dagster {shorten(self.expected)}, Tidewheel {shorten(self.found)}"


@dataclass(frozen=True)
class Outcome:
    """What a comparison came to: undeclared differences, and declarations that no longer hold."""

    differences: list[Difference]
    stale: list[str]

    @property
    def agrees(self) -> bool:
        """Whether nothing undeclared differs."""
        return not self.differences


def shorten(value: Any, limit: int = 160) -> str:
    """A value for one line of a report."""
    shown = value if value == ABSENT else repr(value)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def compare(expected: Any, found: Any, declared: list[dict[str, str]] | None = None) -> Outcome:
    """Compares; `declared` is a list of {"path": pattern, "reason": why}."""
    remaining, used = [], set()
    patterns = [one["path"] for one in declared or []]
    for difference in leaves_that_differ(expected, found):
        matching = [pattern for pattern in patterns if matches(difference.path, pattern)]
        if matching:
            used.update(matching)
        else:
            remaining.append(difference)
    return Outcome(remaining, [pattern for pattern in patterns if pattern not in used])


def matches(path: str, pattern: str) -> bool:
    """Whether a path is the pattern's, or lies below it. `*` stands for anything."""
    escaped = pattern.replace("[", "[[]")
    return fnmatch.fnmatchcase(path, escaped) or fnmatch.fnmatchcase(path, escaped + " / *")


def leaves_that_differ(expected: Any, found: Any, path: str = "") -> Iterator[Difference]:
    """Every leaf that differs; where one side lacks a whole branch, the branch."""
    if expected == found:
        return
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in [*expected, *(key for key in found if key not in expected)]:
            yield from leaves_that_differ(expected.get(key, ABSENT), found.get(key, ABSENT), join(path, key))
    elif isinstance(expected, list) and isinstance(found, list) and _by_position(expected, found):
        for index, (left, right) in enumerate(zip(expected, found)):
            yield from leaves_that_differ(left, right, join(path, str(index)))
    else:
        yield Difference(path, expected, found)


def _by_position(expected: list[Any], found: list[Any]) -> bool:
    return len(expected) == len(found) and any(isinstance(one, (dict, list)) for one in expected)


def join(path: str, key: str) -> str:
    """A path one step deeper."""
    return f"{path} / {key}" if path else key
