"""What users see of the data that an event carries, by kind of event (``event_specific_data``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Optional

import msgspec

from tidewheel.runtime.views.asset_event_views import (
    check_evaluation_view,
    materialization_view,
    observation_view,
)
from tidewheel.runtime.views.error_view import ErrorView, error_view
from tidewheel.values.asset_events import AssetMaterialization, AssetObservation
from tidewheel.values.events import (
    CapturedLogs,
    CheckEvaluation,
    EngineNote,
    Event,
    EventType,
    Failure,
    OutputValue,
    StepDone,
    StepRetry,
    TypeCheckOutcome,
)
from tidewheel.values.expectations import ExpectationResult
from tidewheel.values.keys import AssetCheckKey, AssetKey
from tidewheel.values.metadata import Metadata


class StepMaterializationData(msgspec.Struct, frozen=True):
    """A materialisation event's data."""

    materialization: AssetMaterialization
    asset_lineage: list[Any] = []


class AssetObservationData(msgspec.Struct, frozen=True):
    """An observation event's data."""

    asset_observation: AssetObservation


class StepExpectationResultData(msgspec.Struct, frozen=True):
    """An expectation event's data."""

    expectation_result: ExpectationResult


class AssetMaterializationPlannedData(msgspec.Struct, frozen=True):
    """An asset that a run is going to make."""

    asset_key: AssetKey
    partition: Optional[str] = None


class AssetCheckEvaluationPlannedData(msgspec.Struct, frozen=True):
    """A check that a run is going to evaluate."""

    asset_key: AssetKey
    check_name: str

    @property
    def asset_check_key(self) -> AssetCheckKey:
        """The check's key."""
        return AssetCheckKey(self.asset_key, self.check_name)


class AssetFailedToMaterializeData(msgspec.Struct, frozen=True):
    """An asset that a run should have made and did not."""

    asset_key: AssetKey
    partition: Optional[str] = None
    error: Optional[ErrorView] = None
    reason: Optional[str] = None


class UserFailureData(msgspec.Struct, frozen=True):
    """What user code said when it failed on purpose."""

    label: str
    description: Optional[str] = None
    metadata: Metadata = {}


class StepFailureData(msgspec.Struct, frozen=True):
    """Why a step failed."""

    error: Optional[ErrorView] = None
    user_failure_data: Optional[UserFailureData] = None
    error_source: Optional[str] = None

    @property
    def error_display_string(self) -> str:
        """The whole error as text."""
        return self.error.to_string() if self.error is not None else ""


class StepRetryData(msgspec.Struct, frozen=True):
    """Why a step is tried again, and after how many seconds."""

    error: Optional[ErrorView] = None
    seconds_to_wait: Optional[float] = None


class StepSuccessData(msgspec.Struct, frozen=True):
    """How long a step took, in milliseconds."""

    duration_ms: float


class StepOutputHandle(msgspec.Struct, frozen=True):
    """An output of a step."""

    step_key: str
    output_name: str = "result"
    mapping_key: Optional[str] = None


class TypeCheckData(msgspec.Struct, frozen=True):
    """What the check of a value's type said; ``label`` is the name of the output or input."""

    success: bool
    label: str
    description: Optional[str] = None
    metadata: Metadata = {}


class StepOutputData(msgspec.Struct, frozen=True):
    """An output that a step gave."""

    step_output_handle: StepOutputHandle
    metadata: Metadata = {}
    type_name: Optional[str] = None
    type_check_data: Optional[TypeCheckData] = None

    @property
    def output_name(self) -> str:
        """The output's name."""
        return self.step_output_handle.output_name

    @property
    def mapping_key(self) -> str | None:
        """The mapping key of a dynamic output."""
        return self.step_output_handle.mapping_key


class StepInputData(msgspec.Struct, frozen=True):
    """An input that a step got."""

    input_name: str
    type_name: Optional[str] = None
    type_check_data: Optional[TypeCheckData] = None


class HandledOutputData(msgspec.Struct, frozen=True):
    """An output that an IO manager stored."""

    output_name: str
    manager_key: str
    metadata: Metadata = {}


class LoadedInputData(msgspec.Struct, frozen=True):
    """An input that an IO manager loaded."""

    input_name: str
    manager_key: str
    upstream_output_name: Optional[str] = None
    upstream_step_key: Optional[str] = None
    metadata: Metadata = {}


class EngineEventData(msgspec.Struct, frozen=True):
    """What the system tells of something that it did."""

    metadata: Metadata = {}
    error: Optional[ErrorView] = None
    marker_start: Optional[str] = None
    marker_end: Optional[str] = None


class FailureReason(str):
    """Why a run failed, in one word; read like a member of an enumeration."""

    @property
    def value(self) -> str:
        """The word."""
        return str(self)

    @property
    def name(self) -> str:
        """The word."""
        return str(self)


class JobFailureData(msgspec.Struct, frozen=True):
    """Why a run failed; ``first_step_failure_event`` is the event of the first step that failed, if one did."""

    error: Optional[ErrorView] = None
    failure_reason: Optional[FailureReason] = None
    first_step_failure_event: Any = None


class JobCanceledData(msgspec.Struct, frozen=True):
    """Why a run was cancelled."""

    error: Optional[ErrorView] = None


class HookErroredData(msgspec.Struct, frozen=True):
    """Why a hook failed."""

    error: Optional[ErrorView] = None


class CapturedLogsData(msgspec.Struct, frozen=True):
    """Where the output of some steps is kept."""

    file_key: str
    step_keys: Sequence[str] = ()
    external_stdout_url: Optional[str] = None
    external_stderr_url: Optional[str] = None


def data_of_event(event: Event) -> Any:
    """The data of an event as users see it; None for kinds that carry none.

    The first failed step of a run is filled in by the event view, since it is an event itself.
    """
    reader = _READERS.get(event.type)
    return reader(event) if reader is not None else None


def _key(event: Event) -> AssetKey:
    return AssetKey.from_escaped_user_string(event.asset or "")


def _failure(event: Event) -> Failure:
    return event.payload if isinstance(event.payload, Failure) else Failure()


def _output(event: Event) -> OutputValue:
    return event.payload if isinstance(event.payload, OutputValue) else OutputValue()


def _engine_data(event: Event) -> EngineEventData:
    note = event.payload
    if isinstance(note, (EngineNote, Failure)):
        return EngineEventData(note.metadata, error_view(note.error))
    return EngineEventData()


def _step_failure(event: Event) -> StepFailureData:
    failure = _failure(event)
    said = None
    if failure.metadata or failure.reason not in (None, "INTERRUPT"):
        said = UserFailureData("intentional-failure", failure.reason, failure.metadata)
    return StepFailureData(error_view(failure.error), said, "USER_CODE_ERROR")


def _expectation(event: Event) -> StepExpectationResultData:
    said = event.payload if isinstance(event.payload, CheckEvaluation) else CheckEvaluation(passed=False)
    return StepExpectationResultData(
        ExpectationResult(said.passed, event.check, said.description, dict(said.metadata))
    )


def _step_retry(event: Event) -> StepRetryData:
    retry = event.payload if isinstance(event.payload, StepRetry) else StepRetry()
    return StepRetryData(error_view(retry.error), retry.wait_s)


def _step_success(event: Event) -> StepSuccessData:
    return StepSuccessData(event.payload.duration_ms if isinstance(event.payload, StepDone) else 0.0)


def _step_output(event: Event) -> StepOutputData:
    output = _output(event)
    handle = StepOutputHandle(event.step_key or "", output.name, output.mapping_key)
    return StepOutputData(handle, output.metadata, output.type_name, _type_check(output))


def _step_input(event: Event) -> StepInputData:
    value = _output(event)
    return StepInputData(value.name, value.type_name, _type_check(value))


def _type_check(value: OutputValue) -> TypeCheckData:
    said = value.type_check or TypeCheckOutcome()
    return TypeCheckData(said.success, value.name, said.description, said.metadata)


def _handled_output(event: Event) -> HandledOutputData:
    output = _output(event)
    return HandledOutputData(output.name, output.manager_key or "io_manager", output.metadata)


def _loaded_input(event: Event) -> LoadedInputData:
    value = _output(event)
    return LoadedInputData(
        value.name,
        value.manager_key or "io_manager",
        value.upstream_output,
        value.upstream_step,
        value.metadata,
    )


def _run_failure(event: Event) -> JobFailureData:
    failure = _failure(event)
    reason = FailureReason(failure.reason) if failure.reason is not None else None
    return JobFailureData(error_view(failure.error), reason)


def _not_made(event: Event) -> AssetFailedToMaterializeData:
    failure = _failure(event)
    return AssetFailedToMaterializeData(
        _key(event), event.partition, error_view(failure.error), failure.reason
    )


def _captured_logs(event: Event) -> CapturedLogsData:
    logs = event.payload if isinstance(event.payload, CapturedLogs) else CapturedLogs()
    return CapturedLogsData(event.step_key or "", list(logs.steps), logs.stdout_path, logs.stderr_path)


_READERS: dict[EventType, Callable[[Event], Any]] = {
    EventType.ASSET_MATERIALIZATION: lambda e: StepMaterializationData(materialization_view(e)),
    EventType.ASSET_OBSERVATION: lambda e: AssetObservationData(observation_view(e)),
    EventType.ASSET_CHECK_EVALUATION: check_evaluation_view,
    EventType.ASSET_MATERIALIZATION_PLANNED: lambda e: AssetMaterializationPlannedData(_key(e), e.partition),
    EventType.ASSET_CHECK_EVALUATION_PLANNED: lambda e: AssetCheckEvaluationPlannedData(
        _key(e), e.check or ""
    ),
    EventType.ASSET_FAILED_TO_MATERIALIZE: _not_made,
    EventType.STEP_FAILURE: _step_failure,
    EventType.STEP_UP_FOR_RETRY: _step_retry,
    EventType.STEP_SUCCESS: _step_success,
    EventType.STEP_EXPECTATION_RESULT: _expectation,
    EventType.STEP_OUTPUT: _step_output,
    EventType.STEP_INPUT: _step_input,
    EventType.HANDLED_OUTPUT: _handled_output,
    EventType.LOADED_INPUT: _loaded_input,
    EventType.RUN_FAILURE: _run_failure,
    EventType.RUN_CANCELED: lambda e: JobCanceledData(error_view(_failure(e).error)),
    EventType.HOOK_ERRORED: lambda e: HookErroredData(error_view(_failure(e).error)),
    EventType.LOGS_CAPTURED: _captured_logs,
    EventType.ENGINE_EVENT: _engine_data,
    EventType.RESOURCE_INIT_STARTED: _engine_data,
    EventType.RESOURCE_INIT_SUCCESS: _engine_data,
    EventType.RESOURCE_INIT_FAILURE: _engine_data,
    EventType.STEP_WORKER_STARTING: _engine_data,
    EventType.STEP_WORKER_STARTED: _engine_data,
}
