"""When each of many things is to be looked at next, so that a wake-up costs what is due and not what there is."""

from __future__ import annotations

import heapq
import math


class Agenda:
    """One moment per name (seconds since the epoch). Setting another moment replaces the former one."""

    def __init__(self) -> None:
        self._moments: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []

    def put(self, name: str, moment: float | None) -> None:
        """Look at it then; None: not until something changes."""
        if moment is None or math.isinf(moment):
            self._moments.pop(name, None)
            return
        if self._moments.get(name) != moment:
            self._moments[name] = moment
            heapq.heappush(self._heap, (moment, name))

    def take_due(self, now: float, limit: int | None = None) -> list[str]:
        """Those whose moment has come, at most ``limit`` of them; they are not on the agenda any more."""
        due: list[str] = []
        while self._drop_stale() and self._heap[0][0] <= now and (limit is None or len(due) < limit):
            _, name = heapq.heappop(self._heap)
            del self._moments[name]
            due.append(name)
        return due

    def next_moment(self) -> float | None:
        """The first moment of all."""
        return self._heap[0][0] if self._drop_stale() else None

    def get(self, name: str) -> float | None:
        """Its moment."""
        return self._moments.get(name)

    def keep_only(self, names: set[str]) -> None:
        """Forget all others."""
        for gone in self._moments.keys() - names:
            del self._moments[gone]

    def _drop_stale(self) -> bool:
        """Remove replaced entries from the front; whether anything is left."""
        while self._heap and self._moments.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return bool(self._heap)
