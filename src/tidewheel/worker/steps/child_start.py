"""Starts a location's children warm: by forking, or from a stock of processes that have imported user code already.

Forking is right only while nothing but the main thread exists: another thread could hold a lock that would stay locked
in the child for ever. Some libraries (OpenBLAS under NumPy) do start threads when imported but take them down around a
fork by themselves; a trial fork shows whether all native threads are of that kind.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal, Optional, Protocol

import msgspec

from tidewheel.values.records import RunRecord

StartMethod = Literal["fork", "spare"]


class Assignment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a child shall be: the worker of ``run``, or an evaluator."""

    run: Optional[RunRecord] = None


class ChildStarter(Protocol):
    """Starts children; each is a new process with user code imported."""

    def start(self, assignment: Assignment) -> int:
        """Start one child; its process id."""

    def forget(self, pid: int) -> None:
        """A child has ended."""

    def stop(self) -> None:
        """End processes that wait without an assignment."""


def decide_start_method(python_threads: int, native_threads_after_trial: int) -> StartMethod:
    """Fork only with a single thread; native threads are counted after a trial fork."""
    return "fork" if python_threads == 1 and native_threads_after_trial == 1 else "spare"


def measure_start_method() -> StartMethod:
    """Which start method is right for this process as it is now (user code imported)."""
    python_threads = threading.active_count()
    if python_threads == 1 and native_thread_count() > 1:
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
    return decide_start_method(python_threads, native_thread_count())


def native_thread_count() -> int:
    """Threads of this process as the system counts them; where it cannot say, those that Python knows."""
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.is_dir() else threading.active_count()


class ForkStarter:
    """Forks this process; ``body`` runs in the child and returns its exit code."""

    def __init__(self, body: Callable[[Assignment], int], before: Callable[[], None]) -> None:
        self._body = body
        self._before = before

    def start(self, assignment: Assignment) -> int:
        """Fork one child."""
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            with contextlib.suppress(OSError):
                os.setpgid(pid, pid)  # here as well: nobody may signal the group before it exists
            return pid
        code = 1
        try:
            os.setpgid(0, 0)  # what this child starts can then be ended together with it
            reset_signals()
            self._before()
            code = self._body(assignment)
        except BaseException:  # noqa: BLE001 - a boundary: a child must never return into its parent's loop
            sys.excepthook(*sys.exc_info())
        finally:
            try:
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(code)

    def forget(self, pid: int) -> None:
        """Nothing is kept."""

    def stop(self) -> None:
        """Nothing waits."""


class SpareStarter:
    """Hands assignments to processes that were started ahead and wait on their standard input."""

    def __init__(self, arguments: str, stock: int) -> None:
        self._arguments = arguments
        self._stock = max(stock, 1)
        self._waiting: list[subprocess.Popen[bytes]] = []
        self._refill()

    def start(self, assignment: Assignment) -> int:
        """Give the oldest waiting process its assignment and start another one to take its place."""
        while True:
            spare = self._waiting.pop(0) if self._waiting else self._spawn()
            try:
                assert spare.stdin is not None
                spare.stdin.write(msgspec.msgpack.encode(assignment))
                spare.stdin.close()
            except OSError:
                continue  # it died while it waited; the next one
            self._refill()
            return spare.pid

    def forget(self, pid: int) -> None:
        """A process has ended; if it was waiting, it is replaced."""
        before = len(self._waiting)
        self._waiting = [spare for spare in self._waiting if spare.pid != pid]
        if len(self._waiting) < before:
            self._refill()

    def stop(self) -> None:
        """End the waiting processes."""
        for spare in self._waiting:
            spare.kill()
        self._waiting = []

    def _refill(self) -> None:
        while len(self._waiting) < self._stock:
            self._waiting.append(self._spawn())

    def _spawn(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "tidewheel.worker.location.spare", self._arguments],
            stdin=subprocess.PIPE,
            process_group=0,
        )


def signal_child(pid: int, number: int) -> None:
    """Send a signal to a child; one that ends it at once goes to everything that the child has started, too.

    A polite end is the child's own affair: its user code may want to end what it has started in order.
    """
    try:
        if number == signal.SIGKILL:
            os.killpg(pid, number)
        else:
            os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def sweep_group(pid: int) -> None:
    """End what a child that has ended leaves behind."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def reset_signals() -> None:
    """Give a forked child the ordinary signal handling; a polite end (SIGTERM) lets user code clean up."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def to_arguments(value: msgspec.Struct) -> str:
    """Arguments of a process as one JSON text."""
    return json.dumps(msgspec.to_builtins(value))
