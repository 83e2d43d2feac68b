"""The world around the server: its clock, its machine, its users and their mishaps; and what must hold all the time."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections import Counter
from pathlib import Path
from typing import Any

from tests.simulation import code as user_code
from tests.simulation.chance import Chance
from tests.simulation.invariants import Invariants
from tests.simulation.machine import SimHub, SimMachine, SimProcess
from tests.simulation.processes import LocationBody
from tests.simulation.virtual_loop import OWNER, VirtualLoop
from tidewheel.logic.graph.specs import LocationSnapshot
from tidewheel.logic.planning.admission import TagLimit
from tidewheel.logic.planning.recovery import RecoveryPolicy
from tidewheel.runtime.location_args import CodeTarget, LocationArgs
from tidewheel.services.admission import QueueLimits
from tidewheel.services.server import Server, ServerOptions
from tidewheel.storage.ledger import open_ledger
from tidewheel.values.launch import LaunchRequest
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

    def __init__(self, seed: str, steps: int) -> None:
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
        self.source = user_code.Source()
        self.edition = 0
        self.made_steps = 0
        self.happened: Counter[str] = Counter()
        self.invariants = Invariants(self)
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
        self._guard(self.invariants.check, self.made_steps % 25 == 0)

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

    # -- users and mishaps --------------------------------------------------------------------------------------------

    async def _trouble(self) -> None:
        while True:
            await asyncio.sleep(self.chance.seconds(0.5, 60.0))
            if self.ending:
                return
            self._one_mishap()

    def _one_mishap(self) -> None:
        which = self.chance.number(0, 11)
        self.happened[f"mishap {which}"] += 1
        match which:
            case 0:
                self.kill_server()
            case 1 | 2:
                if self.processes:
                    victim = self.processes[int(self.chance.one_of(sorted(self.processes)))]  # type: ignore[call-overload]
                    victim.kill()
            case 3:
                if self.hub is not None and self.hub.links:
                    links = sorted(self.hub.links, key=lambda link: link.number)
                    links[self.chance.number(0, len(links) - 1)].cut()
            case 4:
                self._offset += self.chance.seconds(1.0, 4_000.0)
            case 5:
                self._offset -= self.chance.seconds(1.0, 1_800.0)
            case 6:
                runs = self.ledger.get_runs(limit=20)
                if runs:
                    run = runs[self.chance.number(0, len(runs) - 1)]
                    self.ask_server(lambda server: server.control.cancel(run.run_id))
            case 7:
                self.ask_server(
                    lambda server: server.control.launch(LaunchRequest(job_name="manual", location="one"))
                )
            case 8:
                self.edition += 1
                self.ask_server(lambda server: server.control.reload("one"))
            case _:
                pass

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
        self._guard(self.invariants.check, True)
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
        logging.getLogger("tidewheel").setLevel(logging.CRITICAL)
        asyncio.set_event_loop(self.loop)
        try:
            for duty in (self._serve(), self._trouble(), self._grow(), self._watch()):
                self.loop.create_task(duty).add_done_callback(self._duty_ended)
            self.loop.run_until_complete(self._done)
            return self.happened
        finally:
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
