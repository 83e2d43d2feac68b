"""What the server asks user code about a trigger, and what it gets back; both sides of one evaluation."""

from __future__ import annotations

from typing import Any, Optional

import msgspec

from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.events import Event, StoredEvent
from tidewheel.values.inbox import Delivery, FileStat
from tidewheel.values.records import PartitionChange, RequestError, RunRecord
from tidewheel.values.status import TriggerKind


class EvaluationRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One trigger to evaluate.

    ``now`` is the moment of the evaluation; ``scheduled_for`` the nominal time of a schedule's tick (seconds since the
    epoch). ``events`` are those an asset or run status sensor has not been handed yet, in id order, and ``runs`` the
    runs they belong to, by position (``None`` where the run is gone).
    """

    kind: TriggerKind
    name: str
    now: float
    scheduled_for: Optional[float] = None
    cursor: Optional[str] = None
    last_run_key: Optional[str] = None
    last_tick_at: Optional[float] = None
    started_at: Optional[float] = None
    is_first_since_start: bool = False
    events: tuple[StoredEvent, ...] = ()
    runs: tuple[Optional[RunRecord], ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    """What a webhook or file sensor has not been handed yet, in id order."""
    budget_s: Optional[float] = None
    """No further event is begun after this time; the result's position tells how far it came."""
    wants_listing: bool = False
    """Not an evaluation: list the files that a file sensor watches."""
    dynamic_partitions: Optional[dict[str, list[tuple[str, int]]]] = None
    """Known dynamic partitions, when the server sends them along; otherwise they are asked for when needed."""


class RequestedRun(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A run that a trigger asks for, checked against the definitions of its code location.

    ``assets`` / ``checks`` = ``None``: everything in the job. ``planned_*``: what the run will make, for the ledger.
    """

    job_name: str
    run_key: Optional[str] = None
    partition: Optional[str] = None
    assets: Optional[tuple[str, ...]] = None
    checks: Optional[tuple[str, ...]] = None
    run_config: dict[str, Any] = {}
    tags: dict[str, str] = {}
    planned_assets: tuple[str, ...] = ()
    planned_checks: tuple[str, ...] = ()


class EvaluationResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of an evaluation.

    ``error``: user code (or the shape of its result) failed; then nothing else counts. ``request_errors``: single
    requests that cannot become runs, while the others can (F15). ``position``: the last event id handed over, to be
    stored as the trigger's position; ``failed_events``: events whose handling raised.
    """

    requests: tuple[RequestedRun, ...] = ()
    request_errors: tuple[RequestError, ...] = ()
    skip_reason: Optional[str] = None
    cursor: Optional[str] = None
    cursor_changed: bool = False
    partition_changes: tuple[PartitionChange, ...] = ()
    events: tuple[Event, ...] = ()
    error: Optional[ErrorInfo] = None
    position: Optional[int] = None
    failed_events: tuple[tuple[int, ErrorInfo], ...] = ()
    log: tuple[str, ...] = ()
    listing: Optional[tuple[FileStat, ...]] = None
    """The files that a file sensor watches, when they were asked for."""
    duration_s: float = 0.0
