"""The contract of the ledger: what services, the instance and in-process runs may ask of storage.

One implementation serves SQLite and Postgres (``storage.ledger.SqlLedger``). All methods are synchronous and
thread-safe; every ``commit_`` and every single write is one transaction. Reads see committed data only. Times are
seconds since the epoch, UTC; they are arguments, storage never reads a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional, Protocol, runtime_checkable

from tidewheel.storage.ports.access import AccessPort, AuditPort
from tidewheel.storage.ports.backfills import BackfillsPort
from tidewheel.storage.ports.conditions import ConditionsPort, OwedPort
from tidewheel.storage.ports.inbox import InboxPort
from tidewheel.storage.ports.pools import PoolsPort
from tidewheel.storage.ports.triggers import TriggerPoliciesPort
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

PartitionResolver = Callable[[str, str], Optional[tuple[str, int]]]
"""(asset, partition key) → (fingerprint of the asset's partitions spec, ordinal), or None when it is not known.

It is called inside a transaction: it must be quick, must not raise and must not use the ledger. Methods that take
``resolve`` prefer it to the one that the ledger was given as a whole (``SqlLedger.use_resolver``); methods that do not
take it use that one. What is changed while an ordinal is not known is taken into the partition sets later.
"""


@runtime_checkable
class RangeReader(Protocol):
    """What a partition resolver may know besides: the keys between two."""

    def keys_between(self, asset: str, first: str, last: str, now: float) -> Sequence[str]:
        """The asset's existing keys from the first to the last, both included; none where it has no such partitions."""


class LedgerPort(Protocol):
    """Storage as everybody else sees it. Aggregates with contracts of their own are attributes."""

    access: AccessPort
    audit: AuditPort
    inbox: InboxPort
    backfills: BackfillsPort
    pools: PoolsPort
    conditions: ConditionsPort
    owed: OwedPort

    policies: TriggerPoliciesPort
    """What is kept for triggers' policies; only where the database itself is open."""

    # -- runs ---------------------------------------------------------------------------------------------------
    def create_runs(self, runs: Sequence[NewRun], *, now: float) -> list[RunRecord]:
        """Insert runs as QUEUED with their enqueued and planned events; an id that exists already is left as it is."""

    def start_in_process_run(self, run: NewRun, *, now: float) -> RunRecord:
        """Insert a run that this very process executes: STARTING at once, epoch 1."""

    def get_run(self, run_id: str) -> RunRecord | None: ...

    def get_runs(
        self,
        filters: RunFilter | None = None,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        ascending: bool = False,
    ) -> list[RunRecord]:
        """Newest first (creation order); ``cursor`` is the run id after which to go on."""

    def get_run_pages(self, pages: Sequence[tuple[RunFilter, int, str | None]]) -> list[list[RunRecord]]:
        """For each (filters, limit, cursor) what ``get_runs`` gives, newest first, with one query for many."""

    def count_runs(self, filters: RunFilter | None = None) -> int: ...

    def get_unfinished_summary(self) -> dict[RunStatus, UnfinishedRuns]:
        """By status, the runs that have not ended; statuses without any are left out."""

    def queued_runs(self, *, limit: int) -> list[RunRecord]:
        """QUEUED runs in order of priority (high first), then creation; runs with a later ``not_before`` included."""

    def queued_by_origin(self, *, limit: int) -> list[RunRecord]:
        """The first ``limit`` QUEUED runs of each origin, each origin's in order of priority, then creation."""

    def get_unfinished(self, run_ids: Sequence[str]) -> list[str]:
        """Those of the given runs that exist and have not ended."""

    def set_run_priority(self, run_id: str, priority: int, *, now: float) -> RunRecord | None:
        """Change the priority of a QUEUED run, and its tag; None when it is not QUEUED (any more)."""

    def in_progress_runs(self) -> list[RunRecord]:
        """Runs that hold a slot: STARTING, STARTED, CANCELING."""

    def launch_run(self, run_id: str, *, now: float, from_epoch: int | None = None) -> RunRecord | None:
        """QUEUED → STARTING with ``epoch + 1``; None when it was not QUEUED any more (nothing written).

        With ``from_epoch``: STARTING → STARTING with ``epoch + 1``, if the run is STARTING under that very epoch (a
        launch of which nobody knows whether it arrived).
        """

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
        """End a run from outside (lost worker, ...) and, in the same transaction, create its retry.

        Clears its planned assets. None when it had ended already or ``expected_epoch`` differs.
        """

    def retry_run(self, run_id: str, retry: NewRun, *, now: float) -> RunRecord | None:
        """Create the automatic retry of a run that has failed, and mark the failed one, in one transaction.

        Returns the new run; None when the run has not failed or has been retried (nothing written). Parent, root and
        number of the retry are set here, as in ``finish_run``.
        """

    def request_cancel(self, run_id: str, *, now: float) -> RunRecord | None:
        """QUEUED → CANCELED at once; STARTING/STARTED → CANCELING; None when it has ended or is unknown."""

    def note_worker(self, run_id: str, epoch: int, *, pid: int | None, now: float) -> None:
        """Record the worker's process and a heartbeat."""

    def add_run_tags(self, run_id: str, tags: Mapping[str, str], *, now: float) -> None: ...

    def delete_run(self, run_id: str) -> bool: ...

    # -- intake and events --------------------------------------------------------------------------------------
    def commit_intake(
        self,
        batches: Sequence[IntakeBatch],
        *,
        now: float,
        resolve: PartitionResolver | None = None,
        next_attempt: Callable[[RunRecord], NewRun | None] | None = None,
    ) -> list[IntakeOutcome]:
        """Apply several batches in one transaction: events, run statuses, asset, partition and check states.

        A batch of an older epoch, or of a run that has ended, is refused (terminal statuses are final, F23); events
        already applied (``seq`` not above the run's ``intake_seq``) are skipped. ``next_attempt``: of a failed run, the
        one that tries it again; it is made in the same transaction.
        """

    def record_events(
        self, events: Sequence[Event], *, resolve: PartitionResolver | None = None
    ) -> list[int]:
        """Store events that belong to no worker (reported from outside, engine notes); returns their ids.

        Chatter (log lines, step events) gets ids of its own sequence.
        """

    def get_events(
        self, filters: EventFilter, *, limit: int | None = None, ascending: bool = True
    ) -> list[StoredEvent]:
        """Lasting events (asset and run events) in id order."""

    def get_newest_events(
        self,
        types: Sequence[str],
        assets: Sequence[str],
        *,
        partitions: Sequence[str] | None = None,
        before_id: int | None = None,
    ) -> list[StoredEvent]:
        """Of each asset, check, partition and type the newest event, in id order; ``before_id`` is exclusive."""

    def get_run_log(self, run_id: str, *, after: int = 0, limit: int | None = None) -> list[StoredEvent]:
        """Everything that a run reported, in order, lasting events and chatter together.

        The ids here are positions in this run's log, from 1; ``after`` is exclusive.
        """

    def count_events(self, filters: EventFilter, limit: int = 100_000) -> Backlog:
        """How many lasting events match (counted up to ``limit``), and the time of the oldest."""

    def last_event_id(self) -> int:
        """The newest lasting event's id, 0 when there is none."""

    # -- assets -------------------------------------------------------------------------------------------------
    def get_asset_states(self, assets: Sequence[str] | None = None) -> dict[str, AssetState]: ...

    def get_asset_partition_states(self, assets: Sequence[str]) -> dict[str, AssetPartitionState]:
        """Of those assets of which something is known (``storage.bitmaps`` reads the bytes).

        When the fingerprint is not the current spec's (or empty), call ``rebuild_partition_state`` with the ordinals
        of ``get_partition_keys``.
        """

    def get_partition_events(
        self, asset: str, partitions: Sequence[str] | None = None
    ) -> dict[str, tuple[int, float, str]]:
        """Per materialised partition key: (event id, time, run id) of its latest materialisation."""

    def get_partition_rows(
        self, assets: Sequence[str], partitions: Sequence[str] | None = None
    ) -> dict[str, list[PartitionRow]]:
        """Per asset, what is known of each of its partitions (or of these only): made by which run, failed in which."""

    def get_partition_keys(self, asset: str) -> list[str]:
        """Every partition key of an asset that the ledger knows: made, failed or in progress."""

    def count_partitions(self, assets: Sequence[str]) -> dict[str, int]:
        """By asset, how many of its partitions were ever made; assets without any are left out."""

    def rebuild_partition_state(
        self, asset: str, fingerprint: str, ordinals_by_key: Mapping[str, int]
    ) -> AssetPartitionState:
        """Build an asset's bitmaps again under a spec's fingerprint; keys without an ordinal are left out."""

    def get_check_states(self, assets: Sequence[str] | None = None) -> dict[str, CheckState]:
        """By check text ``asset:check``."""

    def wipe_asset(self, asset: str, partitions: Sequence[str] | None = None) -> None:
        """Forget an asset's (or some partitions') materialisations. Event ids are not used again (F26)."""

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
        """The trigger's record, made (DECLARED_IN_CODE) if missing."""

    def ensure_triggers(self, wanted: Sequence[TriggerRecord]) -> list[TriggerRecord]:
        """Like ``ensure_trigger`` for many: the stored ones of their ids, or else these, which are stored."""

    def get_trigger(self, trigger_id: str) -> TriggerRecord | None: ...

    def get_triggers(self, location: str | None = None) -> list[TriggerRecord]: ...

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
        """Change the given fields and raise the version; None when unknown or the version differs."""

    def commit_tick(self, commit: TickCommit) -> TickOutcome:
        """Write one tick whole (see ``TickCommit``), or nothing when stale.

        For a schedule a second tick of the same nominal time replaces a FAILURE row (a retry) and otherwise is stale.
        """

    def commit_ticks(self, commits: Sequence[TickCommit]) -> list[TickOutcome]:
        """Ticks of different triggers in one transaction; each is stale or not by itself, as with ``commit_tick``.

        Of several ticks of one trigger the first counts, the others are stale.
        """

    def get_ticks(
        self,
        trigger_id: str | None = None,
        *,
        statuses: Sequence[TickStatus] | None = None,
        limit: int | None = None,
        before_id: int | None = None,
    ) -> list[TickRecord]:
        """Newest first."""

    def get_tick_pages(
        self, pages: Sequence[tuple[str, Sequence[TickStatus] | None, int, int | None]]
    ) -> list[list[TickRecord]]:
        """For each (trigger, statuses, limit, before id) what ``get_ticks`` gives, with one query for many."""

    def get_tick(self, tick_id: int) -> TickRecord | None: ...

    # -- dynamic partitions -------------------------------------------------------------------------------------
    def get_dynamic_partitions(self, name: str) -> list[tuple[str, int]]:
        """(key, ordinal) in order of addition; ordinals are never used again."""

    def get_all_dynamic_partitions(self) -> dict[str, list[tuple[str, int]]]: ...

    def get_dynamic_changes(self, known: Mapping[str, int]) -> list[DynamicChange]:
        """The sets that have changed since their next number was the `known` one, as one query if none has."""

    def change_dynamic_partitions(self, change: PartitionChange, *, now: float) -> None:
        """Adding a known key and deleting an unknown one do nothing."""

    # -- locations, settings, leases ----------------------------------------------------------------------------
    def put_location(self, record: LocationRecord) -> None: ...

    def get_locations(self) -> list[LocationRecord]: ...

    def get_setting(self, key: str) -> str | None: ...

    def put_setting(self, key: str, value: str | None) -> None: ...

    def acquire_lease(self, name: str, holder: str, *, now: float, ttl_s: float) -> int | None:
        """The lease's epoch when it is free, expired or already the holder's; None when somebody else has it.

        The epoch grows whenever the holder changes, so that an old holder can be told from the new one.
        """

    def release_lease(self, name: str, holder: str) -> None: ...

    # -- upkeep -------------------------------------------------------------------------------------------------
    def prune(self, *, chatter_before: float | None, ticks_before: float | None, limit: int = 10_000) -> int:
        """Delete chatter and uneventful ticks older than the given times; returns the number of rows."""

    def stats(self) -> dict[str, Any]:
        """Sizes and counts for ``doctor``: schema revision, rows per table, file size in bytes, dialect."""

    def find_damage(self) -> list[str]:
        """What a check of the stored data finds wrong, one sentence each; reads all of it, so not for every day."""

    def use_resolver(self, resolve: PartitionResolver | None) -> None:
        """Answer from now on which number a partition key has; called inside transactions, so it must not use the ledger."""

    def close(self) -> None: ...
