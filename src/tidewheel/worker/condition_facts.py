"""Gathers from the ledger what the evaluation of automation conditions asks for.

A fixed number of batched reads, whatever the number of assets; only what few conditions ask (data versions, cancelled
runs, failed checks) is read asset by asset.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Optional

import msgspec

from tidewheel.logic.conditions.errors import ConditionError
from tidewheel.logic.conditions.facts import (
    ConditionFacts,
    Dated,
    Position,
    Production,
    RunRef,
    SubjectFacts,
    Update,
    UserAnswer,
)
from tidewheel.logic.conditions.memory import Progress
from tidewheel.logic.conditions.reads import Fact, needs_of
from tidewheel.logic.conditions.relations import down_along
from tidewheel.logic.conditions.subjects import ConditionGraph, Key, Subject
from tidewheel.logic.partitions import keys as partition_keys
from tidewheel.logic.partitions.codec import fingerprint
from tidewheel.logic.partitions.definitions import DynamicKeys, MultiPartitions, PartitionView
from tidewheel.logic.partitions.sets import PartitionSet, everything, from_ordinals, nothing
from tidewheel.storage.bitmaps import load_narrow_ordinals, load_ordinals
from tidewheel.storage.ports import LedgerPort
from tidewheel.values.events import (
    CheckEvaluation,
    EventType,
    Materialization,
    Observation,
    StoredEvent,
)
from tidewheel.values.keys import check_text
from tidewheel.values.records import AssetState, CheckState, EventFilter, RunFilter, RunRecord
from tidewheel.values.status import NOT_FINISHED_STATUSES, RunStatus
from tidewheel.values.tags import DATA_VERSION

MADE = EventType.ASSET_MATERIALIZATION.value
SEEN = EventType.ASSET_OBSERVATION.value
CHECKED = EventType.ASSET_CHECK_EVALUATION.value
PLANNED = EventType.ASSET_MATERIALIZATION_PLANNED.value
CHECK_PLANNED = EventType.ASSET_CHECK_EVALUATION_PLANNED.value
FAILED_TO_MAKE = EventType.ASSET_FAILED_TO_MATERIALIZE.value
STARTED = EventType.RUN_START.value

AT_ONCE = 500
"""The most names in one question to the ledger."""

Latest = tuple[int, float, str]
"""Of the newest event about a partition: its id, its time, its run (empty without one)."""


def gather_facts(
    ledger: LedgerPort,
    graph: ConditionGraph,
    targets: Iterable[Key],
    progress: Progress,
    *,
    now: float,
    answers: Mapping[tuple[Key, int, Key], UserAnswer] | None = None,
) -> ConditionFacts:
    """The facts about everything that the targets' conditions ask of, as of the ledger's newest event."""
    return _Gathering(ledger, graph, list(targets), progress, now).facts(answers or {})


def partition_view(ledger: LedgerPort, now: float) -> PartitionView:
    """Which partitions exist at a moment."""
    return PartitionView(
        now=now,
        dynamic_keys={
            name: DynamicKeys(
                keys=tuple(key for key, _ in pairs),
                ordinals=tuple(ordinal for _, ordinal in pairs),
                next_ordinal=1 + max((ordinal for _, ordinal in pairs), default=-1),
            )
            for name, pairs in ledger.get_all_dynamic_partitions().items()
        },
    )


class _Statuses(NamedTuple):
    """Partitions of an asset by status."""

    made: PartitionSet
    failed: PartitionSet
    running: PartitionSet


class _Gathering:
    """One gathering: what it has read so far, and the facts made of it."""

    def __init__(
        self, ledger: LedgerPort, graph: ConditionGraph, targets: list[Key], progress: Progress, now: float
    ) -> None:
        self.ledger = ledger
        self.graph = graph
        self.view = partition_view(ledger, now)
        self.position = Position(now, ledger.last_event_id())
        self.since = _oldest_position(targets, progress)
        self.needs = _needs(graph, targets, progress)
        self.runs: dict[str, RunRef] = {}

    def facts(self, answers: Mapping[tuple[Key, int, Key], UserAnswer]) -> ConditionFacts:
        assets = self._wide_needs()
        names = sorted(assets)
        states = self.ledger.get_asset_states(names)
        statuses = {name: self._statuses(name, states.get(name)) for name in names}
        events = self._new_events(names)
        latest = {
            name: self._latest(name, assets[name], states.get(name), events[name])
            for name in names
            if assets[name] & _DATED
        }
        self._load_runs(events, latest.values())
        subjects: dict[Key, SubjectFacts] = {}
        for name in names:
            key = Key("asset", name)
            subjects[key] = self._asset(
                self.graph[key], assets[name], statuses[name], latest.get(name, {}), events[name]
            )
        checks = sorted(key for key in self.needs if key.kind == "check")
        if checks:
            check_states = self.ledger.get_check_states(sorted({_asset_of(key) for key in checks}))
            for key in checks:
                subjects[key] = self._check(key, states, check_states, events[_asset_of(key)])
        self._add_stale_inputs(subjects, latest)
        return ConditionFacts(
            position=self.position, view=self.view, subjects=subjects, answers=dict(answers)
        )

    def _wide_needs(self) -> dict[str, Fact]:
        """What is needed of assets, with the assets of the checks that are asked for."""
        found: dict[str, Fact] = defaultdict(lambda: Fact.NONE)
        for key, facts in self.needs.items():
            if key.kind == "asset" and key in self.graph.subjects:
                found[key.name] |= facts
            elif key.kind == "check":
                found[_asset_of(key)] |= Fact.NONE
        return found

    # -- reading -----------------------------------------------------------------------------------------------------

    def _statuses(self, name: str, state: AssetState | None) -> _Statuses:
        subject = self.graph[Key("asset", name)]
        spec = subject.partitions
        if spec is None:
            every, none = everything(None, self.view), nothing(None)
            if state is None:
                return _Statuses(none, none, none)
            return _Statuses(
                every if self._exists(subject, state) else none,
                every if state.last_failed_run_id is not None else none,
                every if state.last_planned_run_id is not None else none,
            )
        stored = self.ledger.get_asset_partition_states([name]).get(name)
        wanted = fingerprint(spec)
        if stored is None:
            return _Statuses(nothing(spec), nothing(spec), nothing(spec))
        if stored.spec_fingerprint != wanted:
            found = {key: self._ordinal(subject, key) for key in self.ledger.get_partition_keys(name)}
            known = {key: ordinal for key, ordinal in found.items() if ordinal is not None}
            stored = self.ledger.rebuild_partition_state(name, wanted, known)
        return _Statuses(
            *(
                self._decoded(subject, data)
                for data in (stored.materialized, stored.failed, stored.in_progress)
            )
        )

    def _exists(self, subject: Subject, state: AssetState) -> bool:
        if subject.asset_kind == "observable":
            return state.last_observation_id is not None
        return state.last_materialization_id is not None

    def _decoded(self, subject: Subject, data: bytes) -> PartitionSet:
        if isinstance(subject.partitions, MultiPartitions):
            return from_ordinals(subject.partitions, load_ordinals(data))
        assert subject.partitions is not None
        return from_ordinals(subject.partitions, load_narrow_ordinals(data))

    def _new_events(self, names: list[str]) -> dict[str, list[StoredEvent]]:
        """The events since the oldest position, by asset."""
        found: dict[str, list[StoredEvent]] = defaultdict(list)
        if self.since is None or not names:
            return found
        few = tuple(names) if len(names) <= AT_ONCE else None
        wanted = set(names)
        filters = EventFilter(types=(MADE, SEEN, CHECKED), assets=few, after_id=self.since)
        for stored in self.ledger.get_events(filters):
            asset = stored.event.asset
            if stored.id <= self.position.event_id and asset is not None and asset in wanted:
                found[asset].append(stored)
        return found

    def _latest(
        self, name: str, needs: Fact, state: AssetState | None, events: list[StoredEvent]
    ) -> dict[str | None, Latest]:
        """The newest materialisation of each partition that is asked for (None: of an unpartitioned asset)."""
        if self.graph[Key("asset", name)].partitions is None:
            if state is None or state.last_materialization_id is None:
                return {}
            at, run_id = state.last_materialization_at, state.last_materialization_run_id
            return {None: (state.last_materialization_id, at or 0.0, run_id or "")}
        if needs & _OF_ALL_PARTITIONS:
            return _by_partition(self.ledger.get_partition_events(name))
        new = sorted({one.event.partition for one in events if one.event.partition is not None})
        return _by_partition(self.ledger.get_partition_events(name, new)) if new else {}

    def _load_runs(
        self,
        events: Mapping[str, list[StoredEvent]],
        latest: Iterable[Mapping[str | None, Latest]],
    ) -> None:
        """The runs behind events: their tags, what they planned to make, and the newest event when they began."""
        wanted = {stored.event.run_id for found in events.values() for stored in found}
        wanted.update(run_id for one in latest for _, _, run_id in one.values())
        run_ids = sorted(wanted - {""})
        for at in range(0, len(run_ids), AT_ONCE):
            self._load_some_runs(tuple(run_ids[at : at + AT_ONCE]))

    def _load_some_runs(self, run_ids: tuple[str, ...]) -> None:
        records = {run.run_id: run for run in self.ledger.get_runs(RunFilter(run_ids=run_ids))}
        filters = EventFilter(types=(PLANNED, CHECK_PLANNED, STARTED), run_ids=run_ids)
        planned: dict[str, set[Key]] = defaultdict(set)
        started: dict[str, int] = {}
        for stored in self.ledger.get_events(filters):
            event = stored.event
            if event.type.value == STARTED:
                started.setdefault(event.run_id, stored.id)
            elif event.asset is not None:
                planned[event.run_id].add(_subject_key(event.asset, event.check))
        for run_id in run_ids:
            self.runs[run_id] = _run_ref(run_id, records.get(run_id), planned[run_id], started.get(run_id))

    # -- facts of assets -----------------------------------------------------------------------------------------------

    def _asset(
        self,
        subject: Subject,
        needs: Fact,
        statuses: _Statuses,
        latest: Mapping[str | None, Latest],
        events: list[StoredEvent],
    ) -> SubjectFacts:
        return SubjectFacts(
            made=statuses.made,
            run_in_progress=statuses.running,
            failed=statuses.failed - statuses.running,
            canceled=self._canceled(subject) - statuses.running if needs & Fact.CANCELED else None,
            updates=self._updates(subject, needs, events),
            producers=self._producers(subject, latest) if needs & _PRODUCERS else (),
            update_times=self._dated(subject, latest) if needs & Fact.UPDATE_TIMES else (),
            failure_times=self._failures(subject) if needs & Fact.FAILURE_TIMES else (),
        )

    def _updates(self, subject: Subject, needs: Fact, events: list[StoredEvent]) -> tuple[Update, ...]:
        kind = (
            EventType.ASSET_OBSERVATION
            if subject.asset_kind == "observable"
            else EventType.ASSET_MATERIALIZATION
        )
        mine = [stored for stored in events if stored.event.type is kind]
        compares = subject.asset_kind == "observable" or bool(needs & Fact.VERSIONS)
        changed = self._version_changes(subject, mine, kind) if compares else {}
        updates = []
        for stored in mine:
            partitions = self._partitions(subject, stored.event.partition)
            if not partitions or (subject.asset_kind == "observable" and not changed[stored.id]):
                continue
            updates.append(
                Update(
                    event_id=stored.id,
                    at=stored.event.timestamp,
                    partitions=partitions,
                    run=self.runs.get(stored.event.run_id),
                    version_changed=changed.get(stored.id, True),
                )
            )
        return tuple(updates)

    def _version_changes(
        self, subject: Subject, events: list[StoredEvent], kind: EventType
    ) -> dict[int, bool]:
        """Which events have another data version than the one before them; an event without a version has."""
        before: dict[str | None, str | None] = {}
        changed = {}
        for stored in events:
            partition, version = stored.event.partition, _version(stored)
            if partition not in before:
                before[partition] = self._version_before(subject, partition, kind, stored.id)
            changed[stored.id] = version is None or version != before[partition]
            before[partition] = version
        return changed

    def _version_before(
        self, subject: Subject, partition: str | None, kind: EventType, event_id: int
    ) -> str | None:
        filters = EventFilter(
            types=(kind.value,),
            assets=(subject.key.name,),
            partitions=None if partition is None else (partition,),
            before_id=event_id,
        )
        found = self.ledger.get_events(filters, limit=1, ascending=False)
        return _version(found[0]) if found else None

    def _producers(self, subject: Subject, latest: Mapping[str | None, Latest]) -> tuple[Production, ...]:
        by_run: dict[str, list[str | None]] = defaultdict(list)
        for partition, (_, _, run_id) in latest.items():
            if run_id in self.runs:
                by_run[run_id].append(partition)
        return tuple(
            Production(run=self.runs[run_id], partitions=self._several(subject, partitions))
            for run_id, partitions in sorted(by_run.items())
        )

    def _dated(self, subject: Subject, latest: Mapping[str | None, Latest]) -> tuple[Dated, ...]:
        by_time: dict[float, list[str | None]] = defaultdict(list)
        for partition, (_, at, _) in latest.items():
            by_time[at].append(partition)
        return tuple(
            Dated(at=at, partitions=self._several(subject, partitions))
            for at, partitions in sorted(by_time.items())
        )

    def _failures(self, subject: Subject) -> tuple[Dated, ...]:
        filters = EventFilter(types=(FAILED_TO_MAKE,), assets=(subject.key.name,))
        latest: dict[str | None, float] = {
            stored.event.partition: stored.event.timestamp for stored in self.ledger.get_events(filters)
        }
        return tuple(
            Dated(at=at, partitions=self._several(subject, [partition])) for partition, at in latest.items()
        )

    def _canceled(self, subject: Subject) -> PartitionSet:
        """The partitions whose newest planned run was cancelled and has not made them."""
        filters = EventFilter(types=(PLANNED, MADE), assets=(subject.key.name,))
        newest: dict[str | None, StoredEvent] = {
            stored.event.partition: stored for stored in self.ledger.get_events(filters)
        }
        planned = {one: stored for one, stored in newest.items() if stored.event.type.value == PLANNED}
        found = nothing(subject.partitions)
        for partition, stored in planned.items():
            run = self.ledger.get_run(stored.event.run_id)
            if run is not None and run.status is RunStatus.CANCELED:
                found = found | self._several(subject, [partition])
        return found

    # -- facts of checks -----------------------------------------------------------------------------------------------

    def _check(
        self,
        key: Key,
        assets: Mapping[str, AssetState],
        checks: Mapping[str, CheckState],
        events: list[StoredEvent],
    ) -> SubjectFacts:
        subject = self.graph[key]
        every, none = everything(subject.partitions, self.view), nothing(subject.partitions)
        mine = [one for one in events if one.event.check is not None and _key_of(one) == key]
        passed = failed = none
        if subject.partitions is None:
            state = checks.get(key.name)
            result = self._current_result(state, assets.get(_asset_of(key)))
            passed, failed = (every if result is True else none), (every if result is False else none)
        else:
            for stored in self._evaluations(key):
                one = self._partitions(subject, stored.event.partition)
                payload = stored.event.payload
                if isinstance(payload, CheckEvaluation):
                    passed = passed | one if payload.passed else passed - one
                    failed = failed - one if payload.passed else failed | one
        running, broken = self._check_attempt(key)
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
                    run=self.runs.get(stored.event.run_id),
                )
                for stored in mine
            ),
            producers=self._check_producer(checks.get(key.name), every),
        )

    def _current_result(self, state: CheckState | None, asset: AssetState | None) -> Optional[bool]:
        """The result of a check's latest evaluation, if that judged the asset's latest materialisation."""
        if state is None or state.last_evaluation_id is None:
            return None
        made = asset.last_materialization_id if asset is not None else None
        if made is None:
            return state.passed
        found = self.ledger.get_events(EventFilter(ids=(state.last_evaluation_id,)))
        payload = found[0].event.payload if found else None
        if isinstance(payload, CheckEvaluation) and payload.target_event_id is not None:
            return state.passed if payload.target_event_id == made else None
        same_run = asset is not None and state.last_run_id == asset.last_materialization_run_id
        return state.passed if state.last_evaluation_id > made or (state.last_run_id and same_run) else None

    def _check_attempt(self, key: Key) -> tuple[bool, bool]:
        """Whether a run is to run the check, and whether the last one that was to do so failed before it did."""
        if not self.needs[key] & (Fact.RUNS | Fact.FAILED):
            return False, False
        asset, _, name = key.name.rpartition(":")
        filters = EventFilter(types=(CHECK_PLANNED, CHECKED), assets=(asset,), check=name)
        found = self.ledger.get_events(filters, limit=1, ascending=False)
        if not found or found[0].event.type.value == CHECKED:
            return False, False
        run = self.ledger.get_run(found[0].event.run_id)
        if run is None:
            return False, False
        return run.status in NOT_FINISHED_STATUSES, run.status is RunStatus.FAILURE

    def _check_producer(self, state: CheckState | None, every: PartitionSet) -> tuple[Production, ...]:
        run = self.runs.get(state.last_run_id or "") if state is not None else None
        return () if run is None else (Production(run=run, partitions=every),)

    def _evaluations(self, key: Key) -> list[StoredEvent]:
        asset, _, name = key.name.rpartition(":")
        return self.ledger.get_events(EventFilter(types=(CHECKED,), assets=(asset,), check=name))

    # -- inputs that are newer -----------------------------------------------------------------------------------------

    def _add_stale_inputs(
        self, subjects: dict[Key, SubjectFacts], latest: Mapping[str, Mapping[str | None, Latest]]
    ) -> None:
        """For what was never asked before: which made partitions have an input that was made after them."""
        for key, needs in self.needs.items():
            if not needs & Fact.BEHIND or key.kind != "asset":
                continue
            subject = self.graph[key]
            stale = self._behind(subject, latest)
            subjects[key] = msgspec.structs.replace(subjects[key], behind=stale, behind_by_version=stale)

    def _behind(self, subject: Subject, latest: Mapping[str, Mapping[str | None, Latest]]) -> PartitionSet:
        found = nothing(subject.partitions)
        mine = latest.get(subject.key.name, {})
        for dep in subject.deps:
            theirs = latest.get(dep.key.name, {})
            for partition, (event_id, _, run_id) in theirs.items():
                one = self._several(self.graph[dep.key], [partition]) & everything(
                    self.graph[dep.key].partitions, self.view
                )
                fed = down_along(dep.path, one, self.view)
                for own, (own_id, _, own_run) in mine.items():
                    run = self.runs.get(own_run)
                    read_to = (
                        run.started_after if run is not None and run.started_after is not None else own_id
                    )
                    if event_id > read_to and not (run_id and run_id == own_run):
                        found = found | (fed & self._several(subject, [own]))
        return found

    # -- partitions ------------------------------------------------------------------------------------------------------

    def _partitions(self, subject: Subject, partition: str | None) -> PartitionSet:
        """The partition of an event; nothing if it has none although the asset is partitioned, or the reverse."""
        if (partition is None) != (subject.partitions is None):
            return nothing(subject.partitions)
        return self._several(subject, [partition])

    def _several(self, subject: Subject, partitions: Iterable[str | None]) -> PartitionSet:
        if subject.partitions is None:
            return everything(None, self.view) if None in set(partitions) else nothing(None)
        ordinals = (self._ordinal(subject, key) for key in partitions if key is not None)
        return from_ordinals(subject.partitions, [one for one in ordinals if one is not None])

    def _ordinal(self, subject: Subject, partition: str) -> int | None:
        assert subject.partitions is not None
        ordinal = partition_keys.nameable_ordinal(subject.partitions, partition, self.view)
        return ordinal if ordinal is not None and ordinal >= 0 else None


_OF_ALL_PARTITIONS = Fact.PRODUCERS | Fact.UPDATE_TIMES | Fact.BEHIND
_PRODUCERS = Fact.PRODUCERS | Fact.NEW_PRODUCERS
_DATED = _OF_ALL_PARTITIONS | Fact.NEW_PRODUCERS


def _needs(graph: ConditionGraph, targets: Iterable[Key], progress: Progress) -> dict[Key, Fact]:
    found: dict[Key, Fact] = defaultdict(lambda: Fact.NONE)
    for target in targets:
        if target in graph.problems:
            continue
        memory = progress.targets.get(target)
        try:
            needs = needs_of(graph, target, memory.nodes if memory is not None else ())
        except ConditionError:
            continue  # it names an asset that does not exist: its evaluation says so
        for key, facts in needs.items():
            found[key] |= facts
    return found


def _by_partition(rows: Mapping[str, Latest]) -> dict[str | None, Latest]:
    found: dict[str | None, Latest] = {}
    found.update(rows)
    return found


def _oldest_position(targets: Iterable[Key], progress: Progress) -> int | None:
    """The oldest event id up to which some target has seen events; None before the first evaluation."""
    if progress.position is None:
        return None
    held = (progress.targets[key].held for key in targets if key in progress.targets)
    return min((one.event_id for one in held if one is not None), default=progress.position.event_id)


def _run_ref(run_id: str, record: RunRecord | None, planned: set[Key], started: int | None) -> RunRef:
    if record is None:
        return RunRef(run_id=run_id, targets=frozenset(planned), started_after=started)
    targets = planned or {
        *(Key("asset", name) for name in record.assets or ()),
        *(Key("check", name) for name in record.checks or ()),
    }
    return RunRef(
        run_id=run_id,
        job_name=record.job_name,
        tags=record.tags,
        targets=frozenset(targets),
        started_after=started,
    )


def _subject_key(asset: str, check: str | None) -> Key:
    return Key("asset", asset) if check is None else Key("check", check_text(asset, check))


def _key_of(stored: StoredEvent) -> Key:
    return _subject_key(stored.event.asset or "", stored.event.check)


def _asset_of(key: Key) -> str:
    return key.name.rpartition(":")[0]


def _version(stored: StoredEvent) -> str | None:
    payload: Any = stored.event.payload
    return payload.tags.get(DATA_VERSION) if isinstance(payload, Materialization | Observation) else None
