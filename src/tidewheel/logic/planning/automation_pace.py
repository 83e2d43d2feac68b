"""How soon conditions may be evaluated again when they ask for the same thing over and over without getting it.

Evaluation follows events, so a condition that asks anew after each failure would ask as fast as runs can fail. A request
that repeats one whose result has never come makes its sensor wait: half a second, then twice as long each time, up to the
sensor's own interval. A target that keeps its own back-off (`RetryAllowed`) is not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tidewheel.logic.conditions.subjects import ConditionGraph, Key
from tidewheel.logic.partitions.sets import PartitionSet
from tidewheel.logic.planning.automation_owed import policy_of

FIRST_WAIT_S = 0.5
MAX_DOUBLINGS = 16
LEAST_LIMIT_S = 1.0


class Pace:
    """What was requested and has not been made since, by target; and how often it was requested in vain."""

    def __init__(self) -> None:
        self._pending: dict[Key, PartitionSet] = {}
        self._repeats: dict[Key, int] = {}

    def made(self, key: Key, partitions: Iterable[PartitionSet]) -> None:
        """Partitions of a target were made."""
        self._repeats.pop(key, None)
        for one in partitions:
            known = self._pending.get(key)
            if known is not None and known.spec == one.spec:
                left = known - one
                if left:
                    self._pending[key] = left
                else:
                    del self._pending[key]

    def requested(
        self, graph: ConditionGraph, requested: Mapping[Key, PartitionSet], interval_s: float
    ) -> float:
        """Note an evaluation's requests; how many seconds to wait before the next one."""
        worst = 0
        for key, wanted in requested.items():
            known = self._pending.get(key)
            if known is not None and known.spec != wanted.spec:
                known = None
            if known is not None and known & wanted and policy_of(graph, key) is None:
                self._repeats[key] = self._repeats.get(key, 0) + 1
                worst = max(worst, self._repeats[key])
            self._pending[key] = wanted if known is None else known | wanted
        if not worst:
            return 0.0
        wait_s = FIRST_WAIT_S * 2.0 ** min(worst - 1, MAX_DOUBLINGS)
        return min(wait_s, max(interval_s, LEAST_LIMIT_S))
