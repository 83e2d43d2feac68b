"""What happens, as values: one event with a typed payload, sent by workers and kept by the ledger."""

from __future__ import annotations

from enum import Enum
from typing import Optional, Union

import msgspec

from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.metadata import Metadata


class EventType(str, Enum):
    """The kinds of events. Names and values are Dagster's, run events keep their old prefix (inventory 2.7)."""

    STEP_OUTPUT = "STEP_OUTPUT"
    STEP_INPUT = "STEP_INPUT"
    STEP_FAILURE = "STEP_FAILURE"
    STEP_START = "STEP_START"
    STEP_SUCCESS = "STEP_SUCCESS"
    STEP_SKIPPED = "STEP_SKIPPED"
    STEP_WORKER_STARTING = "STEP_WORKER_STARTING"
    STEP_WORKER_STARTED = "STEP_WORKER_STARTED"
    STEP_UP_FOR_RETRY = "STEP_UP_FOR_RETRY"
    STEP_RESTARTED = "STEP_RESTARTED"
    RESOURCE_INIT_STARTED = "RESOURCE_INIT_STARTED"
    RESOURCE_INIT_SUCCESS = "RESOURCE_INIT_SUCCESS"
    RESOURCE_INIT_FAILURE = "RESOURCE_INIT_FAILURE"
    ASSET_MATERIALIZATION = "ASSET_MATERIALIZATION"
    ASSET_MATERIALIZATION_PLANNED = "ASSET_MATERIALIZATION_PLANNED"
    ASSET_FAILED_TO_MATERIALIZE = "ASSET_FAILED_TO_MATERIALIZE"
    ASSET_OBSERVATION = "ASSET_OBSERVATION"
    ASSET_CHECK_EVALUATION_PLANNED = "ASSET_CHECK_EVALUATION_PLANNED"
    ASSET_CHECK_EVALUATION = "ASSET_CHECK_EVALUATION"
    STEP_EXPECTATION_RESULT = "STEP_EXPECTATION_RESULT"
    RUN_ENQUEUED = "PIPELINE_ENQUEUED"
    RUN_DEQUEUED = "PIPELINE_DEQUEUED"
    RUN_STARTING = "PIPELINE_STARTING"
    RUN_START = "PIPELINE_START"
    RUN_SUCCESS = "PIPELINE_SUCCESS"
    RUN_FAILURE = "PIPELINE_FAILURE"
    RUN_CANCELING = "PIPELINE_CANCELING"
    RUN_CANCELED = "PIPELINE_CANCELED"
    # the old names of run events, which users' code still says
    PIPELINE_ENQUEUED = "PIPELINE_ENQUEUED"  # noqa: PIE796
    PIPELINE_DEQUEUED = "PIPELINE_DEQUEUED"  # noqa: PIE796
    PIPELINE_STARTING = "PIPELINE_STARTING"  # noqa: PIE796
    PIPELINE_START = "PIPELINE_START"  # noqa: PIE796
    PIPELINE_SUCCESS = "PIPELINE_SUCCESS"  # noqa: PIE796
    PIPELINE_FAILURE = "PIPELINE_FAILURE"  # noqa: PIE796
    PIPELINE_CANCELING = "PIPELINE_CANCELING"  # noqa: PIE796
    PIPELINE_CANCELED = "PIPELINE_CANCELED"  # noqa: PIE796
    OBJECT_STORE_OPERATION = "OBJECT_STORE_OPERATION"
    HANDLED_OUTPUT = "HANDLED_OUTPUT"
    LOADED_INPUT = "LOADED_INPUT"
    ENGINE_EVENT = "ENGINE_EVENT"
    HOOK_COMPLETED = "HOOK_COMPLETED"
    HOOK_ERRORED = "HOOK_ERRORED"
    HOOK_SKIPPED = "HOOK_SKIPPED"
    LOGS_CAPTURED = "LOGS_CAPTURED"
    LOG_MESSAGE = "LOG_MESSAGE"


class Materialization(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="materialization"):
    """An asset was made; ``tags`` hold code version, data version and the versions of the inputs used."""

    metadata: Metadata = {}
    tags: dict[str, str] = {}
    description: Optional[str] = None


class Observation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="observation"):
    """An asset was looked at, not made."""

    metadata: Metadata = {}
    tags: dict[str, str] = {}
    description: Optional[str] = None


class CheckEvaluation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="check_evaluation"):
    """A check ran; ``target_event_id`` is the materialisation it judged, where known."""

    passed: bool
    severity: str = "ERROR"
    blocking: bool = False
    metadata: Metadata = {}
    description: Optional[str] = None
    target_event_id: Optional[int] = None
    target_run_id: Optional[str] = None
    target_timestamp: Optional[float] = None


class Failure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="failure"):
    """A step, resource, hook or run failed; for runs ``first_step`` names the first failed step, if one did."""

    error: Optional[ErrorInfo] = None
    reason: Optional[str] = None
    first_step: Optional[str] = None
    metadata: Metadata = {}
    retries_left: Optional[int] = None


class StepRetry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="step_retry"):
    """A step will be tried again after ``wait_s`` seconds."""

    error: Optional[ErrorInfo] = None
    wait_s: float = 0.0
    attempt: int = 1


class StepDone(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="step_done"):
    """A step succeeded in ``duration_ms`` milliseconds."""

    duration_ms: float = 0.0


class TypeCheckOutcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the check of a value's type said."""

    success: bool = True
    description: Optional[str] = None
    metadata: Metadata = {}


class OutputValue(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="output"):
    """A step gave an output (or an output was stored, or an input loaded)."""

    name: str = "result"
    mapping_key: Optional[str] = None
    metadata: Metadata = {}
    manager_key: Optional[str] = None
    upstream_step: Optional[str] = None
    upstream_output: Optional[str] = None
    type_name: Optional[str] = None
    type_check: Optional[TypeCheckOutcome] = None
    """None: passed, and nothing was said."""


class EngineNote(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="engine"):
    """Something the system did for a run."""

    metadata: Metadata = {}
    error: Optional[ErrorInfo] = None
    worker_pid: Optional[int] = None


class LogLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="log"):
    """A log call of user code; ``level`` is Python's logging level number."""

    level: int = 20
    logger: str = "tidewheel"
    error: Optional[ErrorInfo] = None


class CapturedLogs(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="captured_logs"):
    """Where the standard output and error of some steps are kept (paths relative to the home folder)."""

    steps: tuple[str, ...] = ()
    stdout_path: Optional[str] = None
    stderr_path: Optional[str] = None


Payload = Union[
    Materialization,
    Observation,
    CheckEvaluation,
    Failure,
    StepRetry,
    StepDone,
    OutputValue,
    EngineNote,
    LogLine,
    CapturedLogs,
]


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that happened, at ``timestamp`` (seconds since the epoch, UTC).

    ``asset`` and ``check`` are wire texts (``values.keys``); ``check`` is the bare check name and goes with ``asset``.
    Events without a run (reported from outside) have an empty ``run_id``.
    """

    type: EventType
    timestamp: float
    run_id: str = ""
    job_name: Optional[str] = None
    step_key: Optional[str] = None
    asset: Optional[str] = None
    partition: Optional[str] = None
    check: Optional[str] = None
    message: str = ""
    payload: Optional[Payload] = None


class StoredEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event with the ledger's id: ids grow in the order of commits and are never used twice (F26)."""

    id: int
    event: Event


ASSET_EVENT_TYPES = frozenset(
    {
        EventType.ASSET_MATERIALIZATION,
        EventType.ASSET_OBSERVATION,
        EventType.ASSET_CHECK_EVALUATION,
        EventType.ASSET_MATERIALIZATION_PLANNED,
        EventType.ASSET_CHECK_EVALUATION_PLANNED,
        EventType.ASSET_FAILED_TO_MATERIALIZE,
    }
)
RUN_EVENT_TYPES = frozenset(
    {
        EventType.RUN_ENQUEUED,
        EventType.RUN_DEQUEUED,
        EventType.RUN_STARTING,
        EventType.RUN_START,
        EventType.RUN_SUCCESS,
        EventType.RUN_FAILURE,
        EventType.RUN_CANCELING,
        EventType.RUN_CANCELED,
    }
)
FACT_EVENT_TYPES = ASSET_EVENT_TYPES | RUN_EVENT_TYPES
"""Events that last; all others are chatter and fall to retention."""
