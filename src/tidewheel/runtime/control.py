"""What people and programs may ask of a running server beyond the ledger: launch, cancel, start, stop, reload."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional, Protocol

import msgspec

from tidewheel.runtime.conditions.condition_views import AutomationView, PlanView, WhyAnswer
from tidewheel.values.backfills import BackfillRecord
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.evaluation import EvaluationResult
from tidewheel.values.launch import BackfillOutcome, BackfillRequest, LaunchOutcome, LaunchRequest
from tidewheel.values.policies import Missed, PauseRecord, Selection, TriggerPolicy
from tidewheel.values.records import RunRecord, TriggerRecord


class LocationHealth(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a code location is. ``state``: ``loading`` | ``loaded`` | ``failed`` (the last good code serves, if any)."""

    name: str
    state: str
    target: str = ""
    pid: Optional[int] = None
    start_method: str = ""
    loaded_at: Optional[float] = None
    load_s: float = 0.0
    assets: int = 0
    jobs: int = 0
    schedules: int = 0
    sensors: int = 0
    serves_old_code: bool = False
    errors: tuple[ErrorInfo, ...] = ()
    warnings: tuple[str, ...] = ()


class TriggerView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A schedule or sensor as people see it: its definition, whether it runs, its last and next moments."""

    name: str
    kind: str
    location: str
    is_running: bool
    crons: tuple[str, ...] = ()
    zone: str = "UTC"
    sensor_kind: str = ""
    minimum_interval_s: Optional[float] = None
    jobs: tuple[str, ...] = ()
    description: Optional[str] = None
    last_tick_at: Optional[float] = None
    last_status: Optional[str] = None
    next_tick_at: Optional[float] = None
    cursor: Optional[str] = None
    failures_in_a_row: int = 0
    set_by: str = "code"
    events_behind: Optional[int] = None
    """Of a sensor that listens to events: how many it has not been handed yet."""
    seconds_behind: Optional[float] = None
    """The age of the oldest of them."""
    retrying_events: int = 0
    set_aside_events: int = 0
    """Events whose last retry raised: they wait for a person."""
    policy: Optional[TriggerPolicy] = None
    paused: Optional[PauseRecord] = None
    """The pause that holds for it now."""
    breaker: Optional[str] = None
    """Why its circuit breaker is not closed."""
    held_requests: int = 0
    """Requests that wait, by its policy."""


class WaitingRun(msgspec.Struct, frozen=True, kw_only=True):
    """A queued run and the reason why it waits, in a sentence."""

    run_id: str
    reason: str


class ServerHealth(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the server is: process, address, locations, queue."""

    pid: int
    home: str
    version: str
    started_at: float
    now: float
    port: Optional[int] = None
    locations: tuple[LocationHealth, ...] = ()
    queued: int = 0
    in_progress: int = 0
    waiting: tuple[WaitingRun, ...] = ()
    workers: int = 0
    services: dict[str, str] = {}
    events_behind: int = 0
    """Events that listening sensors have not been handed yet; of the sensor that is furthest behind."""
    seconds_behind: float = 0.0
    set_aside_events: int = 0


class ControlPort(Protocol):
    """Requests to a server. Every method is safe to repeat."""

    def launch(self, request: LaunchRequest) -> LaunchOutcome: ...

    def cancel(self, run_id: str) -> RunRecord | None:
        """Ask a run to stop; None when it is unknown or has ended."""

    def wait_reasons(self, run_ids: Sequence[str]) -> dict[str, str]:
        """Of those of the runs that are queued, why they wait, in a sentence."""

    def launch_backfill(self, request: BackfillRequest) -> BackfillOutcome: ...

    def cancel_backfill(self, backfill_id: str) -> BackfillRecord | None:
        """Make no more runs of it and stop those that there are; None when it is unknown or has ended."""

    def resume_backfill(self, backfill_id: str) -> BackfillOutcome:
        """Go on with one that was cancelled or could not go on."""

    def retry_backfill(self, backfill_id: str, everything: bool = False) -> BackfillOutcome:
        """Ask for a new one for what an ended one did not make, or for all of it."""

    def get_triggers_view(self, kind: str | None = None) -> list[TriggerView]: ...

    def set_trigger(
        self, name: str, running: bool | None, location: str | None = None, kind: str | None = None
    ) -> TriggerRecord:
        """Start (True), stop (False) or reset to the code's default (None)."""

    def set_cursor(self, name: str, cursor: str | None, location: str | None = None) -> TriggerRecord: ...

    def test_trigger(
        self, name: str, cursor: str | None = None, location: str | None = None
    ) -> EvaluationResult:
        """Evaluate a trigger once without recording anything."""

    def pause(
        self,
        selection: Selection,
        reason: str = "",
        by: str | None = None,
        expires_at: float | None = None,
        missed: Missed | None = None,
    ) -> PauseRecord:
        """Pause triggers, also those that are defined later, until they are resumed or ``expires_at`` has come."""

    def resume(self, pause_id: int | None = None, selection: Selection | None = None) -> list[PauseRecord]:
        """End one pause, or those of exactly this selection, or all; those that were ended."""

    def get_pauses(self) -> list[PauseRecord]:
        """The pauses that hold now."""

    def reset_run_keys(
        self, name: str, run_key: str | None = None, location: str | None = None, kind: str | None = None
    ) -> int:
        """Free one run key of a trigger or all of them; how many were taken."""

    def why(self, target: str, partition: str | None = None, run_id: str | None = None) -> WhyAnswer:
        """All about the automation of an asset, check (`asset:check`) or job; with `run_id` how this run came about."""

    def get_automation(self) -> list[AutomationView]:
        """Every automation sensor, and how it stands."""

    def plan_automation(self, sensor: str | None = None) -> list[PlanView]:
        """What automation sensors (or one) would ask for if they were evaluated now; nothing is written."""

    def reload(self, location: str | None = None) -> list[LocationHealth]:
        """Load the code again and wait for the outcome."""

    def health(self) -> ServerHealth: ...

    def get_snapshots(self) -> dict[str, bytes]:
        """The last good snapshot of every location, encoded."""
