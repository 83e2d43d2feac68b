"""Which queued runs start now, and for every other one the reason why it waits.

Runs are taken by priority, then by age (semantics D7). A run waits for its moment (``not_before``), for its code
location, for a free slot of the global limit, or for a tag limit (D9); a run that waits for a tag limit does not hold up
later ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Optional, Union

import msgspec

from tidewheel.values.records import RunRecord

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
        return f"{self.limit} run(s) with tag {self.key}={self.value} are in progress, which is the limit"


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


WaitReason = Union[WaitsForSlot, WaitsForTagLimit, WaitsForLocation, WaitsForTime]


class AdmissionFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Queued runs in order of priority and age, runs that hold a slot, the limits, the loaded locations."""

    queued: Sequence[RunRecord]
    in_progress: Sequence[RunRecord]
    max_concurrent_runs: int
    now: float
    locations: frozenset[str]
    tag_limits: Sequence[TagLimit] = ()


class AdmissionDecision(msgspec.Struct, frozen=True, kw_only=True):
    """Runs to launch in this order; for the others the first reason found; when a delayed one may start."""

    launch: tuple[str, ...]
    waits: Mapping[str, WaitReason]
    wake_at: Optional[float] = None


def decide_admission(facts: AdmissionFacts) -> AdmissionDecision:
    """What the queue does now."""
    used: Counter[tuple[str, Optional[str]]] = Counter()
    for run in facts.in_progress:
        used.update(bucket for bucket, _ in _buckets(run, facts.tag_limits))
    free = _free_slots(facts)
    launch: list[str] = []
    waits: dict[str, WaitReason] = {}
    for run in facts.queued:
        reason = _first_reason(run, facts, used, free - len(launch))
        if reason is not None:
            waits[run.run_id] = reason
            continue
        launch.append(run.run_id)
        used.update(bucket for bucket, _ in _buckets(run, facts.tag_limits))
    moments = [reason.until for reason in waits.values() if isinstance(reason, WaitsForTime)]
    return AdmissionDecision(launch=tuple(launch), waits=waits, wake_at=min(moments, default=None))


def _free_slots(facts: AdmissionFacts) -> int:
    if facts.max_concurrent_runs == UNLIMITED:
        return len(facts.queued)
    return facts.max_concurrent_runs - len(facts.in_progress)


def _first_reason(
    run: RunRecord, facts: AdmissionFacts, used: Counter[tuple[str, Optional[str]]], free: int
) -> WaitReason | None:
    if run.not_before is not None and run.not_before > facts.now:
        return WaitsForTime(until=run.not_before)
    if run.location not in facts.locations:
        return WaitsForLocation(location=run.location)
    for bucket, limit in _buckets(run, facts.tag_limits):
        if used[bucket] >= limit:
            return WaitsForTagLimit(key=bucket[0], value=bucket[1] or run.tags[bucket[0]], limit=limit)
    if free <= 0:
        return WaitsForSlot(limit=facts.max_concurrent_runs)
    return None


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
