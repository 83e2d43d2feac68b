"""Everything about one execution of one step; the public contexts are views of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tidewheel.definitions.ops.dependencies import Node, NodeHandle
from tidewheel.errors import InvariantViolationError, did_you_mean
from tidewheel.logic.runs.plan import PlannedStep
from tidewheel.values.keys import AssetCheckKey, AssetKey
from tidewheel.values.tags import PARTITION
from tidewheel.worker.contexts.partition_access import PartitionAccess
from tidewheel.worker.environment.log_manager import RunLog
from tidewheel.worker.environment.resource_scope import ResourceScope
from tidewheel.worker.environment.run_environment import RunEnvironment

if TYPE_CHECKING:
    from tidewheel.definitions.assets.definition import AssetsDefinition
    from tidewheel.definitions.ops.definition import OpDefinition

OutputKey = tuple[str, str | None]
"""(output name, mapping key)."""


class StepContext:
    """One execution of a step.

    ``attempt`` counts repetitions from 0. ``added_metadata`` gathers what user code adds to outputs before or after it
    gives them; ``data_versions`` what it sets for assets.
    """

    def __init__(
        self,
        env: RunEnvironment,
        step: PlannedStep,
        node: Node,
        *,
        attempt: int,
        resources: ResourceScope,
        partitions: PartitionAccess,
    ) -> None:
        self.env = env
        self.step = step
        self.key = step.key
        self.path = step.path
        self.node = node
        self.op_def: OpDefinition = node.definition
        self.attempt = attempt
        self.scope = resources
        self.partitions = partitions
        self.added_metadata: dict[OutputKey, dict[str, Any]] = {}
        self.asset_metadata: dict[tuple[AssetKey, str | None], dict[str, Any]] = {}
        self.data_versions: dict[AssetKey, Any] = {}
        self.given: set[OutputKey] = set()
        self.is_typed_stream_required = False
        self.typed_stream_message: str | None = None
        self.events: list[Any] = []
        self.writer: Any = None
        """Records events that user code logs through its context; set by whoever executes the step."""
        self._log: RunLog | None = None

    @property
    def log(self) -> RunLog:
        """The step's logger."""
        if self._log is None:
            self._log = RunLog(self.env, self.key)
        return self._log

    # what IO managers read through their context's step_context

    @property
    def instance(self) -> Any:
        """The instance; it knows of everything that has happened in the run so far."""
        found = self.env.instance
        self.env.sink.flush()
        return found

    @property
    def job_def(self) -> Any:
        """The job."""
        return self.env.job

    @property
    def job_name(self) -> str:
        """The job's name."""
        return self.env.job_name

    @property
    def dagster_run(self) -> Any:
        """The run."""
        return self.env.run_view

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.env.run.run_id

    @property
    def run_config(self) -> Mapping[str, Any]:
        """The run's config."""
        return self.env.run.run_config

    @property
    def run_tags(self) -> Mapping[str, str]:
        """The run's tags."""
        return self.env.run.tags

    @property
    def config(self) -> Any:
        """The op's config as its function sees it."""
        return self.env.resolved.op(self.path).config

    @property
    def resource_keys(self) -> frozenset[str]:
        """Resources that ``context.resources`` shows."""
        keys = set(self.op_def.required_resource_keys)
        for output in self.op_def.output_defs:
            if not output.dagster_type.is_nothing:
                keys.add(output.io_manager_key)
        return frozenset(key for key in keys if key in self.env.job.resource_defs)

    @property
    def handle(self) -> NodeHandle:
        """The node's place."""
        return NodeHandle.from_path(self.path)

    @property
    def assets_def(self) -> AssetsDefinition | None:
        """The assets that the step makes."""
        return self.env.layer.by_node.get(self.path[0])

    @property
    def is_asset_step(self) -> bool:
        """Whether the step makes (or checks, or is inside the graph of) assets."""
        return self.path[0] in self.env.layer.by_node

    @property
    def is_check_step(self) -> bool:
        """Whether the step evaluates checks and makes no asset."""
        return len(self.path) == 1 and bool(self.check_keys) and not self.asset_keys

    @property
    def has_partition_key(self) -> bool:
        """Whether the run is for one partition."""
        return PARTITION in self.env.run_view.tags

    @property
    def partition_key(self) -> str:
        """The partition that the run is for.

        Raises:
            InvariantViolationError: when it is for none.
        """
        key = self.env.run_view.tags.get(PARTITION)
        if key is None:
            raise InvariantViolationError("expected a run for a partition, got one for none")
        return str(key)

    def asset_of_output(self, name: str) -> AssetKey | None:
        """The asset that an output is."""
        return self.env.layer.outputs.get((self.path, name))

    def check_of_output(self, name: str) -> AssetCheckKey | None:
        """The check that an output is the result of."""
        return self.env.layer.check_outputs.get((self.path, name))

    def asset_of_input(self, name: str) -> AssetKey | None:
        """The asset that an input is."""
        return self.env.layer.inputs.get((self.path, name))

    def output_of_asset(self, key: AssetKey) -> str | None:
        """The output that an asset is."""
        for name in self.op_def.output_dict:
            if self.asset_of_output(name) == key:
                return name
        return None

    @property
    def asset_keys(self) -> list[AssetKey]:
        """Assets that the step's outputs are, in the order of the outputs."""
        found = (self.asset_of_output(name) for name in self.op_def.output_dict)
        return [key for key in found if key is not None]

    @property
    def check_keys(self) -> list[AssetCheckKey]:
        """Checks that the step evaluates, in the order of the outputs."""
        found = (self.check_of_output(name) for name in self.op_def.output_dict)
        return [key for key in found if key is not None]

    @property
    def partitions_def(self) -> Any:
        """How the step's assets (or the job) are partitioned."""
        for key in self.asset_keys:
            found = self.env.layer.partitions_defs.get(key)
            if found is not None:
                return found
        if self.assets_def is not None:
            return self.assets_def.partitions_def
        return self.env.job.partitions_def

    @property
    def plain_values_hint(self) -> str | None:
        """What to tell a function that returns plain values although it promised results; None without a promise."""
        if not self.is_typed_stream_required:
            return None
        return self.typed_stream_message or "wrap each value in a result"

    def add_output_metadata(
        self, metadata: Mapping[str, Any], output_name: str | None = None, mapping_key: str | None = None
    ) -> None:
        """Add metadata to an output; it counts if the output has not been given yet.

        Raises:
            InvariantViolationError: when it cannot be told which output is meant, or it has been given already.
        """
        name = self._output_name(output_name)
        definition = self.op_def.output_dict[name]
        if definition.is_dynamic and mapping_key is None:
            raise InvariantViolationError(
                f"expected a mapping_key for metadata of the dynamic output {name!r}, got none"
            )
        if not definition.is_dynamic and mapping_key is not None:
            raise InvariantViolationError(
                f"expected no mapping_key for the output {name!r}, which is not dynamic"
            )
        if (name, mapping_key) in self.given:
            raise InvariantViolationError(
                f"op {self.node.name!r}: expected metadata for the output {name!r} before it is given, "
                "got it after; call "
                "add_output_metadata before the yield, or put the metadata into Output"
            )
        self.added_metadata.setdefault((name, mapping_key), {}).update(metadata)

    def _output_name(self, output_name: str | None) -> str:
        outputs = self.op_def.output_dict
        if output_name is None:
            if len(outputs) != 1:
                raise InvariantViolationError(
                    f"op {self.node.name!r}: expected output_name, as it has {len(outputs)} outputs "
                    f"{list(outputs)}, got none"
                )
            return next(iter(outputs))
        if output_name not in outputs:
            raise InvariantViolationError(
                f"op {self.node.name!r}: expected one of its outputs, got {output_name!r}; "
                f"{did_you_mean(output_name, outputs)}"
            )
        return output_name

    def record(self, event: Any) -> None:
        """Record an event that user code logs.

        Raises:
            InvariantViolationError: outside of an execution.
        """
        if self.writer is None:
            raise InvariantViolationError(
                "expected a running step, got one that has ended; log events from its function"
            )
        self.writer.user_event(self, event)
