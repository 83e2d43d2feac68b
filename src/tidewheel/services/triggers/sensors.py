"""The sensors' duty: each is evaluated when its interval has passed or what it listens to has happened."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Optional

import msgspec

from tidewheel.errors import UserCodeFailedError, UserCodeUnreachableError
from tidewheel.logic.graph.specs import SensorNode
from tidewheel.logic.planning.event_delivery import Handed, settle_handover
from tidewheel.logic.planning.requests import build_tick_commit
from tidewheel.logic.planning.sensor_tick import (
    SensorDecision,
    SensorFacts,
    decide_sensor_tick,
    start_delay_s,
    start_spread_s,
)
from tidewheel.services.code.locations import Locations
from tidewheel.services.database import Database
from tidewheel.services.signals import Signals, Topic, wait_any
from tidewheel.services.triggers.agenda import Agenda
from tidewheel.services.triggers.breakers import Breakers
from tidewheel.services.triggers.pause_book import PauseBook
from tidewheel.services.triggers.releases import Releases
from tidewheel.services.triggers.sensor_events import (
    BATCH,
    INBOX_KINDS,
    LISTENING_KINDS,
    SensorEvents,
    load_sensor_events,
    without_spans,
)
from tidewheel.services.triggers.tick_writer import TickWriter
from tidewheel.services.triggers.trigger_book import TriggerBook, is_running
from tidewheel.values.error_info import said_error
from tidewheel.values.evaluation import EvaluationRequest, EvaluationResult
from tidewheel.values.records import TriggerRecord
from tidewheel.values.status import TickStatus, TriggerKind

logger = logging.getLogger("tidewheel.sensors")

UNREACHABLE_PAUSE_S = 1.0
STALE_PAUSE_S = 0.2
BUDGET_SHARE = 0.5
"""How much of an evaluation's time may have passed when another event is begun."""
MAX_STARTS = 250
"""Sensors that are begun before other work of the server has its turn."""


class SensorMoment(msgspec.Struct, kw_only=True):
    """What the server remembers of a sensor between evaluations; lost with the process, and harmless to lose."""

    last_started_at: Optional[float] = None
    last_skip_reason: Optional[str] = None
    evaluations: int = 0
    woken: bool = False
    paused_until: float = 0.0
    started_at: Optional[float] = None
    retry_at: Optional[float] = None
    """When an event is to be handed over again."""
    single_until: int = 0
    """Events up to this id go one at a time: together they failed as a whole."""
    prefers_new: bool = True
    """Whether new events go before one that is due again; they take turns."""


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
        self._events = signals.listen(Topic.ASSET_EVENTS, Topic.RUN_EVENTS, Topic.INBOX)
        self._news = {
            "run_status": signals.listen(Topic.RUN_EVENTS, Topic.INBOX),
            "asset": signals.listen(Topic.ASSET_EVENTS, Topic.INBOX),
            "inbox": signals.listen(Topic.INBOX),
        }
        """What wakes whom. The inbox wakes everybody: any event can be asked for again."""
        self._finished = asyncio.Event()
        self._agenda = Agenda()
        self._count = 0
        self._listeners: dict[str, list[str]] = {}
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
        self._events.clear()
        for kind, news in self._news.items():
            if news.is_set():
                news.clear()
                self._wake_listeners(kind, now)
        for trigger_id in self._agenda.take_due(now, MAX_STARTS):
            self._look_at(trigger_id, now)
        return self._agenda.next_moment()

    def last_started_at(self, trigger_id: str) -> float | None:
        """When the sensor was last evaluated, also where nothing was worth recording."""
        return self._moment(trigger_id).last_started_at

    def _look_at_all(self, now: float) -> None:
        sensors = {trigger_id: sensor for trigger_id, _, sensor in self._locations.catalog.sensors()}
        self._count = len(sensors)
        self._listeners = {}
        for name, sensor in sensors.items():
            if sensor.kind in LISTENING_KINDS:
                kind = "inbox" if sensor.kind in INBOX_KINDS else sensor.kind
                self._listeners.setdefault(kind, []).append(name)
        self._agenda.keep_only(set(sensors))
        for trigger_id in sensors:
            self._agenda.put(trigger_id, now)

    def _wake_listeners(self, kind: str, now: float) -> None:
        """Mark sensors that listen to events of a kind: there are some."""
        for trigger_id in self._listeners.get(kind, ()):
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
                retry_at=moment.retry_at,
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
            logger.exception(
                "sensor %s: its tick could not be committed", trigger_id, extra={"trigger_id": trigger_id}
            )
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
        if sensor.kind in LISTENING_KINDS:
            await self._hand_over(record, sensor, moment, request)
            return
        result = await self._ask(location, sensor, request)
        moment.evaluations += 1
        await self._commit(record, sensor, moment, result, started_at)

    async def _hand_over(
        self, record: TriggerRecord, sensor: SensorNode, moment: SensorMoment, request: EvaluationRequest
    ) -> None:
        """One evaluation of a sensor that listens to events: only when there are some for it."""
        loaded = await self._load(record, sensor, moment, request.now)
        loaded = without_spans(loaded, self._pauses.skipped_spans(sensor, record.location, request.now))
        moment.retry_at = loaded.wake_at
        moment.woken = moment.woken or loaded.more
        handed = loaded.handed
        if handed is None:
            if loaded.position > (record.position or 0):
                await self._move(record, moment, loaded.position)
            return
        moment.prefers_new = handed.again is not None
        result = await self._ask(record.location, sensor, loaded.fill(request))
        moment.evaluations += 1
        await self._settle(record, sensor, moment, loaded, handed, result, request.now)

    async def _load(
        self, record: TriggerRecord, sensor: SensorNode, moment: SensorMoment, now: float
    ) -> SensorEvents:
        return await self._database.read(
            load_sensor_events,
            self._database.ledger,
            sensor,
            record,
            now=now,
            limit=1 if (record.position or 0) < moment.single_until else BATCH,
            prefers_new=moment.prefers_new,
        )

    async def _settle(
        self,
        record: TriggerRecord,
        sensor: SensorNode,
        moment: SensorMoment,
        loaded: SensorEvents,
        handed: Handed,
        result: EvaluationResult,
        started_at: float,
    ) -> None:
        settled = settle_handover(record.trigger_id, handed, result, self._clock())
        if settled.split:
            logger.warning(
                "sensor %s failed on a batch as a whole; trying one by one",
                record.trigger_id,
                extra={"trigger_id": record.trigger_id},
            )
            moment.single_until, moment.woken = handed.ids[-1], True
            return
        result, behind = settled.result, settled.result.position
        if behind is not None and behind < handed.ids[-1]:
            moment.woken = True  # the time was up before the last event
        elif behind is not None:
            result = msgspec.structs.replace(result, position=max(behind, loaded.position))
        retries = [one.retry_at for one in settled.redeliveries if one.retry_at is not None]
        known = [] if moment.retry_at is None else [moment.retry_at]
        moment.retry_at = min(retries + known, default=None)
        extras = {"failed_events": settled.redeliveries, "settled_events": settled.settled}
        await self._commit(record, sensor, moment, result, started_at, extras)

    async def _ask(self, location: str, sensor: SensorNode, request: EvaluationRequest) -> EvaluationResult:
        timeout_s = sensor.evaluation_timeout_s or self._timeout_s
        if request.events or request.deliveries:
            request = msgspec.structs.replace(request, budget_s=timeout_s * BUDGET_SHARE)
        try:
            return await self._locations.evaluate(location, request, timeout_s)
        except UserCodeFailedError as exc:
            return EvaluationResult(error=said_error(exc))

    async def _commit(
        self,
        record: TriggerRecord,
        sensor: SensorNode,
        moment: SensorMoment,
        result: EvaluationResult,
        started_at: float,
        extras: dict[str, Any] | None = None,
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
        if extras:
            # what becomes of single events is always written
            self._note_written(
                moment, await self._writer.write(msgspec.structs.replace(commit, **extras), sensor.name)
            )
            return
        if record.trigger_id not in self._releases.counts and self._is_repetition(
            commit.status, commit.skip_reason, moment, result, record
        ):
            return
        moment.last_skip_reason = commit.skip_reason if commit.status is TickStatus.SKIPPED else None
        self._note_written(moment, await self._writer.write(commit, sensor.name))

    def _note_written(self, moment: SensorMoment, written: bool) -> None:
        """A tick that was stale left everything as it was: what it was about is still to be dealt with, and soon."""
        if not written:
            moment.woken = True
            moment.last_skip_reason = None
            moment.paused_until = self._clock() + STALE_PAUSE_S

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

    async def _move(self, record: TriggerRecord, moment: SensorMoment, position: int) -> None:
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
            moment.woken = True
