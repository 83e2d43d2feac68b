"""Makes facts about assets and checks of rows that were read from the ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Optional

import msgspec

from tidewheel.logic.conditions.facts import Attempts, Production, SubjectFacts, Update
from tidewheel.logic.conditions.reads import Fact
from tidewheel.logic.conditions.relations import down_along
from tidewheel.logic.conditions.subjects import ConditionGraph, Key, Subject
from tidewheel.logic.conditions.timeline import Timeline
from tidewheel.logic.freshness import FreshnessState, freshness_state, next_change_s
from tidewheel.logic.partitions import keys as partition_keys
from tidewheel.logic.partitions.codec import fingerprint
from tidewheel.logic.partitions.definitions import MultiPartitions, PartitionView
from tidewheel.logic.partitions.sets import PartitionSet, everything, from_ordinals, nothing
from tidewheel.runtime.conditions.condition_kept import CHECKED, KeptCheck, Known
from tidewheel.runtime.conditions.condition_rows import (
    MADE,
    OF_ALL_PARTITIONS,
    OF_PRODUCERS,
    SEEN,
    Rows,
    asset_of,
    check_key,
    data_version,
)
from tidewheel.storage.bitmaps import load_narrow_ordinals, load_ordinals
from tidewheel.storage.ports.ledger import LedgerPort
from tidewheel.values.events import CheckEvaluation, StoredEvent
from tidewheel.values.records import AssetState, CheckState
from tidewheel.values.status import NOT_FINISHED_STATUSES, RunStatus

_DATED = OF_ALL_PARTITIONS | Fact.NEW_PRODUCERS

Latest = tuple[int, float, str]
"""Of the newest event about a partition: its id, its time, its run (empty without one)."""


class ServerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Facts that the ledger's assets do not tell: failed attempts at what is owed, partitions in backfills."""

    attempts: Mapping[Key, tuple[Attempts, ...]] = msgspec.field(default_factory=dict)
    backfills: Mapping[Key, PartitionSet] = msgspec.field(default_factory=dict)


class _Statuses(NamedTuple):
    """Partitions of an asset by status."""

    made: PartitionSet
    failed: PartitionSet
    running: PartitionSet


class FactMaker:
    """Makes facts of rows that were read."""

    def __init__(
        self,
        ledger: LedgerPort,
        graph: ConditionGraph,
        needs: Mapping[Key, Fact],
        rows: Rows,
        known: Known,
        view: PartitionView,
        own: ServerFacts,
    ) -> None:
        self.known = known
        self.ledger = ledger
        self.graph = graph
        self.needs = needs
        self.rows = rows
        self.view = view
        self.own = own
        self.fresh_until: dict[Key, float] = {}

    def subjects(self, keys: Iterable[Key]) -> dict[Key, SubjectFacts]:
        """The facts by subject."""
        found: dict[Key, SubjectFacts] = {}
        latest: dict[str, dict[str | None, Latest]] = {}
        for name, read in self.rows.read.items():
            self.known.take(
                Key("asset", name),
                self.rows.partitions.get(name, ()),
                self.rows.plans,
                read=read,
                runs=self.rows.runs,
                records=self.rows.records,
                view=self.view,
            )
        for key in keys:
            if key.kind == "asset":
                if self.needs[key] & _DATED:
                    latest[key.name] = self._latest(key)
                found[key] = self._asset(self.graph[key], latest.get(key.name, {}))
            elif key.kind == "check":
                found[key] = self._check(key)
        for key in list(found):
            if key.kind == "asset" and self.needs[key] & Fact.BEHIND:
                stale = self._behind(self.graph[key], latest)
                found[key] = msgspec.structs.replace(found[key], behind=stale, behind_by_version=stale)
        return found

    # -- assets --------------------------------------------------------------------------------------------------------

    def _asset(self, subject: Subject, latest: Mapping[str | None, Latest]) -> SubjectFacts:
        key = subject.key
        needs = self.needs[key]
        statuses = self._statuses(subject, self.rows.states.get(key.name))
        return SubjectFacts(
            made=statuses.made,
            run_in_progress=statuses.running,
            backfill_in_progress=self.own.backfills.get(key),
            failed=statuses.failed - statuses.running,
            canceled=self._canceled(subject) - statuses.running if needs & Fact.CANCELED else None,
            freshness=self._freshness(subject) if needs & Fact.FRESHNESS else None,
            updates=self._updates(subject),
            producers=self._producers(subject, latest) if needs & OF_PRODUCERS else (),
            update_times=self._update_times(subject, statuses.made) if needs & Fact.UPDATE_TIMES else None,
            failure_times=self._failure_times(subject, statuses.failed)
            if needs & Fact.FAILURE_TIMES
            else None,
            attempts=self.own.attempts.get(key, ()),
        )

    def _statuses(self, subject: Subject, state: AssetState | None) -> _Statuses:
        spec, name = subject.partitions, subject.key.name
        if spec is None:
            every, none = everything(None, self.view), nothing(None)
            if state is None:
                return _Statuses(none, none, none)
            return _Statuses(
                every if _exists(subject, state) else none,
                every if state.last_failed_run_id is not None else none,
                every if state.last_planned_run_id is not None else none,
            )
        stored = self.rows.sets.get(name)
        if stored is None:
            return _Statuses(nothing(spec), nothing(spec), nothing(spec))
        # specs live as long as the graph; a long list of static keys is not worth hashing each time
        wanted = self.graph.once(("fingerprint", id(spec)), lambda: fingerprint(spec))
        if stored.spec_fingerprint != wanted:
            found = {key: self._ordinal(subject, key) for key in self.ledger.get_partition_keys(name)}
            known = {key: ordinal for key, ordinal in found.items() if ordinal is not None}
            stored = self.ledger.rebuild_partition_state(name, wanted, known)
        return _Statuses(
            *(_decoded(subject, data) for data in (stored.materialized, stored.failed, stored.in_progress))
        )

    def _latest(self, key: Key) -> dict[str | None, Latest]:
        """The newest materialisation of each partition that is asked for (None: of an unpartitioned asset)."""
        state = self.rows.states.get(key.name)
        if self.graph[key].partitions is None:
            if state is None or state.last_materialization_id is None:
                return {}
            at, run_id = state.last_materialization_at, state.last_materialization_run_id
            return {None: (state.last_materialization_id, at or 0.0, run_id or "")}
        if self.needs[key] & OF_ALL_PARTITIONS:
            return {
                row.partition: (
                    row.last_materialization_id,
                    row.last_materialization_at or 0.0,
                    row.last_materialization_run_id or "",
                )
                for row in self.rows.partitions.get(key.name, ())
                if row.last_materialization_id is not None
            }
        return {
            one.event.partition: (one.id, one.event.timestamp, one.event.run_id)
            for one in self.rows.events.get(key.name, ())
            if one.event.type.value == MADE and one.event.partition is not None
        }

    def _updates(self, subject: Subject) -> tuple[Update, ...]:
        is_observable = subject.asset_kind == "observable"
        kind = SEEN if is_observable else MADE
        mine = [one for one in self.rows.events.get(subject.key.name, ()) if one.event.type.value == kind]
        compares = is_observable or bool(self.needs[subject.key] & Fact.VERSIONS)
        changed = self._version_changes(subject, mine) if compares else {}
        updates = []
        for stored in mine:
            partitions = self._partitions(subject, stored.event.partition)
            if not partitions or (is_observable and not changed[stored.id]):
                continue
            updates.append(
                Update(
                    event_id=stored.id,
                    at=stored.event.timestamp,
                    partitions=partitions,
                    run=self.rows.runs.get(stored.event.run_id),
                    version_changed=changed.get(stored.id, True),
                )
            )
        return tuple(updates)

    def _version_changes(self, subject: Subject, events: list[StoredEvent]) -> dict[int, bool]:
        """Which events have another data version than the one before them; an event without a version has."""
        before: dict[str | None, str | None] = {}
        changed = {}
        for stored in events:
            partition = None if subject.partitions is None else stored.event.partition
            version = data_version(stored.event)
            known = before.get(partition, self.rows.versions.get((subject.key.name, partition)))
            changed[stored.id] = version is None or version != known
            before[partition] = version
        return changed

    def _producers(self, subject: Subject, latest: Mapping[str | None, Latest]) -> tuple[Production, ...]:
        if subject.partitions is not None and self.needs[subject.key] & Fact.PRODUCERS:
            return self.known.producers(subject.key)
        by_run: dict[str, list[str | None]] = defaultdict(list)
        for partition, (_, _, run_id) in latest.items():
            if run_id in self.rows.runs:
                by_run[run_id].append(partition)
        return tuple(
            Production(run=self.rows.runs[run_id], partitions=self._several(subject, partitions))
            for run_id, partitions in sorted(by_run.items())
        )

    def _update_times(self, subject: Subject, made: PartitionSet) -> Timeline:
        kept = self.known.get(subject.key)
        if kept is not None:
            kept.made = kept.made.limited_to(made)  # the very same one, where nothing has changed
            return kept.made
        state = self.rows.states.get(subject.key.name)
        if state is None or state.last_materialization_at is None:
            return Timeline(None)
        return Timeline(None).adding([(state.last_materialization_at, 0)])

    def _failure_times(self, subject: Subject, failed: PartitionSet) -> Timeline:
        kept = self.known.get(subject.key)
        if kept is not None:
            kept.failed = kept.failed.limited_to(failed)
            return kept.failed
        state = self.rows.states.get(subject.key.name)
        run = self.rows.records.get(state.last_failed_run_id or "") if state is not None else None
        return Timeline(None).adding([] if run is None else [(run.ended_at or run.updated_at, 0)])

    def _canceled(self, subject: Subject) -> PartitionSet:
        """The partitions whose newest planned run was cancelled and has not made them."""
        if subject.partitions is not None:
            return self.known.canceled(subject.key)
        found = nothing(subject.partitions)
        for (name, partition), stored in self.rows.plans.items():
            run = self.rows.records.get(stored.event.run_id)
            if name == subject.key.name and run is not None and run.status is RunStatus.CANCELED:
                found = found | self._several(subject, [partition])
        return found

    def _freshness(self, subject: Subject) -> Optional[FreshnessState]:
        rule = subject.asset_spec.freshness if subject.asset_spec is not None else None
        if rule is None:
            return None
        state = self.rows.states.get(subject.key.name)
        updated = state.last_materialization_at if state is not None else None
        until = next_change_s(rule, updated, self.view.now)
        if until is not None:
            self.fresh_until[subject.key] = until
        return freshness_state(rule, updated, self.view.now)

    # -- checks --------------------------------------------------------------------------------------------------------

    def _check(self, key: Key) -> SubjectFacts:
        subject, rows = self.graph[key], self.rows
        every, none = everything(subject.partitions, self.view), nothing(subject.partitions)
        passed = failed = none
        kept = self.known.check(key)
        if subject.partitions is None:
            result = self._current_result(
                kept, rows.check_states.get(key.name), rows.states.get(asset_of(key))
            )
            passed, failed = (every if result is True else none), (every if result is False else none)
        elif kept is not None:
            passed, failed = kept.passed, kept.failed
        running, broken = self._check_attempt(key)
        mine = [
            stored
            for stored in rows.events.get(asset_of(key), ())
            if stored.event.check is not None and check_key(stored.event) == key
        ]
        state = rows.check_states.get(key.name)
        run = rows.runs.get(state.last_run_id or "") if state is not None else None
        return SubjectFacts(
            made=passed | failed,
            run_in_progress=every if running else none,
            failed=every if broken else none,
            check_passed=passed,
            check_failed=failed,
            updates=tuple(
                Update(
                    event_id=stored.id,
                    at=stored.event.timestamp,
                    partitions=self._partitions(subject, stored.event.partition)
                    if subject.partitions
                    else every,
                    run=rows.runs.get(stored.event.run_id),
                )
                for stored in mine
            ),
            producers=() if run is None else (Production(run=run, partitions=every),),
            attempts=self.own.attempts.get(key, ()),
        )

    def _current_result(
        self, kept: KeptCheck | None, state: CheckState | None, asset: AssetState | None
    ) -> Optional[bool]:
        """The result of a check's latest evaluation, if that judged the asset's latest materialisation."""
        if state is None or state.last_evaluation_id is None:
            return None
        made = asset.last_materialization_id if asset is not None else None
        if made is None:
            return state.passed
        found = kept.newest if kept is not None else None
        is_same = found is not None and found.id == state.last_evaluation_id
        payload = found.event.payload if found is not None and is_same else None
        same_run = asset is not None and state.last_run_id == asset.last_materialization_run_id
        if isinstance(payload, CheckEvaluation) and payload.target_event_id is not None:
            is_current = payload.target_event_id == made or (state.last_run_id and same_run)
            return state.passed if is_current else None
        return state.passed if state.last_evaluation_id > made or (state.last_run_id and same_run) else None

    def _check_attempt(self, key: Key) -> tuple[bool, bool]:
        """Whether a run is to run the check, and whether the last one that was to do so failed before it did."""
        kept = self.known.check(key)
        attempt = kept.attempt if kept is not None else None
        if attempt is None or attempt.type.value == CHECKED:
            return False, False
        run = self.rows.records.get(attempt.run_id)
        if run is None:
            return False, False
        return run.status in NOT_FINISHED_STATUSES, run.status is RunStatus.FAILURE

    # -- inputs that are newer -----------------------------------------------------------------------------------------

    def _behind(self, subject: Subject, latest: Mapping[str, Mapping[str | None, Latest]]) -> PartitionSet:
        """For what was never asked before: which made partitions have an input that was made after them.

        The inputs are gone through in the order in which they were made, beside the own partitions in the order of what
        their runs had read to.
        """
        found = nothing(subject.partitions)
        mine = latest.get(subject.key.name, {})
        own = sorted((self._read_to(own_id, run_id), key) for key, (own_id, _, run_id) in mine.items())
        by_run: dict[str, list[str | None]] = defaultdict(list)
        for key, (_, _, run_id) in mine.items():
            by_run[run_id].append(key)
        for dep in subject.deps:
            upstream, older, next_own = self.graph[dep.key], nothing(subject.partitions), 0
            every = everything(upstream.partitions, self.view)
            made = sorted((one[0], one[2], key) for key, one in latest.get(dep.key.name, {}).items())
            for event_id, run_id, partition in made:
                first = next_own
                while next_own < len(own) and own[next_own][0] < event_id:
                    next_own += 1
                if next_own > first:
                    older = older | self._several(subject, [key for _, key in own[first:next_own]])
                stale = older
                if run_id and run_id in by_run:
                    stale = older - self._several(subject, by_run[run_id])
                if stale:
                    one = self._several(upstream, [partition]) & every
                    found = found | (down_along(dep.path, one, self.view) & stale)
        return found

    def _read_to(self, event_id: int, run_id: str) -> int:
        """The newest event that the run behind a partition can have read."""
        run = self.rows.runs.get(run_id)
        return event_id if run is None or run.started_after is None else run.started_after

    # -- partitions ----------------------------------------------------------------------------------------------------

    def _partitions(self, subject: Subject, partition: str | None) -> PartitionSet:
        """The partition of an event; all of an asset without partitions, and nothing if a partitioned one's has none."""
        return self._several(subject, [partition])

    def _several(self, subject: Subject, partitions: Iterable[str | None]) -> PartitionSet:
        if subject.partitions is None:
            return everything(None, self.view) if list(partitions) else nothing(None)
        ordinals = (self._ordinal(subject, key) for key in partitions if key is not None)
        return from_ordinals(subject.partitions, [one for one in ordinals if one is not None])

    def _ordinal(self, subject: Subject, partition: str) -> int | None:
        assert subject.partitions is not None
        ordinal = partition_keys.nameable_ordinal(subject.partitions, partition, self.view)
        return ordinal if ordinal is not None and ordinal >= 0 else None


def _exists(subject: Subject, state: AssetState) -> bool:
    if subject.asset_kind == "observable":
        return state.last_observation_id is not None
    return state.last_materialization_id is not None


def _decoded(subject: Subject, data: bytes) -> PartitionSet:
    if isinstance(subject.partitions, MultiPartitions):
        return from_ordinals(subject.partitions, load_ordinals(data))
    assert subject.partitions is not None
    return from_ordinals(subject.partitions, load_narrow_ordinals(data))
