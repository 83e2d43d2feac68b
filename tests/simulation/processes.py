"""What the simulated processes do: a code location with its children, evaluators and workers, as the protocol demands."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING, Any

import msgspec

from tests.simulation import code as user_code
from tests.simulation.code_assets import POOL, POOLED, made_by
from tests.simulation.machine import DROPPED, Link, SimProcess
from tidewheel.runtime.location_args import LocationArgs
from tidewheel.runtime.protocol import (
    Answer,
    BatchTaken,
    Call,
    CancelRun,
    ChildExited,
    ChildStarted,
    Evaluate,
    Evaluated,
    EventBatch,
    Hello,
    KillChild,
    LocationFailed,
    LocationLoaded,
    PoolOpen,
    Prepare,
    Prepared,
    Retire,
    Shutdown,
    StartEvaluator,
    StartWorker,
    Withdraw,
    Withdrawn,
)
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.events import Event, EventType, Failure, Materialization
from tidewheel.values.records import IntakeBatch, RunRecord
from tidewheel.values.serde import encode
from tidewheel.values.status import RunStatus

if TYPE_CHECKING:
    from tests.simulation.world import World

RECONNECT_S = 0.5
ORPHAN_S = 20.0
CALL_S = 5.0
PATIENCE_S = 15.0


class LocationBody:
    """A code location process: loads, starts children, tells of their ends."""

    def __init__(self, world: World, args: LocationArgs) -> None:
        self._world = world
        self._args = args
        self._children: set[SimProcess] = set()
        self._link: Link | None = None

    async def __call__(self, me: SimProcess) -> int:
        chance = self._world.chance
        await asyncio.sleep(chance.seconds(0.2, 3.0))
        if chance.fails(0.03):
            return 3
        hello = Hello(role="location", pid=me.pid, location=self._args.name, generation=self._args.generation)
        link = self._link = me.connect()
        if link is None:
            return 0
        link.to_server(hello)
        if chance.fails(0.03):
            problem = ErrorInfo(cls_name="SyntaxError", message="the user saved half a file")
            link.to_server(LocationFailed(errors=(problem,)))
            return 0
        snapshot = self._world.snapshot_of(self._args.name)
        loaded = LocationLoaded(snapshot=encode(snapshot), fingerprint=str(self._world.edition))
        link.to_server(loaded)
        retired = False
        while True:
            message = await link.inbox.get()
            match message:
                case StartEvaluator():
                    self._start(SimProcess(self._world, "evaluator", EvaluatorBody(self._world, self._args)))
                case StartWorker(run=run) if not retired:
                    worker = SimProcess(self._world, "worker", WorkerBody(self._world, self._args.name, run))
                    link.to_server(ChildStarted(pid=worker.pid, run_id=run.run_id, epoch=run.epoch))
                    self._start(worker, run)
                case KillChild(pid=pid):
                    child = self._world.processes.get(pid)
                    if child is not None:
                        child.kill()
                case Retire():
                    retired = True
                    if not self._runs():
                        return 0
                case Shutdown():
                    return 0
                case _ if message is DROPPED:
                    again = await self._reconnect(me, hello)
                    if again is None:
                        return 0
                    link = self._link = again
                    link.to_server(loaded)
            if retired and not self._runs():
                return 0

    async def _reconnect(self, me: SimProcess, hello: Hello) -> Link | None:
        deadline = self._world.loop.time() + ORPHAN_S
        while self._world.loop.time() < deadline or self._runs():
            await asyncio.sleep(RECONNECT_S)
            link = me.connect()
            if link is not None:
                link.to_server(hello)
                return link
        return None

    def _runs(self) -> bool:
        return any(child.is_alive and child.kind == "worker" for child in self._children)

    def _start(self, child: SimProcess, run: RunRecord | None = None) -> None:
        self._children.add(child)
        asyncio.get_running_loop().create_task(self._reap(child, run))

    async def _reap(self, child: SimProcess, run: RunRecord | None) -> None:
        code = await child.wait()
        self._children.discard(child)
        if self._link is not None:
            self._link.to_server(
                ChildExited(
                    pid=child.pid,
                    code=code,
                    run_id=run.run_id if run else None,
                    epoch=run.epoch if run else 0,
                )
            )


class EvaluatorBody:
    """An evaluator: answers, raises, hangs or dies."""

    def __init__(self, world: World, args: LocationArgs) -> None:
        self._world = world
        self._args = args

    async def __call__(self, me: SimProcess) -> int:
        chance = self._world.chance
        await asyncio.sleep(chance.seconds(0.01, 0.3))
        link = me.connect()
        if link is None:
            return 0
        name = self._args.name
        link.to_server(Hello(role="evaluator", pid=me.pid, location=name, generation=self._args.generation))
        waiting: deque[Evaluate | Prepare] = deque()
        while True:
            while not waiting or not link.inbox.empty():
                said = await link.inbox.get()
                if said is DROPPED or isinstance(said, Shutdown | Retire):
                    return 0
                if isinstance(said, Withdraw):
                    back = [one for one in waiting if one.request_id in said.request_ids]
                    waiting = deque(one for one in waiting if one not in back)
                    link.to_server(Withdrawn(request_ids=tuple(one.request_id for one in back)))
                elif isinstance(said, Evaluate | Prepare):
                    waiting.append(said)
            message = waiting.popleft()
            await asyncio.sleep(chance.seconds(0.001, 0.5))
            if chance.fails(0.01):
                return -11
            if chance.fails(0.01):
                await asyncio.sleep(10_000.0)
            if isinstance(message, Prepare):
                answer = user_code.prepare(message.request)
                link.to_server(Prepared(request_id=message.request_id, launch=answer))
            elif isinstance(message, Evaluate):
                result = user_code.evaluate(name, message.request, self._world.source)
                if chance.fails(0.03):
                    result = user_code.failed_evaluation()
                link.to_server(Evaluated(request_id=message.request_id, result=result))


class WorkerBody:
    """A worker of one run: sends numbered batches, keeps them until they are acknowledged, sends them again."""

    def __init__(self, world: World, location: str, run: RunRecord) -> None:
        self._world = world
        self._location = location
        self._run = run
        self._unacked: list[IntakeBatch] = []
        self._sent = 0
        self._acked = 0
        self._link: Link | None = None
        self._cancelled = False
        self._changed = asyncio.Event()
        self._pool_open = asyncio.Event()
        self._last_call = 0
        self._answers: dict[int, asyncio.Future[Answer]] = {}

    async def __call__(self, me: SimProcess) -> int:
        chance = self._world.chance
        await asyncio.sleep(chance.seconds(0.01, 1.0))
        if not await self._connect(me):
            return 0
        asyncio.get_running_loop().create_task(self._listen(me))
        self._emit(EventType.RUN_START)
        if not await self._acknowledged():
            return 86
        self._world.executed(self._run, me.pid)
        for number, (asset, key) in enumerate(self._plan()):
            await self._take_slot(me)
            await asyncio.sleep(chance.seconds(0.1, 40.0 if not self._world.ending else 1.0))
            if self._cancelled:
                self._emit(EventType.RUN_CANCELED)
                await self._acknowledged()
                return 0
            if chance.fails(0.02):
                return -9
            await self._give_back_slot(me)
            self._emit(
                EventType.ASSET_MATERIALIZATION,
                asset=asset,
                partition=key,
                step_key=f"step-{number}",
                payload=Materialization(),
            )
        if chance.fails(0.05):
            self._emit(EventType.RUN_FAILURE, payload=Failure(reason="STEP_FAILURE"))
        else:
            self._emit(EventType.RUN_SUCCESS)
        await self._acknowledged()
        return 0

    def _plan(self) -> list[tuple[str, str | None]]:
        """What the run makes, in order."""
        if self._run.assets:
            return made_by(self._run)
        return [(f"made-by-{self._run.job_name}", None)] * self._world.chance.number(1, 3)

    # -- slots of the pool ----------------------------------------------------------------------------------------

    async def _take_slot(self, me: SimProcess) -> None:
        if self._run.job_name != POOLED.name:
            return
        while not self._cancelled:
            answer = await self._call(
                "pools.claim",
                name=POOL,
                run_id=self._run.run_id,
                epoch=self._run.epoch,
                step="work",
                priority=0,
                now=self._world.now(),
            )
            if answer["granted"]:
                self._world.slot_holders[me.pid] = (self._run.run_id, self._run.epoch)
                me.at_end.append(lambda: self._world.slot_holders.pop(me.pid, None))
                return
            self._pool_open.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._pool_open.wait(), PATIENCE_S)

    async def _give_back_slot(self, me: SimProcess) -> None:
        if self._world.slot_holders.pop(me.pid, None) is not None:
            await self._call("pools.release", run_id=self._run.run_id, step="work")

    async def _call(self, method: str, **kwargs: object) -> Any:
        """Ask the server, again and again until it has answered."""
        while True:
            self._last_call += 1
            answer = self._answers[self._last_call] = asyncio.get_running_loop().create_future()
            if self._link is not None:
                args = msgspec.msgpack.encode(kwargs)
                self._link.to_server(Call(call_id=self._last_call, method=method, args=args))
            done, _ = await asyncio.wait([answer], timeout=CALL_S)
            self._answers.pop(self._last_call, None)
            if done and answer.result().error is None:
                return msgspec.msgpack.decode(answer.result().value)

    # -- events ---------------------------------------------------------------------------------------------------

    def _emit(self, kind: EventType, **more: object) -> None:
        event = Event(
            type=kind,
            timestamp=self._world.now(),
            run_id=self._run.run_id,
            job_name=self._run.job_name,
            **more,  # type: ignore[arg-type]
        )
        self._sent += 1
        batch = IntakeBatch(run_id=self._run.run_id, epoch=self._run.epoch, seq=self._sent, events=(event,))
        self._unacked.append(batch)
        self._send(batch)
        if self._world.chance.fails(0.05):
            self._send(batch)  # a message that arrives twice

    def _send(self, batch: IntakeBatch) -> None:
        if self._link is not None:
            self._link.to_server(EventBatch(batch=batch))

    async def _acknowledged(self) -> bool:
        while self._acked < self._sent:
            self._changed.clear()
            await self._changed.wait()
        return True

    async def _connect(self, me: SimProcess) -> bool:
        for _ in range(2_000):
            link = me.connect()
            if link is not None:
                self._link = link
                link.to_server(
                    Hello(
                        role="worker",
                        pid=me.pid,
                        location=self._location,
                        run_id=self._run.run_id,
                        epoch=self._run.epoch,
                    )
                )
                for batch in self._unacked:
                    self._send(batch)
                return True
            await asyncio.sleep(RECONNECT_S)
        return False

    async def _listen(self, me: SimProcess) -> None:
        while True:
            assert self._link is not None
            message = await self._link.inbox.get()
            match message:
                case BatchTaken(outcome=outcome):
                    if outcome.refused:
                        me.end(86)
                        return
                    self._acked = max(self._acked, outcome.accepted_seq)
                    self._unacked = [one for one in self._unacked if one.seq > self._acked]
                    self._cancelled = self._cancelled or outcome.cancel_requested
                    if outcome.status is RunStatus.CANCELING:
                        self._cancelled = True
                    self._changed.set()
                case CancelRun():
                    self._cancelled = True
                    self._pool_open.set()
                case PoolOpen():
                    self._pool_open.set()
                case Answer(call_id=call_id):
                    if call_id in self._answers and not self._answers[call_id].done():
                        self._answers[call_id].set_result(message)
                case Retire() | Shutdown():
                    me.end(0)
                    return
                case _ if message is DROPPED:
                    await asyncio.sleep(RECONNECT_S)
                    if not await self._connect(me):
                        me.end(0)
                        return
