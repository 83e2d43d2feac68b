"""Keeps every code location served: starts its process, swaps in new code when it loads, asks its evaluators."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Optional

import msgspec

from tidewheel.errors import UserCodeUnreachableError
from tidewheel.logic.graph.specs import LocationSnapshot
from tidewheel.runtime.control import LocationHealth
from tidewheel.runtime.location_args import CodeTarget, LocationArgs
from tidewheel.runtime.protocol import (
    Activity,
    AskConditions,
    ChildExited,
    ConditionsAnswered,
    Evaluate,
    Evaluated,
    KillChild,
    LocationFailed,
    LocationLoaded,
    Message,
    Prepare,
    Prepared,
    Retire,
    Shutdown,
    StartWorker,
    Withdrawn,
)
from tidewheel.services.activity import ActivityFeed
from tidewheel.services.code.catalog import Catalog
from tidewheel.services.code.endings import ending
from tidewheel.services.code.evaluators import Answer, EvaluatorPool, Question
from tidewheel.services.database import Database
from tidewheel.services.hub import Peer
from tidewheel.services.machine import LocationProcess, Machine
from tidewheel.services.signals import Signals, Topic
from tidewheel.values.condition_questions import ConditionAnswer, ConditionQuestions
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.evaluation import EvaluationRequest, EvaluationResult
from tidewheel.values.launch import LaunchRequest, PreparedLaunch
from tidewheel.values.records import LocationRecord, RunRecord
from tidewheel.values.serde import decode
from tidewheel.values.texts import counted

logger = logging.getLogger("tidewheel.locations")

MAX_EVALUATORS = 64
STORE_AGAIN_S = 1.0
SLOW_LOAD_S = 2.0
MENDED_BY_SAVING = "; it is loaded again when a file changes"
RESPAWN_PAUSES_S = (0.1, 0.5, 2.0, 5.0, 15.0)


class LocationPaths(msgspec.Struct, frozen=True, kw_only=True):
    """Folders and the socket that a location's processes use."""

    socket: str
    home: str
    storage_dir: str
    logs_dir: str


class LocationOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How location processes are run; times in seconds."""

    start_method: str = "auto"
    spare_stock: int = 2
    orphan_timeout_s: float = 20.0
    worker_patience_s: float = 600.0
    load_timeout_s: float = 300.0
    log_level: str = "warning"
    log_format: str = "text"


class Location:
    """One code location: its process, its evaluators, its last good snapshot and its last errors."""

    def __init__(self, name: str, target: CodeTarget) -> None:
        self.name = name
        self.target = target
        self.generation = 0
        self.process: LocationProcess | None = None
        self.former: list[LocationProcess] = []
        self.peer: Peer | None = None
        self.snapshot: LocationSnapshot | None = None
        self.errors: tuple[ErrorInfo, ...] = ()
        self.files: tuple[str, ...] = ()
        self.loaded_at: float | None = None
        self.spawned_at = 0.0
        self.load_s = 0.0
        self.start_method = ""
        self.served_generation = 0
        self.crashes = 0
        self.settled = asyncio.Event()
        """Set while no load is under way."""
        self.pool: EvaluatorPool | None = None
        self.draining: list[EvaluatorPool] = []
        """Of earlier code, as long as a question asked of it may still be answered."""

    @property
    def serves(self) -> bool:
        """Whether evaluations and launches can be asked of it now."""
        return self.peer is not None and self.snapshot is not None

    def health(self) -> LocationHealth:
        """How it is, for people."""
        state = "loading" if not self.settled.is_set() else "failed" if self.errors else "loaded"
        snapshot = self.snapshot
        return LocationHealth(
            name=self.name,
            state=state,
            target=self.target.describe(),
            pid=self.process.pid if self.process else None,
            start_method=self.start_method,
            loaded_at=self.loaded_at,
            load_s=self.load_s,
            assets=len(snapshot.assets) if snapshot else 0,
            jobs=sum(not job.is_hidden for job in snapshot.jobs) if snapshot else 0,
            schedules=len(snapshot.schedules) if snapshot else 0,
            sensors=len(snapshot.sensors) if snapshot else 0,
            serves_old_code=bool(self.errors) and snapshot is not None,
            errors=self.errors,
            warnings=snapshot.warnings if snapshot else (),
        )


class Locations:
    """All code locations of this server. Everything here runs in the event loop."""

    def __init__(
        self,
        targets: dict[str, CodeTarget],
        paths: LocationPaths,
        options: LocationOptions,
        *,
        database: Database,
        signals: Signals,
        feed: ActivityFeed,
        clock: Callable[[], float],
        machine: Machine,
    ) -> None:
        self._paths = paths
        self._machine = machine
        self._options = options
        self._database = database
        self._signals = signals
        self._feed = feed
        self._clock = clock
        self._by_name = {name: Location(name, target) for name, target in targets.items()}
        self._next_request = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self.catalog = Catalog({})

    # -- life -----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start every location's process; returns before they have loaded."""
        for location in self._by_name.values():
            await self._spawn(location)

    async def wait_settled(self) -> None:
        """Wait until every location has loaded or failed."""
        await asyncio.gather(*(location.settled.wait() for location in self._by_name.values()))

    async def reload(self, name: str | None = None) -> list[LocationHealth]:
        """Load code again in new processes and wait for the outcome; the old code serves until then, or on."""
        chosen = [loc for loc in self._by_name.values() if name is None or loc.name == name]
        for location in chosen:
            await self._spawn(location)
        for location in chosen:
            await location.settled.wait()
        return [location.health() for location in chosen]

    async def stop(self, grace_s: float) -> None:
        """End all location processes and their children."""
        self._stopping = True
        processes = [loc.process for loc in self._by_name.values() if loc.process is not None]
        processes += [
            process
            for loc in self._by_name.values()
            if any(pool.is_busy for pool in loc.draining)
            for process in loc.former
        ]
        for location in self._by_name.values():
            for pool in (location.pool, *location.draining):
                if pool is not None:
                    pool.shut_down(grace_s)
            if location.peer is not None:
                location.peer.send(Shutdown(grace_s=grace_s))
        for process in processes:
            try:
                await asyncio.wait_for(process.wait(), grace_s + 1.0)
            except TimeoutError:
                process.kill()
        for task in self._tasks:
            task.cancel()

    def health(self) -> tuple[LocationHealth, ...]:
        """How all locations are."""
        return tuple(location.health() for location in self._by_name.values())

    def names_serving(self) -> frozenset[str]:
        """Locations that can start runs now."""
        return frozenset(name for name, location in self._by_name.items() if location.serves)

    def names(self) -> list[str]:
        """All locations' names."""
        return list(self._by_name)

    def watched_files(self) -> dict[str, tuple[str, ...]]:
        """By location, the source files whose change means a reload."""
        return {name: location.files for name, location in self._by_name.items()}

    def changed_since_load(self) -> list[str]:
        """Locations of which a source file was written after the start of their newest load."""
        return [
            name
            for name, location in self._by_name.items()
            if any(_written_at(file) > location.spawned_at for file in location.files)
        ]

    # -- asking -------------------------------------------------------------------------------------------------

    async def evaluate(self, name: str, request: EvaluationRequest, timeout_s: float) -> EvaluationResult:
        """Ask user code about a trigger.

        Raises:
            UserCodeTimeoutError: when it took longer; its process was ended.
            UserCodeUnreachableError: when it cannot be asked now.
        """
        self._next_request += 1
        message = Evaluate(request_id=self._next_request, request=request)
        answer = await self._ask(name, message, timeout_s, f"{request.kind.value.lower()} {request.name!r}")
        assert isinstance(answer, EvaluationResult)
        return answer

    async def prepare(self, name: str, request: LaunchRequest, timeout_s: float) -> PreparedLaunch:
        """Ask user code to check a launch request. Raises as ``evaluate``."""
        self._next_request += 1
        message = Prepare(request_id=self._next_request, request=request)
        answer = await self._ask(name, message, timeout_s, f"the launch of {request.job_name or 'assets'!r}")
        assert isinstance(answer, PreparedLaunch)
        return answer

    async def ask_conditions(
        self, name: str, questions: ConditionQuestions, timeout_s: float, target: str
    ) -> tuple[ConditionAnswer, ...]:
        """Evaluate the conditions of users' own classes of one target. Raises as ``evaluate``."""
        self._next_request += 1
        message = AskConditions(request_id=self._next_request, questions=questions)
        answer = await self._ask(name, message, timeout_s, f"the condition of {target!r}")
        assert isinstance(answer, tuple)
        return answer

    def start_worker(self, run: RunRecord) -> bool:
        """Ask the run's location to start its worker; False when the location is not there."""
        location = self._by_name.get(run.location)
        return bool(location and location.peer and location.peer.send(StartWorker(run=run)))

    def kill_child(self, name: str, pid: int) -> None:
        """End a child process of a location."""
        location = self._by_name.get(name)
        if location is not None and location.peer is not None:
            location.peer.send(KillChild(pid=pid))

    async def _ask(
        self, name: str, message: Evaluate | Prepare | AskConditions, timeout_s: float, what: str
    ) -> Answer:
        location = self._by_name.get(name)
        if location is None or not location.serves or location.pool is None:
            raise UserCodeUnreachableError(_not_loaded_text(name, location))
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        location.pool.ask(Question(message=message, subject=what, timeout_s=timeout_s, answer=answer))
        return await answer

    # -- what peers say -----------------------------------------------------------------------------------------

    def location_hello(self, peer: Peer) -> None:
        """A location process (of this server or of a former one) has connected."""
        hello = peer.hello
        location = self._by_name.get(hello.location or "") if hello else None
        if (
            location is None
            or hello is None
            or hello.generation != location.generation
            or self._is_foreign(hello.pid)
        ):
            peer.send(Retire())

    def evaluator_hello(self, peer: Peer) -> None:
        """An evaluator has connected."""
        hello = peer.hello
        location = self._by_name.get(hello.location or "") if hello else None
        if location is None or hello is None or hello.generation != location.served_generation:
            peer.send(Shutdown(grace_s=0.0))
            peer.close()
            return
        if location.pool is not None:
            location.pool.joined(peer)

    def take(self, peer: Peer, message: Message) -> None:
        """A message of a location process or an evaluator."""
        match message:
            case LocationLoaded():
                self._run(self._loaded(peer, message))
            case LocationFailed():
                self._failed(peer, message)
            case Evaluated(request_id=request_id, result=result):
                self._answer(peer, request_id, result)
            case ConditionsAnswered(request_id=request_id, answers=answers):
                self._answer(peer, request_id, answers)
            case Prepared(request_id=request_id, launch=launch):
                self._answer(peer, request_id, launch)
            case Withdrawn(request_ids=request_ids):
                for pool in self._pools_of(peer):
                    pool.withdrawn(peer, request_ids)
            case ChildExited(pid=pid, code=code):
                for pool in self._pools_of(peer):
                    pool.exited(pid, code)
            case _:
                pass

    def peer_closed(self, peer: Peer) -> None:
        """A location process or an evaluator has gone."""
        hello = peer.hello
        location = self._by_name.get(hello.location or "") if hello else None
        if location is None:
            return
        if peer is location.peer:
            location.peer = None
            if location.pool is not None:
                location.pool.abandon(f"code location {location.name!r} has gone")
        for pool in self._pools_of(peer):
            explaining = pool.closed(peer)
            if explaining is not None:
                self._tasks.add(explaining)
                explaining.add_done_callback(self._tasks.discard)

    def _pools_of(self, peer: Peer) -> list[EvaluatorPool]:
        """Where a location's or an evaluator's news can belong."""
        location = self._by_name.get(peer.hello.location or "") if peer.hello else None
        if location is None:
            return []
        return [*([location.pool] if location.pool is not None else []), *location.draining]

    def _answer(self, peer: Peer, request_id: int, answer: Answer) -> None:
        for pool in self._pools_of(peer):
            if pool.answered(peer, request_id, answer):
                return

    def _is_foreign(self, pid: int) -> bool:
        return not any(loc.process is not None and loc.process.pid == pid for loc in self._by_name.values())

    async def _loaded(self, peer: Peer, message: LocationLoaded) -> None:
        hello = peer.hello
        location = self._by_name.get(hello.location or "") if hello else None
        is_mine = hello is not None and location is not None and hello.generation == location.generation
        if location is None or hello is None or not is_mine or self._is_foreign(hello.pid):
            peer.send(Retire())
            return
        snapshot = decode(message.snapshot, LocationSnapshot)
        old = location.peer
        location.peer = peer
        location.snapshot = snapshot
        location.served_generation = hello.generation
        location.errors = ()
        location.files = snapshot.files
        location.loaded_at = self._clock()
        location.load_s = message.load_s
        location.start_method = message.start_method
        location.crashes = 0
        if old is not None and old is not peer:
            old.send(Retire())
        self._use_pool(location, EvaluatorPool(location.name, peer, max_evaluators=MAX_EVALUATORS))
        self.catalog = self.catalog.with_location(snapshot)
        location.settled.set()
        self._signals.raise_topic(Topic.CATALOG, Topic.QUEUE)
        self._publish(location, "LOADED", self._summary(snapshot))
        await self._keep(
            LocationRecord(
                name=location.name,
                snapshot=message.snapshot,
                fingerprint=message.fingerprint,
                loaded_at=location.loaded_at,
            )
        )

    async def _keep(self, record: LocationRecord) -> None:
        """Store what was loaded, for those who look while no server runs; serving does not wait for it."""
        while not self._stopping:
            known = self._by_name.get(record.name)
            if known is None or known.loaded_at != record.loaded_at:
                return  # something newer was loaded meanwhile
            try:
                await self._database.write(self._database.ledger.put_location, record)
                return
            except Exception:
                logger.exception("code location %s could not be stored; trying again", record.name)
                await asyncio.sleep(STORE_AGAIN_S)

    def _use_pool(self, location: Location, pool: EvaluatorPool) -> None:
        """Ask new code from now on; what the old code is answering it finishes."""
        old, location.pool = location.pool, pool
        pool.start_one()
        location.draining = [one for one in location.draining if one.is_busy]
        if old is not None:
            old.drain(pool.ask)
            location.draining.append(old)

    def _failed(self, peer: Peer, message: LocationFailed) -> None:
        hello = peer.hello
        location = self._by_name.get(hello.location or "") if hello else None
        if location is None or hello is None or hello.generation != location.generation:
            return
        location.errors = message.errors
        location.files = tuple(sorted({*location.files, *message.files}))
        location.settled.set()
        self._signals.raise_topic(Topic.CATALOG)
        keeps = "; the last good code goes on serving" if location.snapshot is not None else ""
        self._publish(
            location, "FAILED", "; ".join(e.message for e in message.errors) + keeps + MENDED_BY_SAVING
        )

    def _publish(self, location: Location, status: str, text: str) -> None:
        self._feed.publish(
            Activity(kind="location", timestamp=self._clock(), name=location.name, status=status, text=text)
        )

    @staticmethod
    def _summary(snapshot: LocationSnapshot) -> str:
        jobs = sum(not job.is_hidden for job in snapshot.jobs)
        return (
            f"{counted(len(snapshot.assets), 'asset')}, {counted(len(snapshot.checks), 'check')}, "
            f"{counted(jobs, 'job')}, {counted(len(snapshot.schedules), 'schedule')}, "
            f"{counted(len(snapshot.sensors), 'sensor')}" + _warned(snapshot.warnings)
        )

    # -- processes ----------------------------------------------------------------------------------------------

    async def _spawn(self, location: Location) -> None:
        location.generation += 1
        location.spawned_at = self._clock()
        location.settled.clear()
        args = LocationArgs(
            name=location.name,
            target=location.target,
            socket=self._paths.socket,
            home=self._paths.home,
            storage_dir=self._paths.storage_dir,
            logs_dir=self._paths.logs_dir,
            generation=location.generation,
            start_method=self._options.start_method,
            spare_stock=self._options.spare_stock,
            orphan_timeout_s=self._options.orphan_timeout_s,
            worker_patience_s=self._options.worker_patience_s,
            log_level=self._options.log_level,
            log_format=self._options.log_format,
        )
        if location.process is not None:
            location.former.append(location.process)
        process = await self._machine.start_location(args)
        location.process = process
        self._run(self._watch(location, process, location.generation))
        self._run(self._tell_slow_load(location, location.generation))

    async def _tell_slow_load(self, location: Location, generation: int) -> None:
        """Whoever waits for an import that takes long is told what the wait is for."""
        await asyncio.sleep(SLOW_LOAD_S)
        if not self._stopping and generation == location.generation and not location.settled.is_set():
            self._publish(location, "LOADING", f"{location.target.describe()} is still being imported")

    async def _watch(self, location: Location, process: LocationProcess, generation: int) -> None:
        """Wait for the end of a location's process; if it should still be there, start another."""
        code: Optional[int] = await process.wait()
        location.former = [one for one in location.former if one is not process]
        if self._stopping or generation != location.generation:
            return
        if location.errors and location.settled.is_set():
            return  # it said that its code does not load; the next change of a file starts another
        location.crashes += 1
        pause_s = RESPAWN_PAUSES_S[min(location.crashes, len(RESPAWN_PAUSES_S)) - 1]
        self._publish(location, "DIED", f"{ending(code)}; starting another in {pause_s:g} s")
        if not location.settled.is_set():
            location.errors = (
                ErrorInfo(
                    cls_name="CodeLocationLoadError",
                    message=f"expected the code of {location.name!r} to load, got the end of its process "
                    f"({ending(code)}) while loading; see its output above",
                ),
            )
            location.settled.set()
        await asyncio.sleep(pause_s)
        if not self._stopping and generation == location.generation:
            await self._spawn(location)

    def _run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _warned(warnings: tuple[str, ...]) -> str:
    if not warnings:
        return ""
    more = f" (and {len(warnings) - 1} more, see 'tidewheel doctor')" if len(warnings) > 1 else ""
    return f"; warning: {warnings[0]}{more}"


def _not_loaded_text(name: str, location: Location | None) -> str:
    """Why a location cannot be asked; user code's errors are repeated, they are what has to be mended."""
    if location is None:
        return f"expected a code location, got {name!r}, which this server does not serve"
    if location.errors:
        said = "; ".join(error.message for error in location.errors)
        return f"code location {name!r} did not load: {said}"
    return f"code location {name!r} is still loading; try again in a moment"


def _written_at(file: str) -> float:
    try:
        return Path(file).stat().st_mtime
    except OSError:
        return 0.0
