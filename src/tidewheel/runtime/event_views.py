"""What users see of one event: ``RunEvent``, and the log entry and record that wrap it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Optional

import msgspec

from tidewheel.errors import CheckError
from tidewheel.runtime.asset_event_views import CheckEvaluationView, MaterializationView, ObservationView
from tidewheel.runtime.error_view import ErrorView, error_view
from tidewheel.runtime.event_kinds import (
    ENGINE_DATA_TYPES,
    ERROR_TYPES,
    FAILURE_TYPES,
    HOOK_TYPES,
    JOB_TYPES,
    STEP_TYPES,
)
from tidewheel.runtime.event_payloads import (
    AssetCheckEvaluationPlannedData,
    AssetFailedToMaterializeData,
    AssetMaterializationPlannedData,
    AssetObservationData,
    CapturedLogsData,
    EngineEventData,
    HookErroredData,
    JobCanceledData,
    JobFailureData,
    StepFailureData,
    StepInputData,
    StepMaterializationData,
    StepOutputData,
    StepRetryData,
    StepSuccessData,
    data_of_event,
)
from tidewheel.values.events import Event, EventType, Failure, LogLine, StoredEvent
from tidewheel.values.keys import AssetKey


class NodeHandle(msgspec.Struct, frozen=True):
    """The place of an op in its job: its name and the graph that holds it."""

    name: str
    parent: Optional[NodeHandle] = None

    @property
    def path(self) -> list[str]:
        """The names from the outermost graph to the op."""
        return [*(self.parent.path if self.parent is not None else ()), self.name]

    def __str__(self) -> str:
        return ".".join(self.path)


class StepHandle(msgspec.Struct, frozen=True):
    """A step of a run."""

    node_handle: NodeHandle
    key: str


class RunEvent(msgspec.Struct, frozen=True):
    """One thing that happened in a run, or to an asset from outside.

    ``timestamp`` is in seconds since the epoch (0.0 for one made by hand). ``event_specific_data`` depends on the kind
    of event; the properties ``..._data`` give it too.

    Raises:
        CheckError: when a ``..._data`` property is read on an event of another kind.
    """

    event_type_value: str
    job_name: str
    step_handle: Optional[StepHandle] = None
    node_handle: Optional[NodeHandle] = None
    step_kind_value: Optional[str] = None
    logging_tags: Mapping[str, str] = {}
    event_specific_data: Any = None
    message: Optional[str] = None
    pid: Optional[int] = None
    step_key: Optional[str] = None
    timestamp: float = 0.0

    @property
    def event_type(self) -> EventType:
        """The kind of event."""
        return EventType(self.event_type_value)

    @property
    def dagster_event(self) -> RunEvent:
        """The event itself, so that code written for a log entry works on an event too."""
        return self

    @property
    def asset_key(self) -> AssetKey | None:
        """The asset of a materialisation, observation, planned or failed materialisation; None for other kinds."""
        if self.is_step_materialization:
            return self.materialization.asset_key
        if self.is_asset_observation:
            return self.asset_observation_data.asset_observation.asset_key
        if isinstance(
            self.event_specific_data, (AssetMaterializationPlannedData, AssetFailedToMaterializeData)
        ):
            return self.event_specific_data.asset_key
        return None

    @property
    def partition(self) -> str | None:
        """The asset's partition, for the kinds that have an ``asset_key``."""
        if self.is_step_materialization:
            return self.materialization.partition
        if self.is_asset_observation:
            return self.asset_observation_data.asset_observation.partition
        if isinstance(
            self.event_specific_data, (AssetMaterializationPlannedData, AssetFailedToMaterializeData)
        ):
            return self.event_specific_data.partition
        return None

    @property
    def node_name(self) -> str:
        """The name of the op or asset function whose step this is.

        Raises:
            CheckError: when the event belongs to no step.
        """
        if self.node_handle is None:
            raise CheckError(f"expected an event of a step, got {self.event_type_value}; it has no node")
        return self.node_handle.name

    # -- kinds ----------------------------------------------------------------------------------------------------
    @property
    def is_step_event(self) -> bool:
        return self.event_type in STEP_TYPES

    @property
    def is_hook_event(self) -> bool:
        return self.event_type in HOOK_TYPES

    @property
    def is_job_event(self) -> bool:
        return self.event_type in JOB_TYPES

    @property
    def is_failure(self) -> bool:
        """A failed step, a failed run or a cancelled run."""
        return self.event_type in FAILURE_TYPES

    @property
    def is_engine_event(self) -> bool:
        return self.event_type == EventType.ENGINE_EVENT

    @property
    def is_job_success(self) -> bool:
        return self.event_type == EventType.RUN_SUCCESS

    @property
    def is_job_failure(self) -> bool:
        return self.event_type == EventType.RUN_FAILURE

    @property
    def is_run_failure(self) -> bool:
        return self.event_type == EventType.RUN_FAILURE

    @property
    def is_step_start(self) -> bool:
        return self.event_type == EventType.STEP_START

    @property
    def is_step_success(self) -> bool:
        return self.event_type == EventType.STEP_SUCCESS

    @property
    def is_step_failure(self) -> bool:
        return self.event_type == EventType.STEP_FAILURE

    @property
    def is_step_skipped(self) -> bool:
        return self.event_type == EventType.STEP_SKIPPED

    @property
    def is_step_up_for_retry(self) -> bool:
        return self.event_type == EventType.STEP_UP_FOR_RETRY

    @property
    def is_step_restarted(self) -> bool:
        return self.event_type == EventType.STEP_RESTARTED

    @property
    def is_successful_output(self) -> bool:
        return self.event_type == EventType.STEP_OUTPUT

    @property
    def is_handled_output(self) -> bool:
        return self.event_type == EventType.HANDLED_OUTPUT

    @property
    def is_loaded_input(self) -> bool:
        return self.event_type == EventType.LOADED_INPUT

    @property
    def is_step_materialization(self) -> bool:
        return self.event_type == EventType.ASSET_MATERIALIZATION

    @property
    def is_asset_materialization_planned(self) -> bool:
        return self.event_type == EventType.ASSET_MATERIALIZATION_PLANNED

    @property
    def is_asset_failed_to_materialize(self) -> bool:
        return self.event_type == EventType.ASSET_FAILED_TO_MATERIALIZE

    @property
    def is_asset_observation(self) -> bool:
        return self.event_type == EventType.ASSET_OBSERVATION

    @property
    def is_expectation_result(self) -> bool:
        return self.event_type == EventType.STEP_EXPECTATION_RESULT

    @property
    def is_resource_init_failure(self) -> bool:
        return self.event_type == EventType.RESOURCE_INIT_FAILURE

    # -- data -----------------------------------------------------------------------------------------------------
    @property
    def step_materialization_data(self) -> StepMaterializationData:
        return self._data("step_materialization_data", EventType.ASSET_MATERIALIZATION)

    @property
    def materialization(self) -> MaterializationView:
        """The materialisation of an ASSET_MATERIALIZATION event."""
        return self.step_materialization_data.materialization

    @property
    def asset_observation_data(self) -> AssetObservationData:
        return self._data("asset_observation_data", EventType.ASSET_OBSERVATION)

    @property
    def asset_materialization_planned_data(self) -> AssetMaterializationPlannedData:
        return self._data("asset_materialization_planned_data", EventType.ASSET_MATERIALIZATION_PLANNED)

    @property
    def asset_failed_to_materialize_data(self) -> AssetFailedToMaterializeData:
        return self._data("asset_failed_to_materialize_data", EventType.ASSET_FAILED_TO_MATERIALIZE)

    @property
    def asset_check_evaluation_data(self) -> CheckEvaluationView:
        return self._data("asset_check_evaluation_data", EventType.ASSET_CHECK_EVALUATION)

    @property
    def asset_check_planned_data(self) -> AssetCheckEvaluationPlannedData:
        return self._data("asset_check_planned_data", EventType.ASSET_CHECK_EVALUATION_PLANNED)

    @property
    def step_failure_data(self) -> StepFailureData:
        return self._data("step_failure_data", EventType.STEP_FAILURE)

    @property
    def step_retry_data(self) -> StepRetryData:
        return self._data("step_retry_data", EventType.STEP_UP_FOR_RETRY)

    @property
    def step_success_data(self) -> StepSuccessData:
        return self._data("step_success_data", EventType.STEP_SUCCESS)

    @property
    def step_output_data(self) -> StepOutputData:
        return self._data("step_output_data", EventType.STEP_OUTPUT)

    @property
    def step_input_data(self) -> StepInputData:
        return self._data("step_input_data", EventType.STEP_INPUT)

    @property
    def job_failure_data(self) -> JobFailureData:
        return self._data("job_failure_data", EventType.RUN_FAILURE)

    @property
    def pipeline_failure_data(self) -> JobFailureData:
        """The older spelling of ``job_failure_data``."""
        return self.job_failure_data

    @property
    def job_canceled_data(self) -> JobCanceledData:
        return self._data("job_canceled_data", EventType.RUN_CANCELED)

    @property
    def hook_errored_data(self) -> HookErroredData:
        return self._data("hook_errored_data", EventType.HOOK_ERRORED)

    @property
    def logs_captured_data(self) -> CapturedLogsData:
        return self._data("logs_captured_data", EventType.LOGS_CAPTURED)

    @property
    def engine_event_data(self) -> EngineEventData:
        """What the system tells; on a run failure or cancellation, its error in the same form."""
        if self.event_type in (EventType.RUN_FAILURE, EventType.RUN_CANCELED):
            return EngineEventData(error=getattr(self.event_specific_data, "error", None))
        return self._data("engine_event_data", *ENGINE_DATA_TYPES)

    def _data(self, name: str, *types: EventType) -> Any:
        if self.event_type not in types:
            wanted = " or ".join(kind.value for kind in types)
            raise CheckError(
                f"expected an event of type {wanted} to read {name!r}, got {self.event_type_value}; "
                "look at 'event_type' first, or read 'event_specific_data'"
            )
        return self.event_specific_data


class EventLogEntry(msgspec.Struct, frozen=True):
    """One line of the event log: an event, or a message that user code logged (then ``dagster_event`` is None)."""

    error_info: Optional[ErrorView]
    level: int
    user_message: str
    run_id: str
    timestamp: float
    step_key: Optional[str] = None
    job_name: Optional[str] = None
    dagster_event: Optional[RunEvent] = None
    storage_id: Optional[int] = None
    """The ledger's id of the event, where the entry was read from the ledger."""

    @property
    def is_dagster_event(self) -> bool:
        """Whether this is an event and not a logged message."""
        return self.dagster_event is not None

    def get_dagster_event(self) -> RunEvent:
        """The event.

        Raises:
            CheckError: when this is a logged message.
        """
        if self.dagster_event is None:
            raise CheckError(
                "expected an entry with an event, got a logged message; ask is_dagster_event first"
            )
        return self.dagster_event

    @property
    def dagster_event_type(self) -> EventType | None:
        """The kind of event; None for a logged message."""
        return self.dagster_event.event_type if self.dagster_event is not None else None

    @property
    def message(self) -> str:
        """The logged message or, for an event, its own message."""
        if self.user_message or self.dagster_event is None:
            return self.user_message
        return (
            self.dagster_event.message
            or f"{self.dagster_event.event_type.name} {self.job_name or ''}".rstrip()
        )

    @property
    def asset_materialization(self) -> MaterializationView | None:
        """The materialisation, if the event is one."""
        data = self._event_data()
        return data.materialization if isinstance(data, StepMaterializationData) else None

    @property
    def asset_observation(self) -> ObservationView | None:
        """The observation, if the event is one."""
        data = self._event_data()
        return data.asset_observation if isinstance(data, AssetObservationData) else None

    @property
    def asset_check_evaluation(self) -> CheckEvaluationView | None:
        """The check evaluation, if the event is one."""
        data = self._event_data()
        return data if isinstance(data, CheckEvaluationView) else None

    @property
    def tags(self) -> Mapping[str, str] | None:
        """The tags of the materialisation or observation, if the event is one."""
        told = self.asset_materialization or self.asset_observation
        return told.tags if told is not None else None

    def _event_data(self) -> Any:
        return self.dagster_event.event_specific_data if self.dagster_event is not None else None


class EventLogRecord(msgspec.Struct, frozen=True):
    """An entry with its id in the ledger; ids grow in the order of commits."""

    storage_id: int
    event_log_entry: EventLogEntry

    @property
    def event_type(self) -> EventType | None:
        return self.event_log_entry.dagster_event_type

    @property
    def run_id(self) -> str:
        return self.event_log_entry.run_id

    @property
    def timestamp(self) -> float:
        """Seconds since the epoch."""
        return self.event_log_entry.timestamp

    @property
    def dagster_event(self) -> RunEvent | None:
        return self.event_log_entry.dagster_event

    @property
    def asset_key(self) -> AssetKey | None:
        event = self.event_log_entry.dagster_event
        return event.asset_key if event is not None else None

    @property
    def partition_key(self) -> str | None:
        event = self.event_log_entry.dagster_event
        return event.partition if event is not None else None

    @property
    def asset_materialization(self) -> MaterializationView | None:
        return self.event_log_entry.asset_materialization

    @property
    def asset_observation(self) -> ObservationView | None:
        return self.event_log_entry.asset_observation

    @property
    def asset_event(self) -> MaterializationView | ObservationView | None:
        """The materialisation or observation, if the event is one."""
        return self.asset_materialization or self.asset_observation


def node_handle_of(step_key: str) -> NodeHandle:
    """The node of a step key: ``graph.op[mapping]`` is op ``op`` in graph ``graph``."""
    handle: NodeHandle | None = None
    for name in step_key.partition("[")[0].split("."):
        handle = NodeHandle(name, handle)
    assert handle is not None
    return handle


def view_event(event: Event) -> RunEvent:
    """The view of an event. Logged messages have none (see :func:`view_entry`)."""
    handle = node_handle_of(event.step_key) if event.step_key else None
    in_step = handle is not None and event.type in STEP_TYPES
    return RunEvent(
        event_type_value=event.type.value,
        job_name=event.job_name or "",
        step_handle=StepHandle(handle, event.step_key) if handle and event.step_key and in_step else None,
        node_handle=handle if in_step else None,
        step_kind_value="COMPUTE" if in_step else None,
        logging_tags=_logging_tags(event, handle),
        event_specific_data=_with_first_failure(event, data_of_event(event)),
        message=event.message or None,
        pid=getattr(event.payload, "worker_pid", None),
        step_key=event.step_key,
        timestamp=event.timestamp,
    )


def view_entry(event: Event, storage_id: int | None = None) -> EventLogEntry:
    """The log entry of an event or logged message."""
    is_log = event.type == EventType.LOG_MESSAGE
    line = event.payload if isinstance(event.payload, LogLine) else None
    return EventLogEntry(
        error_info=error_view(line.error) if line is not None else None,
        level=line.level if line is not None else _level(event),
        user_message=event.message,
        run_id=event.run_id,
        timestamp=event.timestamp,
        step_key=event.step_key,
        job_name=event.job_name,
        dagster_event=None if is_log else view_event(event),
        storage_id=storage_id,
    )


def view_record(stored: StoredEvent) -> EventLogRecord:
    """The record of a stored event."""
    return EventLogRecord(stored.id, view_entry(stored.event, stored.id))


def _level(event: Event) -> int:
    if event.type in ERROR_TYPES:
        return logging.ERROR
    return logging.DEBUG if event.run_id else logging.INFO


def _logging_tags(event: Event, handle: NodeHandle | None) -> dict[str, str]:
    tags = {"run_id": event.run_id, "job_name": event.job_name or ""}
    if event.step_key and handle is not None:
        tags |= {"step_key": event.step_key, "op_name": handle.name}
    return {name: value for name, value in tags.items() if value}


def _with_first_failure(event: Event, data: Any) -> Any:
    failure = event.payload
    if not isinstance(failure, Failure) or not isinstance(data, JobFailureData) or not failure.first_step:
        return data
    handle = node_handle_of(failure.first_step)
    first = RunEvent(
        event_type_value=EventType.STEP_FAILURE.value,
        job_name=event.job_name or "",
        step_handle=StepHandle(handle, failure.first_step),
        node_handle=handle,
        step_kind_value="COMPUTE",
        event_specific_data=StepFailureData(data.error, None, "USER_CODE_ERROR"),
        message=f"Step {failure.first_step!r} failed.",
        step_key=failure.first_step,
        timestamp=event.timestamp,
    )
    return msgspec.structs.replace(data, first_step_failure_event=first)
