"""The schedules' duty: owed ticks are evaluated and committed; then it sleeps until the next nominal time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from tidewheel.errors import UserCodeTimeoutError, UserCodeUnreachableError
from tidewheel.logic.cron.expression import CronExpression, parse
from tidewheel.logic.graph.specs import ScheduleNode
from tidewheel.logic.planning.requests import build_tick_commit
from tidewheel.logic.planning.schedule_tick import (
    OwedTick,
    ScheduleDecision,
    ScheduleFacts,
    decide_schedule_tick,
    frontier_after,
)
from tidewheel.services.fixed_schedules import fixed_result
from tidewheel.services.locations import Locations
from tidewheel.services.signals import Signals, Topic, wait_until
from tidewheel.services.tick_writer import TickWriter
from tidewheel.services.triggers import TriggerBook, is_running
from tidewheel.values.error_info import error_info
from tidewheel.values.evaluation import EvaluationRequest, EvaluationResult
from tidewheel.values.records import TriggerRecord
from tidewheel.values.status import TriggerKind

logger = logging.getLogger("tidewheel.schedules")

UNREACHABLE_PAUSE_S = 1.0


class Schedules:
    """Looks after every schedule of the catalog."""

    def __init__(
        self,
        locations: Locations,
        book: TriggerBook,
        writer: TickWriter,
        signals: Signals,
        *,
        clock: Callable[[], float],
        evaluation_timeout_s: float,
    ) -> None:
        self._locations = locations
        self._book = book
        self._writer = writer
        self._clock = clock
        self._timeout_s = evaluation_timeout_s
        self._wake = signals.listen(Topic.CATALOG, Topic.TRIGGERS)
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._crons: dict[tuple[str, ...], tuple[CronExpression, ...]] = {}
        self._retry_at: dict[str, float] = {}
        self.next_ticks: dict[str, float | None] = {}

    async def run(self) -> None:
        """Serve until cancelled."""
        while True:
            wake_at = self.tick()
            await wait_until(self._wake, wake_at, self._clock())

    def tick(self) -> float | None:
        """Start the evaluation of everything that is owed; when to look again."""
        now = self._clock()
        moments: list[float] = []
        seen = set()
        for trigger_id, location, schedule in self._locations.catalog.schedules():
            seen.add(trigger_id)
            record = self._book.get(trigger_id)
            if record is None or trigger_id in self._busy:
                continue
            paused_until = self._retry_at.get(trigger_id, 0.0)
            if now < paused_until:
                moments.append(paused_until)
                continue
            decision = self._decide(record, schedule, now)
            self.next_ticks[trigger_id] = decision.wake_at
            if decision.owed:
                self._start(trigger_id, location, schedule, decision.owed)
            elif decision.wake_at is not None:
                moments.append(decision.wake_at)
        for gone in set(self.next_ticks) - seen:
            del self.next_ticks[gone]
        return min(moments, default=None)

    def _decide(self, record: TriggerRecord, schedule: ScheduleNode, now: float) -> ScheduleDecision:
        crons = self._crons.get(schedule.crons)
        if crons is None:
            crons = self._crons[schedule.crons] = tuple(parse(text) for text in schedule.crons)
        return decide_schedule_tick(
            ScheduleFacts(
                crons=crons,
                zone=schedule.zone,
                is_running=is_running(record, schedule.default_running),
                frontier=record.frontier if record.frontier is not None else now,
                now=now,
                max_catchup=schedule.max_catchup,
                max_tick_retries=schedule.max_tick_retries,
                failures=record.failures_in_a_row if _waits_for_retry(record, schedule) else 0,
                last_attempt_at=record.last_tick_at,
            )
        )

    def _start(
        self, trigger_id: str, location: str, schedule: ScheduleNode, owed: tuple[OwedTick, ...]
    ) -> None:
        task = asyncio.create_task(self._evaluate_all(trigger_id, location, schedule, owed))
        self._busy[trigger_id] = task

        def done(_: asyncio.Task[None]) -> None:
            self._busy.pop(trigger_id, None)
            self._wake.set()

        task.add_done_callback(done)

    async def _evaluate_all(
        self, trigger_id: str, location: str, schedule: ScheduleNode, owed: tuple[OwedTick, ...]
    ) -> None:
        for tick in owed:
            try:
                if not await self._evaluate(trigger_id, location, schedule, tick):
                    return
            except UserCodeUnreachableError:
                # not the schedule's fault: the tick stays owed (A61)
                self._retry_at[trigger_id] = self._clock() + UNREACHABLE_PAUSE_S
                return
            except Exception:
                logger.exception(
                    "schedule %s: tick at %s could not be committed", trigger_id, tick.scheduled_for
                )
                self._retry_at[trigger_id] = self._clock() + UNREACHABLE_PAUSE_S
                return

    async def _evaluate(self, trigger_id: str, location: str, schedule: ScheduleNode, tick: OwedTick) -> bool:
        """Evaluate and commit one tick; False when the state had changed meanwhile (it is decided anew)."""
        record = self._book.get(trigger_id)
        if record is None:
            return False
        started_at = self._clock()
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
        try:
            return await self._locations.evaluate(
                location, request, schedule.evaluation_timeout_s or self._timeout_s
            )
        except UserCodeTimeoutError as exc:
            return EvaluationResult(error=error_info(exc))


def _waits_for_retry(record: TriggerRecord, schedule: ScheduleNode) -> bool:
    """Whether the tick at the frontier has failed and may be tried again; the frontier then is its nominal time."""
    return 0 < record.failures_in_a_row <= schedule.max_tick_retries
