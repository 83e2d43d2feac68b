"""What is known of all partitions of assets, kept up by those that change: a round reads what changed, not what there is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Optional

import msgspec
from pyroaring import BitMap, BitMap64

from tidewheel.logic.conditions.facts import Production, RunRef
from tidewheel.logic.conditions.reads import Fact
from tidewheel.logic.conditions.run_interest import Likeness, RunInterest, run_of
from tidewheel.logic.conditions.subjects import ConditionGraph, Key
from tidewheel.logic.conditions.timeline import Entry, Timeline
from tidewheel.logic.partitions import keys as partition_keys
from tidewheel.logic.partitions.definitions import (
    DynamicPartitions,
    MultiPartitions,
    PartitionsSpec,
    PartitionView,
)
from tidewheel.logic.partitions.sets import PartitionSet, from_ordinals, nothing
from tidewheel.values.events import CheckEvaluation, Event, EventType, StoredEvent
from tidewheel.values.records import PartitionRow, RunRecord
from tidewheel.values.status import RunStatus

CHECKED = EventType.ASSET_CHECK_EVALUATION.value
KEPT = Fact.PRODUCERS | Fact.UPDATE_TIMES | Fact.FAILURE_TIMES | Fact.CANCELED | Fact.BEHIND
"""What is asked of all partitions at once: what is known of them is kept."""

NO_INTEREST = RunInterest()
Place = tuple[str, str | None]
"""An asset and a partition of it, or None."""


class KeptCheck(msgspec.Struct):
    """What is known of a check: what happened last (a plan or a result), its newest result, and those by partition."""

    passed: PartitionSet
    failed: PartitionSet
    attempt: Optional[Event] = None
    newest: Optional[StoredEvent] = None


class Kept(msgspec.Struct):
    """What is known of the partitions of one asset.

    `producers`: of runs that are alike to all conditions, which partitions they made last. `made`, `failed`: when each
    partition was made last, or its last run failed. `canceled`: whose newest run was cancelled. `names`: the numbers that
    dynamic keys had got when it was read.
    """

    producers: dict[Likeness, BitMap | BitMap64]
    made: Timeline
    failed: Timeline
    canceled: BitMap | BitMap64
    names: dict[str, int]


class Known:
    """Assets of which conditions ask something about all partitions, and checks."""

    def __init__(self, graph: ConditionGraph, interests: Mapping[Key, RunInterest]) -> None:
        self._graph = graph
        self._interests = interests
        self._kept: dict[Key, Kept] = {}
        self._checks: dict[Key, KeptCheck] = {}

    def forget(self) -> None:
        """Something was changed in the past: everything is read again."""
        self._kept.clear()
        self._checks.clear()

    def get(self, key: Key) -> Kept | None:
        """What is known of an asset, if it was read."""
        return self._kept.get(key)

    def to_read(self, key: Key, touched: Iterable[str], view: PartitionView) -> set[str] | None:
        """The partitions of an asset that have to be read; None: all of them.

        Those that something happened to, and those whose keys have been added since: they may have been made before.
        """
        kept = self._kept.get(key)
        if kept is None:
            return None
        found = set(touched)
        spec = self._graph[key].partitions
        names = _numbers(spec, view)
        if names != kept.names:
            if not isinstance(spec, DynamicPartitions):
                return None
            keys = view.keys_of(spec)
            found.update(keys.since(kept.names.get(spec.name, 0)))
        return found

    def take(
        self,
        key: Key,
        rows: Iterable[PartitionRow],
        plans: Mapping[Place, StoredEvent],
        *,
        read: Collection[str] | None,
        runs: Mapping[str, RunRef],
        records: Mapping[str, RunRecord],
        view: PartitionView,
    ) -> None:
        """Take over rows of the partitions that were `read` (None: all)."""
        spec = self._graph[key].partitions
        assert spec is not None, "only partitioned assets are kept"
        ordinals = _Ordinals(spec, view)
        kept = self._kept.get(key)
        if kept is None or read is None:
            kept = Kept({}, Timeline(spec), Timeline(spec), ordinals.none(), {})
            self._kept[key] = kept
        else:
            gone = ordinals.of(read)
            kept.canceled -= gone  # type: ignore[operator]  # equal widths
            for likeness in list(kept.producers):
                kept.producers[likeness] -= gone  # type: ignore[operator]  # equal widths
                if not kept.producers[likeness]:
                    del kept.producers[likeness]
        kept.names = _numbers(spec, view)
        interest = self._interests.get(key, NO_INTEREST)
        made: list[Entry] = []
        failed: list[Entry] = []
        alike: dict[str, Likeness] = {}
        rows = list(rows)
        for row, ordinal in zip(rows, ordinals.each(row.partition for row in rows), strict=True):
            if ordinal is None:
                continue
            if row.last_materialization_id is not None:
                made.append((row.last_materialization_at or 0.0, ordinal))
            run = runs.get(row.last_materialization_run_id or "")
            if run is not None:
                likeness = alike.get(run.run_id) or alike.setdefault(run.run_id, interest.likeness_of(run))
                made_by = kept.producers.get(likeness)
                if made_by is None:
                    made_by = kept.producers[likeness] = ordinals.none()
                made_by.add(ordinal)
            record = records.get(row.failed_run_id or "")
            if record is not None:
                failed.append((record.ended_at or record.updated_at, ordinal))
        kept.made, kept.failed = kept.made.adding(made), kept.failed.adding(failed)
        for (name, partition), stored in plans.items():
            record = records.get(stored.event.run_id)
            if name == key.name and partition and record and record.status is RunStatus.CANCELED:
                ordinal = ordinals.one(partition)
                if ordinal is not None:
                    kept.canceled.add(ordinal)

    def check(self, key: Key) -> KeptCheck | None:
        """What is known of a check, if it was read."""
        return self._checks.get(key)

    def take_check(self, key: Key, events: Iterable[StoredEvent], view: PartitionView) -> None:
        """Take over what has happened to a check, in the order of ids."""
        spec = self._graph[key].partitions
        kept = self._checks.get(key)
        if kept is None:
            kept = self._checks[key] = KeptCheck(nothing(spec), nothing(spec))
        for stored in events:
            event = stored.event
            kept.attempt = event
            if event.type.value != CHECKED or not isinstance(event.payload, CheckEvaluation):
                continue
            kept.newest = stored
            if spec is not None and event.partition is not None:
                ordinal = _Ordinals(spec, view).one(event.partition)
                one = from_ordinals(spec, [] if ordinal is None else [ordinal])
                passed = event.payload.passed
                kept.passed = kept.passed | one if passed else kept.passed - one
                kept.failed = kept.failed - one if passed else kept.failed | one

    def producers(self, key: Key) -> tuple[Production, ...]:
        """The runs behind the partitions of an asset; those that are alike to all conditions as one."""
        kept, spec = self._kept[key], self._graph[key].partitions
        in_order = sorted(kept.producers.items(), key=lambda one: one[1].min())
        return tuple(
            Production(run=run_of(likeness), partitions=_frozen(spec, bits)) for likeness, bits in in_order
        )

    def canceled(self, key: Key) -> PartitionSet:
        """The partitions whose newest run was cancelled and has not made them."""
        return _frozen(self._graph[key].partitions, self._kept[key].canceled)


class _Ordinals:
    """The ordinals of keys of one definition."""

    def __init__(self, spec: PartitionsSpec, view: PartitionView) -> None:
        self._spec = spec
        self._view = view

    def none(self) -> BitMap | BitMap64:
        return BitMap64() if isinstance(self._spec, MultiPartitions) else BitMap()

    def one(self, partition: str) -> int | None:
        ordinal = partition_keys.nameable_ordinal(self._spec, partition, self._view)
        return ordinal if ordinal is not None and ordinal >= 0 else None

    def each(self, partitions: Iterable[str]) -> Iterator[int | None]:
        """What `one` says of each; a great many in order are cheap."""
        found = partition_keys.nameable_ordinals(self._spec, partitions, self._view)
        return (ordinal if ordinal is not None and ordinal >= 0 else None for ordinal in found)

    def of(self, partitions: Iterable[str]) -> BitMap | BitMap64:
        found = self.none()
        found.update([one for one in self.each(partitions) if one is not None])
        return found


def _frozen(spec: PartitionsSpec | None, bits: BitMap | BitMap64) -> PartitionSet:
    return PartitionSet(spec, type(nothing(spec).bits)(bits))


def _numbers(spec: PartitionsSpec | None, view: PartitionView) -> dict[str, int]:
    """By dynamic definition that a definition is made of, the number that the next key gets."""
    return {one.name: view.keys_of(one).next_ordinal for one in _dynamic(spec)}


def dynamic_names(spec: PartitionsSpec | None) -> tuple[str, ...]:
    """The names of the sets of dynamic keys that a definition is made of."""
    return tuple(one.name for one in _dynamic(spec))


def _dynamic(spec: PartitionsSpec | None) -> list[DynamicPartitions]:
    single = [one for _, one in spec.dimensions] if isinstance(spec, MultiPartitions) else [spec]
    return [one for one in single if isinstance(one, DynamicPartitions)]
