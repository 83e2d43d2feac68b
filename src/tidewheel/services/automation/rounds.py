"""The automation sensors' duty: conditions are evaluated when something happened that they ask for, or time is due.

Gather (`SensorEngine.read`), decide (`SensorEngine.decide`), commit (one tick), act (the queue is woken). One sensor
after the other; the work on the graph is done in a thread of its own, so that the server goes on meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Optional, ParamSpec, TypeVar

import msgspec

from tidewheel.logic.conditions.incremental import Round
from tidewheel.logic.conditions.subjects import ConditionGraph, Key, build_graph
from tidewheel.logic.graph.specs import LocationSnapshot, SensorNode
from tidewheel.logic.planning.automation_commit import SensorOptions
from tidewheel.services.automation.condition_questions import ConditionQuestioner
from tidewheel.services.automation.condition_round import SensorEngine
from tidewheel.services.code.catalog import IMPLICIT_ASSET_JOB, Catalog
from tidewheel.services.code.locations import Locations
from tidewheel.services.database import Database
from tidewheel.services.machine import HelperThread
from tidewheel.services.signals import Signals, Topic, wait_until
from tidewheel.services.triggers.pause_book import PauseBook
from tidewheel.services.triggers.tick_writer import TickWriter
from tidewheel.services.triggers.trigger_book import TriggerBook, is_running
from tidewheel.values.conditions import ConditionCommit
from tidewheel.values.records import NewRun, TickCommit, TriggerRecord
from tidewheel.values.status import TickStatus

logger = logging.getLogger("tidewheel.automation")

P = ParamSpec("P")
R = TypeVar("R")

AUTOMATION = "automation"
FAILED_PAUSE_S = 1.0
LEAST_INTERVAL_S = 1.0


class SensorState(msgspec.Struct, kw_only=True):
    """What the server remembers of an automation sensor; lost with the process, and read again from the ledger."""

    engine: Optional[SensorEngine] = None
    last: Optional[Round] = None
    not_before: float = 0.0
    woken: bool = True
    reread: bool = False
    reload: bool = False
    task: Optional[asyncio.Task[None]] = None


class Automation:
    """Looks after every automation sensor of the catalog."""

    def __init__(
        self,
        locations: Locations,
        book: TriggerBook,
        writer: TickWriter,
        database: Database,
        signals: Signals,
        pauses: PauseBook,
        *,
        clock: Callable[[], float],
        evaluation_timeout_s: float,
        thread: HelperThread,
    ) -> None:
        self._locations = locations
        self._book = book
        self._writer = writer
        self._database = database
        self._pauses = pauses
        self._clock = clock
        self._timeout_s = evaluation_timeout_s
        self._wake = asyncio.Event()
        self._happened = signals.listen(
            Topic.CATALOG,
            Topic.TRIGGERS,
            Topic.ASSET_EVENTS,
            Topic.RUN_EVENTS,
            Topic.RUNS_ENDED,
            Topic.BACKFILLS,
            Topic.HISTORY,
        )
        self._history = signals.listen(Topic.HISTORY)
        self._answered = signals.listen(Topic.TRIGGERS)
        self._thread = thread
        self.questioner = ConditionQuestioner(locations, clock)
        self._catalog: Catalog | None = None
        self._graph = ConditionGraph({})
        self._states: dict[str, SensorState] = {}

    async def run(self) -> None:
        """Serve until cancelled."""
        listener = asyncio.create_task(self._listen())
        try:
            while True:
                wake_at = await self._tick_guarded()
                await wait_until(self._wake, wake_at, self._clock())
        finally:
            listener.cancel()
            for state in self._states.values():
                if state.task is not None:
                    state.task.cancel()
            self._thread.close()

    async def _tick_guarded(self) -> float | None:
        try:
            return await self.tick()
        except Exception:
            logger.exception("automation sensors could not be looked at; trying again")
            self._catalog = None  # the graph of this code is built again
            return self._clock() + FAILED_PAUSE_S

    async def _listen(self) -> None:
        """Something happened: every sensor has to look."""
        while True:
            await self._happened.wait()
            self._happened.clear()
            for state in self._states.values():
                state.woken = True
            self._wake.set()

    async def tick(self) -> float | None:
        """Begin the evaluation of every sensor that runs and has a reason to look; when to look again."""
        await self._follow_catalog()
        moments: list[float] = []
        for trigger_id, location, sensor in self.sensors():
            record = self._book.get(trigger_id)
            if record is None:
                continue
            state = self._states.setdefault(trigger_id, SensorState())
            if state.task is not None:
                continue
            if not is_running(record, sensor.default_running):
                state.engine = state.last = None
                state.woken = True
                continue
            pause = self._pauses.holding(sensor, location, self._clock())
            if pause is not None:
                if pause.ends_at is not None:
                    moments.append(pause.ends_at)
                continue  # what happens meanwhile is judged afterwards
            moment = self._next_moment(state, sensor)
            if moment is not None and moment > self._clock():
                moments.append(moment)
            elif moment is not None:
                self._begin(trigger_id, location, sensor, state)
        return min(moments, default=None)

    def _begin(self, trigger_id: str, location: str, sensor: SensorNode, state: SensorState) -> None:
        state.woken = False
        state.task = asyncio.create_task(self._evaluate_guarded(trigger_id, location, sensor, state))

        def done(_: asyncio.Task[None]) -> None:
            state.task = None
            self._wake.set()

        state.task.add_done_callback(done)

    async def graph(self) -> ConditionGraph:
        """The one graph of all code locations, as of the code that is loaded now."""
        await self._follow_catalog()
        return self._graph

    def sensors(self) -> list[tuple[str, str, SensorNode]]:
        """(trigger id, location, sensor) of every automation sensor."""
        return [one for one in self._locations.catalog.sensors() if one[2].kind == AUTOMATION]

    def last_round(self, trigger_id: str) -> Round | None:
        """What came of a sensor's last evaluation since this server started."""
        state = self._states.get(trigger_id)
        return None if state is None else state.last

    def next_moment(self, trigger_id: str, sensor: SensorNode) -> float | None:
        """When a sensor is evaluated again at the latest; None: when something happens."""
        state = self._states.get(trigger_id)
        return None if state is None else self._next_moment(state, sensor)

    def snapshots(self) -> list[LocationSnapshot]:
        """The code that is loaded."""
        return list(self._locations.catalog.snapshots.values())

    async def in_thread(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Carry out work on the graph beside the event loop, after what is under way."""
        return await self._thread.run(work, *args, **kwargs)

    def _next_moment(self, state: SensorState, sensor: SensorNode) -> float | None:
        """When a sensor is to be evaluated; None: when something happens."""
        now = self._clock()
        if state.not_before > now:
            return state.not_before
        if state.woken or state.reread or state.reload or state.engine is None or state.last is None:
            return now
        moments = [state.engine.wake_at(state.last)]
        if not state.last.is_settled:
            moments.append(state.last.position.at + max(sensor.minimum_interval_s, LEAST_INTERVAL_S))
        return min((one for one in moments if one is not None), default=None)

    async def _follow_catalog(self) -> None:
        """Build the graph of the code that is loaded now; engines of other code are put away."""
        if self._answered.is_set():
            self._answered.clear()
            for state in self._states.values():
                state.reload = True
        if self._history.is_set():
            self._history.clear()
            for state in self._states.values():
                state.reread = True
        catalog = self._locations.catalog
        if catalog is self._catalog:
            return
        self._catalog = catalog
        graph = await self.in_thread(build_graph, list(catalog.snapshots.values()))
        for trigger_id, state in self._states.items():
            if state.engine is not None:
                await self._leave(trigger_id, state.engine, graph)
            state.engine = state.last = None
        self._graph = graph
        self.questioner.forget()

    async def _leave(self, trigger_id: str, engine: SensorEngine, graph: ConditionGraph) -> None:
        """Note how far targets were looked at that are gone now: they may come back."""
        record = self._book.get(trigger_id)
        rows = await self.in_thread(engine.left_behind, graph.targets)
        if not rows or record is None:
            return
        now = self._clock()
        commit = TickCommit(
            trigger_id=trigger_id,
            expected_version=record.version,
            status=TickStatus.SKIPPED,
            started_at=now,
            ended_at=now,
            conditions=ConditionCommit(memories=rows),
            record_tick=False,
        )
        await self._writer.write(commit, record.name)

    async def _evaluate_guarded(
        self, trigger_id: str, location: str, sensor: SensorNode, state: SensorState
    ) -> None:
        try:
            record = self._book.get(trigger_id)
            if record is not None:
                await self._evaluate(record, location, sensor, state)
        except Exception:
            logger.exception(
                "automation sensor %s: its tick could not be committed",
                trigger_id,
                extra={"trigger_id": trigger_id},
            )
            state.engine = state.last = None
            state.not_before = self._clock() + FAILED_PAUSE_S

    async def _evaluate(
        self, record: TriggerRecord, location: str, sensor: SensorNode, state: SensorState
    ) -> None:
        everything, reload, state.reread, state.reload = state.reread, state.reload, False, False
        engine = state.engine
        if engine is None:
            graph, ledger = self._graph, self._database.ledger
            targets = targets_of(graph, location, sensor)
            engine = await self.in_thread(SensorEngine, graph, targets, record, ledger)
            if graph is not self._graph:
                return  # other code was loaded meanwhile
            state.engine = engine
        elif reload:
            await self.in_thread(engine.reload)
        reading = await self.in_thread(engine.read, self._clock(), everything=everything)
        answers = {}
        if engine.asking:
            answers = await self.questioner.ask(
                engine.graph,
                engine.asking,
                engine.memory_of,
                msgspec.structs.replace(engine.progress, position=engine.position),
                reading.changes.facts,
                sensor.evaluation_timeout_s or self._timeout_s,
            )
        decision, found = await self.in_thread(
            engine.decide, reading, answers, record, options_of_sensor(sensor)
        )
        if decision.commit is not None:
            commit = msgspec.structs.replace(
                decision.commit,
                ended_at=self._clock(),
                runs=tuple(planned(run, self._locations.catalog) for run in decision.commit.runs),
            )
            if not await self._writer.write(commit, sensor.name):
                state.engine = state.last = (
                    None  # somebody changed the sensor: begin again from what is stored
                )
                self._wake.set()
                return
        wait_s = engine.settle(reading, decision, found)
        state.last = found
        state.not_before = self._clock() + wait_s if wait_s else 0.0


def targets_of(graph: ConditionGraph, location: str, sensor: SensorNode) -> tuple[Key, ...]:
    """What a sensor looks after: of what it covers, all that its own location makes and that has a condition."""
    covered = {
        *(Key("asset", name) for name in sensor.assets),
        *(Key("check", name) for name in sensor.checks),
        *(Key("job", name) for name in sensor.jobs),
    }
    return tuple(key for key in graph.targets if key in covered and graph[key].location == location)


def planned(run: NewRun, catalog: Catalog) -> NewRun:
    """A run of a job with what the job makes; runs of the implicit asset job name their assets themselves."""
    job = catalog.job(run.location, run.job_name)
    if job is None or run.job_name == IMPLICIT_ASSET_JOB:
        return run
    return msgspec.structs.replace(run, planned_assets=job.assets, planned_checks=job.checks)


def options_of_sensor(sensor: SensorNode) -> SensorOptions:
    """What a sensor says about the runs of its conditions."""
    return SensorOptions(
        name=sensor.name,
        run_tags=sensor.run_tags,
        emit_backfills=sensor.emit_backfills,
        uses_user_code=sensor.uses_user_code,
        interval_s=sensor.minimum_interval_s,
    )
