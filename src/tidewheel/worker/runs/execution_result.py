"""What ``execute_in_process`` and ``materialize`` return: events, outputs and the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tidewheel.definitions.jobs.definition import JobDefinition
from tidewheel.definitions.ops.dependencies import NodeHandle
from tidewheel.errors import InvariantViolationError, TidewheelError, did_you_mean
from tidewheel.runtime.views.event_views import view_event
from tidewheel.runtime.views.run_event import RunEvent
from tidewheel.runtime.views.run_views import Run
from tidewheel.values.events import CheckEvaluation, Event, EventType
from tidewheel.values.expectations import ExpectationResult
from tidewheel.values.keys import AssetCheckKey, AssetKey
from tidewheel.worker.contexts.io_contexts import path_of

CapturedValues = Mapping[tuple[str, str, str | None], Any]


class ExecutionResult:
    """The events of a run and questions about them."""

    def __init__(
        self,
        *,
        job_def: JobDefinition,
        events: Sequence[Event],
        run: Run,
        success: bool,
        captured: CapturedValues,
    ) -> None:
        self.job_def = job_def
        self._events = events
        self._views: list[RunEvent] | None = None
        self._run = run
        self._success = success
        self._captured = captured

    # -- the run ------------------------------------------------------------------------------------------

    @property
    def success(self) -> bool:
        """Whether every step succeeded or was skipped."""
        return self._success

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self._run.run_id

    @property
    def dagster_run(self) -> Run:
        """The run."""
        return self._run

    @property
    def run(self) -> Run:
        """The run."""
        return self._run

    # -- events -------------------------------------------------------------------------------------------

    @property
    def all_events(self) -> Sequence[RunEvent]:
        """All events, in order (messages that user code logged are none)."""
        if self._views is None:
            self._views = [
                view_event(event) for event in self._events if event.type is not EventType.LOG_MESSAGE
            ]
        return self._views

    @property
    def event_list(self) -> Sequence[RunEvent]:
        """All events, in order."""
        return self.all_events

    @property
    def all_node_events(self) -> Sequence[RunEvent]:
        """Events of steps."""
        return [event for event in self.all_events if event.is_step_event]

    def filter_events(self, event_filter: Callable[[RunEvent], bool]) -> Sequence[RunEvent]:
        """Events for which a function is true."""
        return [event for event in self.all_events if event_filter(event)]

    def events_for_node(self, node_name: str) -> Sequence[RunEvent]:
        """Events of the steps of a top-level node (those inside a graph included)."""
        self._require_node(node_name)
        path = tuple(node_name.split("."))
        return [
            event
            for event in self.all_events
            if event.step_key is not None
            and path_of(event.step_key)[: len(path)] == path
            and event.is_step_event
        ]

    def _require_node(self, node_name: str) -> None:
        first = node_name.split(".")[0]
        if not self.job_def.graph.has_node_named(first):
            raise InvariantViolationError(
                f"expected a node of job {self.job_def.name!r}, got {node_name!r}; "
                f"{did_you_mean(node_name, self.job_def.graph.node_dict)}"
            )

    def _of_type(self, kind: EventType) -> list[RunEvent]:
        return [event for event in self.all_events if event.event_type is kind]

    def get_step_success_events(self) -> Sequence[RunEvent]:
        """Successes of steps."""
        return self._of_type(EventType.STEP_SUCCESS)

    def get_step_failure_events(self) -> Sequence[RunEvent]:
        """Failures of steps."""
        return self._of_type(EventType.STEP_FAILURE)

    def get_step_skipped_events(self) -> Sequence[RunEvent]:
        """Steps that were skipped."""
        return self._of_type(EventType.STEP_SKIPPED)

    def get_failed_step_keys(self) -> set[str]:
        """Keys of the steps that failed."""
        return {event.step_key for event in self.get_step_failure_events() if event.step_key is not None}

    def get_asset_materialization_events(self) -> Sequence[RunEvent]:
        """Materialisations."""
        return self._of_type(EventType.ASSET_MATERIALIZATION)

    def get_asset_materialization_planned_events(self) -> Sequence[RunEvent]:
        """Planned materialisations."""
        return self._of_type(EventType.ASSET_MATERIALIZATION_PLANNED)

    def get_asset_observation_events(self) -> Sequence[RunEvent]:
        """Observations."""
        return self._of_type(EventType.ASSET_OBSERVATION)

    def get_asset_check_evaluations(self) -> Sequence[Any]:
        """Results of checks."""
        return [
            event.asset_check_evaluation_data for event in self._of_type(EventType.ASSET_CHECK_EVALUATION)
        ]

    def get_job_failure_event(self) -> RunEvent:
        """The event of the run's failure.

        Raises:
            InvariantViolationError: when it did not fail.
        """
        return self._only(EventType.RUN_FAILURE)

    def get_run_failure_event(self) -> RunEvent:
        """The event of the run's failure."""
        return self.get_job_failure_event()

    def get_job_success_event(self) -> RunEvent:
        """The event of the run's success.

        Raises:
            InvariantViolationError: when it did not succeed.
        """
        return self._only(EventType.RUN_SUCCESS)

    def get_run_success_event(self) -> RunEvent:
        """The event of the run's success."""
        return self.get_job_success_event()

    def _only(self, kind: EventType) -> RunEvent:
        found = self._of_type(kind)
        if len(found) != 1:
            raise TidewheelError(f"expected one event {kind.name}, got {len(found)}; ask success first")
        return found[0]

    def is_node_success(self, node_str: str) -> bool:
        """Whether a step of the node succeeded."""
        return any(event.is_step_success for event in self.events_for_node(node_str))

    def is_node_failed(self, node_str: str) -> bool:
        """Whether a step of the node failed."""
        return any(event.is_step_failure for event in self.events_for_node(node_str))

    def is_node_skipped(self, node_str: str) -> bool:
        """Whether a step of the node was skipped."""
        return any(event.is_step_skipped for event in self.events_for_node(node_str))

    def is_node_untouched(self, node_str: str) -> bool:
        """Whether nothing happened to the node."""
        return not self.events_for_node(node_str)

    def retry_attempts_for_node(self, node_str: str) -> int:
        """How often steps of the node were tried again."""
        return sum(event.is_step_restarted for event in self.events_for_node(node_str))

    def failure_data_for_node(self, node_str: str) -> Any:
        """Why a step of the node failed; None when none did."""
        for event in self.events_for_node(node_str):
            if event.is_step_failure:
                return event.step_failure_data
        return None

    def asset_materializations_for_node(self, node_name: str) -> Sequence[Any]:
        """Materialisations that the node's steps recorded."""
        return [
            event.materialization
            for event in self.events_for_node(node_name)
            if event.is_step_materialization
        ]

    def asset_observations_for_node(self, node_name: str) -> Sequence[Any]:
        """Observations that the node's steps recorded."""
        return [
            event.asset_observation_data.asset_observation
            for event in self.events_for_node(node_name)
            if event.is_asset_observation
        ]

    def expectation_results_for_node(self, node_str: str) -> Sequence[Any]:
        """Expectations that the node's steps recorded."""
        self._require_node(node_str)
        path = tuple(node_str.split("."))
        return [
            ExpectationResult(
                event.payload.passed, event.check, event.payload.description, event.payload.metadata
            )
            for event in self._events
            if event.type is EventType.STEP_EXPECTATION_RESULT
            and event.step_key is not None
            and path_of(event.step_key)[: len(path)] == path
            and isinstance(event.payload, CheckEvaluation)
        ]

    def compute_events_for_handle(self, handle: NodeHandle) -> Sequence[RunEvent]:
        """Events of the steps of a node."""
        return self.events_for_node(handle.to_string())

    # -- values -------------------------------------------------------------------------------------------

    def output_for_node(self, node_str: str, output_name: str = "result") -> Any:
        """The value of a node's output; a dict by mapping key where a dynamic output multiplies it.

        Raises:
            InvariantViolationError: when there is no such output, or it was not given.
        """
        self._require_node(node_str)
        node = self.job_def.graph.node_at(node_str.split("."))
        if output_name not in node.output_dict:
            raise InvariantViolationError(
                f"expected an output of {node_str!r}, got {output_name!r}; {did_you_mean(output_name, node.output_dict)}"
            )
        path = tuple(node_str.split("."))
        while node.is_graph:
            mapping = node.definition.get_output_mapping(output_name)
            path, output_name = (*path, mapping.mapped_node_name), mapping.mapped_node_output_name
            node = self.job_def.graph.node_at(path)
        return self._value(path, output_name, node_str)

    def _value(self, path: tuple[str, ...], output_name: str, what: str) -> Any:
        found: dict[str, Any] = {}
        for key, name, mapping_key in self._captured:
            if name != output_name or path_of(key) != path:
                continue
            value = self._captured[(key, name, mapping_key)]
            step_key = key.partition("[")[2].rstrip("]") or None
            if mapping_key is None and step_key is None:
                return value
            found[mapping_key or step_key or ""] = value
        if not found:
            raise InvariantViolationError(
                f"expected the output {output_name!r} of {what!r} to have been given in this run, got "
                "none; it was skipped, "
                "failed, or is an asset that was not selected"
            )
        return found

    def output_value(self, output_name: str = "result") -> Any:
        """The value of an output of the job's graph.

        Raises:
            InvariantViolationError: when there is no such output, or it was not given.
        """
        graph = self.job_def.graph
        if output_name not in graph.output_dict:
            raise InvariantViolationError(
                f"expected an output of {graph.name!r}, got {output_name!r}; "
                f"{did_you_mean(output_name, graph.output_dict)}"
            )
        mapping = graph.get_output_mapping(output_name)
        return self.output_for_node(mapping.mapped_node_name, mapping.mapped_node_output_name)

    def asset_value(self, asset_key: Any) -> Any:
        """The value of an asset that the run made.

        Raises:
            InvariantViolationError: when it did not make it.
        """
        key = AssetKey.from_coercible_or_definition(asset_key)
        for (path, name), found in self.job_def.asset_layer.outputs.items():
            if found == key:
                return self._value(path, name, key.to_user_string())
        raise InvariantViolationError(f"expected an asset that the run made, got {key.to_user_string()!r}")

    def asset_check_keys(self) -> set[AssetCheckKey]:
        """Checks that were evaluated."""
        return {AssetCheckKey(view.asset_key, view.check_name) for view in self.get_asset_check_evaluations()}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.job_def.name!r}: {'success' if self._success else 'failure'}>"


class ExecuteInProcessResult(ExecutionResult):
    """What came of a run in this process."""


class JobExecutionResult(ExecutionResult):
    """What came of a run whose steps may have run in other processes; its values can be read inside ``with`` only."""

    _is_open = False

    def __enter__(self) -> JobExecutionResult:
        self._is_open = True
        return self

    def __exit__(self, *_exc: object) -> None:
        self._is_open = False

    def _value(self, path: tuple[str, ...], output_name: str, what: str) -> Any:
        if not self._is_open:
            raise InvariantViolationError(
                f"expected `with execute_job(...) as result:` around reading {what!r}, got a result that is not open: it "
                "must be opened as a context manager, since values are loaded by IO managers"
            )
        return super()._value(path, output_name, what)
