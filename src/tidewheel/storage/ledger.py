"""The ledger itself: every method of the contract as one transaction over the functions of this package."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from tidewheel.storage import assets as asset_rows
from tidewheel.storage import (
    dynamic_partitions,
    intake,
    leases,
    locations,
    run_changes,
    ticks,
    triggers,
    upkeep,
)
from tidewheel.storage import events as event_rows
from tidewheel.storage import partitions as partition_sets
from tidewheel.storage import runs as run_rows
from tidewheel.storage.access import SqlAccess
from tidewheel.storage.audit import SqlAudit
from tidewheel.storage.audited import current_change
from tidewheel.storage.backfills import SqlBackfills
from tidewheel.storage.conditions import Conditions, Owed
from tidewheel.storage.engines.backend import Backend, Unit
from tidewheel.storage.engines.choice import open_backend
from tidewheel.storage.inbox import SqlInbox
from tidewheel.storage.partitions import PartitionChanges
from tidewheel.storage.pools import SqlPools
from tidewheel.storage.ports.access import AccessPort, AuditPort
from tidewheel.storage.ports.backfills import BackfillsPort
from tidewheel.storage.ports.conditions import ConditionsPort, OwedPort
from tidewheel.storage.ports.inbox import InboxPort
from tidewheel.storage.ports.ledger import PartitionResolver
from tidewheel.storage.ports.pools import PoolsPort
from tidewheel.storage.ports.triggers import TriggerPoliciesPort
from tidewheel.storage.trigger_policies import TriggerPolicies
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.events import Event, StoredEvent
from tidewheel.values.inbox import Backlog
from tidewheel.values.records import (
    AssetPartitionState,
    AssetState,
    CheckState,
    DynamicChange,
    EventFilter,
    IntakeBatch,
    IntakeOutcome,
    LocationRecord,
    NewRun,
    PartitionChange,
    PartitionRow,
    RunFilter,
    RunRecord,
    TickCommit,
    TickOutcome,
    TickRecord,
    TriggerRecord,
    UnfinishedRuns,
)
from tidewheel.values.status import RunStatus, TickStatus, TriggerKind, TriggerStatus


class SqlLedger:
    """A ``LedgerPort`` over SQLite or Postgres. Thread-safe."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._resolve: PartitionResolver | None = None
        self.access: AccessPort = SqlAccess(backend, self._write)
        self.audit: AuditPort = SqlAudit(backend, self._write)
        self.inbox: InboxPort = SqlInbox(backend, self._write)
        self.policies: TriggerPoliciesPort = TriggerPolicies(backend.read, self._write)
        self.conditions: ConditionsPort = Conditions(backend, self._write)
        self.owed: OwedPort = Owed(backend, self._write)
        self.backfills: BackfillsPort = SqlBackfills(backend, self._write)
        self.pools: PoolsPort = SqlPools(backend, self._write)

    def use_resolver(self, resolve: PartitionResolver | None) -> None:
        """Give the ledger a way to learn partitions' ordinals, for all calls that do not bring their own."""
        self._resolve = resolve

    @contextmanager
    def _write(self, resolve: PartitionResolver | None = None, *, durable: bool = False) -> Iterator[Unit]:
        change = current_change()
        with self.backend.write(durable=durable) as conn:
            unit = Unit(self.backend, conn, resolve or self._resolve)
            with change.joined_with(unit) if change is not None else nullcontext():
                yield unit
        if change is not None:
            change.note_committed(unit.entry_ids)

    # -- runs ---------------------------------------------------------------------------------------------------
    def create_runs(self, runs: Sequence[NewRun], *, now: float) -> list[RunRecord]:
        changes = PartitionChanges()
        with self._write() as unit:
            stored = run_changes.create(unit, runs, now=now, changes=changes)
            partition_sets.settle(unit, changes)
        return [each.record for each in stored]

    def start_in_process_run(self, run: NewRun, *, now: float) -> RunRecord:
        changes = PartitionChanges()
        with self._write() as unit:
            [stored] = run_changes.create(unit, [run], now=now, changes=changes, in_process=True)
            partition_sets.settle(unit, changes)
        return stored.record

    def get_run(self, run_id: str) -> RunRecord | None:
        with self.backend.read() as conn:
            stored = run_rows.load(conn, run_id)
        return None if stored is None else stored.record

    def get_runs(
        self,
        filters: RunFilter | None = None,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        ascending: bool = False,
    ) -> list[RunRecord]:
        with self.backend.read() as conn:
            return run_rows.load_runs(conn, filters, limit, cursor, ascending)

    def get_run_pages(self, pages: Sequence[tuple[RunFilter, int, str | None]]) -> list[list[RunRecord]]:
        with self.backend.read() as conn:
            return run_rows.load_run_pages(conn, pages)

    def count_runs(self, filters: RunFilter | None = None) -> int:
        with self.backend.read() as conn:
            return run_rows.count_runs(conn, filters)

    def get_unfinished_summary(self) -> dict[RunStatus, UnfinishedRuns]:
        with self.backend.read() as conn:
            return run_rows.load_unfinished_summary(conn)

    def queued_runs(self, *, limit: int) -> list[RunRecord]:
        with self.backend.read() as conn:
            return run_rows.load_queued(conn, limit)

    def queued_by_origin(self, *, limit: int) -> list[RunRecord]:
        with self.backend.read() as conn:
            return run_rows.load_queued_by_origin(conn, limit)

    def get_unfinished(self, run_ids: Sequence[str]) -> list[str]:
        with self.backend.read() as conn:
            return run_rows.load_unfinished(conn, run_ids)

    def set_run_priority(self, run_id: str, priority: int, *, now: float) -> RunRecord | None:
        with self._write() as unit:
            return run_changes.set_priority(unit, run_id, priority, now=now)

    def in_progress_runs(self) -> list[RunRecord]:
        with self.backend.read() as conn:
            return run_rows.load_in_progress(conn)

    def launch_run(self, run_id: str, *, now: float, from_epoch: int | None = None) -> RunRecord | None:
        with self._write() as unit:
            return run_changes.launch(unit, run_id, now=now, from_epoch=from_epoch)

    def finish_run(
        self,
        run_id: str,
        status: RunStatus,
        *,
        now: float,
        message: str,
        reason: str | None = None,
        error: ErrorInfo | None = None,
        expected_epoch: int | None = None,
        retry: NewRun | None = None,
    ) -> RunRecord | None:
        with self._write() as unit:
            return run_changes.finish(
                unit,
                run_id,
                status,
                now=now,
                message=message,
                reason=reason,
                error=error,
                expected_epoch=expected_epoch,
                retry=retry,
            )

    def retry_run(self, run_id: str, retry: NewRun, *, now: float) -> RunRecord | None:
        with self._write() as unit:
            return run_changes.retry_failed(unit, run_id, retry, now=now)

    def request_cancel(self, run_id: str, *, now: float) -> RunRecord | None:
        with self._write() as unit:
            return run_changes.request_cancel(unit, run_id, now=now)

    def note_worker(self, run_id: str, epoch: int, *, pid: int | None, now: float) -> None:
        with self._write() as unit:
            run_changes.note_worker(unit, run_id, epoch, pid=pid, now=now)

    def add_run_tags(self, run_id: str, tags: Mapping[str, str], *, now: float) -> None:
        with self._write() as unit:
            run_changes.add_tags(unit, run_id, tags, now=now)

    def delete_run(self, run_id: str) -> bool:
        with self._write() as unit:
            return run_changes.delete(unit, run_id)

    # -- intake and events --------------------------------------------------------------------------------------
    def commit_intake(
        self,
        batches: Sequence[IntakeBatch],
        *,
        now: float,
        resolve: PartitionResolver | None = None,
        next_attempt: Callable[[RunRecord], NewRun | None] | None = None,
    ) -> list[IntakeOutcome]:
        with self._write(resolve) as unit:
            return intake.commit_batches(unit, batches, now=now, next_attempt=next_attempt)

    def record_events(
        self, events: Sequence[Event], *, resolve: PartitionResolver | None = None
    ) -> list[int]:
        with self._write(resolve) as unit:
            return intake.record(unit, events)

    def get_events(
        self, filters: EventFilter, *, limit: int | None = None, ascending: bool = True
    ) -> list[StoredEvent]:
        with self.backend.read() as conn:
            return event_rows.load_events(conn, filters, limit, ascending)

    def get_newest_events(
        self,
        types: Sequence[str],
        assets: Sequence[str],
        *,
        partitions: Sequence[str] | None = None,
        before_id: int | None = None,
    ) -> list[StoredEvent]:
        with self.backend.read() as conn:
            return event_rows.load_newest(conn, types, assets, partitions, before_id)

    def get_run_log(self, run_id: str, *, after: int = 0, limit: int | None = None) -> list[StoredEvent]:
        with self.backend.read() as conn:
            return event_rows.load_log(conn, run_id, after, limit)

    def count_events(self, filters: EventFilter, limit: int = 100_000) -> Backlog:
        with self.backend.read() as conn:
            return event_rows.count_events(conn, filters, limit)

    def last_event_id(self) -> int:
        with self.backend.read() as conn:
            return event_rows.load_last_id(conn)

    # -- assets -------------------------------------------------------------------------------------------------
    def get_asset_states(self, assets: Sequence[str] | None = None) -> dict[str, AssetState]:
        with self.backend.read() as conn:
            return asset_rows.load_asset_states(conn, assets)

    def get_asset_partition_states(self, assets: Sequence[str]) -> dict[str, AssetPartitionState]:
        with self.backend.read() as conn:
            return partition_sets.load_states(conn, assets, self._resolve)

    def get_partition_events(
        self, asset: str, partitions: Sequence[str] | None = None
    ) -> dict[str, tuple[int, float, str]]:
        with self.backend.read() as conn:
            return partition_sets.load_partition_events(conn, asset, partitions)

    def get_partition_rows(
        self, assets: Sequence[str], partitions: Sequence[str] | None = None
    ) -> dict[str, list[PartitionRow]]:
        with self.backend.read() as conn:
            return partition_sets.load_rows(conn, assets, partitions)

    def get_partition_keys(self, asset: str) -> list[str]:
        with self.backend.read() as conn:
            return partition_sets.load_keys(conn, asset)

    def count_partitions(self, assets: Sequence[str]) -> dict[str, int]:
        with self.backend.read() as conn:
            return partition_sets.count_materialized(conn, assets)

    def rebuild_partition_state(
        self, asset: str, fingerprint: str, ordinals_by_key: Mapping[str, int]
    ) -> AssetPartitionState:
        with self._write() as unit:
            return partition_sets.rebuild(unit, asset, fingerprint, ordinals_by_key)

    def get_check_states(self, assets: Sequence[str] | None = None) -> dict[str, CheckState]:
        with self.backend.read() as conn:
            return asset_rows.load_check_states(conn, assets)

    def wipe_asset(self, asset: str, partitions: Sequence[str] | None = None) -> None:
        with self._write() as unit:
            asset_rows.wipe(unit, asset, partitions)

    # -- triggers and ticks -------------------------------------------------------------------------------------
    def ensure_trigger(
        self,
        trigger_id: str,
        *,
        kind: TriggerKind,
        location: str,
        name: str,
        definition: str | None,
        started_at: float | None,
        frontier: float | None,
        position: int | None,
    ) -> TriggerRecord:
        wanted = TriggerRecord(
            trigger_id=trigger_id,
            kind=kind,
            location=location,
            name=name,
            status=TriggerStatus.DECLARED_IN_CODE,
            version=1,
            started_at=started_at,
            frontier=frontier,
            position=position,
            definition=definition,
        )
        with self._write() as unit:
            return triggers.ensure(unit, wanted)

    def ensure_triggers(self, wanted: Sequence[TriggerRecord]) -> list[TriggerRecord]:
        with self._write() as unit:
            return triggers.ensure_many(unit, wanted)

    def get_trigger(self, trigger_id: str) -> TriggerRecord | None:
        with self.backend.read() as conn:
            return triggers.load(conn, trigger_id)

    def get_triggers(self, location: str | None = None) -> list[TriggerRecord]:
        with self.backend.read() as conn:
            return triggers.load_all(conn, location)

    def update_trigger(
        self,
        trigger_id: str,
        *,
        expected_version: int | None = None,
        status: TriggerStatus | None = None,
        started_at: float | None = None,
        frontier: float | None = None,
        position: int | None = None,
        definition: str | None = None,
        cursor: str | None = None,
        clear_cursor: bool = False,
    ) -> TriggerRecord | None:
        given = {
            "status": status,
            "started_at": started_at,
            "frontier": frontier,
            "position": position,
            "definition": definition,
            "cursor": cursor,
        }
        after: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        if clear_cursor:
            after["cursor"] = None
        if started_at is not None:
            after["failures_in_a_row"] = 0  # whoever starts a trigger forgives it what was before
        with self._write() as unit:
            before = triggers.load(unit.conn, trigger_id)
            if before is None or expected_version not in (None, before.version):
                return None
            return triggers.change(unit, before, after)

    def commit_tick(self, commit: TickCommit) -> TickOutcome:
        with self._write() as unit:
            return ticks.commit(unit, commit)

    def commit_ticks(self, commits: Sequence[TickCommit]) -> list[TickOutcome]:
        with self._write() as unit:
            return ticks.commit_many(unit, commits)

    def get_ticks(
        self,
        trigger_id: str | None = None,
        *,
        statuses: Sequence[TickStatus] | None = None,
        limit: int | None = None,
        before_id: int | None = None,
    ) -> list[TickRecord]:
        with self.backend.read() as conn:
            return ticks.load_ticks(conn, trigger_id, statuses, limit, before_id)

    def get_tick_pages(
        self, pages: Sequence[tuple[str, Sequence[TickStatus] | None, int, int | None]]
    ) -> list[list[TickRecord]]:
        with self.backend.read() as conn:
            return ticks.load_tick_pages(conn, pages)

    def get_tick(self, tick_id: int) -> TickRecord | None:
        with self.backend.read() as conn:
            return ticks.load(conn, tick_id)

    # -- dynamic partitions -------------------------------------------------------------------------------------
    def get_dynamic_partitions(self, name: str) -> list[tuple[str, int]]:
        with self.backend.read() as conn:
            return dynamic_partitions.load(conn, name)

    def get_all_dynamic_partitions(self) -> dict[str, list[tuple[str, int]]]:
        with self.backend.read() as conn:
            return dynamic_partitions.load_all(conn)

    def get_dynamic_changes(self, known: Mapping[str, int]) -> list[DynamicChange]:
        with self.backend.read() as conn:
            return dynamic_partitions.load_changes(conn, known)

    def change_dynamic_partitions(self, change: PartitionChange, *, now: float) -> None:
        with self._write() as unit:
            dynamic_partitions.change(unit, change, now=now)

    # -- locations, settings, leases ----------------------------------------------------------------------------
    def put_location(self, record: LocationRecord) -> None:
        with self._write() as unit:
            locations.put(unit, record)

    def get_locations(self) -> list[LocationRecord]:
        with self.backend.read() as conn:
            return locations.load_all(conn)

    def get_setting(self, key: str) -> str | None:
        with self.backend.read() as conn:
            return locations.load_setting(conn, key)

    def put_setting(self, key: str, value: str | None) -> None:
        with self._write() as unit:
            locations.put_setting(unit, key, value)

    def acquire_lease(self, name: str, holder: str, *, now: float, ttl_s: float) -> int | None:
        with self._write() as unit:
            return leases.acquire(unit, name, holder, now=now, ttl_s=ttl_s)

    def release_lease(self, name: str, holder: str) -> None:
        with self._write() as unit:
            leases.release(unit, name, holder)

    # -- upkeep -------------------------------------------------------------------------------------------------
    def prune(self, *, chatter_before: float | None, ticks_before: float | None, limit: int = 10_000) -> int:
        with self._write() as unit:
            return upkeep.prune(unit, chatter_before=chatter_before, ticks_before=ticks_before, limit=limit)

    def stats(self) -> dict[str, Any]:
        with self.backend.read() as conn:
            return upkeep.load_stats(conn, self.backend.name, self.backend.size_bytes(conn))

    def find_damage(self) -> list[str]:
        with self.backend.read() as conn:
            return self.backend.find_damage(conn)

    def close(self) -> None:
        """Close the database; the ledger cannot be used any more."""
        self.backend.close()


def open_ledger(address: str | Path) -> SqlLedger:
    """The ledger at an address (``:memory:``, a SQLite file or its folder, a database URL), ready for use."""
    return SqlLedger(open_backend(address))
