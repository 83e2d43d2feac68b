"""The world around the server: its clock, its machine, its users and their mishaps; and what must hold all the time."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.simulation import code as user_code
from tests.simulation.chance import Chance
from tests.simulation.code_assets import POOL, POOL_SLOTS
from tests.simulation.invariants import Invariants
from tests.simulation.machine import SimHub, SimMachine, SimProcess
from tests.simulation.people import Mishaps, Users
from tests.simulation.processes import LocationBody
from tests.simulation.source import Source
from tests.simulation.virtual_loop import OWNER, VirtualLoop
from tidewheel.logic.graph.specs import LocationSnapshot
from tidewheel.logic.planning.admission import TagLimit
from tidewheel.logic.planning.recovery import RecoveryPolicy
from tidewheel.runtime.location_args import CodeTarget, LocationArgs
from tidewheel.services.runs.admission import QueueLimits
from tidewheel.services.server import Server, ServerOptions
from tidewheel.storage.ledger import open_ledger
from tidewheel.values.records import RunRecord
from tidewheel.values.status import RunStatus

# a quarter of an hour before New York's clocks go from 2 to 3, or from 2 back to 1
BEGINNINGS = (1_710_052_200.0, 1_730_610_900.0)
MAX_RUNS = 4
PART_LIMIT = 1


class EnoughError(Exception):
    """The wanted number of steps was made."""


class World:
    """One simulated history. A step is one transaction of the ledger."""

    def __init__(self, seed: str, steps: int, *, busy: Sequence[str] = ()) -> None:
        """``busy``: what of ``people`` happens all the time."""
        self.busy = busy
        self.seed = seed
        self.steps = steps
        self.chance = Chance(seed)
        self.loop = VirtualLoop()
        self._base = BEGINNINGS[self.chance.number(0, 1)] + self.chance.number(0, 600)
        self._offset = 0.0
        self.hub: SimHub | None = None
        self.processes: dict[int, SimProcess] = {}
        self._last_pid = 1_000_000
        self.ledger = open_ledger(":memory:")
        self.ledger.pools.set_slots(POOL, POOL_SLOTS, now=0.0)
        self.source = Source()
        self.edition = 0
        self.made_steps = 0
        self.happened: Counter[str] = Counter()
        self.accepted: set[str] = set()
        """Names of deliveries whose senders were told that they were taken."""
        self.first_positions: dict[str, int] = {}
        self.slot_holders: dict[int, tuple[str, int]] = {}
        """Worker processes that use a slot of the pool: their runs and epochs."""
        self.twice: list[tuple[float, float]] = []
        """Spans that came twice, as somebody set the clock back: what "paused then" means there is anybody's guess."""
        self.pauses_seen: dict[int, float] = {}
        self.ticks_seen: dict[float, float] = {}
        self.invariants = Invariants(self)
        self._mishaps, self._users = Mishaps(self), Users(self)
        self.server: Server | None = None
        self._server_context = contextvars.copy_context()
        self._machine: SimMachine | None = None
        self._incarnation = 0
        self._done: asyncio.Future[None] = self.loop.create_future()
        self._restart_now = asyncio.Event()
        self.ending = False

    # -- what everybody asks ----------------------------------------------------------------------------------------

    def now(self) -> float:
        """Seconds since the epoch, as the machine's clock shows it."""
        return self._base + self._offset + self.loop.time()

    def next_pid(self) -> int:
        """A number for a process."""
        self._last_pid += 1
        return self._last_pid

    def snapshot_of(self, name: str) -> LocationSnapshot:
        """What a location defines now."""
        return user_code.edited(user_code.DEFINED[name], self.edition)

    def start_location(self, args: LocationArgs) -> SimProcess:
        """The server starts a location's process."""
        return SimProcess(self, "location", LocationBody(self, args))

    def executed(self, run: RunRecord, pid: int) -> None:
        """A worker begins with user code."""
        self.happened["executions"] += 1
        self._guard(self.invariants.executed, run, pid)

    def written(self, name: str) -> None:
        """The ledger has changed: one step more."""
        self.made_steps += 1
        self.happened[name] += 1
        if name == "add_pause":
            for pause in self.ledger.policies.get_pauses():
                self.pauses_seen.setdefault(pause.pause_id, self.loop.time())
        self._guard(self.invariants.check_after, name)
        if self.made_steps % 25 == 0:
            self._guard(self.invariants.check_thoroughly)

    def _guard(self, check: Any, *args: Any) -> None:
        try:
            check(*args)
        except AssertionError as exc:
            if not self._done.done():
                self._done.set_exception(exc)

    # -- the server -------------------------------------------------------------------------------------------------

    def kill_server(self) -> None:
        """The server's process is gone, between two instructions."""
        if self._machine is None:
            return
        self.happened["server kills"] += 1
        machine, self._machine = self._machine, None
        if machine.made_database is not None:
            machine.made_database.close()
        if self.hub is not None:
            self.hub.die()
        self.hub = None
        self.server = None
        self.loop.end_tasks_of(f"server {self._incarnation}")
        self._restart_now.set()

    async def _serve(self) -> None:
        while True:
            self._restart_now.clear()
            self._incarnation += 1
            context = contextvars.copy_context()
            context.run(OWNER.set, f"server {self._incarnation}")
            self._server_context = context
            start = self.loop.create_task(self._start_server(), context=context)
            await asyncio.wait([start])
            await self._restart_now.wait()
            await asyncio.sleep(self.chance.seconds(0.1, 120.0 if not self.ending else 1.0))

    async def _start_server(self) -> None:
        self._machine = SimMachine(self)
        options = ServerOptions(
            home=Path("/simulated"),
            socket=Path("/simulated/socket"),
            storage_dir=Path("/simulated/storage"),
            targets={name: CodeTarget(file=f"{name}.py") for name in user_code.DEFINED},
            limits=QueueLimits(
                max_concurrent_runs=MAX_RUNS,
                tag_limits=(TagLimit(key="part", limit=PART_LIMIT, per_value=True),),
            ),
            recovery=RecoveryPolicy(
                start_timeout_s=60.0, silence_timeout_s=30.0, cancel_timeout_s=20.0, max_retries=1
            ),
            evaluation_timeout_s=20.0,
            watch_code=False,
        )
        server = Server(
            self.ledger, options, clock=self.now, entropy=self.chance.bytes, machine=self._machine
        )
        self.server = server
        await server.start()

    def ask_server(self, what: Any) -> None:
        """Somebody calls the server's control; the answer does not matter here."""
        server = self.server
        if server is None:
            return
        task = self.loop.create_task(what(server), context=self._server_context)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def ask_hook(self, name: str, headers: dict[str, str], body: bytes) -> int | None:
        """Somebody sends to a hook; the status of the answer, or None when there is none."""
        server = self.server
        address = server.hooks.get(name) if server is not None else None
        if server is None or address is None:
            return None
        task = self.loop.create_task(server.hooks.take(address, headers, body), context=self._server_context)
        try:
            return (await task).status
        except (asyncio.CancelledError, Exception):  # noqa: BLE001 - the connection has broken: nobody knows
            return None

    def move_clock(self, seconds: float) -> None:
        """Somebody sets the machine's clock."""
        before = self.now()
        self._offset += seconds
        if seconds < 0:
            self.twice.append((before + seconds, before))

    def task_ended(self, task: asyncio.Task[Any]) -> None:
        """A task of the world that must not fail has ended."""
        self._duty_ended(task)

    # -- users and mishaps --------------------------------------------------------------------------------------------

    async def _trouble(self) -> None:
        while True:
            await asyncio.sleep(self.chance.seconds(0.5, 60.0))
            if self.ending:
                return
            (self._mishaps if self.chance.happens(0.5) else self._users).one()

    async def _grow(self) -> None:
        while not self.ending:
            await asyncio.sleep(self.chance.seconds(1.0, 60.0))
            self.source.count += self.chance.number(0, 2)

    # -- the history ----------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Ends the trouble after the wanted steps, and the history when everything is at rest."""
        while self.made_steps < self.steps:
            await asyncio.sleep(1.0)
        self.ending = True
        self.chance.trouble = 0.0
        deadline = self.loop.time() + 10_000.0
        while self.loop.time() < deadline:
            await asyncio.sleep(30.0)
            if self._is_at_rest():
                break
        self._guard(self.invariants.check)
        self._guard(self.invariants.check_thoroughly)
        self._guard(self.invariants.check_at_rest)
        if not self._done.done():
            self._done.set_result(None)

    def _is_at_rest(self) -> bool:
        unfinished = (RunStatus.QUEUED, RunStatus.STARTING, RunStatus.STARTED, RunStatus.CANCELING)
        return not any(run.status in unfinished for run in self.ledger.get_runs(limit=300)) and (
            self.invariants.is_complete()
        )

    def play(self) -> Counter[str]:
        """Run the history; what happened how often.

        Raises:
            AssertionError: when something that must hold did not.
        """
        log = logging.getLogger("tidewheel")
        level_before = log.level
        log.setLevel(logging.CRITICAL)
        asyncio.set_event_loop(self.loop)
        try:
            for duty in (self._serve(), self._trouble(), self._grow(), self._watch()):
                self.loop.create_task(duty).add_done_callback(self._duty_ended)
            self.loop.run_until_complete(self._done)
            return self.happened
        finally:
            log.setLevel(level_before)
            for owner in list(self.loop.owned):
                self.loop.end_tasks_of(owner)
            leftover = [task for tasks in self.loop.owned.values() for task in list(tasks)]
            self.loop.run_until_complete(asyncio.gather(*leftover, return_exceptions=True))
            self.loop.close()
            asyncio.set_event_loop(None)
            self.ledger.close()

    def _duty_ended(self, task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and task.exception() is not None and not self._done.done():
            self._done.set_exception(task.exception())  # type: ignore[arg-type]
