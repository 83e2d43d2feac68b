"""What users see of one event: ``RunEvent``, its kind, its data and its place in the job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

import msgspec

from tidewheel.errors import CheckError
from tidewheel.runtime.views.asset_event_views import CheckEvaluationView
from tidewheel.runtime.views.event_kinds import (
    ENGINE_DATA_TYPES,
    FAILURE_TYPES,
    HOOK_TYPES,
    JOB_TYPES,
    STEP_TYPES,
)
from tidewheel.runtime.views.event_payloads import (
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
)
from tidewheel.values.asset_events import AssetMaterialization, AssetObservation
from tidewheel.values.events import EventType
from tidewheel.values.keys import AssetKey
from tidewheel.values.replacing import Replaceable


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

    def to_key(self) -> str:
        """The step's key."""
        return self.key


class RunEvent(Replaceable, msgspec.Struct, frozen=True):
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
    def materialization(self) -> AssetMaterialization:
        """The materialisation of an ASSET_MATERIALIZATION event."""
        return self.step_materialization_data.materialization

    @property
    def asset_materialization(self) -> AssetMaterialization | None:
        """As on an entry of the log: the materialisation of an ASSET_MATERIALIZATION event, or None."""
        return self.materialization if self.is_step_materialization else None

    @property
    def asset_observation(self) -> AssetObservation | None:
        """As on an entry of the log: the observation of an ASSET_OBSERVATION event, or None."""
        return self.asset_observation_data.asset_observation if self.is_asset_observation else None

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
        return self._data("pipeline_failure_data", EventType.RUN_FAILURE)

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


def node_handle_of(step_key: str) -> NodeHandle:
    """The node of a step key: ``graph.op[mapping]`` is op ``op`` in graph ``graph``."""
    handle: NodeHandle | None = None
    for name in step_key.partition("[")[0].split("."):
        handle = NodeHandle(name, handle)
    assert handle is not None
    return handle
