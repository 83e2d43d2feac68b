"""The sensors' duty: each is evaluated when its interval has passed or what it listens to has happened."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Optional

import msgspec

from tidewheel.errors import UserCodeFailedError, UserCodeUnreachableError
from tidewheel.logic.graph.specs import SensorNode
from tidewheel.logic.planning.requests import build_tick_commit
from tidewheel.logic.planning.sensor_tick import (
    SensorDecision,
    SensorFacts,
    decide_sensor_tick,
    start_delay_s,
    start_spread_s,
)
from tidewheel.services.agenda import Agenda
from tidewheel.services.breakers import Breakers
from tidewheel.services.database import Database
from tidewheel.services.locations import Locations
from tidewheel.services.pause_book import PauseBook
from tidewheel.services.releases import Releases
from tidewheel.services.sensor_events import load_sensor_events
from tidewheel.services.signals import Signals, Topic, wait_any
from tidewheel.services.tick_writer import TickWriter
from tidewheel.services.triggers import TriggerBook, is_running
from tidewheel.values.error_info import error_info
from tidewheel.values.evaluation import EvaluationRequest, EvaluationResult
from tidewheel.values.records import TriggerRecord
from tidewheel.values.status import TickStatus, TriggerKind

logger = logging.getLogger("tidewheel.sensors")

UNREACHABLE_PAUSE_S = 1.0
MAX_STARTS = 250
"""Sensors that are begun before other work of the server has its turn."""
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
        pauses: PauseBook,
        breakers: Breakers,
        releases: Releases,
        *,
        clock: Callable[[], float],
        evaluation_timeout_s: float,
    ) -> None:
        self._locations = locations
        self._book = book
        self._writer = writer
        self._database = database
        self._pauses = pauses
        self._breakers = breakers
        self._releases = releases
        self._clock = clock
        self._timeout_s = evaluation_timeout_s
        self._changed = signals.listen(Topic.CATALOG, Topic.TRIGGERS)
        self._events = signals.listen(Topic.ASSET_EVENTS, Topic.RUN_EVENTS)
        self._finished = asyncio.Event()
        self._agenda = Agenda()
        self._count = 0
        self._listeners: list[str] = []
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._moments: dict[str, SensorMoment] = {}
        self._first_seen: dict[str, float] = {}

    async def run(self) -> None:
        """Serve until cancelled."""
        while True:
            wake_at = self.tick()
            await wait_any(self._changed, self._events, self._finished, wake_at=wake_at, now=self._clock())
            await asyncio.sleep(0)

    def tick(self) -> float | None:
        """Start the evaluation of every sensor that is due; when to look again."""
        now = self._clock()
        self._finished.clear()
        if self._changed.is_set():
            self._changed.clear()
            self._look_at_all(now)
        if self._events.is_set():
            self._events.clear()
            self._wake_listeners(now)
        for trigger_id in self._agenda.take_due(now, MAX_STARTS):
            self._look_at(trigger_id, now)
        return self._agenda.next_moment()

    def last_started_at(self, trigger_id: str) -> float | None:
        """When the sensor was last evaluated, also where nothing was worth recording."""
        return self._moment(trigger_id).last_started_at

    def _look_at_all(self, now: float) -> None:
        sensors = {trigger_id: sensor for trigger_id, _, sensor in self._locations.catalog.sensors()}
        self._count = len(sensors)
        self._listeners = [name for name, sensor in sensors.items() if sensor.kind in LISTENING_KINDS]
        self._agenda.keep_only(set(sensors))
        for trigger_id in sensors:
            self._agenda.put(trigger_id, now)

    def _wake_listeners(self, now: float) -> None:
        """Mark sensors that listen to events: there are some."""
        for trigger_id in self._listeners:
            self._moment(trigger_id).woken = True
            self._agenda.put(trigger_id, now)

    def _moment(self, trigger_id: str) -> SensorMoment:
        return self._moments.setdefault(trigger_id, SensorMoment())

    def _look_at(self, trigger_id: str, now: float) -> None:
        found = self._locations.catalog.trigger(trigger_id)
        record = self._book.get(trigger_id)
        if found is None or record is None or trigger_id in self._busy:
            return
        location, sensor = found
        if not isinstance(sensor, SensorNode) or sensor.kind == "automation":
            return  # conditions have a duty of their own
        moment = self._moment(trigger_id)
        pause = self._pauses.holding(sensor, location, now)
        blocked_until = max(moment.paused_until, pause.ends_at if pause is not None else 0.0)
        if now < blocked_until:
            self._agenda.put(trigger_id, blocked_until)
            return
        decision = self._decide(trigger_id, record, sensor, moment, now)
        if decision.evaluate:
            self._start(trigger_id, location, sensor, moment, now)
        else:
            self._agenda.put(trigger_id, decision.wake_at)

    def _decide(
        self, trigger_id: str, record: TriggerRecord, sensor: SensorNode, moment: SensorMoment, now: float
    ) -> SensorDecision:
        if moment.started_at != record.started_at:
            moment.started_at, moment.evaluations = record.started_at, 0
            moment.last_started_at = None
        spread_s = start_spread_s(self._count, sensor.minimum_interval_s)
        return decide_sensor_tick(
            SensorFacts(
                is_running=is_running(record, sensor.default_running),
                minimum_interval_s=sensor.minimum_interval_s,
                now=now,
                served_since=self._served_since(trigger_id, now),
                start_delay_s=start_delay_s(trigger_id, spread_s),
                last_started_at=moment.last_started_at,
                failures_in_a_row=record.failures_in_a_row,
                woken=moment.woken,
                is_evaluating=trigger_id in self._busy,
            )
        )

    def _served_since(self, trigger_id: str, now: float) -> float:
        return self._first_seen.setdefault(trigger_id, now)

    def _start(
        self, trigger_id: str, location: str, sensor: SensorNode, moment: SensorMoment, now: float
    ) -> None:
        moment.last_started_at = now
        moment.woken = False
        task = asyncio.create_task(self._evaluate_guarded(trigger_id, location, sensor, moment))
        self._busy[trigger_id] = task

        def done(_: asyncio.Task[None]) -> None:
            self._busy.pop(trigger_id, None)
            self._agenda.put(trigger_id, self._clock())
            self._finished.set()

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
        if sensor.policy is not None and sensor.policy.breaker is not None:
            gate = await self._breakers.check(record, sensor.policy)
            if gate.state == "open":
                moment.paused_until = self._breakers.look_again_at(gate)
                moment.woken = True
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
            request = _without_spans(request, self._pauses.skipped_spans(sensor, location, started_at))
            if not request.events:
                await self._move(record, loaded.position)
                moment.woken = moment.woken or more
                return
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
        except UserCodeFailedError as exc:
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
            policy=sensor.policy,
        )
        if record.trigger_id not in self._releases.counts and self._is_repetition(
            commit.status, commit.skip_reason, moment, result, record
        ):
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


def _without_spans(request: EvaluationRequest, spans: tuple[tuple[float, float], ...]) -> EvaluationRequest:
    """The request without events of pauses whose events are not to be made up for."""
    if not spans:
        return request
    kept = [
        place
        for place, stored in enumerate(request.events)
        if not any(begin <= stored.event.timestamp < end for begin, end in spans)
    ]
    return msgspec.structs.replace(
        request,
        events=tuple(request.events[place] for place in kept),
        runs=tuple(request.runs[place] for place in kept),
    )


def _position_after(request: EvaluationRequest, result: EvaluationResult) -> int | None:
    """Which events count as handed over: all of them, unless the evaluation as a whole failed."""
    if result.error is not None or not request.events:
        return None
    return request.events[-1].id
