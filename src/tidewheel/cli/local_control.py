"""The control of a home that no server serves: what can be done by changing the ledger alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from tidewheel.errors import InvalidInvocationError, ServerUnreachableError, did_you_mean
from tidewheel.logic.conditions.subjects import build_graph
from tidewheel.logic.graph.specs import LocationSnapshot, ScheduleNode, SensorNode
from tidewheel.logic.planning.pauses import Subject, selects
from tidewheel.runtime.conditions.condition_views import AutomationView, PlanView, WhyAnswer
from tidewheel.runtime.conditions.condition_why import find_target, why
from tidewheel.runtime.control import LocationHealth, ServerHealth, TriggerView
from tidewheel.storage.ports.ledger import LedgerPort
from tidewheel.values.backfills import BackfillRecord
from tidewheel.values.evaluation import EvaluationResult
from tidewheel.values.ids import trigger_id
from tidewheel.values.launch import BackfillOutcome, BackfillRequest, LaunchOutcome, LaunchRequest
from tidewheel.values.policies import Missed, PauseRecord, Selection
from tidewheel.values.records import RunFilter, RunRecord, TriggerRecord
from tidewheel.values.serde import decode
from tidewheel.values.status import RunStatus, TriggerKind, TriggerStatus


class LocalControl:
    """A ``ControlPort`` without a server. What needs user code or a queue says which command to use instead."""

    def __init__(self, ledger: LedgerPort, *, home: Path, clock: Callable[[], float]) -> None:
        self._ledger = ledger
        self._home = home
        self._clock = clock

    def launch(self, request: LaunchRequest) -> LaunchOutcome:
        """Not without a server."""
        raise self._needs_server("launch a job through the queue")

    def cancel(self, run_id: str) -> RunRecord | None:
        """Cancel a run that is queued; one that is STARTED belongs to a process that this one cannot reach."""
        return self._ledger.request_cancel(run_id, now=self._clock())

    def wait_reasons(self, run_ids: Sequence[str]) -> dict[str, str]:
        """Queued runs wait for a server."""
        filters = RunFilter(run_ids=tuple(run_ids), statuses=(RunStatus.QUEUED,))
        return {
            run.run_id: "no server serves this home; start 'tidewheel dev'"
            for run in self._ledger.get_runs(filters)
        }

    def launch_backfill(self, request: BackfillRequest) -> BackfillOutcome:
        """Not without a server."""
        raise self._needs_server("launch a backfill")

    def cancel_backfill(self, backfill_id: str) -> BackfillRecord | None:
        """Cancel its queued runs and make no more; it has ended when a server has looked at it."""
        outcome = self._ledger.backfills.cancel(backfill_id, now=self._clock())
        return None if outcome is None else outcome.backfill

    def resume_backfill(self, backfill_id: str) -> BackfillOutcome:
        """Not without a server."""
        raise self._needs_server("resume a backfill")

    def retry_backfill(self, backfill_id: str, everything: bool = False) -> BackfillOutcome:
        """Not without a server."""
        raise self._needs_server("retry a backfill")

    def get_triggers_view(self, kind: str | None = None) -> list[TriggerView]:
        """Schedules and sensors as the last loaded code defined them."""
        records = {record.trigger_id: record for record in self._ledger.get_triggers()}
        views = []
        for location, trigger in self._triggers():
            is_schedule = isinstance(trigger, ScheduleNode)
            if (
                kind is not None
                and kind != (TriggerKind.SCHEDULE if is_schedule else TriggerKind.SENSOR).value
            ):
                continue
            views.append(_view(location, trigger, records.get(trigger_id(location, trigger.name))))
        return views

    def set_trigger(
        self, name: str, running: bool | None, location: str | None = None, kind: str | None = None
    ) -> TriggerRecord:
        """Store the choice; it holds from the next start of a server."""
        record, default_running = self._find(name, location, kind)
        was_running = record.status is TriggerStatus.RUNNING or (
            record.status is TriggerStatus.DECLARED_IN_CODE and default_running
        )
        begins = not was_running and (running or (running is None and default_running))
        now = self._clock()
        choice = {
            True: TriggerStatus.RUNNING,
            False: TriggerStatus.STOPPED,
            None: TriggerStatus.DECLARED_IN_CODE,
        }
        changed = self._ledger.update_trigger(
            record.trigger_id,
            status=choice[running],
            started_at=now if begins else None,
            frontier=now if begins and record.kind is TriggerKind.SCHEDULE else None,
        )
        assert changed is not None
        return changed

    def set_cursor(self, name: str, cursor: str | None, location: str | None = None) -> TriggerRecord:
        """Set or clear a sensor's cursor."""
        record, _ = self._find(name, location, TriggerKind.SENSOR.value)
        changed = self._ledger.update_trigger(record.trigger_id, cursor=cursor, clear_cursor=cursor is None)
        assert changed is not None
        return changed

    def test_trigger(
        self, name: str, cursor: str | None = None, location: str | None = None
    ) -> EvaluationResult:
        """Not without a server."""
        raise self._needs_server(f"evaluate {name!r}")

    def pause(
        self,
        selection: Selection,
        reason: str = "",
        by: str | None = None,
        expires_at: float | None = None,
        missed: Missed | None = None,
    ) -> PauseRecord:
        """Store a pause; it holds from the next start of a server."""
        names = [
            (node.name, selects(selection, _subject(location, node))) for location, node in self._triggers()
        ]
        if selection.name is not None and not any(matches for _, matches in names):
            raise InvalidInvocationError(
                f"expected {selection.describe()}, got none; "
                + did_you_mean(selection.name, sorted({name for name, _ in names}))
            )
        return self._ledger.policies.add_pause(
            selection, now=self._clock(), reason=reason, by=by, expires_at=expires_at, missed=missed
        )

    def resume(self, pause_id: int | None = None, selection: Selection | None = None) -> list[PauseRecord]:
        """End pauses."""
        ended = []
        for pause in self.get_pauses():
            if pause_id in (None, pause.pause_id) and selection in (None, pause.selection):
                done = self._ledger.policies.end_pause(pause.pause_id, now=self._clock())
                ended += [done] if done is not None else []
        return ended

    def get_pauses(self) -> list[PauseRecord]:
        """The pauses that hold now."""
        return self._ledger.policies.get_pauses(ended_after=self._clock())

    def reset_run_keys(
        self, name: str, run_key: str | None = None, location: str | None = None, kind: str | None = None
    ) -> int:
        """Free run keys."""
        record, _ = self._find(name, location, kind)
        return self._ledger.policies.reset_keys(record.trigger_id, run_key)

    def why(self, target: str, partition: str | None = None, run_id: str | None = None) -> WhyAnswer:
        """From the ledger and the last loaded code; conditions of users' own classes cannot be asked."""
        snapshots = [decode(data, LocationSnapshot) for data in self.get_snapshots().values()]
        graph = build_graph(snapshots)
        sensors = [
            (trigger_id(one.name, sensor.name), one.name, sensor)
            for one in snapshots
            for sensor in one.sensors
        ]
        key = find_target(graph, target)
        return why(
            self._ledger,
            graph,
            key,
            sensors,
            now=self._clock(),
            partition=partition,
            run_id=run_id,
            snapshots=snapshots,
        )

    def get_automation(self) -> list[AutomationView]:
        """Not without a server."""
        raise self._needs_server("show its automation sensors")

    def plan_automation(self, sensor: str | None = None) -> list[PlanView]:
        """Not without a server."""
        raise self._needs_server("plan what conditions would ask for")

    def reload(self, location: str | None = None) -> list[LocationHealth]:
        """Not without a server."""
        raise self._needs_server("reload code")

    def health(self) -> ServerHealth:
        """What the ledger alone says."""
        now = self._clock()
        return ServerHealth(
            pid=os.getpid(),
            home=str(self._home),
            version="",
            started_at=now,
            now=now,
            queued=len(self._ledger.queued_runs(limit=10_000)),
            in_progress=len(self._ledger.in_progress_runs()),
        )

    def get_snapshots(self) -> dict[str, bytes]:
        """The last good snapshots."""
        return {record.name: record.snapshot for record in self._ledger.get_locations() if record.snapshot}

    def _needs_server(self, what: str) -> ServerUnreachableError:
        return ServerUnreachableError(
            f"expected a server on home {self._home} to {what}, got none; start one with 'tidewheel dev', or use "
            "'tidewheel materialize -f FILE' or 'tidewheel launch -f FILE', which execute here"
        )

    def _triggers(self) -> list[tuple[str, ScheduleNode | SensorNode]]:
        found: list[tuple[str, ScheduleNode | SensorNode]] = []
        for name, data in self.get_snapshots().items():
            snapshot = decode(data, LocationSnapshot)
            found.extend((name, schedule) for schedule in snapshot.schedules)
            found.extend((name, sensor) for sensor in snapshot.sensors)
        return found

    def _find(self, name: str, location: str | None, kind: str | None) -> tuple[TriggerRecord, bool]:
        names = []
        for place, trigger in self._triggers():
            its_kind = TriggerKind.SCHEDULE if isinstance(trigger, ScheduleNode) else TriggerKind.SENSOR
            if kind is not None and kind != its_kind.value:
                continue
            names.append(trigger.name)
            record = self._ledger.get_trigger(trigger_id(place, name))
            if trigger.name == name and location in (None, place) and record is not None:
                return record, trigger.default_running
        what = kind.lower() if kind else "schedule or sensor"
        raise InvalidInvocationError(f"expected a {what}, got {name!r}; {did_you_mean(name, names)}")


def _subject(location: str, node: ScheduleNode | SensorNode) -> Subject:
    kind = TriggerKind.SCHEDULE if isinstance(node, ScheduleNode) else TriggerKind.SENSOR
    return Subject(kind=kind.value, name=node.name, location=location, tags=node.tags)


def _view(location: str, trigger: ScheduleNode | SensorNode, record: TriggerRecord | None) -> TriggerView:
    status = record.status if record else TriggerStatus.DECLARED_IN_CODE
    running = (
        trigger.default_running
        if status is TriggerStatus.DECLARED_IN_CODE
        else status is TriggerStatus.RUNNING
    )
    shared = {
        "name": trigger.name,
        "location": location,
        "is_running": running,
        "description": trigger.description,
        "last_tick_at": record.last_tick_at if record else None,
        "failures_in_a_row": record.failures_in_a_row if record else 0,
        "cursor": record.cursor if record else None,
        "policy": trigger.policy,
        "set_by": "code" if status is TriggerStatus.DECLARED_IN_CODE else "user",
    }
    if isinstance(trigger, ScheduleNode):
        return TriggerView(
            kind=TriggerKind.SCHEDULE.value,
            crons=trigger.crons,
            zone=trigger.zone,
            jobs=(trigger.job_name,) if trigger.job_name else (),
            **shared,  # type: ignore[arg-type]
        )
    return TriggerView(
        kind=TriggerKind.SENSOR.value,
        sensor_kind=trigger.kind,
        minimum_interval_s=trigger.minimum_interval_s,
        jobs=trigger.jobs,
        **shared,  # type: ignore[arg-type]
    )
