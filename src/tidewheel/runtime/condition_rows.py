"""Reads from the ledger the rows that facts about assets and checks are made of.

The number of questions to the ledger is fixed: it grows neither with the assets nor with their partitions nor with
the events (but for lists that are too long for one statement).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

import msgspec

from tidewheel.logic.conditions.facts import RunRef
from tidewheel.logic.conditions.reads import Fact
from tidewheel.logic.conditions.subjects import ConditionGraph, Key
from tidewheel.storage.ports import LedgerPort
from tidewheel.values.events import Event, EventType, Materialization, Observation, StoredEvent
from tidewheel.values.keys import check_text
from tidewheel.values.records import (
    AssetPartitionState,
    AssetState,
    CheckState,
    EventFilter,
    PartitionRow,
    RunFilter,
    RunRecord,
)
from tidewheel.values.tags import DATA_VERSION

MADE = EventType.ASSET_MATERIALIZATION.value
SEEN = EventType.ASSET_OBSERVATION.value
CHECKED = EventType.ASSET_CHECK_EVALUATION.value
PLANNED = EventType.ASSET_MATERIALIZATION_PLANNED.value
CHECK_PLANNED = EventType.ASSET_CHECK_EVALUATION_PLANNED.value
STARTED = EventType.RUN_START.value

AT_ONCE = 5_000
"""The most names in one question to the ledger."""
OF_ALL_PARTITIONS = Fact.PRODUCERS | Fact.UPDATE_TIMES | Fact.BEHIND
OF_PRODUCERS = Fact.PRODUCERS | Fact.NEW_PRODUCERS | Fact.BEHIND

Place = tuple[str, str | None]
"""An asset and a partition of it, or None."""


class Rows(msgspec.Struct, kw_only=True):
    """What was read. Events by asset are updates only (made, seen, checked), those that are not too old."""

    events: dict[str, list[StoredEvent]]
    states: dict[str, AssetState] = {}
    sets: dict[str, AssetPartitionState] = {}
    partitions: dict[str, list[PartitionRow]] = {}
    plans: dict[Place, StoredEvent] = {}
    """The newest plan of each place that was not made since; only where cancelled runs are asked for."""
    versions: dict[Place, str | None] = {}
    """Data versions before the events."""
    check_states: dict[str, CheckState] = {}
    check_results: dict[int, Event] = {}
    check_attempts: dict[Key, StoredEvent] = {}
    check_history: dict[Key, list[StoredEvent]] = {}
    runs: dict[str, RunRef] = {}
    records: dict[str, RunRecord] = {}


class RowReader:
    """Reads the rows about subjects of one graph, of which so much is asked."""

    def __init__(self, graph: ConditionGraph, needs: Mapping[Key, Fact]) -> None:
        self._graph = graph
        self._needs = needs

    def read(self, ledger: LedgerPort, keys: Collection[Key], events: dict[str, list[StoredEvent]]) -> Rows:
        """The rows about some assets and checks; `events`: the updates since their readers last looked."""
        rows = Rows(events=events)
        assets = sorted({key.name if key.kind == "asset" else asset_of(key) for key in keys})
        rows.states = ledger.get_asset_states(assets)
        self._read_partitions(ledger, rows, [key for key in keys if key.kind == "asset"])
        self._read_versions(ledger, rows, [key for key in keys if key.kind == "asset"])
        self._read_checks(ledger, rows, [key for key in keys if key.kind == "check"])
        self._read_runs(ledger, rows, keys)
        return rows

    def _asked(self, keys: Iterable[Key], facts: Fact, *, partitioned: bool | None = None) -> list[str]:
        """The names of those of which these facts are asked."""
        return sorted(
            key.name
            for key in keys
            if self._needs.get(key, Fact.NONE) & facts
            and partitioned in (None, self._graph[key].partitions is not None)
        )

    def _read_partitions(self, ledger: LedgerPort, rows: Rows, assets: list[Key]) -> None:
        partitioned = sorted(key.name for key in assets if self._graph[key].partitions is not None)
        if partitioned:
            rows.sets = ledger.get_asset_partition_states(partitioned)
        wanted = self._asked(assets, OF_ALL_PARTITIONS | Fact.FAILURE_TIMES, partitioned=True)
        if wanted:
            rows.partitions = ledger.get_partition_rows(wanted)
        wanted = self._asked(assets, Fact.CANCELED)
        if wanted:
            for stored in ledger.get_newest_events((PLANNED, MADE), wanted):
                place = (stored.event.asset or "", stored.event.partition)
                if stored.event.type.value == PLANNED:
                    rows.plans[place] = stored
                else:
                    rows.plans.pop(place, None)

    def _read_versions(self, ledger: LedgerPort, rows: Rows, assets: list[Key]) -> None:
        asked: dict[str, list[StoredEvent]] = {}
        for key in assets:
            is_observable = self._graph[key].asset_kind == "observable"
            kind = SEEN if is_observable else MADE
            if is_observable or self._needs.get(key, Fact.NONE) & Fact.VERSIONS:
                mine = [one for one in rows.events.get(key.name, ()) if one.event.type.value == kind]
                if mine:
                    asked[key.name] = mine
        if not asked:
            return
        first = min(found[0].id for found in asked.values())
        several = {one.event.partition for found in asked.values() for one in found}
        partitions = None if None in several else sorted(one for one in several if one is not None)
        for stored in ledger.get_newest_events(
            (MADE, SEEN), sorted(asked), partitions=partitions, before_id=first
        ):
            event = stored.event
            kind = asked[event.asset or ""][0].event.type.value
            if event.type.value == kind:
                rows.versions[event.asset or "", event.partition] = data_version(event)

    def _read_checks(self, ledger: LedgerPort, rows: Rows, checks: list[Key]) -> None:
        if not checks:
            return
        assets = sorted({asset_of(key) for key in checks})
        wanted = set(checks)
        rows.check_states = ledger.get_check_states(assets)
        newest = ledger.get_newest_events((CHECK_PLANNED, CHECKED), assets)
        for stored in newest:
            key = check_key(stored.event)
            if key not in wanted:
                continue
            rows.check_attempts[key] = stored
            if stored.event.type.value == CHECKED:
                rows.check_results[stored.id] = stored.event
                rows.check_history.setdefault(key, []).append(stored)

    # -- runs ----------------------------------------------------------------------------------------------------------

    def _read_runs(self, ledger: LedgerPort, rows: Rows, keys: Collection[Key]) -> None:
        wanted = {stored.event.run_id for found in rows.events.values() for stored in found}
        for key in keys:
            wanted.update(self._runs_behind(rows, key))
        run_ids = sorted(wanted - {""})
        for at in range(0, len(run_ids), AT_ONCE):
            load_runs(ledger, tuple(run_ids[at : at + AT_ONCE]), rows.runs, rows.records)

    def _runs_behind(self, rows: Rows, key: Key) -> Iterable[str]:
        needs = self._needs.get(key, Fact.NONE)
        if key.kind == "check":
            state, attempt = rows.check_states.get(key.name), rows.check_attempts.get(key)
            if state is not None and state.last_run_id:
                yield state.last_run_id
            if attempt is not None and attempt.event.type.value == CHECK_PLANNED:
                yield attempt.event.run_id
            return
        is_partitioned = self._graph[key].partitions is not None
        state_of_asset = rows.states.get(key.name)
        if state_of_asset is not None and not is_partitioned:
            if needs & OF_PRODUCERS:
                yield state_of_asset.last_materialization_run_id or ""
            if needs & Fact.FAILURE_TIMES:
                yield state_of_asset.last_failed_run_id or ""
        for row in rows.partitions.get(key.name, ()):
            if needs & (Fact.PRODUCERS | Fact.BEHIND):
                yield row.last_materialization_run_id or ""
            if needs & Fact.FAILURE_TIMES:
                yield row.failed_run_id or ""
        if needs & Fact.CANCELED:
            yield from (one.event.run_id for place, one in rows.plans.items() if place[0] == key.name)


def load_runs(
    ledger: LedgerPort, run_ids: tuple[str, ...], refs: dict[str, RunRef], records: dict[str, RunRecord]
) -> None:
    """Runs: their tags, what they planned to make, and the newest event when they began."""
    records.update({run.run_id: run for run in ledger.get_runs(RunFilter(run_ids=run_ids))})
    planned: dict[str, set[Key]] = defaultdict(set)
    started: dict[str, int] = {}
    filters = EventFilter(types=(PLANNED, CHECK_PLANNED, STARTED), run_ids=run_ids)
    for stored in ledger.get_events(filters):
        event = stored.event
        if event.type.value == STARTED:
            started.setdefault(event.run_id, stored.id)
        elif event.asset is not None:
            planned[event.run_id].add(subject_key(event))
    for run_id in run_ids:
        refs[run_id] = _run_ref(run_id, records.get(run_id), planned[run_id], started.get(run_id))


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


def subject_key(event: Event) -> Key:
    """What an asset event is about."""
    return Key("asset", event.asset or "") if event.check is None else check_key(event)


def check_key(event: Event) -> Key:
    """The check that an event is about."""
    return Key("check", check_text(event.asset or "", event.check or ""))


def asset_of(key: Key) -> str:
    """The asset of a check."""
    return key.name.rpartition(":")[0]


def data_version(event: Event) -> str | None:
    """The data version that an event tells, if it does."""
    payload = event.payload
    return payload.tags.get(DATA_VERSION) if isinstance(payload, Materialization | Observation) else None
