"""Reads from the ledger the rows that facts about assets and checks are made of.

The number of questions to the ledger is fixed: it grows neither with the assets nor with their partitions nor with
the events (but for lists that are too long for one statement).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Optional

import msgspec

from tidewheel.logic.conditions.facts import RunRef
from tidewheel.logic.conditions.reads import Fact
from tidewheel.logic.conditions.subjects import ConditionGraph, Key
from tidewheel.logic.partitions.definitions import PartitionView
from tidewheel.runtime.conditions.condition_kept import CHECKED, KEPT, Known, Place
from tidewheel.storage.ports.ledger import LedgerPort
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
PLANNED = EventType.ASSET_MATERIALIZATION_PLANNED.value
CHECK_PLANNED = EventType.ASSET_CHECK_EVALUATION_PLANNED.value
STARTED = EventType.RUN_START.value

AT_ONCE = 5_000
"""The most names in one question to the ledger."""
OF_ALL_PARTITIONS = Fact.PRODUCERS | Fact.UPDATE_TIMES | Fact.BEHIND
OF_PRODUCERS = Fact.PRODUCERS | Fact.NEW_PRODUCERS | Fact.BEHIND


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
    check_events: dict[Key, list[StoredEvent]] = {}
    """What has happened to checks: all that counts, or of known ones what is new."""
    read: dict[str, Optional[Collection[str]]] = {}
    """Of assets of which something is asked of all partitions, those that were read; None: all."""
    runs: dict[str, RunRef] = {}
    records: dict[str, RunRecord] = {}


class RowReader:
    """Reads the rows about subjects of one graph, of which so much is asked."""

    def __init__(self, graph: ConditionGraph, needs: Mapping[Key, Fact], known: Known) -> None:
        self._graph = graph
        self._needs = needs
        self._known = known

    def read(
        self,
        ledger: LedgerPort,
        keys: Collection[Key],
        events: dict[str, list[StoredEvent]],
        *,
        new: Sequence[StoredEvent],
        places: Mapping[str, Collection[str]],
        view: PartitionView,
    ) -> Rows:
        """The rows about some assets and checks.

        `events`: the updates since their readers last looked. `new`: all that has happened since the last reading, and
        `places`: by asset, the partitions that something has
        happened to since the last reading; of what is known already, only they are read.
        """
        rows = Rows(events=events)
        for key in keys:
            if self._graph[key].partitions is not None and key.kind == "asset" and self._needs[key] & KEPT:
                is_first = bool(self._needs[key] & Fact.BEHIND)
                touched = places.get(key.name, ())
                rows.read[key.name] = None if is_first else self._known.to_read(key, touched, view)
        assets = sorted({key.name if key.kind == "asset" else asset_of(key) for key in keys})
        rows.states = ledger.get_asset_states(assets)
        self._read_partitions(ledger, rows, [key for key in keys if key.kind == "asset"])
        self._read_versions(ledger, rows, [key for key in keys if key.kind == "asset"])
        self._read_checks(ledger, rows, [key for key in keys if key.kind == "check"], new, view)
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
        for some, partitions in self._by_partitions(rows, wanted):
            rows.partitions.update(ledger.get_partition_rows(some, partitions))
        canceled = self._asked(assets, Fact.CANCELED)
        for some, partitions in self._by_partitions(rows, canceled):
            for stored in ledger.get_newest_events((PLANNED, MADE), some, partitions=partitions):
                place = (stored.event.asset or "", stored.event.partition)
                if stored.event.type.value == PLANNED:
                    rows.plans[place] = stored
                else:
                    rows.plans.pop(place, None)

    @staticmethod
    def _by_partitions(rows: Rows, assets: Iterable[str]) -> Iterator[tuple[list[str], list[str] | None]]:
        """The assets to read as a whole, and those to read some partitions of, with these."""
        whole = [asset for asset in assets if rows.read.get(asset) is None]
        some = {asset: read for asset in assets if (read := rows.read.get(asset)) is not None}
        if whole:
            yield whole, None
        partitions = sorted({one for read in some.values() for one in read})
        if partitions:
            yield sorted(some), partitions

    def _read_versions(self, ledger: LedgerPort, rows: Rows, assets: list[Key]) -> None:
        asked: dict[str, list[StoredEvent]] = {}
        for key in assets:
            is_observable = self._graph[key].asset_kind == "observable"
            kind = SEEN if is_observable else MADE
            if is_observable or self._needs.get(key, Fact.NONE) & Fact.VERSIONS:
                mine = [one for one in rows.events.get(key.name, ()) if one.event.type.value == kind]
                if mine:
                    asked[key.name] = mine
        whole = [name for name in asked if self._graph[Key("asset", name)].partitions is None]
        for names, is_whole in ((whole, True), (sorted(asked.keys() - set(whole)), False)):
            if not names:
                continue
            first = min(asked[name][0].id for name in names)
            keys = {one.event.partition for name in names for one in asked[name]}
            partitions = None if is_whole else sorted(one for one in keys if one is not None)
            for stored in ledger.get_newest_events(
                (MADE, SEEN), names, partitions=partitions, before_id=first
            ):
                event = stored.event
                kind = asked[event.asset or ""][0].event.type.value
                if (
                    event.type.value == kind
                ):  # in the order of ids: of an asset without partitions the newest stays
                    place = None if is_whole else event.partition
                    rows.versions[event.asset or "", place] = data_version(event)

    def _read_checks(
        self,
        ledger: LedgerPort,
        rows: Rows,
        checks: list[Key],
        new: Sequence[StoredEvent],
        view: PartitionView,
    ) -> None:
        if not checks:
            return
        assets = sorted({asset_of(key) for key in checks})
        wanted = set(checks)
        rows.check_states = ledger.get_check_states(assets)
        unknown = {key for key in checks if self._known.check(key) is None}
        if unknown:
            asked = sorted({asset_of(key) for key in unknown})
            for stored in ledger.get_newest_events((CHECK_PLANNED, CHECKED), asked):
                if (key := check_key(stored.event)) in unknown:
                    rows.check_events.setdefault(key, []).append(stored)
        for stored in new:
            if stored.event.type.value in (CHECK_PLANNED, CHECKED):
                key = check_key(stored.event)
                if key in wanted and key not in unknown:
                    rows.check_events.setdefault(key, []).append(stored)
        for key in checks:
            self._known.take_check(key, rows.check_events.get(key, ()), view)

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
            state, known = rows.check_states.get(key.name), self._known.check(key)
            if state is not None and state.last_run_id:
                yield state.last_run_id
            if known is not None and known.attempt is not None and known.attempt.type.value == CHECK_PLANNED:
                yield known.attempt.run_id
            return
        is_partitioned = self._graph[key].partitions is not None
        state_of_asset = rows.states.get(key.name)
        if state_of_asset is not None and not is_partitioned:
            if needs & OF_PRODUCERS:
                yield state_of_asset.last_materialization_run_id or ""
            if needs & Fact.FAILURE_TIMES:
                yield state_of_asset.last_failed_run_id or ""
        of_those_read = rows.partitions.get(key.name, ())
        if needs & (Fact.PRODUCERS | Fact.BEHIND):
            yield from {row.last_materialization_run_id or "" for row in of_those_read}
        if needs & Fact.FAILURE_TIMES:
            yield from {row.failed_run_id or "" for row in of_those_read}
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
