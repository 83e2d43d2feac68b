"""What the ledger hands out and takes in: runs, ticks, triggers, asset states, as frozen values."""

from __future__ import annotations

from typing import Any, Optional

import msgspec

from tidewheel.values.backfills import NewBackfill
from tidewheel.values.conditions import ConditionCommit
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.events import Event
from tidewheel.values.inbox import Redelivery
from tidewheel.values.policies import SetAside, TriggerPolicy
from tidewheel.values.status import RunOrigin, RunStatus, TickStatus, TriggerKind, TriggerStatus
from tidewheel.values.tags import RANGE_END, RANGE_START


class RunRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One run as the ledger knows it. Times are seconds since the epoch, UTC.

    ``epoch`` counts launches: a worker presents the epoch it was launched with, and one of an older epoch is refused.
    ``assets`` / ``checks`` are the selection in wire texts (``None`` = everything in the job), ``steps`` that of ops;
    ``step_keys`` are the steps of the selection that a repetition of another run makes again (``None`` = all).
    """

    run_id: str
    job_name: str
    location: str
    status: RunStatus
    created_at: float
    updated_at: float
    epoch: int = 0
    queued_at: Optional[float] = None
    launched_at: Optional[float] = None
    started_at: Optional[float] = None
    ended_at: Optional[float] = None
    priority: int = 0
    trigger_id: Optional[str] = None
    tick_id: Optional[int] = None
    run_key: Optional[str] = None
    partition: Optional[str] = None
    assets: Optional[tuple[str, ...]] = None
    checks: Optional[tuple[str, ...]] = None
    steps: Optional[tuple[str, ...]] = None
    step_keys: Optional[tuple[str, ...]] = None
    run_config: dict[str, Any] = {}
    tags: dict[str, str] = {}
    parent_run_id: Optional[str] = None
    root_run_id: Optional[str] = None
    retry_number: int = 0
    not_before: Optional[float] = None
    worker_pid: Optional[int] = None
    heartbeat_at: Optional[float] = None
    intake_seq: int = 0
    failure_reason: Optional[str] = None
    cancel_requested: bool = False
    origin: RunOrigin = RunOrigin.MANUAL
    after: tuple[str, ...] = ()
    """Runs that have to end before this one starts."""

    @property
    def is_finished(self) -> bool:
        """Whether the run has ended, in whatever way."""
        return self.status in (RunStatus.SUCCESS, RunStatus.FAILURE, RunStatus.CANCELED)

    @property
    def partition_text(self) -> Optional[str]:
        """The partition for people: its key, or the ends of the run's range."""
        if self.partition is not None or RANGE_START not in self.tags:
            return self.partition
        return f"{self.tags[RANGE_START]}..{self.tags.get(RANGE_END, '')}"


class RunFilter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which runs: every given field must match. ``tags`` values may be alternatives; times are exclusive bounds."""

    run_ids: Optional[tuple[str, ...]] = None
    job_name: Optional[str] = None
    location: Optional[str] = None
    statuses: Optional[tuple[RunStatus, ...]] = None
    tags: dict[str, tuple[str, ...]] = {}
    trigger_id: Optional[str] = None
    parent_run_id: Optional[str] = None
    root_run_id: Optional[str] = None
    created_after: Optional[float] = None
    created_before: Optional[float] = None
    updated_after: Optional[float] = None
    updated_before: Optional[float] = None


class UnfinishedRuns(msgspec.Struct, frozen=True, kw_only=True):
    """How many runs of a status there are, and when the oldest of them was made."""

    count: int
    oldest_at: float


class NewRun(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A run to create as QUEUED; or, with ``kept_back`` (NOT_STARTED or MANAGED), outside the queue in that status."""

    run_id: str
    job_name: str
    location: str
    priority: int = 0
    run_key: Optional[str] = None
    partition: Optional[str] = None
    assets: Optional[tuple[str, ...]] = None
    checks: Optional[tuple[str, ...]] = None
    steps: Optional[tuple[str, ...]] = None
    step_keys: Optional[tuple[str, ...]] = None
    run_config: dict[str, Any] = {}
    tags: dict[str, str] = {}
    parent_run_id: Optional[str] = None
    root_run_id: Optional[str] = None
    retry_number: int = 0
    not_before: Optional[float] = None
    planned_assets: tuple[str, ...] = ()
    planned_checks: tuple[str, ...] = ()
    origin: RunOrigin = RunOrigin.MANUAL
    after: tuple[str, ...] = ()
    kept_back: Optional[RunStatus] = None


class TriggerRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A schedule's or sensor's stored state.

    ``version`` grows by one with every change and is what commits compare. ``frontier`` is, for a schedule, the
    moment up to which its nominal times have been decided (ticks after it are owed); for a sensor, the start of its
    last evaluation. ``cursor`` is the user's; ``position`` is the system's (the last event id handed over).
    """

    trigger_id: str
    kind: TriggerKind
    location: str
    name: str
    status: TriggerStatus
    version: int
    started_at: Optional[float] = None
    frontier: Optional[float] = None
    cursor: Optional[str] = None
    position: Optional[int] = None
    last_run_key: Optional[str] = None
    last_tick_at: Optional[float] = None
    failures_in_a_row: int = 0
    definition: Optional[str] = None
    """A fingerprint of what was declared (cron strings, zone): an edited schedule starts at the edit."""


class KeptRunKey(msgspec.Struct, frozen=True, kw_only=True):
    """A request that was dropped because its run key is taken, with the run that took it."""

    run_key: str
    job_name: str
    run_id: str


class RequestError(msgspec.Struct, frozen=True, kw_only=True):
    """A request that could not become a run, and why."""

    index: int
    message: str
    run_key: Optional[str] = None
    job_name: Optional[str] = None


class TickRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One recorded evaluation of a trigger."""

    tick_id: int
    trigger_id: str
    status: TickStatus
    started_at: float
    ended_at: float
    scheduled_for: Optional[float] = None
    attempt: int = 1
    skip_reason: Optional[str] = None
    error: Optional[ErrorInfo] = None
    cursor: Optional[str] = None
    run_ids: tuple[str, ...] = ()
    kept_keys: tuple[KeptRunKey, ...] = ()
    request_errors: tuple[RequestError, ...] = ()
    log: tuple[str, ...] = ()
    failed_events: tuple[Redelivery, ...] = ()
    """Events whose evaluation raised, and when each is tried again."""
    set_aside: tuple[SetAside, ...] = ()
    """Requests that did not become runs at once, by the trigger's policy."""
    notes: tuple[str, ...] = ()
    """What the system has to say: missed nominal times that were not run, and the like."""
    is_unasked: bool = False
    """The trigger was not evaluated; the skip reason says why."""


class PartitionChange(msgspec.Struct, frozen=True, kw_only=True):
    """Dynamic partition keys to add to, or delete from, a named set."""

    name: str
    add: tuple[str, ...] = ()
    delete: tuple[str, ...] = ()


class DynamicChange(msgspec.Struct, frozen=True, kw_only=True):
    """A named set of dynamic partition keys that has changed.

    `pairs`: (key, ordinal) of the keys that were added, or with `is_whole` of all. `next_ordinal`: of the next key.
    """

    name: str
    pairs: tuple[tuple[str, int], ...]
    next_ordinal: int
    is_whole: bool = False


class TickCommit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything that one tick changes, to be written in one transaction.

    Order inside the transaction: compare the trigger's version; dynamic partitions; tick row; runs (those whose run
    key is taken are dropped and recorded as kept keys); events without a run; the trigger's new state. A run key
    counts per trigger and job: a sensor's for as long as its run exists, a schedule's (``scheduled_for`` is given) within
    that nominal time.
    """

    trigger_id: str
    expected_version: int
    status: TickStatus
    started_at: float
    ended_at: float
    scheduled_for: Optional[float] = None
    attempt: int = 1
    frontier: Optional[float] = None
    cursor: Optional[str] = None
    cursor_changed: bool = False
    position: Optional[int] = None
    runs: tuple[NewRun, ...] = ()
    partition_changes: tuple[PartitionChange, ...] = ()
    events: tuple[Event, ...] = ()
    skip_reason: Optional[str] = None
    error: Optional[ErrorInfo] = None
    request_errors: tuple[RequestError, ...] = ()
    log: tuple[str, ...] = ()
    conditions: Optional[ConditionCommit] = None
    """What an automation tick remembers and explains."""
    backfills: tuple[NewBackfill, ...] = ()
    record_tick: bool = True
    """False: only move the state (an uneventful evaluation that nobody needs a row for)."""
    failed_events: tuple[Redelivery, ...] = ()
    """Events whose evaluation raised, to be handed over again (or set aside)."""
    settled_events: tuple[int, ...] = ()
    """Events that were handed over again, with success."""
    policy: Optional[TriggerPolicy] = None
    """What is to be made of the requests besides; judged in the transaction, by the runs that there are."""
    notes: tuple[str, ...] = ()
    is_unasked: bool = False
    """The trigger was not evaluated: its failures in a row stay as they are."""

    @property
    def counts_as_failure(self) -> bool:
        """Whether the trigger itself failed, so that it is asked less often: not when only single events did."""
        return self.status is TickStatus.FAILURE and (self.error is not None or not self.failed_events)


class TickOutcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a tick commit did. ``stale`` means that nothing was written: the trigger had changed meanwhile."""

    stale: bool = False
    tick_id: Optional[int] = None
    run_ids: tuple[str, ...] = ()
    kept_keys: tuple[KeptRunKey, ...] = ()
    version: int = 0
    set_aside: tuple[SetAside, ...] = ()
    canceled_run_ids: tuple[str, ...] = ()
    """Runs that were asked to stop to make room."""
    held_until: Optional[float] = None
    """When requests that wait are to be looked at again; infinite: when a run of the trigger ends."""
    is_repetition: bool = False
    """The same requests with the same taken keys as last time: nothing was written."""


class IntakeBatch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Events of one run's worker, numbered so that a repeated delivery changes nothing.

    ``seq`` is the number of the last event of the batch, counted from 1 within one epoch.
    """

    run_id: str
    epoch: int
    seq: int
    events: tuple[Event, ...]


class IntakeOutcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a batch: ``refused`` when the run has ended or was launched again since (the worker must stop)."""

    run_id: str
    accepted_seq: int
    refused: bool = False
    cancel_requested: bool = False
    status: RunStatus = RunStatus.STARTED


class AssetState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The latest facts about one asset (over all partitions).

    ``last_planned_run_id`` is the newest live run that is still to make it (None: not in progress);
    ``last_failed_run_id`` is the run that failed to make it since it was last made.
    """

    asset: str
    last_materialization_id: Optional[int] = None
    last_materialization_at: Optional[float] = None
    last_materialization_run_id: Optional[str] = None
    last_materialization_partition: Optional[str] = None
    last_observation_id: Optional[int] = None
    last_observation_at: Optional[float] = None
    last_planned_run_id: Optional[str] = None
    last_failed_run_id: Optional[str] = None
    last_data_version: Optional[str] = None


class AssetPartitionState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Partitions of an asset by status: sets of ordinals of the spec with this fingerprint (``storage.bitmaps``).

    An empty fingerprint: the sets are not known, and are to be built again.
    """

    asset: str
    materialized: bytes = b""
    failed: bytes = b""
    in_progress: bytes = b""
    spec_fingerprint: str = ""


class PartitionRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The latest facts about one partition of an asset: the event and run that made it, the run that failed to since."""

    partition: str
    last_materialization_id: Optional[int] = None
    last_materialization_at: Optional[float] = None
    last_materialization_run_id: Optional[str] = None
    failed_run_id: Optional[str] = None


class CheckState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The latest facts about one check."""

    asset: str
    check: str
    last_evaluation_id: Optional[int] = None
    last_evaluation_at: Optional[float] = None
    last_run_id: Optional[str] = None
    passed: Optional[bool] = None
    severity: Optional[str] = None
    partition: Optional[str] = None


class EventFilter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which lasting events: every given field must match; ``after_id``/``before_id`` are exclusive."""

    types: Optional[tuple[str, ...]] = None
    assets: Optional[tuple[str, ...]] = None
    check: Optional[str] = None
    partitions: Optional[tuple[str, ...]] = None
    run_ids: Optional[tuple[str, ...]] = None
    job_names: Optional[tuple[str, ...]] = None
    after_id: Optional[int] = None
    before_id: Optional[int] = None
    ids: Optional[tuple[int, ...]] = None
    after_timestamp: Optional[float] = None
    before_timestamp: Optional[float] = None


class LocationRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A code location: its last good snapshot (bytes of a ``LocationSnapshot``) and, if loading failed since, why."""

    name: str
    snapshot: Optional[bytes] = None
    fingerprint: str = ""
    loaded_at: Optional[float] = None
    errors: tuple[ErrorInfo, ...] = ()
    failed_at: Optional[float] = None
