"""Which ready steps may begin beside those that run: the executor's limits, in all and by tag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class StepAdmission:
    """Counts running steps against limits. ``tag_limits``: dicts of ``key``, optional ``value``, and ``limit``.

    ``value`` may be ``{"applyLimitPerUniqueValue": True}``: then each value of the tag has the limit for itself.
    """

    def __init__(self, max_concurrent: int, tag_limits: Sequence[Mapping[str, Any]] = ()) -> None:
        self._max_concurrent = max_concurrent
        self._tag_limits = list(tag_limits)
        self._held: dict[str, list[tuple[int, str]]] = {}
        self._counts: dict[tuple[int, str], int] = {}

    @property
    def running(self) -> int:
        """How many steps run."""
        return len(self._held)

    @property
    def has_room(self) -> bool:
        """Whether another step may begin as far as the number of steps goes."""
        return len(self._held) < self._max_concurrent

    def admit(self, key: str, tags: Mapping[str, str]) -> bool:
        """Count a step as running, if its tags allow it."""
        slots = self._slots(tags)
        if any(self._counts.get(slot, 0) >= self._limit(slot[0]) for slot in slots):
            return False
        self._held[key] = slots
        for slot in slots:
            self._counts[slot] = self._counts.get(slot, 0) + 1
        return True

    def release(self, key: str) -> None:
        """A step has ended."""
        for slot in self._held.pop(key, []):
            self._counts[slot] -= 1

    def _limit(self, index: int) -> int:
        return int(self._tag_limits[index].get("limit", 0))

    def _slots(self, tags: Mapping[str, str]) -> list[tuple[int, str]]:
        slots: list[tuple[int, str]] = []
        for index, rule in enumerate(self._tag_limits):
            given = tags.get(rule["key"])
            if given is None:
                continue
            wanted = rule.get("value")
            if wanted is None:
                slots.append((index, ""))
            elif isinstance(wanted, Mapping):
                slots.append((index, given))
            elif str(wanted) == given:
                slots.append((index, ""))
        return slots
