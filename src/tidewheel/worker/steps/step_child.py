"""The child's side of a step process: executes the step it was made for, and further short ones that it is handed."""

from __future__ import annotations

import os
import struct
import threading
import time
from collections.abc import Callable
from typing import Optional

import msgspec

from tidewheel.logic.runs.plan import PlannedStep
from tidewheel.runtime.views.log_lines import add_log_fields
from tidewheel.values import events
from tidewheel.values.events import Event, EventType
from tidewheel.values.serde import as_built_in
from tidewheel.worker.environment.run_environment import RunEnvironment
from tidewheel.worker.steps.step_runner import StepOutcome

HEADER = struct.Struct("!I")
REUSED_FOR_S = 0.25
"""A process takes no further step after this time: making a new one costs little beside that."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a child is to do."""

    step: PlannedStep
    attempt: int


class Frame(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a child sends: an event, or a step's outcome. ``is_last``: the child ends after this one."""

    event: Optional[Event] = None
    outcome: Optional[StepOutcome] = None
    is_last: bool = False


class PipeSink:
    """The event sink inside a child: every event goes to the parent at once."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._encoder = msgspec.msgpack.Encoder(enc_hook=as_built_in)

    def emit(self, event: Event) -> None:
        """Send one event."""
        self.send(Frame(event=event))

    def send(self, frame: Frame) -> None:
        """Send a frame, whole."""
        write_whole(self._descriptor, self._encoder.encode(frame))

    def flush(self) -> None:
        """The parent does."""

    def hand_over(self) -> None:
        """Everything has been sent already."""

    def pause_for_fork(self) -> None:
        """There is no helper thread."""

    def resume_after_fork(self) -> None:
        """There is no helper thread."""


def serve_steps(
    env: RunEnvironment,
    first: Order,
    sink: PipeSink,
    orders: int,
    body: Callable[[PlannedStep, int], StepOutcome],
) -> None:
    """Execute the first step, then what comes over ``orders``, until that closes or this process has had its share."""
    decoder = msgspec.msgpack.Decoder(Order)
    order: Order | None = first
    busy_s = 0.0
    while order is not None:
        add_log_fields(process="step", step=order.step.key)
        env.emit(
            EventType.STEP_WORKER_STARTED,
            f'The process for step "{order.step.key}" has begun (pid {os.getpid()}).',
            step_key=order.step.key,
            payload=events.EngineNote(worker_pid=os.getpid()),
        )
        began = time.perf_counter()
        outcome = body(order.step, order.attempt)
        busy_s += time.perf_counter() - began
        # threads that a step has left running are its own affair: no other step shall share a process with them
        is_last = busy_s > REUSED_FOR_S or outcome.status == "interrupted" or threading.active_count() > 1
        sink.send(Frame(outcome=outcome, is_last=is_last))
        data = None if is_last else read_whole(orders)
        order = decoder.decode(data) if data is not None else None


def write_whole(descriptor: int, data: bytes) -> None:
    """Write a message with its length before it.

    Raises:
        OSError: when nobody reads.
    """
    view = memoryview(HEADER.pack(len(data)) + data)
    while view:
        view = view[os.write(descriptor, view) :]


def read_whole(descriptor: int) -> bytes | None:
    """The next message; None when there are no more."""
    head = _read_exactly(descriptor, HEADER.size)
    return None if head is None else _read_exactly(descriptor, HEADER.unpack(head)[0])


def _read_exactly(descriptor: int, size: int) -> bytes | None:
    found = bytearray()
    while len(found) < size:
        data = os.read(descriptor, size - len(found))
        if not data:
            return None
        found += data
    return bytes(found)
