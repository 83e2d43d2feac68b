"""The schedules' duty: owed ticks are evaluated and committed; then it sleeps until the next nominal time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from tidewheel.errors import UserCodeDiedError, UserCodeFailedError, UserCodeUnreachableError
from tidewheel.logic.cron.expression import CronExpression, parse
from tidewheel.logic.graph.specs import ScheduleNode
from tidewheel.logic.planning.requests import build_tick_commit, build_unasked_tick
from tidewheel.logic.planning.schedule_tick import (
    OwedTick,
    ScheduleDecision,
    ScheduleFacts,
    decide_schedule_tick,
    describe_dropped,
    frontier_after,
)
from tidewheel.services.code.locations import Locations
from tidewheel.services.signals import Signals, Topic, wait_any
from tidewheel.services.triggers.agenda import Agenda
from tidewheel.services.triggers.breakers import Breakers
from tidewheel.services.triggers.fixed_schedules import fixed_result
from tidewheel.services.triggers.pause_book import PauseBook
from tidewheel.services.triggers.tick_writer import TickWriter
from tidewheel.services.triggers.trigger_book import TriggerBook, is_running
from tidewheel.values.error_info import said_error
from tidewheel.values.evaluation import EvaluationRequest, EvaluationResult
from tidewheel.values.records import TriggerRecord
from tidewheel.values.status import TriggerKind

logger = logging.getLogger("tidewheel.schedules")

UNREACHABLE_PAUSE_S = 1.0
STALE_PAUSE_S = 0.2
MAX_STARTS = 250
"""Schedules that are begun before other work of the server has its turn."""


class Schedules:
    """Looks after every schedule of the catalog."""

    def __init__(
        self,
        locations: Locations,
        book: TriggerBook,
        writer: TickWriter,
        signals: Signals,
        pauses: PauseBook,
        breakers: Breakers,
        *,
        clock: Callable[[], float],
        evaluation_timeout_s: float,
    ) -> None:
        self._locations = locations
        self._book = book
        self._writer = writer
        self._pauses = pauses
        self._breakers = breakers
        self._clock = clock
        self._timeout_s = evaluation_timeout_s
        self._changed = signals.listen(Topic.CATALOG, Topic.TRIGGERS)
        self._finished = asyncio.Event()
        self._agenda = Agenda()
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._crons: dict[tuple[str, ...], tuple[CronExpression, ...]] = {}
        self._retry_at: dict[str, float] = {}
        self.next_ticks: dict[str, float | None] = {}

    async def run(self) -> None:
        """Serve until cancelled."""
        while True:
            wake_at = self.tick()
            await wait_any(self._changed, self._finished, wake_at=wake_at, now=self._clock())
            await asyncio.sleep(0)

    def tick(self) -> float | None:
        """Start the evaluation of what is owed; when to look again."""
        now = self._clock()
        self._finished.clear()
        if self._changed.is_set():
            self._changed.clear()
            self._look_at_all(now)
        for trigger_id in self._agenda.take_due(now, MAX_STARTS):
            self._look_at(trigger_id, now)
        return self._agenda.next_moment()

    def _look_at_all(self, now: float) -> None:
        known = {trigger_id for trigger_id, _, _ in self._locations.catalog.schedules()}
        self._agenda.keep_only(known)
        for gone in self.next_ticks.keys() - known:
            del self.next_ticks[gone]
        for trigger_id in known:
            self._agenda.put(trigger_id, now)

    def _look_at(self, trigger_id: str, now: float) -> None:
        found = self._locations.catalog.trigger(trigger_id)
        record = self._book.get(trigger_id)
        if found is None or record is None or trigger_id in self._busy:
            return
        location, schedule = found
        if not isinstance(schedule, ScheduleNode):
            return
        pause = self._pauses.holding(schedule, location, now)
        if pause is not None:
            self._agenda.put(trigger_id, pause.ends_at)
            return
        decision = self._decide(record, location, schedule, now)
        self.next_ticks[trigger_id] = decision.wake_at
        retry_at = self._retry_at.get(trigger_id, 0.0)
        if now < retry_at:
            self._agenda.put(trigger_id, retry_at)
        elif decision.owed or decision.dropped_until is not None:
            self._start(trigger_id, location, schedule, decision)
        else:
            self._agenda.put(trigger_id, decision.wake_at)

    def _decide(
        self, record: TriggerRecord, location: str, schedule: ScheduleNode, now: float
    ) -> ScheduleDecision:
        crons = self._crons.get(schedule.crons)
        if crons is None:
            crons = self._crons[schedule.crons] = tuple(parse(text) for text in schedule.crons)
        catch_up = schedule.policy.catches_up if schedule.policy is not None else None
        return decide_schedule_tick(
            ScheduleFacts(
                crons=crons,
                zone=schedule.zone,
                is_running=is_running(record, schedule.default_running),
                frontier=record.frontier if record.frontier is not None else now,
                now=now,
                max_catchup=schedule.max_catchup if catch_up is None else catch_up.max_ticks,
                window_s=None if catch_up is None else catch_up.window_s,
                skipped_spans=self._pauses.skipped_spans(schedule, location, now),
                max_tick_retries=schedule.max_tick_retries,
                failures=record.failures_in_a_row if _waits_for_retry(record, schedule) else 0,
                last_attempt_at=record.last_tick_at,
            )
        )

    def _start(
        self, trigger_id: str, location: str, schedule: ScheduleNode, decision: ScheduleDecision
    ) -> None:
        task = asyncio.create_task(self._evaluate_all(trigger_id, location, schedule, decision))
        self._busy[trigger_id] = task

        def done(_: asyncio.Task[None]) -> None:
            self._busy.pop(trigger_id, None)
            self._agenda.put(trigger_id, self._clock())
            self._finished.set()

        task.add_done_callback(done)

    async def _evaluate_all(
        self, trigger_id: str, location: str, schedule: ScheduleNode, decision: ScheduleDecision
    ) -> None:
        try:
            dropped_until = decision.dropped_until
            written = True
            if not decision.owed:
                written = await self._record_dropped(trigger_id, schedule, decision)
            for tick in decision.owed:
                written = await self._evaluate(trigger_id, location, schedule, tick, dropped_until)
                if not written:
                    break
                dropped_until = None
            if not written:
                self._retry_at[trigger_id] = self._clock() + STALE_PAUSE_S
        except UserCodeUnreachableError:
            # not the schedule's fault: the tick stays owed (A61)
            self._retry_at[trigger_id] = self._clock() + UNREACHABLE_PAUSE_S
        except Exception:
            logger.exception(
                "schedule %s: a tick could not be committed", trigger_id, extra={"trigger_id": trigger_id}
            )
            self._retry_at[trigger_id] = self._clock() + UNREACHABLE_PAUSE_S

    async def _evaluate(
        self,
        trigger_id: str,
        location: str,
        schedule: ScheduleNode,
        tick: OwedTick,
        dropped_until: float | None,
    ) -> bool:
        """Evaluate and commit one tick; False when the state had changed meanwhile (it is decided anew)."""
        record = self._book.get(trigger_id)
        if record is None:
            return False
        started_at = self._clock()
        if schedule.policy is not None and schedule.policy.breaker is not None:
            gate = await self._breakers.check(record, schedule.policy)
            if gate.state == "open":
                return await self._record_unasked(record, schedule, tick.scheduled_for, gate.describe())
        result = await self._ask(record, location, schedule, tick, started_at)
        commit = build_tick_commit(
            record,
            result,
            tick_identity=repr(tick.scheduled_for),
            started_at=started_at,
            ended_at=self._clock(),
            scheduled_for=tick.scheduled_for,
            attempt=tick.attempt,
            frontier=frontier_after(
                tick.scheduled_for,
                failed=result.error is not None,
                attempt=tick.attempt,
                max_tick_retries=schedule.max_tick_retries,
            ),
            policy=schedule.policy,
            notes=() if dropped_until is None else (describe_dropped(dropped_until, schedule.zone),),
        )
        return await self._writer.write(commit, schedule.name)

    async def _record_dropped(
        self, trigger_id: str, schedule: ScheduleNode, decision: ScheduleDecision
    ) -> bool:
        """Only missed ticks that are not to be run: the newest of them tells so."""
        record = self._book.get(trigger_id)
        if record is None or decision.dropped_until is None:
            return False
        why = describe_dropped(decision.dropped_until, schedule.zone)
        return await self._record_unasked(record, schedule, decision.dropped_until, why)

    async def _record_unasked(
        self, record: TriggerRecord, schedule: ScheduleNode, scheduled_for: float, why: str
    ) -> bool:
        frontier = frontier_after(scheduled_for, failed=False, attempt=1, max_tick_retries=0)
        commit = build_unasked_tick(
            record, now=self._clock(), scheduled_for=scheduled_for, frontier=frontier, reason=why
        )
        return await self._writer.write(commit, schedule.name)

    async def _ask(
        self, record: TriggerRecord, location: str, schedule: ScheduleNode, tick: OwedTick, now: float
    ) -> EvaluationResult:
        if schedule.fixed is not None:
            return fixed_result(self._locations.catalog, location, schedule, tick.scheduled_for)
        request = EvaluationRequest(
            kind=TriggerKind.SCHEDULE,
            name=schedule.name,
            now=now,
            scheduled_for=tick.scheduled_for,
            last_run_key=record.last_run_key,
            last_tick_at=record.last_tick_at,
            started_at=record.started_at,
        )
        timeout_s = schedule.evaluation_timeout_s or self._timeout_s
        try:
            try:
                return await self._locations.evaluate(location, request, timeout_s)
            except UserCodeDiedError:
                # a process can be killed from outside: the nominal time gets a second chance, a second death is its own
                return await self._locations.evaluate(location, request, timeout_s)
        except UserCodeFailedError as exc:
            return EvaluationResult(error=said_error(exc))


def _waits_for_retry(record: TriggerRecord, schedule: ScheduleNode) -> bool:
    """Whether the tick at the frontier has failed and may be tried again; the frontier then is its nominal time."""
    return 0 < record.failures_in_a_row <= schedule.max_tick_retries
