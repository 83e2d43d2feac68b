"""Carries out what people and programs ask of the server: launch, cancel, start, stop, reload, show."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from tidewheel.errors import (
    CodeLocationNotFoundError,
    InvalidInvocationError,
    UserCodeUnreachableError,
    did_you_mean,
)
from tidewheel.logic.graph.specs import ScheduleNode, SensorNode
from tidewheel.logic.planning.requests import run_priority
from tidewheel.runtime.control import LocationHealth, ServerHealth, TriggerView, WaitingRun
from tidewheel.runtime.protocol import CancelRun
from tidewheel.services.automation.automation_control import AutomationControl
from tidewheel.services.backfills.backfill_control import BackfillControl
from tidewheel.services.code.catalog import IMPLICIT_ASSET_JOB, Catalog
from tidewheel.services.code.locations import Locations
from tidewheel.services.database import Database
from tidewheel.services.runs.admission import Admission
from tidewheel.services.runs.worker_book import WorkerBook
from tidewheel.services.signals import Signals, Topic
from tidewheel.services.triggers.lag import SensorLag, load_lags
from tidewheel.services.triggers.policy_control import PolicyControl
from tidewheel.services.triggers.schedules import Schedules
from tidewheel.services.triggers.sensor_events import LISTENING_KINDS, peek_sensor_events
from tidewheel.services.triggers.sensors import Sensors
from tidewheel.services.triggers.trigger_book import TriggerBook, is_running
from tidewheel.values.backfills import BackfillFields, BackfillRecord
from tidewheel.values.evaluation import EvaluationRequest, EvaluationResult
from tidewheel.values.ids import trigger_id as make_trigger_id
from tidewheel.values.ids import uuid_at
from tidewheel.values.launch import (
    BackfillOutcome,
    BackfillRequest,
    LaunchOutcome,
    LaunchRequest,
    PreparedLaunch,
)
from tidewheel.values.policies import Missed, PauseRecord, Selection
from tidewheel.values.records import NewRun, RunFilter, RunRecord, TriggerRecord
from tidewheel.values.serde import encode, unwritable
from tidewheel.values.status import RunStatus, TriggerKind, TriggerStatus
from tidewheel.values.tags import CODE_LOCATION, PARENT_RUN_ID, PRIORITY, ROOT_RUN_ID

Approve = Callable[[str, Sequence[str]], Awaitable[None]]


LOAD_PATIENCE_S = 15.0
ANSWERED_AT_ONCE = frozenset({"health", "cancel", "get_snapshots", "get_pauses"})
"""What can be asked while code loads."""


class ServerControl:
    """The server's side of ``runtime.control.ControlPort``; its methods are coroutines."""

    def __init__(
        self,
        *,
        database: Database,
        locations: Locations,
        book: TriggerBook,
        schedules: Schedules,
        sensors: Sensors,
        automation: AutomationControl,
        admission: Admission,
        workers: WorkerBook,
        signals: Signals,
        backfills: BackfillControl,
        clock: Callable[[], float],
        entropy: Callable[[int], bytes],
        evaluation_timeout_s: float,
        about: dict[str, Any],
        policies: PolicyControl,
    ) -> None:
        self.wait_ready: Callable[[], Awaitable[None]] | None = None
        """Waits until code has loaded (or failed) and triggers are served; set by whoever puts the server together."""
        self._database = database
        self._locations = locations
        self._book = book
        self._schedules = schedules
        self._sensors = sensors
        self.why = automation.why
        self.get_automation = automation.get_automation
        self.plan_automation = automation.plan_automation
        self._admission = admission
        self._workers = workers
        self._signals = signals
        self._backfills = backfills
        self._clock = clock
        self._entropy = entropy
        self._timeout_s = evaluation_timeout_s
        self._about = about
        self._policies = policies
        self._started_at = clock()

    def now(self) -> float:
        """The server's time, seconds since the epoch."""
        return self._clock()

    async def call(self, name: str, kwargs: dict[str, Any]) -> Any:
        """Carry out a method of the contract by name; one that asks about code waits until it has loaded, for a while."""
        if name not in ANSWERED_AT_ONCE and self.wait_ready is not None:
            try:
                await asyncio.wait_for(self.wait_ready(), LOAD_PATIENCE_S)
            except TimeoutError:
                pass  # the answer says that the code is still loading
        return await getattr(self, name)(**kwargs)

    def location_names(self) -> list[str]:
        """The code locations of this server."""
        return self._locations.names()

    # -- runs -----------------------------------------------------------------------------------------------------

    async def launch(self, request: LaunchRequest, approve: Approve | None = None) -> LaunchOutcome:
        """Check the request with its code location and queue the run.

        ``approve`` is asked, with the location and the assets that it turns out to be about, before anything is made; it
        raises to refuse.
        """
        problem = unwritable(request)
        if problem is not None:
            return LaunchOutcome(kind="invalid_config", message=problem)
        location = self._locate(request)
        if isinstance(location, LaunchOutcome):
            return location
        try:
            prepared = await self._locations.prepare(location, request, self._timeout_s)
        except UserCodeUnreachableError as exc:
            return LaunchOutcome(kind="user_code", message=str(exc))
        if prepared.run is None:
            return _refusal(prepared)
        if approve is not None:
            await approve(location, touched_assets(self._locations.catalog, location, prepared))
        if request.run_id is not None:
            known = await self._database.read(self._database.ledger.get_run, request.run_id)
            if known is not None:
                return LaunchOutcome(run_id=request.run_id, message="a run of this id exists already")
        now = self._clock()
        parent = None
        if request.parent_run_id is not None:
            parent = await self._database.read(self._database.ledger.get_run, request.parent_run_id)
        run = self._new_run(request, prepared, location, now, parent)
        await self._database.write(self._database.ledger.create_runs, [run], now=now)
        self._signals.raise_topic(Topic.QUEUE, Topic.RUN_EVENTS)
        return LaunchOutcome(run_id=run.run_id)

    async def cancel(self, run_id: str) -> RunRecord | None:
        """Cancel a queued run at once, ask the worker of a running one to stop."""
        record = await self._database.write(self._database.ledger.request_cancel, run_id, now=self._clock())
        if record is None:
            return None
        peer = self._workers.peer(run_id)
        if record.status is RunStatus.CANCELING and peer is not None:
            peer.send(CancelRun(run_id=run_id))
        self._signals.raise_topic(Topic.RUNS_ENDED, Topic.RUN_EVENTS, Topic.WORKERS)
        return record

    def _new_run(
        self,
        request: LaunchRequest,
        prepared: PreparedLaunch,
        location: str,
        now: float,
        parent: RunRecord | None,
    ) -> NewRun:
        run = prepared.run
        assert run is not None
        tags = {CODE_LOCATION: location, **run.tags}
        root = None
        if request.parent_run_id is not None:
            root = (parent.root_run_id if parent else None) or request.parent_run_id
            tags |= {PARENT_RUN_ID: request.parent_run_id, ROOT_RUN_ID: root}
        return NewRun(
            run_id=request.run_id or uuid_at(now, self._entropy(10)),
            job_name=run.job_name,
            location=location,
            priority=run_priority(run.tags.get(PRIORITY)),
            run_key=run.run_key,
            partition=run.partition,
            assets=run.assets,
            checks=run.checks,
            steps=prepared.steps,
            run_config=run.run_config,
            tags=tags,
            parent_run_id=request.parent_run_id,
            root_run_id=root,
            planned_assets=run.planned_assets,
            planned_checks=run.planned_checks,
        )

    def _locate(self, request: LaunchRequest) -> str | LaunchOutcome:
        """The location that the request is for, or the refusal."""
        catalog = self._locations.catalog
        if request.location is not None:
            if request.location not in self._locations.names():
                return LaunchOutcome(
                    kind="unknown_location",
                    message=f"expected a code location, got {request.location!r}; "
                    + did_you_mean(request.location, self._locations.names()),
                )
            return request.location
        name = request.job_name
        if name is None or name == IMPLICIT_ASSET_JOB:
            for key in request.assets or ():
                location = catalog.asset_location(key)
                if location is not None:
                    return location
            names = self._locations.names()
            if len(names) == 1 or not request.assets:
                return (
                    names[0] if names else LaunchOutcome(kind="unknown_location", message="no code is loaded")
                )
            known = [node.key for node in catalog.assets()]
            return LaunchOutcome(
                kind="invalid_selection",
                message=f"expected known assets, got {request.assets!r}; "
                + did_you_mean(request.assets[0], known),
            )
        found = catalog.locations_of_job(name)
        if len(found) == 1:
            return found[0]
        if found:
            return LaunchOutcome(
                kind="unknown_job",
                message=f"job {name!r} exists in several code locations ({', '.join(found)}); name one",
            )
        return LaunchOutcome(
            kind="unknown_job",
            message=f"expected a job, got {name!r}; " + did_you_mean(name, catalog.job_names()),
        )

    async def wait_reasons(self, run_ids: Sequence[str]) -> dict[str, str]:
        """Of those of the runs that are queued, why they wait, in a sentence."""
        filters = RunFilter(run_ids=tuple(run_ids), statuses=(RunStatus.QUEUED,))
        queued = await self._database.read(self._database.ledger.get_runs, filters)
        return {run.run_id: self._admission.reason_of(run) for run in queued}

    # -- backfills ------------------------------------------------------------------------------------------------

    async def launch_backfill(
        self, request: BackfillRequest, approve: Callable[[BackfillFields], None] | None = None
    ) -> BackfillOutcome:
        """Ask for a backfill; ``approve`` as in ``launch``."""
        return await self._backfills.launch(request, approve)

    async def cancel_backfill(self, backfill_id: str) -> BackfillRecord | None:
        """Make no more runs of it and stop those that there are."""
        return await self._backfills.cancel(backfill_id)

    async def resume_backfill(self, backfill_id: str) -> BackfillOutcome:
        """Go on with one that was cancelled or could not go on."""
        return await self._backfills.resume(backfill_id)

    async def retry_backfill(self, backfill_id: str, everything: bool = False) -> BackfillOutcome:
        """Ask for a new one for what an ended one did not make, or for all of it."""
        return await self._backfills.retry(backfill_id, everything)

    # -- triggers -------------------------------------------------------------------------------------------------

    async def get_triggers_view(self, kind: str | None = None) -> list[TriggerView]:
        """All schedules and sensors, or one kind (``SCHEDULE`` | ``SENSOR``)."""
        ticks = await self._database.read(self._last_statuses)
        views: list[TriggerView] = []
        if kind in (None, TriggerKind.SCHEDULE.value):
            for trigger_id, location, schedule in self._locations.catalog.schedules():
                record = self._book.get(trigger_id)
                running = record is not None and is_running(record, schedule.default_running)
                views.append(
                    TriggerView(
                        name=schedule.name,
                        kind=TriggerKind.SCHEDULE.value,
                        location=location,
                        is_running=running,
                        crons=schedule.crons,
                        zone=schedule.zone,
                        jobs=(schedule.job_name,) if schedule.job_name else (),
                        description=schedule.description,
                        last_tick_at=record.last_tick_at if record else None,
                        last_status=ticks.get(trigger_id),
                        next_tick_at=self._schedules.next_ticks.get(trigger_id) if running else None,
                        failures_in_a_row=record.failures_in_a_row if record else 0,
                        set_by=_set_by(record),
                        **self._policy_view(trigger_id, location, schedule),
                    )
                )
        if kind in (None, TriggerKind.SENSOR.value):
            lags = await self.get_lags()
            for trigger_id, location, sensor in self._locations.catalog.sensors():
                record = self._book.get(trigger_id)
                views.append(
                    TriggerView(
                        name=sensor.name,
                        kind=TriggerKind.SENSOR.value,
                        location=location,
                        is_running=record is not None and is_running(record, sensor.default_running),
                        sensor_kind=sensor.kind,
                        minimum_interval_s=sensor.minimum_interval_s,
                        jobs=sensor.jobs,
                        description=sensor.description,
                        last_tick_at=self._sensors.last_started_at(trigger_id)
                        or (record.last_tick_at if record else None),
                        last_status=ticks.get(trigger_id),
                        cursor=record.cursor if record else None,
                        failures_in_a_row=record.failures_in_a_row if record else 0,
                        set_by=_set_by(record),
                        **_lag_view(lags.get(trigger_id)),
                        **self._policy_view(trigger_id, location, sensor),
                    )
                )
        return views

    async def get_lags(self) -> dict[str, SensorLag]:
        """By trigger id, how far listening sensors are behind."""
        return await self._database.read(
            load_lags, self._database.ledger, self._locations.catalog, self._book, self._clock
        )

    def _policy_view(self, trigger_id: str, location: str, node: ScheduleNode | SensorNode) -> dict[str, Any]:
        breaker = self._policies.breakers.tripped.get(trigger_id)
        return {
            "paused": self._policies.book.holding(node, location, self._clock()),
            "breaker": breaker.describe() if breaker is not None else None,
            "held_requests": self._policies.releases.counts.get(trigger_id, 0),
            "policy": node.policy,
        }

    def _last_statuses(self) -> dict[str, str]:
        statuses: dict[str, str] = {}
        for tick in self._database.ledger.get_ticks(limit=1_000):
            statuses.setdefault(tick.trigger_id, tick.status.value)
        return statuses

    async def set_trigger(
        self, name: str, running: bool | None, location: str | None = None, kind: str | None = None
    ) -> TriggerRecord:
        """Start (True), stop (False) or reset to the code's default (None)."""
        record, default_running = self._find_trigger(name, location, kind)
        was_running = is_running(record, default_running)
        now = self._clock()
        begins = not was_running and (running or (running is None and default_running))
        status = {
            True: TriggerStatus.RUNNING,
            False: TriggerStatus.STOPPED,
            None: TriggerStatus.DECLARED_IN_CODE,
        }
        # a schedule that begins to run starts now: what it missed while stopped is not run (A39)
        moves = begins and record.kind is TriggerKind.SCHEDULE
        changed = await self._database.write(
            self._database.ledger.update_trigger,
            record.trigger_id,
            status=status[running],
            started_at=now if begins else None,
            frontier=now if moves else None,
        )
        assert changed is not None
        self._book.note(changed)
        self._signals.raise_topic(Topic.TRIGGERS)
        return changed

    async def set_cursor(self, name: str, cursor: str | None, location: str | None = None) -> TriggerRecord:
        """Set or clear a sensor's cursor."""
        record, _ = self._find_trigger(name, location, TriggerKind.SENSOR.value)
        changed = await self._database.write(
            self._database.ledger.update_trigger,
            record.trigger_id,
            cursor=cursor,
            clear_cursor=cursor is None,
        )
        assert changed is not None
        self._book.note(changed)
        self._signals.raise_topic(Topic.TRIGGERS)
        return changed

    async def test_trigger(
        self, name: str, cursor: str | None = None, location: str | None = None
    ) -> EvaluationResult:
        """Evaluate a trigger once, with the events that wait for it; nothing is recorded.

        Raises:
            InvalidInvocationError: for a sensor of conditions, which has no function.
        """
        record, _ = self._find_trigger(name, location, None)
        now = self._clock()
        request = EvaluationRequest(
            kind=record.kind,
            name=record.name,
            now=now,
            scheduled_for=now if record.kind is TriggerKind.SCHEDULE else None,
            cursor=cursor if cursor is not None else record.cursor,
            last_run_key=record.last_run_key,
            last_tick_at=record.last_tick_at,
            started_at=record.started_at,
        )
        found = self._locations.catalog.trigger(record.trigger_id)
        node = found[1] if found is not None else None
        if isinstance(node, SensorNode):
            if node.kind == "automation":
                raise InvalidInvocationError(
                    f"expected a trigger with a function, got {name!r}, which looks after conditions; see "
                    f"'tidewheel automation plan {name}'"
                )
            if node.kind in LISTENING_KINDS:
                loaded = await self._database.read(peek_sensor_events, self._database.ledger, node, record)
                request = loaded.fill(request)
        return await self._locations.evaluate(record.location, request, self._timeout_s)

    def _find_trigger(self, name: str, location: str | None, kind: str | None) -> tuple[TriggerRecord, bool]:
        """A trigger's record and its default.

        Raises:
            InvalidInvocationError: when there is none of this name.
        """
        catalog = self._locations.catalog
        known: dict[str, bool] = {}
        names = []
        if kind in (None, TriggerKind.SCHEDULE.value):
            for trigger_id, _, schedule in catalog.schedules():
                known[trigger_id] = schedule.default_running
                names.append(schedule.name)
        if kind in (None, TriggerKind.SENSOR.value):
            for trigger_id, _, sensor in catalog.sensors():
                known[trigger_id] = sensor.default_running
                names.append(sensor.name)
        places = [location] if location is not None else self._locations.names()
        for place in places:
            trigger_id = make_trigger_id(place, name)
            record = self._book.get(trigger_id)
            if trigger_id in known and record is not None:
                return record, known[trigger_id]
        what = kind.lower() if kind else "schedule or sensor"
        loading = [one.name for one in self._locations.health() if one.state == "loading"]
        later = f"; {', '.join(loading)} is still loading" if loading else ""
        raise InvalidInvocationError(f"expected a {what}, got {name!r}; {did_you_mean(name, names)}{later}")

    async def pause(
        self,
        selection: Selection,
        reason: str = "",
        by: str | None = None,
        expires_at: float | None = None,
        missed: Missed | None = None,
    ) -> PauseRecord:
        """Pause triggers until somebody resumes them, or until a moment."""
        return await self._policies.pause(selection, reason, by, expires_at, missed)

    async def resume(
        self, pause_id: int | None = None, selection: Selection | None = None
    ) -> list[PauseRecord]:
        """End pauses."""
        return await self._policies.resume(pause_id, selection)

    async def get_pauses(self) -> list[PauseRecord]:
        """The pauses that hold now."""
        return await self._policies.get_pauses()

    async def reset_run_keys(
        self, name: str, run_key: str | None = None, location: str | None = None, kind: str | None = None
    ) -> int:
        """Free one run key of a trigger or all of them."""
        record, _ = self._find_trigger(name, location, kind)
        return await self._policies.reset_run_keys(record.trigger_id, run_key)

    # -- the server -----------------------------------------------------------------------------------------------

    async def reload(self, location: str | None = None) -> list[LocationHealth]:
        """Load code again.

        Raises:
            CodeLocationNotFoundError: when there is no such location.
        """
        if location is not None and location not in self._locations.names():
            raise CodeLocationNotFoundError(
                f"expected a code location, got {location!r}; "
                + did_you_mean(location, self._locations.names())
            )
        return await self._locations.reload(location)

    async def health(self) -> ServerHealth:
        """How the server is."""

        def gather() -> tuple[int, int]:
            ledger = self._database.ledger
            return len(ledger.queued_runs(limit=10_000)), len(ledger.in_progress_runs())

        queued, in_progress = await self._database.read(gather)
        lags = list((await self.get_lags()).values())
        waits = [
            WaitingRun(run_id=run_id, reason=reason.describe())
            for run_id, reason in list(self._admission.waits.items())[:100]
        ]
        return ServerHealth(
            pid=os.getpid(),
            home=str(self._about["home"]),
            version=str(self._about["version"]),
            port=self._about.get("port"),
            started_at=self._started_at,
            now=self._clock(),
            locations=self._locations.health(),
            queued=queued,
            in_progress=in_progress,
            waiting=tuple(waits),
            workers=len(self._workers),
            events_behind=max((one.events_behind for one in lags), default=0),
            seconds_behind=max((one.seconds_behind for one in lags), default=0.0),
            set_aside_events=sum(one.set_aside_events for one in lags),
        )

    async def get_snapshots(self) -> dict[str, bytes]:
        """The last good snapshot of every location, encoded."""
        return {name: encode(snapshot) for name, snapshot in self._locations.catalog.snapshots.items()}


def touched_assets(catalog: Catalog, location: str, prepared: PreparedLaunch) -> list[str]:
    """All assets that a run would make, check, or execute a step of, whatever the request names them by."""
    run = prepared.run
    assert run is not None
    found = {*(run.assets or ()), *run.planned_assets}
    found |= {check.rpartition(":")[0] for check in (*(run.checks or ()), *run.planned_checks)}
    snapshot = catalog.snapshots.get(location)
    if found and prepared.steps is not None and snapshot is not None:
        steps = {step.partition("[")[0].partition(".")[0] for step in prepared.steps}
        found |= {node.key for node in snapshot.assets if (node.step or "").partition(".")[0] in steps}
        found |= {node.asset for node in snapshot.checks if (node.step or "").partition(".")[0] in steps}
    return sorted(found)


def _refusal(prepared: PreparedLaunch) -> LaunchOutcome:
    if prepared.config_problems:
        return LaunchOutcome(
            kind="invalid_config",
            message="the run config is not valid: "
            + "; ".join(f"{':'.join(('root', *p.path))}: {p.message}" for p in prepared.config_problems),
            config_problems=prepared.config_problems,
        )
    error = prepared.error
    kinds = {
        "InvalidSubsetError": "invalid_selection",
        "InvalidAssetSelectionError": "invalid_selection",
        "UnknownPartitionError": "invalid_partition",
        "InvalidDefinitionError": "unknown_job",
    }
    return LaunchOutcome(
        kind=kinds.get(error.cls_name, "user_code") if error else "user_code",
        message=error.message if error else "the launch was refused without a reason",
        error=error,
    )


def _lag_view(lag: SensorLag | None) -> dict[str, Any]:
    return {} if lag is None else msgspec.structs.asdict(lag)


def _set_by(record: TriggerRecord | None) -> str:
    return "code" if record is None or record.status is TriggerStatus.DECLARED_IN_CODE else "user"
