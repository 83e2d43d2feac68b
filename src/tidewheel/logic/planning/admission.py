"""Which queued runs start now, and for every other one the reason why it waits.

Runs are taken by priority (semantics D7). Among runs of the same priority the origins (schedule, event, backfill, manual)
share the slots: the next run is of the origin that has the fewest slots for its weight, and its oldest. A run waits for
its moment (``not_before``), for other runs (``after``), for its code location, for a free slot of the global limit, for a
tag limit (D9) or for a pool (D12); a run that waits for anything but a slot holds up no other.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, Optional, Union

import msgspec

from tidewheel.values.records import RunRecord
from tidewheel.values.status import RunOrigin, RunStatus
from tidewheel.values.texts import counted

UNLIMITED = -1


class TagLimit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """At most ``limit`` runs in progress with tag ``key`` (and ``value``, if given).

    ``per_value``: every distinct value of the tag has a limit of its own.
    """

    key: str
    limit: int
    value: Optional[str] = None
    per_value: bool = False


class WaitsForSlot(msgspec.Struct, frozen=True, kw_only=True, tag="slot"):
    """All slots of the instance are taken."""

    limit: int

    def describe(self) -> str:
        """One sentence for people."""
        return f"all {self.limit} run slots are taken (setting max_concurrent_runs)"


class WaitsForTagLimit(msgspec.Struct, frozen=True, kw_only=True, tag="tag_limit"):
    """As many runs of this tag as allowed are in progress."""

    key: str
    value: str
    limit: int

    def describe(self) -> str:
        """One sentence for people."""
        return (
            f"{counted(self.limit, 'run')} with tag {self.key}={self.value} in progress, which is the limit"
        )


class WaitsForLocation(msgspec.Struct, frozen=True, kw_only=True, tag="location"):
    """The run's code location is not loaded."""

    location: str

    def describe(self) -> str:
        """One sentence for people."""
        return f"code location {self.location!r} is not loaded; see 'tidewheel doctor'"


class WaitsForTime(msgspec.Struct, frozen=True, kw_only=True, tag="time"):
    """The run must not start before a moment (a delayed retry)."""

    until: float

    def describe(self) -> str:
        """One sentence for people."""
        return "its retry delay has not passed"


class WaitsForRuns(msgspec.Struct, frozen=True, kw_only=True, tag="runs"):
    """Other runs have to end first."""

    run_ids: tuple[str, ...]

    def describe(self) -> str:
        """One sentence for people."""
        more = f" and {len(self.run_ids) - 1} more" if len(self.run_ids) > 1 else ""
        return f"run {self.run_ids[0]}{more} has to end first"


class WaitsForPool(msgspec.Struct, frozen=True, kw_only=True, tag="pool"):
    """Every step that it could begin with needs a slot of a pool that has none left (or any step, by setting)."""

    pool: str
    slots: int

    def describe(self) -> str:
        """One sentence for people."""
        return f"pool {self.pool!r} has {counted(self.slots, 'slot')}, and no free one; see 'tidewheel pool list'"


WaitReason = Union[WaitsForSlot, WaitsForTagLimit, WaitsForLocation, WaitsForTime, WaitsForRuns, WaitsForPool]


class QueueShares(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The weights by which origins share the slots when more runs wait than there are slots."""

    schedule: float = 3.0
    event: float = 3.0
    backfill: float = 1.0
    manual: float = 3.0

    def of(self, origin: RunOrigin) -> float:
        """An origin's weight; never quite nought, so that every origin gets on in the end."""
        weight: float = getattr(self, origin.value)
        return max(weight, 1e-6)


class PoolNeeds(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The pools of a run's steps: of any, and of each step that it can begin with (None: of no pool)."""

    any: frozenset[str] = frozenset()
    first: tuple[Optional[str], ...] = ()


class AdmissionFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Queued runs, oldest first within a priority; runs that hold a slot; the limits; the loaded locations.

    ``unfinished``: of the runs that others come after, those that have not ended. ``pool_slots``: the limits of pools
    that have one; ``pool_held``: the slots that steps hold; ``pool_needs``: by run, queued or in progress.
    """

    queued: Sequence[RunRecord]
    in_progress: Sequence[RunRecord]
    max_concurrent_runs: int
    now: float
    locations: frozenset[str]
    tag_limits: Sequence[TagLimit] = ()
    shares: QueueShares = QueueShares()
    unfinished: frozenset[str] = frozenset()
    pool_slots: Mapping[str, int] = msgspec.field(default_factory=dict)
    pool_held: Mapping[str, int] = msgspec.field(default_factory=dict)
    pool_needs: Mapping[str, PoolNeeds] = msgspec.field(default_factory=dict)
    pool_granularity: Literal["op", "run"] = "op"


class AdmissionDecision(msgspec.Struct, frozen=True, kw_only=True):
    """Runs to launch in this order; for the others the first reason found; when a delayed one may start.

    ``free``: slots that nobody took, though runs may wait.
    """

    launch: tuple[str, ...]
    waits: Mapping[str, WaitReason]
    wake_at: Optional[float] = None
    free: int = 0


def decide_admission(facts: AdmissionFacts) -> AdmissionDecision:
    """What the queue does now."""
    room = _Room(facts)
    launch: list[str] = []
    waits: dict[str, WaitReason] = {}
    for run in _in_turn(facts, room):
        reason = room.reason_against(run)
        if reason is None:
            launch.append(run.run_id)
            room.take(run)
        else:
            waits[run.run_id] = reason
    moments = [reason.until for reason in waits.values() if isinstance(reason, WaitsForTime)]
    return AdmissionDecision(
        launch=tuple(launch), waits=waits, wake_at=min(moments, default=None), free=max(room.free, 0)
    )


def _in_turn(facts: AdmissionFacts, room: _Room) -> Iterator[RunRecord]:
    """The queued runs in the order in which they are asked; it depends on which of them were let in."""
    levels: dict[int, dict[RunOrigin, deque[tuple[int, RunRecord]]]] = defaultdict(lambda: defaultdict(deque))
    for place, run in enumerate(facts.queued):
        levels[run.priority][run.origin].append((place, run))
    for priority in sorted(levels, reverse=True):
        waiting = levels[priority]
        while waiting:
            origin = min(waiting, key=lambda one: (room.share_used(one), waiting[one][0][0]))
            _, run = waiting[origin].popleft()
            if not waiting[origin]:
                del waiting[origin]
            yield run


class _Room:
    """What is left of the limits while runs are let in."""

    def __init__(self, facts: AdmissionFacts) -> None:
        self._facts = facts
        unlimited = facts.max_concurrent_runs == UNLIMITED
        self.free = len(facts.queued) if unlimited else facts.max_concurrent_runs - len(facts.in_progress)
        self._tags: Counter[tuple[str, Optional[str]]] = Counter()
        self._origins: Counter[RunOrigin] = Counter()
        self._pools: Counter[str] = Counter(facts.pool_held if facts.pool_granularity == "op" else {})
        for run in facts.in_progress:
            self._count(run, holds_slots=run.status is not RunStatus.STARTING)

    def share_used(self, origin: RunOrigin) -> float:
        """How much of its share an origin has."""
        return self._origins[origin] / self._facts.shares.of(origin)

    def take(self, run: RunRecord) -> None:
        """A run is let in."""
        self.free -= 1
        self._count(run, holds_slots=False)

    def _count(self, run: RunRecord, *, holds_slots: bool) -> None:
        """``holds_slots``: whether the slots of its steps are among the held ones already."""
        self._origins[run.origin] += 1
        self._tags.update(bucket for bucket, _ in _buckets(run, self._facts.tag_limits))
        needs = self._facts.pool_needs.get(run.run_id)
        if needs is None:
            return
        if self._facts.pool_granularity == "run":
            self._pools.update(needs.any)
        elif not holds_slots:
            self._pools.update(pool for pool in needs.first if pool is not None)

    def reason_against(self, run: RunRecord) -> WaitReason | None:
        """Why a run cannot start now; None when it can."""
        facts = self._facts
        if run.not_before is not None and run.not_before > facts.now:
            return WaitsForTime(until=run.not_before)
        before = tuple(run_id for run_id in run.after if run_id in facts.unfinished)
        if before:
            return WaitsForRuns(run_ids=before)
        if run.location not in facts.locations:
            return WaitsForLocation(location=run.location)
        for bucket, limit in _buckets(run, facts.tag_limits):
            if self._tags[bucket] >= limit:
                return WaitsForTagLimit(key=bucket[0], value=bucket[1] or run.tags[bucket[0]], limit=limit)
        full = self._full_pool(run)
        if full is not None:
            return WaitsForPool(pool=full, slots=facts.pool_slots[full])
        if self.free <= 0:
            return WaitsForSlot(limit=facts.max_concurrent_runs)
        return None

    def _full_pool(self, run: RunRecord) -> str | None:
        needs = self._facts.pool_needs.get(run.run_id)
        if needs is None:
            return None
        if self._facts.pool_granularity == "run":
            return next((pool for pool in sorted(needs.any) if self._is_full(pool)), None)
        if not needs.first or any(pool is None or not self._is_full(pool) for pool in needs.first):
            return None
        return needs.first[0]

    def _is_full(self, pool: str) -> bool:
        slots = self._facts.pool_slots.get(pool)
        return slots is not None and self._pools[pool] >= slots


def _buckets(run: RunRecord, limits: Sequence[TagLimit]) -> list[tuple[tuple[str, Optional[str]], int]]:
    """The counters that a run uses, with their limits. One counter per limit, or per value of its tag."""
    result = []
    for limit in limits:
        value = run.tags.get(limit.key)
        if value is None or (limit.value is not None and value != limit.value):
            continue
        bucket = (limit.key, value if limit.per_value or limit.value is not None else None)
        result.append((bucket, limit.limit))
    return result
