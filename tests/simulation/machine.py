"""The simulated machine: processes that can be killed, connections that delay and break, a database that is cut off."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import OperationalError

from tests.simulation.virtual_loop import OWNER, VirtualLoop
from tidewheel.runtime.dynamic_keys import DynamicKeysBook
from tidewheel.runtime.protocol import Hello, Message
from tidewheel.services.database import READ_PREFIXES
from tidewheel.services.machine import Machine
from tidewheel.storage.ports.ledger import LedgerPort

if TYPE_CHECKING:
    from tests.simulation.world import World

DROPPED = object()
"""What a process reads when its connection has broken."""


class Link:
    """One connection: messages arrive in order, each after a while, until it breaks."""

    def __init__(self, world: World, hub: SimHub) -> None:
        self._world = world
        self.peer = SimPeer(self, hub)
        self.is_open = True
        self.inbox: asyncio.Queue[Any] = asyncio.Queue()
        self.number = world.next_pid()
        self._delays = world.chance.of(f"link {self.number}")
        self._arrivals = {"server": 0.0, "process": 0.0}

    def _later(self, side: str, action: Callable[..., None], *args: Any, context: Any = None) -> None:
        loop = self._world.loop
        at = max(loop.time() + self._delays.seconds(0.0001, 0.05), self._arrivals[side] + 1e-6)
        self._arrivals[side] = at
        loop.call_at(at, action, *args, context=context)

    def to_server(self, message: Message) -> None:
        """A process sends."""
        if self.is_open:
            self._later("server", self._deliver, message, context=self.peer.hub.context)

    def _deliver(self, message: Message) -> None:
        if self.is_open:
            self.peer.take(message)

    def to_process(self, message: Message) -> bool:
        """The server sends."""
        if self.is_open:
            self._later("process", self._hand_over, message)
        return self.is_open

    def _hand_over(self, message: Message) -> None:
        if self.is_open:
            self.inbox.put_nowait(message)

    def cut(self) -> None:
        """End the connection; both sides notice after a while, what was on its way is lost."""
        if not self.is_open:
            return
        self.is_open = False
        self._later("process", self.inbox.put_nowait, DROPPED)
        self._later("server", self.peer.closed, context=self.peer.hub.context)


class SimPeer:
    """The server's end of a link: what ``services.hub.Peer`` is on a real machine."""

    def __init__(self, link: Link, hub: SimHub) -> None:
        self._link = link
        self.hub = hub
        self.hello: Hello | None = None

    @property
    def is_open(self) -> bool:
        return self._link.is_open

    def send(self, message: Message) -> bool:
        return self._link.to_process(message)

    def send_all(self, messages: list[Message]) -> bool:
        for message in messages:
            self.send(message)
        return self.is_open

    def close(self) -> None:
        self._link.cut()

    def take(self, message: Message) -> None:
        if not self.hub.is_alive:
            return
        if self.hello is None:
            assert isinstance(message, Hello)
            self.hello = message
            self.hub.on_hello(self, message)
        else:
            self.hub.on_message(self, message)

    def closed(self) -> None:
        self.hub.links.pop(self._link, None)
        if self.hub.is_alive and self.hello is not None:
            self.hub.on_close(self)


class SimHub:
    """The server's socket."""

    def __init__(self, world: World, on_hello: Any, on_message: Any, on_close: Any) -> None:
        self._world = world
        self.on_hello, self.on_message, self.on_close = on_hello, on_message, on_close
        self.links: dict[Link, None] = {}
        self.is_alive = True
        self.context = contextvars.copy_context()

    async def listen(self, path: object) -> None:
        self._world.hub = self

    def accept(self) -> Link:
        link = Link(self._world, self)
        self.links[link] = None
        return link

    def die(self) -> None:
        """The server's process has ended."""
        self.is_alive = False
        for link in list(self.links):
            link.cut()

    async def close(self) -> None:
        self.die()


class SimDatabase:
    """The ledger as one incarnation of the server sees it: cut off when that is killed, between any two writes."""

    def __init__(self, world: World, ledger: LedgerPort) -> None:
        self._world = world
        self.ledger = ledger
        self.dynamic_keys = DynamicKeysBook()
        self.observe = None
        self._turn = asyncio.Lock()
        self.is_alive = True

    async def read(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        await self._pause()
        return method(*args, **kwargs)

    async def write(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        async with self._turn:
            await self._pause()
            name = getattr(method, "__name__", str(method))
            chance = self._world.chance
            if chance.fails(0.002):
                self._killed()
            if chance.fails(0.004):
                raise OperationalError(name, {}, Exception("the database is busy, says the simulation"))
            result = method(*args, **kwargs)
            self._world.written(name)
            if chance.fails(0.004):
                self._killed()
            await self._pause()
            return result

    async def call(self, name: str, kwargs: dict[str, Any]) -> Any:
        method = attrgetter(name)(self.ledger)
        if name.rpartition(".")[2].startswith(READ_PREFIXES):
            return await self.read(method, **kwargs)
        return await self.write(method, **kwargs)

    async def _pause(self) -> None:
        await asyncio.sleep(self._world.chance.seconds(0.0, 0.004))
        if not self.is_alive:
            raise asyncio.CancelledError

    def _killed(self) -> None:
        self._world.kill_server()
        raise asyncio.CancelledError

    def close(self) -> None:
        self.is_alive = False


class SimThread:
    """A thread's work, done in between."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def run(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(self._world.chance.seconds(0.0, 0.01))
        return work(*args, **kwargs)

    def close(self) -> None:
        pass


class SimProcess:
    """A process: a number, a task, an end."""

    def __init__(self, world: World, kind: str, body: Callable[[SimProcess], Any]) -> None:
        self.pid = world.next_pid()
        self.kind = kind
        self._world = world
        self._ended: asyncio.Future[int] = world.loop.create_future()
        self.owner = f"{kind} {self.pid}"
        context = contextvars.copy_context()
        context.run(OWNER.set, self.owner)
        world.processes[self.pid] = self
        self.links: dict[Link, None] = {}
        self.at_end: list[Callable[[], object]] = []
        self._task = world.loop.create_task(self._run(body), context=context)

    async def _run(self, body: Callable[[SimProcess], Any]) -> None:
        await asyncio.sleep(0)
        code = await body(self)
        self.end(code or 0)

    def connect(self) -> Link | None:
        """Connect to the server; None when none listens."""
        hub = self._world.hub
        if hub is None or not hub.is_alive:
            return None
        link = hub.accept()
        self.links[link] = None
        return link

    def end(self, code: int) -> None:
        """The process ends, by itself or killed."""
        if self._ended.done():
            return
        self._world.processes.pop(self.pid, None)
        self._ended.set_result(code)
        for action in self.at_end:
            action()
        for link in self.links:
            link.cut()
        self._world.loop.end_tasks_of(self.owner)

    def kill(self) -> None:
        self.end(-9)

    @property
    def is_alive(self) -> bool:
        return not self._ended.done()

    async def wait(self) -> int:
        return await asyncio.shield(self._ended)


class SimMachine(Machine):
    """Gives one incarnation of the server what it needs."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.made_database: SimDatabase | None = None

    async def start_location(self, args: Any) -> Any:
        return self._world.start_location(args)

    def database(self, ledger: LedgerPort) -> Any:
        self.made_database = SimDatabase(self._world, ledger)
        return self.made_database

    def helper_thread(self, name: str) -> Any:
        return SimThread(self._world)

    def alerter(self) -> Any:
        return None  # nobody is told, because no address is given

    def hub(self, *, on_hello: Any, on_message: Any, on_close: Any) -> Any:
        return SimHub(self._world, on_hello, on_message, on_close)

    def is_alive(self, pid: int) -> bool:
        return pid in self._world.processes

    def is_worker_alive(self, pid: int) -> bool:
        return self.is_alive(pid)

    def kill(self, pid: int) -> None:
        process = self._world.processes.get(pid)
        if process is None:
            raise ProcessLookupError(pid)
        process.kill()


__all__ = ["DROPPED", "Link", "SimDatabase", "SimHub", "SimMachine", "SimPeer", "SimProcess", "VirtualLoop"]
