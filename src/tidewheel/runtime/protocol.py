"""The one small protocol between the server and everything else: framed msgpack messages over a stream socket.

A frame is a 4-byte big-endian length and a msgpack message of the union ``Message``. Who speaks first is the peer, with
``Hello``. Peers: *location* (a code location process), *evaluator* (its child that evaluates triggers), *worker* (its
child that executes one run), *client* (the CLI, a script's instance, ``context.instance`` of user code), *watcher* (wants
to see what happens, live).

A worker may execute user code only when the server has acknowledged its first batch, which holds the run's start: the
acknowledgement means that the run is STARTED under this worker's epoch. So a launch that was repeated (because nobody
knew whether the first one arrived) can never execute twice.
"""

from __future__ import annotations

from typing import Literal, Optional, Union

import msgspec

from tidewheel.values.condition_questions import ConditionAnswer, ConditionQuestions
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.evaluation import EvaluationRequest, EvaluationResult
from tidewheel.values.launch import LaunchRequest, PreparedLaunch
from tidewheel.values.records import IntakeBatch, IntakeOutcome, RunRecord
from tidewheel.values.serde import as_built_in

PROTOCOL_VERSION = 1
MAX_FRAME_BYTES = 256 * 1024 * 1024
LENGTH_BYTES = 4

Role = Literal["location", "evaluator", "worker", "client", "watcher"]


class _Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """The base of all messages: the class name is the tag on the wire."""


# -- towards the server -------------------------------------------------------------------------------------------------


class Hello(_Message, frozen=True, kw_only=True, omit_defaults=True):
    """The first message of every peer."""

    role: Role
    pid: int
    version: int = PROTOCOL_VERSION
    location: Optional[str] = None
    generation: int = 0
    """Of a location's processes: which start of the location they belong to."""
    run_id: Optional[str] = None
    epoch: int = 0


class LocationLoaded(_Message, frozen=True, kw_only=True, omit_defaults=True):
    """User code was imported; ``snapshot`` is the bytes of a ``LocationSnapshot``."""

    snapshot: bytes
    fingerprint: str
    start_method: str = "fork"
    load_s: float = 0.0


class LocationFailed(_Message, frozen=True, kw_only=True, omit_defaults=True):
    """User code could not be loaded; every problem found, and the files to watch for a mend."""

    errors: tuple[ErrorInfo, ...]
    files: tuple[str, ...] = ()


class ChildExited(_Message, frozen=True, kw_only=True, omit_defaults=True):
    """A child of a location process has ended: exit ``code``, negative for a signal."""

    pid: int
    code: int
    run_id: Optional[str] = None
    epoch: int = 0


class ChildStarted(_Message, frozen=True, kw_only=True, omit_defaults=True):
    """A location has started the worker of a run."""

    pid: int
    run_id: str
    epoch: int


class EventBatch(_Message, frozen=True, kw_only=True, omit_defaults=True):
    """Events of a worker's run."""

    batch: IntakeBatch


class Evaluated(_Message, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to ``Evaluate``."""

    request_id: int
    result: EvaluationResult


class ConditionsAnswered(_Message, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to ``AskConditions``: one for each question, in order."""

    request_id: int
    answers: tuple[ConditionAnswer, ...]


class Prepared(_Message, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to ``Prepare``."""

    request_id: int
    launch: PreparedLaunch


class Withdrawn(_Message, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to ``Withdraw``: which of the questions had not been begun, and are not answered."""

    request_ids: tuple[int, ...]


class Call(_Message, frozen=True, kw_only=True, omit_defaults=True):
    """A client asks for a method of the ledger or the control; ``args`` is msgpack of {parameter: value}."""

    call_id: int
    method: str
    args: bytes


# -- from the server ----------------------------------------------------------------------------------------------------


class Answer(_Message, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to ``Call``: msgpack of the method's result, or an error."""

    call_id: int
    value: bytes = b""
    error: Optional[ErrorInfo] = None


class StartWorker(_Message, frozen=True, kw_only=True, omit_defaults=True):
    """To a location: start a worker for this run (STARTING, under ``run.epoch``)."""

    run: RunRecord


class StartEvaluator(_Message, frozen=True, kw_only=True, omit_defaults=True):
    """To a location: start one more evaluator."""


class KillChild(_Message, frozen=True, kw_only=True, omit_defaults=True):
    """To a location: end a child process now."""

    pid: int


class AskConditions(_Message, frozen=True, kw_only=True, omit_defaults=True):
    """To an evaluator: evaluate the conditions of users' own classes of one target."""

    request_id: int
    questions: ConditionQuestions


class Evaluate(_Message, frozen=True, kw_only=True, omit_defaults=True):
    """To an evaluator: evaluate one trigger."""

    request_id: int
    request: EvaluationRequest


class Prepare(_Message, frozen=True, kw_only=True, omit_defaults=True):
    """To an evaluator: check a launch request against the definitions."""

    request_id: int
    request: LaunchRequest


class Withdraw(_Message, frozen=True, kw_only=True, omit_defaults=True):
    """To an evaluator: forget these questions, unless they have been begun."""

    request_ids: tuple[int, ...]


class BatchTaken(_Message, frozen=True, kw_only=True, omit_defaults=True):
    """To a worker: what became of a batch."""

    outcome: IntakeOutcome


class CancelRun(_Message, frozen=True, kw_only=True, omit_defaults=True):
    """To a worker: stop the run, let user code clean up."""

    run_id: str


class PoolOpen(_Message, frozen=True, kw_only=True, omit_defaults=True):
    """To a worker that waits for a slot of this pool: ask again, one may be free."""

    pool: str


class Retire(_Message, frozen=True, kw_only=True, omit_defaults=True):
    """To a location: a newer process serves its code now; start nothing more, and end when the children have ended."""


class Shutdown(_Message, frozen=True, kw_only=True, omit_defaults=True):
    """To anybody: the server stops and wants you to end within ``grace_s`` seconds."""

    grace_s: float


class Activity(_Message, frozen=True, kw_only=True, omit_defaults=True):
    """To a watcher: something happened. ``kind``: tick | run | materialization | check | location | log."""

    kind: str
    timestamp: float
    name: str
    status: str = ""
    text: str = ""
    run_id: Optional[str] = None
    asset: Optional[str] = None
    partition: Optional[str] = None
    trigger_id: Optional[str] = None
    tick_id: Optional[int] = None


Message = Union[
    Hello,
    LocationLoaded,
    LocationFailed,
    ChildExited,
    ChildStarted,
    EventBatch,
    Evaluated,
    Prepared,
    Withdrawn,
    ConditionsAnswered,
    Call,
    Answer,
    StartWorker,
    StartEvaluator,
    KillChild,
    Evaluate,
    Prepare,
    Withdraw,
    AskConditions,
    BatchTaken,
    CancelRun,
    PoolOpen,
    Retire,
    Shutdown,
    Activity,
]

_encoder = msgspec.msgpack.Encoder(enc_hook=as_built_in)
_decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)


class ProtocolError(Exception):
    """The other side sent something that is not of this protocol."""


def frame(message: Message) -> bytes:
    """A message as one frame."""
    body = _encoder.encode(message)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def parse(body: bytes | memoryview) -> Message:
    """The message of a frame's body.

    Raises:
        ProtocolError: when it is not one.
    """
    try:
        return _decoder.decode(body)
    except msgspec.MsgspecError as exc:
        raise ProtocolError(
            f"expected a message of protocol {PROTOCOL_VERSION}, got something else: {exc}"
        ) from exc


def body_length(header: bytes) -> int:
    """The length that a frame's header announces.

    Raises:
        ProtocolError: when it is beyond the limit.
    """
    length = int.from_bytes(header, "big")
    if length > MAX_FRAME_BYTES:
        raise ProtocolError(f"expected a frame of at most {MAX_FRAME_BYTES} bytes, got one of {length}")
    return length


class FrameBuffer:
    """Collects bytes as they arrive and hands out whole messages."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """Add bytes; the messages that are complete now, in order."""
        self._data += data
        messages: list[Message] = []
        start = 0
        while len(self._data) - start >= LENGTH_BYTES:
            length = body_length(bytes(self._data[start : start + LENGTH_BYTES]))
            end = start + LENGTH_BYTES + length
            if len(self._data) < end:
                break
            messages.append(parse(bytes(self._data[start + LENGTH_BYTES : end])))
            start = end
        if start:
            del self._data[:start]
        return messages
