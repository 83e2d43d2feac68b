"""What the server takes from the machine that it runs on: processes, sockets, threads.

Everything else in ``services`` speaks to these few functions, so that a simulated machine can stand in for the real one.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Optional, ParamSpec, Protocol, TypeVar

import msgspec

from tidewheel.runtime.alerts import Alerter
from tidewheel.runtime.location_args import LocationArgs
from tidewheel.runtime.protocol import Hello, Message
from tidewheel.services.database import Database
from tidewheel.services.hub import Hub, Peer
from tidewheel.storage.ports.ledger import LedgerPort

P = ParamSpec("P")
R = TypeVar("R")


class LocationProcess(Protocol):
    """A code location's process, as its parent sees it."""

    @property
    def pid(self) -> int: ...

    async def wait(self) -> Optional[int]:
        """Wait for its end; the exit code, negative for a signal."""

    def kill(self) -> None:
        """End it at once."""


class HelperThread:
    """One thread beside the event loop, for work that would hold it up; carries out one thing after the other."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Carry out work in the thread and wait for what comes of it."""
        return await asyncio.get_running_loop().run_in_executor(
            self._executor, partial(work, *args, **kwargs)
        )

    def close(self) -> None:
        """Take no more work; what is under way is finished."""
        self._executor.shutdown(wait=False)


class Machine:
    """The real one."""

    async def start_location(self, args: LocationArgs) -> LocationProcess:
        """Start the process of a code location."""
        # a session of its own: Ctrl-C reaches the server alone, which then ends its processes in order
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tidewheel.worker.location.location_process",
            json.dumps(msgspec.to_builtins(args)),
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            cwd=args.target.working_dir or None,
        )

    def database(self, ledger: LedgerPort) -> Database:
        """The ledger for use in the event loop."""
        return Database(ledger)

    def helper_thread(self, name: str) -> HelperThread:
        """A thread beside the event loop."""
        return HelperThread(name)

    def alerter(self) -> Alerter:
        """What tells people outside."""
        return Alerter()

    def hub(
        self,
        *,
        on_hello: Callable[[Peer, Hello], None],
        on_message: Callable[[Peer, Message], None],
        on_close: Callable[[Peer], None],
    ) -> Hub:
        """The end of the protocol that other processes connect to."""
        return Hub(on_hello=on_hello, on_message=on_message, on_close=on_close)

    def is_alive(self, pid: int) -> bool:
        """Whether a process of this id lives (one that has ended but was not waited for does not)."""
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return not Path("/proc/self").exists()

    def is_worker_alive(self, pid: int) -> bool:
        """Whether a process of this id lives and is one of ours (ids are used again by the system)."""
        if not self.is_alive(pid):
            return False
        try:
            return b"tidewheel" in Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return not Path("/proc/self").exists()

    def kill(self, pid: int) -> None:
        """End a process at once.

        Raises:
            OSError: when there is none, or it is somebody else's.
        """
        try:
            os.killpg(pid, signal.SIGKILL)  # with what it has started: a worker leads a group of its own
        except ProcessLookupError:
            os.kill(pid, signal.SIGKILL)
