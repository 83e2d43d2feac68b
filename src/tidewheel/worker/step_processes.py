"""Runs steps side by side, each in a forked child that reports its events and its outcome over a pipe.

A child inherits user code as it is, loaded and warm. Its events go to the parent, which puts them in order with all
others and sends them on. A child that ends without an outcome has died, and the parent says of what.
"""

from __future__ import annotations

import os
import selectors
import signal
import struct
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Optional

import msgspec

from tidewheel.errors import StepProcessDiedError
from tidewheel.logic.runs.plan import PlannedStep
from tidewheel.values import events
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.events import Event, EventType
from tidewheel.worker.run_environment import RunEnvironment
from tidewheel.worker.step_runner import StepOutcome

_HEADER = struct.Struct("!I")
_READ_BYTES = 1 << 18
OOM_COUNTERS = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")
OWN_THREAD_PREFIX = "tidewheel-"
"""Threads of ours that hold no lock while a fork happens (the event sink's helper)."""


class Frame(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a child sends: an event, or its outcome at the end."""

    event: Optional[Event] = None
    outcome: Optional[StepOutcome] = None


class PipeSink:
    """The event sink inside a child: every event goes to the parent at once."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._encoder = msgspec.msgpack.Encoder()

    def emit(self, event: Event) -> None:
        """Send one event."""
        self.send(Frame(event=event))

    def send(self, frame: Frame) -> None:
        """Send a frame, whole."""
        data = self._encoder.encode(frame)
        view = memoryview(_HEADER.pack(len(data)) + data)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def flush(self) -> None:
        """The parent does."""

    def hand_over(self) -> None:
        """Everything has been sent already."""

    def pause_for_fork(self) -> None:
        """There is no helper thread."""

    def resume_after_fork(self) -> None:
        """There is no helper thread."""


class _Child:
    """A running child, from the parent's side."""

    def __init__(self, key: str, pid: int, descriptor: int) -> None:
        self.key = key
        self.pid = pid
        self.descriptor = descriptor
        self.buffer = bytearray()
        self.outcome: StepOutcome | None = None


class StepProcesses:
    """The children of one run. ``body`` runs in a child and returns the step's outcome; ``heard`` learns of events."""

    def __init__(
        self,
        env: RunEnvironment,
        body: Callable[[PlannedStep, int], StepOutcome],
        heard: Callable[[Event], None],
    ) -> None:
        self._env = env
        self._body = body
        self._heard = heard
        self._children: dict[int, _Child] = {}
        self._selector = selectors.DefaultSelector()
        self._decoder = msgspec.msgpack.Decoder(Frame)
        self._oom_kills = _oom_kills()

    @property
    def running(self) -> int:
        """How many children there are."""
        return len(self._children)

    def start(self, planned: PlannedStep, attempt: int) -> None:
        """Fork a child for a step."""
        env = self._env
        env.emit(
            EventType.STEP_WORKER_STARTING,
            f'A process for step "{planned.key}" is being started.',
            step_key=planned.key,
        )
        reader, writer = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        env.sink.pause_for_fork()
        try:
            pid = os.fork()
            if pid == 0:
                self._be_child(planned, attempt, reader, writer)
        finally:
            env.sink.resume_after_fork()
        os.close(writer)
        os.set_blocking(reader, False)
        child = _Child(planned.key, pid, reader)
        self._children[reader] = child
        self._selector.register(reader, selectors.EVENT_READ, child)

    def _be_child(self, planned: PlannedStep, attempt: int, reader: int, writer: int) -> None:
        """Everything that a child does; never returns."""
        code = 1
        try:
            os.close(reader)
            for other in self._children:
                os.close(other)
            env = self._env
            sink = PipeSink(writer)
            env.gate.restart_in_child()
            env.enter_child(sink)
            env.emit(
                EventType.STEP_WORKER_STARTED,
                f'The process for step "{planned.key}" has started (pid {os.getpid()}).',
                step_key=planned.key,
                payload=events.EngineNote(worker_pid=os.getpid()),
            )
            sink.send(Frame(outcome=self._body(planned, attempt)))
            code = 0
        except BaseException:  # noqa: BLE001 - a boundary: a child must never return into its parent's code
            traceback.print_exc()
        finally:
            try:
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(code)

    def wait(self, timeout_s: float | None) -> list[tuple[str, StepOutcome]]:
        """Pass on what children report; outcomes of those that have ended."""
        with self._env.gate.user_code():
            ready = self._selector.select(timeout_s)
        ended: list[tuple[str, StepOutcome]] = []
        for key, _ in ready:
            child: _Child = key.data
            if self._read(child):
                ended.append((child.key, self._end(child)))
        return ended

    def _read(self, child: _Child) -> bool:
        """Take what has come from a child; whether it has closed its end."""
        while True:
            try:
                data = os.read(child.descriptor, _READ_BYTES)
            except BlockingIOError:
                return False
            if not data:
                return True
            child.buffer += data
            self._take_frames(child)

    def _take_frames(self, child: _Child) -> None:
        buffer, start = child.buffer, 0
        while len(buffer) - start >= _HEADER.size:
            (size,) = _HEADER.unpack_from(buffer, start)
            end = start + _HEADER.size + size
            if len(buffer) < end:
                break
            frame = self._decoder.decode(memoryview(buffer)[start + _HEADER.size : end])
            start = end
            if frame.event is not None:
                self._env.forward(frame.event)
                self._heard(frame.event)
            if frame.outcome is not None:
                child.outcome = frame.outcome
        if start:
            del buffer[:start]

    def _end(self, child: _Child) -> StepOutcome:
        self._selector.unregister(child.descriptor)
        os.close(child.descriptor)
        del self._children[child.descriptor]
        _, status = os.waitpid(child.pid, 0)
        if child.outcome is not None:
            return child.outcome
        return self._died(child, status)

    def _died(self, child: _Child, status: int) -> StepOutcome:
        """A child ended without an outcome: the step has failed, and this is why."""
        kills = _oom_kills()
        cause = describe_death(status, was_out_of_memory=kills > self._oom_kills)
        self._oom_kills = kills
        error = ErrorInfo(
            cls_name=StepProcessDiedError.__name__,
            message=f"expected the process of step {child.key!r} (pid {child.pid}) to finish the step, got {cause}",
        )
        self._env.emit(
            EventType.STEP_FAILURE,
            f'Step "{child.key}" failed: its process died ({cause}).',
            step_key=child.key,
            payload=events.Failure(error=error, reason="STEP_PROCESS_DIED"),
        )
        return StepOutcome(status="failed", error=error)

    def interrupt(self) -> None:
        """Ask all children to stop."""
        for child in self._children.values():
            try:
                os.kill(child.pid, signal.SIGINT)
            except ProcessLookupError:
                continue

    def kill(self) -> None:
        """End all children that did not stop when asked."""
        for child in list(self._children.values()):
            try:
                os.kill(child.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def close(self) -> None:
        """Free the selector."""
        self._selector.close()


def describe_death(status: int, *, was_out_of_memory: bool) -> str:
    """What a process died of, from its wait status."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        name = signal.Signals(number).name if number in signal.valid_signals() else "unknown"
        text = f"an end by signal {number} ({name})"
        if number == signal.SIGKILL:
            text += (
                ", as the system was out of memory" if was_out_of_memory else ", perhaps for lack of memory"
            )
        return text
    return f"exit code {os.waitstatus_to_exitcode(status)} without a result"


def _oom_kills() -> int:
    """How many processes of this container the system has killed for lack of memory, where it says so."""
    for path in OOM_COUNTERS:
        try:
            with open(path) as handle:
                for line in handle:
                    name, _, value = line.partition(" ")
                    if name == "oom_kill":
                        return int(value)
        except (OSError, ValueError):
            continue
    return 0


def why_not_fork() -> str | None:
    """Why steps cannot have processes of their own here; None when they can.

    A fork copies only the thread that calls it. Another one might hold a lock at that moment (of the allocator, of a
    logger), which would then never be freed in the child.
    """
    if not hasattr(os, "fork"):
        return "this system cannot fork"
    if threading.current_thread() is not threading.main_thread():
        return "the run is executed by a thread that is not the main one"
    others = [
        thread.name
        for thread in threading.enumerate()
        if thread is not threading.main_thread() and not thread.name.startswith(OWN_THREAD_PREFIX)
    ]
    if others:
        return f"user code has started threads ({', '.join(sorted(others)[:5])})"
    return None
