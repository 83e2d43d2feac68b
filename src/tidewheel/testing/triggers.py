"""Tests schedules and sensors as the server would serve them, in this process and on a clock of the test's own.

``TriggerTester`` keeps what a server keeps (cursor, run keys, waiting requests, runs) in a ledger in memory, and
decides with the server's own functions. Nothing is executed: the test says how runs end.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import msgspec

from tidewheel.definitions.loading.collection import Definitions
from tidewheel.definitions.loading.snapshot import build_snapshot
from tidewheel.definitions.triggers.schedules import ScheduleDefinition
from tidewheel.definitions.triggers.sensors import SensorDefinition
from tidewheel.errors import InvalidInvocationError, did_you_mean
from tidewheel.logic.cron.expression import parse
from tidewheel.logic.graph.specs import ScheduleNode, SensorNode
from tidewheel.logic.planning.breaker import BreakerDecision, BreakerFacts, decide_breaker
from tidewheel.logic.planning.event_delivery import settle_handover
from tidewheel.logic.planning.pauses import active_pause, skipped_spans
from tidewheel.logic.planning.requests import build_tick_commit, build_unasked_tick
from tidewheel.logic.planning.schedule_tick import (
    ScheduleDecision,
    ScheduleFacts,
    decide_schedule_tick,
    describe_dropped,
    frontier_after,
)
from tidewheel.runtime.instance.facade import Instance
from tidewheel.services.code.catalog import Catalog
from tidewheel.services.triggers.fixed_schedules import fixed_result
from tidewheel.services.triggers.pause_book import subject_of
from tidewheel.services.triggers.sensor_events import LISTENING_KINDS, load_sensor_events
from tidewheel.services.triggers.trigger_book import schedule_definition
from tidewheel.storage.ledger import open_ledger
from tidewheel.values.evaluation import EvaluationRequest, EvaluationResult
from tidewheel.values.events import Event, EventType
from tidewheel.values.ids import trigger_id as make_trigger_id
from tidewheel.values.policies import Missed, PauseRecord, Selection, TriggerPolicy
from tidewheel.values.records import RunFilter, RunRecord, TickCommit, TickRecord, TriggerRecord
from tidewheel.values.status import FINISHED_STATUSES, RunStatus, TriggerKind
from tidewheel.worker.evaluation.trigger_evaluation import evaluate_trigger

LOCATION = "test"
DEFAULT_NOW = "2024-01-01T00:00:00+00:00"


class TriggerTester:
    """Definitions with a clock, as a server that was started at ``now`` would serve them.

    All triggers count as running. ``now`` is an ISO text, an aware datetime or seconds since the epoch.
    """

    def __init__(self, defs: Definitions, *, now: str | float | datetime.datetime = DEFAULT_NOW) -> None:
        self._defs = defs
        self._ledger = open_ledger(":memory:")
        self.now = _seconds(now)
        self.instance = Instance(self._ledger)
        self._catalog = Catalog({LOCATION: build_snapshot(defs, LOCATION)})
        nodes: list[tuple[str, ScheduleNode | SensorNode]] = [
            (trigger_id, schedule) for trigger_id, _, schedule in self._catalog.schedules()
        ]
        nodes += [(trigger_id, sensor) for trigger_id, _, sensor in self._catalog.sensors()]
        for trigger_id, node in nodes:
            is_schedule = isinstance(node, ScheduleNode)
            self._ledger.ensure_trigger(
                trigger_id,
                kind=TriggerKind.SCHEDULE if is_schedule else TriggerKind.SENSOR,
                location=LOCATION,
                name=node.name,
                definition=schedule_definition(node) if isinstance(node, ScheduleNode) else None,
                started_at=self.now,
                frontier=self.now if is_schedule else None,
                position=0,
            )

    # -- time and the world --------------------------------------------------------------------------------------

    def advance(
        self, seconds: float = 0.0, *, minutes: float = 0.0, hours: float = 0.0, days: float = 0.0
    ) -> None:
        """Let time pass, with nobody evaluating anything; requests that waited for it become runs."""
        self.now += seconds + 60 * minutes + 3_600 * hours + 86_400 * days
        self._release()

    def end_run(self, run_id: str, status: RunStatus = RunStatus.SUCCESS, *, message: str = "") -> RunRecord:
        """Let a run end; requests that waited for it become runs.

        Raises:
            InvalidInvocationError: when there is no such run, or it has ended.
        """
        if status not in FINISHED_STATUSES:
            raise InvalidInvocationError(f"expected a status that ends a run, got {status!r}")
        record = self._ledger.get_run(run_id)
        if record is None or record.is_finished:
            raise InvalidInvocationError(f"expected a run that has not ended, got {run_id!r}")
        started = Event(type=EventType.RUN_START, timestamp=self.now, run_id=run_id, job_name=record.job_name)
        self._ledger.record_events([started])
        ended = self._ledger.finish_run(
            run_id, status, now=self.now, message=message or f"ended {status.value}"
        )
        assert ended is not None
        self._release()
        return ended

    def pause(
        self, name: str | None = None, *, seconds: float | None = None, missed: Missed | None = None
    ) -> PauseRecord:
        """Pause one trigger (``name`` may have ``*``) or all, for some time or until ``resume``."""
        return self._ledger.policies.add_pause(
            Selection(name=name),
            now=self.now,
            expires_at=None if seconds is None else self.now + seconds,
            missed=missed,
        )

    def resume(self) -> None:
        """End all pauses."""
        for pause in self._ledger.policies.get_pauses(ended_after=self.now):
            self._ledger.policies.end_pause(pause.pause_id, now=self.now)
        self._release()

    # -- what there is -------------------------------------------------------------------------------------------

    def runs(self, name: str | None = None) -> list[RunRecord]:
        """Runs of all triggers or of one, oldest first."""
        wanted = RunFilter(trigger_id=make_trigger_id(LOCATION, name)) if name is not None else None
        return self._ledger.get_runs(wanted, ascending=True)

    def ticks(self, name: str) -> list[TickRecord]:
        """Recorded ticks of a trigger, oldest first."""
        return self._ledger.get_ticks(make_trigger_id(LOCATION, name))[::-1]

    def cursor(self, name: str) -> str | None:
        """A sensor's stored cursor."""
        return self._record(name).cursor

    def waiting(self, name: str) -> int:
        """How many requests wait, by the trigger's policy."""
        return len(self._ledger.policies.get_held(make_trigger_id(LOCATION, name)))

    # -- ticks ---------------------------------------------------------------------------------------------------

    def evaluate_tick(self, name: str) -> TickRecord | None:
        """One turn of a trigger: a sensor is evaluated now; a schedule's owed ticks are, or else time moves to the next one.

        The newest tick that was recorded; None when nothing was (the trigger is paused, its breaker is open, no event
        concerns it, or it asked once more for what was refused just before).

        Raises:
            InvalidInvocationError: when there is no such trigger.
        """
        node = self._node(name)
        before = {tick.tick_id for tick in self.ticks(name)}
        if isinstance(node, ScheduleNode):
            self._schedule(node)
        else:
            self._sensor(node)
        new = [tick for tick in self.ticks(name) if tick.tick_id not in before or tick.ended_at == self.now]
        return new[-1] if new else None

    def _schedule(self, node: ScheduleNode) -> None:
        decision = self._decide(node)
        if decision is not None and not decision.owed and decision.dropped_until is None:
            if decision.wake_at is None:
                return
            self.now = max(self.now, decision.wake_at)
            self._release()
            decision = self._decide(node)
        if decision is None:
            return
        dropped = decision.dropped_until
        note: tuple[str, ...] = () if dropped is None else (describe_dropped(dropped, node.zone),)
        if dropped is not None and not decision.owed:
            self._unasked(node, dropped, describe_dropped(dropped, node.zone))
        for owed in decision.owed:
            record = self._record(node.name)
            gate = self._gate(record, node.policy)
            if gate.state == "open":
                self._unasked(node, owed.scheduled_for, gate.describe())
                continue
            result = self._ask(
                EvaluationRequest(
                    kind=TriggerKind.SCHEDULE,
                    name=node.name,
                    now=self.now,
                    scheduled_for=owed.scheduled_for,
                    last_run_key=record.last_run_key,
                    last_tick_at=record.last_tick_at,
                    started_at=record.started_at,
                ),
                node,
            )
            frontier = frontier_after(
                owed.scheduled_for,
                failed=result.error is not None,
                attempt=owed.attempt,
                max_tick_retries=node.max_tick_retries,
            )
            self._commit(
                build_tick_commit(
                    record,
                    result,
                    tick_identity=repr(owed.scheduled_for),
                    started_at=self.now,
                    ended_at=self.now,
                    scheduled_for=owed.scheduled_for,
                    attempt=owed.attempt,
                    frontier=frontier,
                    policy=node.policy,
                    notes=note,
                )
            )
            note = ()

    def _decide(self, node: ScheduleNode) -> ScheduleDecision | None:
        """What is owed; None while it is paused."""
        if self._is_paused(node):
            return None
        record = self._record(node.name)
        catch_up = node.policy.catches_up if node.policy is not None else None
        pauses = self._ledger.policies.get_pauses()
        return decide_schedule_tick(
            ScheduleFacts(
                crons=tuple(parse(text) for text in node.crons),
                zone=node.zone,
                is_running=True,
                frontier=record.frontier if record.frontier is not None else self.now,
                now=self.now,
                max_catchup=node.max_catchup if catch_up is None else catch_up.max_ticks,
                window_s=None if catch_up is None else catch_up.window_s,
                skipped_spans=skipped_spans(pauses, subject_of(node, LOCATION), node.policy, self.now),
                max_tick_retries=node.max_tick_retries,
                failures=record.failures_in_a_row if record.failures_in_a_row <= node.max_tick_retries else 0,
                last_attempt_at=record.last_tick_at,
            )
        )

    def _unasked(self, node: ScheduleNode, scheduled_for: float, why: str) -> None:
        frontier = frontier_after(scheduled_for, failed=False, attempt=1, max_tick_retries=0)
        record = self._record(node.name)
        self._commit(
            build_unasked_tick(
                record, now=self.now, scheduled_for=scheduled_for, frontier=frontier, reason=why
            )
        )

    def _sensor(self, node: SensorNode) -> None:
        record = self._record(node.name)
        if self._is_paused(node) or self._gate(record, node.policy).state == "open":
            return
        request = EvaluationRequest(
            kind=TriggerKind.SENSOR,
            name=node.name,
            now=self.now,
            cursor=record.cursor,
            last_run_key=record.last_run_key,
            last_tick_at=record.last_tick_at,
            started_at=record.started_at,
            is_first_since_start=record.last_tick_at is None,
        )
        if node.kind in LISTENING_KINDS:
            self._hand_over(node, record, request)
        else:
            self._commit(self._sensor_tick(node, record, self._ask(request, node)))

    def _hand_over(self, node: SensorNode, record: TriggerRecord, request: EvaluationRequest) -> None:
        loaded = load_sensor_events(self._ledger, node, record, now=self.now)
        if loaded.handed is None:
            return
        result = self._ask(loaded.fill(request), node)
        settled = settle_handover(record.trigger_id, loaded.handed, result, self.now)
        commit = self._sensor_tick(node, record, settled.result)
        self._commit(
            msgspec.structs.replace(
                commit, failed_events=settled.redeliveries, settled_events=settled.settled
            )
        )

    def _sensor_tick(self, node: SensorNode, record: TriggerRecord, result: EvaluationResult) -> TickCommit:
        return build_tick_commit(
            record,
            result,
            tick_identity=f"v{record.version}",
            started_at=self.now,
            ended_at=self.now,
            frontier=self.now,
            policy=node.policy,
        )

    # -- the server's parts --------------------------------------------------------------------------------------

    def _ask(self, request: EvaluationRequest, node: ScheduleNode | SensorNode) -> EvaluationResult:
        if isinstance(node, ScheduleNode) and node.fixed is not None:
            return fixed_result(self._catalog, LOCATION, node, request.scheduled_for or self.now)
        return evaluate_trigger(self._defs, request, instance=self.instance, clock=lambda: self.now)

    def _commit(self, commit: TickCommit) -> None:
        outcome = self._ledger.commit_tick(commit)
        for run_id in outcome.canceled_run_ids:
            if (run := self._ledger.get_run(run_id)) is not None and not run.is_finished:
                self._ledger.finish_run(run_id, RunStatus.CANCELED, now=self.now, message="replaced")
        if outcome.canceled_run_ids:
            self._release()

    def _release(self) -> None:
        for trigger_id in self._ledger.policies.get_held_counts():
            found = self._catalog.trigger(trigger_id)
            if found is not None and not self._is_paused(found[1]):
                policy = found[1].policy or TriggerPolicy()
                self._ledger.policies.release(trigger_id, policy, now=self.now)

    def _is_paused(self, node: ScheduleNode | SensorNode) -> bool:
        pauses = self._ledger.policies.get_pauses()
        return active_pause(pauses, subject_of(node, LOCATION), self.now) is not None

    def _gate(self, record: TriggerRecord, policy: TriggerPolicy | None) -> BreakerDecision:
        if policy is None or policy.breaker is None:
            return BreakerDecision()
        policies, count, since = self._ledger.policies, policy.breaker.failures, record.started_at or 0.0
        has_failed = record.failures_in_a_row >= count
        facts = BreakerFacts(
            now=self.now,
            evaluations=policies.get_tick_failures(record.trigger_id, count=count) if has_failed else (),
            runs=policies.get_run_failures(record.trigger_id, count=count, since=since),
            unfinished=policies.get_unfinished(record.trigger_id),
        )
        return decide_breaker(policy.breaker, facts)

    def _record(self, name: str) -> TriggerRecord:
        self._node(name)
        record = self._ledger.get_trigger(make_trigger_id(LOCATION, name))
        assert record is not None
        return record

    def _node(self, name: str) -> ScheduleNode | SensorNode:
        found = self._catalog.trigger(make_trigger_id(LOCATION, name))
        if found is None:
            names = [node.name for _, _, node in self._catalog.schedules()]
            names += [node.name for _, _, node in self._catalog.sensors()]
            raise InvalidInvocationError(
                f"expected a schedule or sensor, got {name!r}; {did_you_mean(name, names)}"
            )
        return found[1]


def evaluate_tick(
    trigger: ScheduleDefinition | SensorDefinition,
    *,
    now: str | float | datetime.datetime = DEFAULT_NOW,
    assets: Sequence[Any] = (),
    jobs: Sequence[Any] = (),
    resources: dict[str, Any] | None = None,
) -> TickRecord | None:
    """One tick of one trigger, as a server started at ``now`` would record it; ``TriggerTester`` for more than one."""
    kind = "schedules" if isinstance(trigger, ScheduleDefinition) else "sensors"
    targets = trigger.targets if isinstance(trigger, SensorDefinition) else [trigger.target]
    own = [target.job for target in targets if target is not None and target.job is not None]
    named = {job.name: job for job in (*own, *jobs) if not job.name.startswith("__")}
    defs = Definitions(
        assets=list(assets),
        jobs=list(named.values()),
        resources=resources or {},
        **{kind: [trigger]},  # type: ignore[arg-type]
    )
    return TriggerTester(defs, now=now).evaluate_tick(trigger.name)


def _seconds(now: str | float | datetime.datetime) -> float:
    if isinstance(now, str):
        now = datetime.datetime.fromisoformat(now)
    if isinstance(now, datetime.datetime):
        if now.tzinfo is None:
            raise InvalidInvocationError(f"expected a moment with a time zone, got {now!r}; add tzinfo")
        return now.timestamp()
    return float(now)
