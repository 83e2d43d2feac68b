"""Runs steps side by side, each in a forked child that reports its events and its outcome over a pipe.

A child inherits user code as it is, loaded and warm. Its events go to the parent, which puts them in order with all
others and sends them on. A child that ends without an outcome has died, and the parent says of what.
"""

from __future__ import annotations

import gc
import os
import selectors
import signal
import sys
import threading
import traceback
from collections.abc import Callable

import msgspec

from tidewheel.errors import StepProcessDiedError
from tidewheel.logic.runs.plan import PlannedStep
from tidewheel.values import events
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.events import Event, EventType
from tidewheel.worker.environment.bell import Bell
from tidewheel.worker.environment.run_environment import RunEnvironment
from tidewheel.worker.steps.step_child import HEADER, Frame, Order, PipeSink, serve_steps, write_whole
from tidewheel.worker.steps.step_runner import StepOutcome

_READ_BYTES = 1 << 18
OOM_COUNTERS = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")
OWN_THREAD_PREFIX = "tidewheel-"
"""Threads of ours that hold no lock while a fork happens (the event sink's helper)."""


class _Child:
    """A child, from the parent's side: executing a step (``key``), or waiting for another one."""

    def __init__(self, pid: int, descriptor: int, orders: int, knows: int) -> None:
        self.pid = pid
        self.descriptor = descriptor
        self.orders = orders
        self.knows = knows
        """How many steps had ended when it was made: of those that ended later it knows nothing."""
        self.buffer = bytearray()
        self.order: Order | None = None
        self.has_begun = False
        self.is_reused = False
        self.outcome: StepOutcome | None = None
        self.is_ending = False

    @property
    def key(self) -> str:
        """The step that it executes."""
        return self.order.step.key if self.order is not None else ""


class StepProcesses:
    """The children of one run. ``body`` runs in a child and returns the step's outcome; ``heard`` learns of events."""

    def __init__(
        self,
        env: RunEnvironment,
        body: Callable[[PlannedStep, int], StepOutcome],
        heard: Callable[[Event], None],
        bell: Bell | None,
    ) -> None:
        self._env = env
        self._body = body
        self._heard = heard
        self._children: dict[int, _Child] = {}
        self._bell = bell
        self._selector = selectors.DefaultSelector()
        if bell is not None:
            self._selector.register(bell, selectors.EVENT_READ)
        self._decoder = msgspec.msgpack.Decoder(Frame)
        self._oom_kills = _oom_kills()
        self._ended_at: dict[str, int] = {}
        gc.freeze()  # what is alive now stays as it is: the collector shall not touch (and copy) it in the children

    @property
    def running(self) -> int:
        """How many steps are being executed."""
        return sum(child.order is not None for child in self._children.values())

    def start(self, planned: PlannedStep, attempt: int) -> None:
        """Give a step to a child that waits, or to a new one."""
        self._env.emit(
            EventType.STEP_WORKER_STARTING,
            f'A process for step "{planned.key}" is being started.',
            step_key=planned.key,
        )
        order = Order(step=planned, attempt=attempt)
        waiting = [child for child in self._children.values() if child.order is None]
        able = next((child for child in waiting if self._can_take(child, planned)), None)
        if able is not None and self._hand(able, order):
            return
        for child in waiting[:1]:
            self._dismiss(child)
        self._fork(order)

    def _can_take(self, child: _Child, planned: PlannedStep) -> bool:
        """Whether a child knows everything that a step depends on: what ended after it was made, it has not heard of."""
        if any(ref.collected for ref in planned.output_refs()):
            return False
        return all(self._ended_at.get(key, 0) <= child.knows for key in planned.depends_on)

    def _hand(self, child: _Child, order: Order) -> bool:
        try:
            write_whole(child.orders, msgspec.msgpack.encode(order))
        except OSError:
            return False  # it has died meanwhile
        child.order, child.has_begun, child.is_reused, child.outcome = order, False, True, None
        return True

    def _fork(self, order: Order) -> None:
        env = self._env
        reader, writer = os.pipe()
        orders_reader, orders_writer = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        env.sink.pause_for_fork()
        try:
            pid = os.fork()
            if pid == 0:
                os.close(reader)
                os.close(orders_writer)
                self._be_child(order, writer, orders_reader)
        finally:
            env.sink.resume_after_fork()
        os.close(writer)
        os.close(orders_reader)
        os.set_blocking(reader, False)
        child = _Child(pid, reader, orders_writer, len(self._ended_at))
        child.order = order
        self._children[reader] = child
        self._selector.register(reader, selectors.EVENT_READ, child)

    def _be_child(self, order: Order, writer: int, orders: int) -> None:
        """Everything that a child does; never returns."""
        code = 1
        try:
            for other in self._children.values():
                os.close(other.descriptor)
                os.close(other.orders)
            env = self._env
            sink = PipeSink(writer)
            env.gate.restart_in_child()
            env.enter_child(sink)
            serve_steps(env, order, sink, orders, self._body)
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
        """Pass on what children report; outcomes of the steps that have ended."""
        with self._env.gate.user_code():
            ready = self._selector.select(timeout_s)
        ended: list[tuple[str, StepOutcome]] = []
        for key, _ in ready:
            if self._bell is not None and key.fileobj is self._bell:
                self._bell.clear()
                continue
            child: _Child = key.data
            is_closed = self._read(child)
            if is_closed or child.is_ending:
                found = self._end(child)
            elif child.outcome is not None:
                found = (child.key, child.outcome)
            else:
                continue
            child.order = None
            if found is not None:
                self._ended_at[found[0]] = len(self._ended_at) + 1
                ended.append(found)
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
        while len(buffer) - start >= HEADER.size:
            (size,) = HEADER.unpack_from(buffer, start)
            end = start + HEADER.size + size
            if len(buffer) < end:
                break
            frame = self._decoder.decode(memoryview(buffer)[start + HEADER.size : end])
            start = end
            if frame.event is not None:
                child.has_begun = True
                self._env.forward(frame.event)
                self._heard(frame.event)
            if frame.outcome is not None:
                child.outcome, child.is_ending = frame.outcome, frame.is_last
        if start:
            del buffer[:start]

    def _end(self, child: _Child) -> tuple[str, StepOutcome] | None:
        """Take leave of a child; the outcome of the step that it was executing, if it was."""
        status = self._forget(child)
        if child.order is None:
            return None
        if child.outcome is not None:
            return child.key, child.outcome
        if child.is_reused and not child.has_begun:
            self._fork(child.order)  # it died while it waited, before it took the step
            return None
        return child.key, self._died(child, status)

    def _dismiss(self, child: _Child) -> None:
        """End a child that waits."""
        self._forget(child)

    def _forget(self, child: _Child) -> int:
        """Close the pipes of a child, which ends it, and wait for that; its wait status."""
        self._selector.unregister(child.descriptor)
        os.close(child.orders)
        os.close(child.descriptor)
        del self._children[child.descriptor]
        _, status = os.waitpid(child.pid, 0)
        return status

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
        """Ask all children that execute a step to stop."""
        for child in self._children.values():
            if child.order is None:
                continue
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
        """End the children that wait, and free the selector."""
        for child in list(self._children.values()):
            if child.order is None:
                self._dismiss(child)
        self._selector.close()
        gc.unfreeze()


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
