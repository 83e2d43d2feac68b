"""The sensors' duty: each is evaluated when its interval has passed or what it listens to has happened."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Optional

import msgspec

from tidewheel.errors import UserCodeTimeoutError, UserCodeUnreachableError
from tidewheel.logic.graph.specs import SensorNode
from tidewheel.logic.planning.requests import build_tick_commit
from tidewheel.logic.planning.sensor_tick import SensorDecision, SensorFacts, decide_sensor_tick
from tidewheel.services.database import Database
from tidewheel.services.locations import Locations
from tidewheel.services.sensor_events import load_sensor_events
from tidewheel.services.signals import Signals, Topic, wait_until
from tidewheel.services.tick_writer import TickWriter
from tidewheel.services.triggers import TriggerBook, is_running
from tidewheel.values.error_info import error_info
from tidewheel.values.evaluation import EvaluationRequest, EvaluationResult
from tidewheel.values.records import TriggerRecord
from tidewheel.values.status import TickStatus, TriggerKind

logger = logging.getLogger("tidewheel.sensors")

UNREACHABLE_PAUSE_S = 1.0
LISTENING_KINDS = frozenset({"run_status", "asset"})


class SensorMoment(msgspec.Struct, kw_only=True):
    """What the server remembers of a sensor between evaluations; lost with the process, and harmless to lose."""

    last_started_at: Optional[float] = None
    last_skip_reason: Optional[str] = None
    evaluations: int = 0
    woken: bool = False
    paused_until: float = 0.0
    started_at: Optional[float] = None


class Sensors:
    """Looks after every sensor of the catalog."""

    def __init__(
        self,
        locations: Locations,
        book: TriggerBook,
        writer: TickWriter,
        database: Database,
        signals: Signals,
        *,
        clock: Callable[[], float],
        evaluation_timeout_s: float,
    ) -> None:
        self._locations = locations
        self._book = book
        self._writer = writer
        self._database = database
        self._clock = clock
        self._timeout_s = evaluation_timeout_s
        self._wake = signals.listen(Topic.CATALOG, Topic.TRIGGERS)
        self._events = signals.listen(Topic.ASSET_EVENTS, Topic.RUN_EVENTS)
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._moments: dict[str, SensorMoment] = {}

    async def run(self) -> None:
        """Serve until cancelled."""
        listener = asyncio.create_task(self._listen())
        try:
            while True:
                wake_at = self.tick()
                await wait_until(self._wake, wake_at, self._clock())
        finally:
            listener.cancel()

    async def _listen(self) -> None:
        """Mark sensors that listen to events when there are any."""
        while True:
            await self._events.wait()
            self._events.clear()
            for trigger_id, _, sensor in self._locations.catalog.sensors():
                if sensor.kind in LISTENING_KINDS:
                    self._moment(trigger_id).woken = True
            self._wake.set()

    def tick(self) -> float | None:
        """Start the evaluation of every sensor that is due; when to look again."""
        now = self._clock()
        moments: list[float] = []
        for trigger_id, location, sensor in self._locations.catalog.sensors():
            record = self._book.get(trigger_id)
            if record is None or sensor.kind == "automation":
                continue  # conditions have a duty of their own
            moment = self._moment(trigger_id)
            if now < moment.paused_until:
                moments.append(moment.paused_until)
                continue
            decision = self._decide(trigger_id, record, sensor, moment, now)
            if decision.evaluate:
                self._start(trigger_id, location, sensor, moment, now)
            elif decision.wake_at is not None:
                moments.append(decision.wake_at)
        return min(moments, default=None)

    def last_started_at(self, trigger_id: str) -> float | None:
        """When the sensor was last evaluated, also where nothing was worth recording."""
        return self._moment(trigger_id).last_started_at

    def _moment(self, trigger_id: str) -> SensorMoment:
        return self._moments.setdefault(trigger_id, SensorMoment())

    def _decide(
        self, trigger_id: str, record: TriggerRecord, sensor: SensorNode, moment: SensorMoment, now: float
    ) -> SensorDecision:
        if moment.started_at != record.started_at:
            moment.started_at, moment.evaluations = record.started_at, 0
        return decide_sensor_tick(
            SensorFacts(
                is_running=is_running(record, sensor.default_running),
                minimum_interval_s=sensor.minimum_interval_s,
                now=now,
                last_started_at=moment.last_started_at,
                failures_in_a_row=record.failures_in_a_row,
                woken=moment.woken,
                is_evaluating=trigger_id in self._busy,
            )
        )

    def _start(
        self, trigger_id: str, location: str, sensor: SensorNode, moment: SensorMoment, now: float
    ) -> None:
        moment.last_started_at = now
        moment.woken = False
        task = asyncio.create_task(self._evaluate_guarded(trigger_id, location, sensor, moment))
        self._busy[trigger_id] = task

        def done(_: asyncio.Task[None]) -> None:
            self._busy.pop(trigger_id, None)
            self._wake.set()

        task.add_done_callback(done)

    async def _evaluate_guarded(
        self, trigger_id: str, location: str, sensor: SensorNode, moment: SensorMoment
    ) -> None:
        try:
            await self._evaluate(trigger_id, location, sensor, moment)
        except UserCodeUnreachableError:
            moment.paused_until = self._clock() + UNREACHABLE_PAUSE_S
            moment.woken = True
        except Exception:
            logger.exception("sensor %s: its tick could not be committed", trigger_id)
            moment.paused_until = self._clock() + UNREACHABLE_PAUSE_S
            moment.woken = True

    async def _evaluate(
        self, trigger_id: str, location: str, sensor: SensorNode, moment: SensorMoment
    ) -> None:
        record = self._book.get(trigger_id)
        if record is None:
            return
        started_at = self._clock()
        request = EvaluationRequest(
            kind=TriggerKind.SENSOR,
            name=sensor.name,
            now=started_at,
            cursor=record.cursor,
            last_run_key=record.last_run_key,
            last_tick_at=record.last_tick_at,
            started_at=record.started_at,
            is_first_since_start=moment.evaluations == 0,
        )
        more = False
        if sensor.kind in LISTENING_KINDS:
            loaded = await self._database.read(
                load_sensor_events, self._database.ledger, sensor, location, record.position or 0
            )
            if not loaded.events:
                if loaded.position > (record.position or 0):
                    await self._move(record, loaded.position)
                return
            more = loaded.more
            request = msgspec.structs.replace(request, events=loaded.events, runs=loaded.runs)
        result = await self._ask(location, sensor, request)
        if request.events and result.position is None:
            result = msgspec.structs.replace(result, position=_position_after(request, result))
        moment.evaluations += 1
        await self._commit(record, sensor, moment, result, started_at)
        if more:
            moment.woken = True

    async def _ask(self, location: str, sensor: SensorNode, request: EvaluationRequest) -> EvaluationResult:
        try:
            return await self._locations.evaluate(
                location, request, sensor.evaluation_timeout_s or self._timeout_s
            )
        except UserCodeTimeoutError as exc:
            return EvaluationResult(error=error_info(exc))

    async def _commit(
        self,
        record: TriggerRecord,
        sensor: SensorNode,
        moment: SensorMoment,
        result: EvaluationResult,
        started_at: float,
    ) -> None:
        commit = build_tick_commit(
            record,
            result,
            tick_identity=f"v{record.version}",
            started_at=started_at,
            ended_at=self._clock(),
            frontier=started_at,
        )
        if self._is_repetition(commit.status, commit.skip_reason, moment, result, record):
            return
        moment.last_skip_reason = commit.skip_reason if commit.status is TickStatus.SKIPPED else None
        await self._writer.write(commit, sensor.name)

    @staticmethod
    def _is_repetition(
        status: TickStatus,
        skip_reason: str | None,
        moment: SensorMoment,
        result: EvaluationResult,
        record: TriggerRecord,
    ) -> bool:
        """The same uneventful skip as last time is not written again: idle sensors cost no database work."""
        return (
            status is TickStatus.SKIPPED
            and skip_reason == moment.last_skip_reason
            and skip_reason is not None
            and record.failures_in_a_row == 0
            and result.position is None
            and not (result.cursor_changed and result.cursor != record.cursor)
            and not (result.partition_changes or result.events or result.log)
        )

    async def _move(self, record: TriggerRecord, position: int) -> None:
        """Events that do not concern the sensor are behind it."""
        moved = await self._database.write(
            self._database.ledger.update_trigger,
            record.trigger_id,
            expected_version=record.version,
            position=position,
        )
        if moved is not None:
            self._book.note(moved)
        else:
            await self._book.refresh(record.trigger_id)


def _position_after(request: EvaluationRequest, result: EvaluationResult) -> int | None:
    """Which events count as handed over: all of them, unless the evaluation as a whole failed."""
    if result.error is not None or not request.events:
        return None
    return request.events[-1].id
