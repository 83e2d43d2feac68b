"""``OpExecutionContext``: what an op's function may ask and do while it runs."""

from __future__ import annotations

import contextvars
import pdb
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tidewheel.definitions.partitions.partition_keys import PartitionKeyRange, TimeWindow
from tidewheel.errors import CheckError, InvalidPropertyError, InvariantViolationError, ParameterCheckError
from tidewheel.logic.runs.plan import template_key
from tidewheel.values.keys import AssetCheckKey, AssetKey
from tidewheel.worker.contexts.partition_access import range_of, window_of
from tidewheel.worker.contexts.step_context import StepContext

if TYPE_CHECKING:
    from tidewheel.worker.contexts.asset_context import AssetExecutionContext

CURRENT: contextvars.ContextVar[Any] = contextvars.ContextVar("execution_context", default=None)
"""The context of the function that runs now."""


class OpExecutionContext:
    """The context of an op."""

    is_execution_context = True

    def __init__(self, step_execution_context: StepContext) -> None:
        self._step = step_execution_context

    @staticmethod
    def get() -> OpExecutionContext:
        """The context of the op that runs now.

        Raises:
            InvariantViolationError: outside of ops.
        """
        current = CURRENT.get()
        if current is None:
            raise InvariantViolationError(
                "expected to be called inside a running op, got called outside of any"
            )
        found: OpExecutionContext = current.op_execution_context
        return found

    @property
    def op_execution_context(self) -> OpExecutionContext:
        """Itself."""
        return self

    @property
    def asset_execution_context(self) -> AssetExecutionContext:
        """The same as an asset's context."""
        from tidewheel.worker.contexts.asset_context import AssetExecutionContext  # noqa: PLC0415 - it builds on this module

        return AssetExecutionContext(self)

    def get_step_execution_context(self) -> StepContext:
        """The step behind it."""
        return self._step

    # -- the run ------------------------------------------------------------------------------------------

    @property
    def run(self) -> Any:
        """The run."""
        return self._step.env.run_view

    @property
    def dagster_run(self) -> Any:
        """The run (older spelling)."""
        return self.run

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self._step.env.run_id

    @property
    def run_config(self) -> Mapping[str, Any]:
        """The run's config."""
        return self._step.env.run.run_config

    @property
    def run_tags(self) -> Mapping[str, str]:
        """The run's tags."""
        return self.run.tags  # type: ignore[no-any-return]

    def has_tag(self, key: str) -> bool:
        """Whether the run has a tag."""
        return key in self.run_tags

    def get_tag(self, key: str) -> str | None:
        """The value of one of the run's tags."""
        return self.run_tags.get(key)

    @property
    def job_def(self) -> Any:
        """The job."""
        return self._step.env.job

    @property
    def job_name(self) -> str:
        """The job's name."""
        return self._step.env.job_name

    @property
    def repository_def(self) -> Any:
        """All definitions of the code location.

        Raises:
            CheckError: when the run was not started from one.
        """
        if self._step.env.repository is None:
            raise CheckError(
                "expected a run of a code location, got one started directly; it has no definitions"
            )
        return self._step.env.repository

    @property
    def location_name(self) -> str | None:
        """The code location's name."""
        return self._step.env.run.location or None

    @property
    def instance(self) -> Any:
        """The instance; it knows of everything that has happened in the run so far."""
        found = self._step.env.instance
        self._step.env.sink.flush()
        return found

    @property
    def log(self) -> Any:
        """A logger whose messages belong to the run."""
        return self._step.log

    @property
    def pdb(self) -> Any:
        """A debugger that reads from the terminal: ``context.pdb.set_trace()``."""
        return _TerminalPdb()

    # -- the op -------------------------------------------------------------------------------------------

    @property
    def op(self) -> Any:
        """The op in its place in the job."""
        return self._step.node

    @property
    def op_def(self) -> Any:
        """The op's definition."""
        return self._step.op_def

    @property
    def op_handle(self) -> Any:
        """The op's place in the job."""
        return self._step.handle

    @property
    def node_handle(self) -> Any:
        """The op's place in the job."""
        return self._step.handle

    @property
    def op_config(self) -> Any:
        """The op's config."""
        return self._step.config

    @property
    def resources(self) -> Any:
        """The resources that the op named, and the IO managers of its outputs."""
        return self._step.scope.view(self._step.resource_keys)

    @property
    def step_key(self) -> str:
        """The step's key."""
        return self._step.key

    @property
    def retry_number(self) -> int:
        """How often the step has been tried before."""
        return self._step.attempt

    def get_mapping_key(self) -> str | None:
        """The key, when the step is one of several made by a dynamic output."""
        return self._step.step.mapping_key

    def describe_op(self) -> str:
        """For messages."""
        return f"op {self._step.node.name!r}"

    @property
    def step_launcher(self) -> None:
        """None."""
        return None

    # -- events and metadata ------------------------------------------------------------------------------

    def log_event(self, event: Any) -> None:
        """Record a materialisation, observation, expectation or check evaluation."""
        self._step.record(event)

    def has_events(self) -> bool:
        """Whether events wait to be taken by ``consume_events``."""
        return bool(self._step.events)

    def consume_events(self) -> Any:
        """Events that were logged, forgotten here (they have been recorded already)."""
        events, self._step.events = self._step.events, []
        return iter(events)

    def add_output_metadata(
        self, metadata: Mapping[str, Any], output_name: str | None = None, mapping_key: str | None = None
    ) -> None:
        """Add metadata to an output that is about to be given."""
        self._step.add_output_metadata(metadata, output_name, mapping_key)

    def get_output_metadata(
        self, output_name: str, mapping_key: str | None = None
    ) -> Mapping[str, Any] | None:
        """Metadata added to an output so far."""
        return self._step.added_metadata.get((output_name, mapping_key))

    def set_requires_typed_event_stream(self, *, error_message: str | None = None) -> None:
        """Demand that every output is given explicitly."""
        self._step.is_typed_stream_required = True
        self._step.typed_stream_message = error_message

    @property
    def requires_typed_event_stream(self) -> bool:
        """Whether every output must be given explicitly."""
        return self._step.is_typed_stream_required

    @property
    def typed_event_stream_error_message(self) -> str | None:
        """What to say when one is not."""
        return self._step.typed_stream_message

    # -- assets -------------------------------------------------------------------------------------------

    @property
    def has_assets_def(self) -> bool:
        """Whether the op makes assets."""
        return self._step.assets_def is not None

    @property
    def assets_def(self) -> Any:
        """The assets that the op makes.

        Raises:
            InvalidPropertyError: when it makes none.
        """
        found = self._step.assets_def
        if found is None:
            raise InvalidPropertyError(
                f"expected an op that makes assets, got {self._step.node.name!r}, which makes none"
            )
        return found

    @property
    def asset_key(self) -> AssetKey:
        """The only asset that the op makes.

        Raises:
            InvariantViolationError: when it makes none or several.
        """
        keys = self._step.asset_keys
        if not keys and self._step.assets_def is not None:
            keys = list(self._step.assets_def.keys)
        if len(keys) != 1:
            raise InvariantViolationError(
                f"expected an op that makes one asset, got {self._step.node.name!r}, which makes {len(keys)}; use "
                "selected_asset_keys or asset_key_for_output"
            )
        return keys[0]

    @property
    def selected_asset_keys(self) -> set[AssetKey]:
        """The assets that are to be made now."""
        found = self._step.assets_def
        return set(found.keys) if found is not None else set()

    @property
    def selected_asset_check_keys(self) -> set[AssetCheckKey]:
        """The checks that are to be evaluated now."""
        found = self._step.assets_def
        return set(found.check_keys) if found is not None else set()

    @property
    def is_subset(self) -> bool:
        """Whether only some of the op's assets are to be made."""
        found = self._step.assets_def
        return bool(found is not None and found.is_subset)

    @property
    def selected_output_names(self) -> set[str]:
        """The outputs that are to be given now."""
        step = self._step
        if step.assets_def is None:
            return set(step.op_def.output_dict)
        if len(step.path) > 1:
            return self._outputs_used_inside_graph()
        assets, checks = self.selected_asset_keys, self.selected_asset_check_keys
        return {
            name
            for name in step.op_def.output_dict
            if step.asset_of_output(name) in assets or step.check_of_output(name) in checks
        }

    def _outputs_used_inside_graph(self) -> set[str]:
        """Of an op inside a graph of assets: all outputs, or those that the selected assets need."""
        step = self._step
        if not self.is_subset:
            return set(step.op_def.output_dict)
        own = template_key(step.key)
        used = {
            ref.output
            for planned in step.env.plan.steps
            for ref in planned.output_refs()
            if template_key(ref.step) == own
        }
        return used | {name for name in step.op_def.output_dict if step.asset_of_output(name) is not None}

    def asset_key_for_output(self, output_name: str = "result") -> AssetKey:
        """The asset that an output is.

        Raises:
            InvariantViolationError: when it is none.
        """
        key = self._step.asset_of_output(output_name)
        if key is None:
            raise InvariantViolationError(
                f"expected the output {output_name!r} to be an asset, got one that is not"
            )
        return key

    def output_for_asset_key(self, asset_key: AssetKey) -> str:
        """The output that an asset is.

        Raises:
            InvariantViolationError: when the op does not make it.
        """
        name = self._step.output_of_asset(asset_key)
        if name is None:
            raise InvariantViolationError(
                f"expected an asset that the op makes, got {asset_key.to_user_string()!r}"
            )
        return name

    def asset_key_for_input(self, input_name: str) -> AssetKey:
        """The asset that an input is.

        Raises:
            InvariantViolationError: when it is none.
        """
        key = self._step.asset_of_input(input_name)
        if key is None:
            raise InvariantViolationError(
                f"expected the input {input_name!r} to be an asset, got one that is not"
            )
        return key

    def set_data_version(self, asset_key: AssetKey, data_version: Any) -> None:
        """Set the data version of an asset that is about to be given."""
        self._step.data_versions[asset_key] = data_version

    def get_asset_provenance(self, asset_key: AssetKey) -> Any:
        """What the latest materialisation of an asset was made from; None when there is none."""
        from tidewheel.worker.contexts.data_versions import provenance_of  # noqa: PLC0415 - rarely used

        return provenance_of(self.instance, asset_key)

    def load_asset_value(
        self, asset_key: AssetKey, *, python_type: Any = None, partition_key: str | None = None
    ) -> Any:
        """The stored value of any asset that the job knows."""
        if self._step.writer is None:
            raise InvariantViolationError("expected a running step, got one that has ended")
        return self._step.writer.load_asset(self._step, asset_key, python_type, partition_key)

    # -- partitions ---------------------------------------------------------------------------------------

    @property
    def has_partitions(self) -> bool:
        """Whether the run is for a partition or a range of them."""
        return self.has_partition_key or self.has_partition_key_range

    @property
    def has_partition_key(self) -> bool:
        """Whether the run is for one partition."""
        return self._step.partitions.has_key

    @property
    def has_partition_key_range(self) -> bool:
        """Whether the run is for a range of partitions."""
        return self._step.partitions.has_range

    @property
    def partition_key(self) -> str:
        """The run's partition key."""
        return self._step.partitions.key(self._step.partitions_def)

    @property
    def multi_partition_key(self) -> Any:
        """The run's partition key by dimension.

        Raises:
            InvariantViolationError: when partitions have no dimensions.
        """
        key = self.partition_key
        if not hasattr(key, "keys_by_dimension"):
            raise InvariantViolationError(
                f"expected a partition key with dimensions, got {key!r}; use partition_key"
            )
        return key

    @property
    def partition_keys(self) -> Sequence[str]:
        """All partitions that the run is for."""
        return self._step.partitions.keys(self._step.partitions_def)

    @property
    def partition_key_range(self) -> PartitionKeyRange:
        """The run's first and last partition."""
        return self._step.partitions.key_range(self._step.partitions_def)

    @property
    def asset_partition_key_range(self) -> PartitionKeyRange:
        """The run's first and last partition (older spelling)."""
        return self.partition_key_range

    @property
    def partition_time_window(self) -> TimeWindow:
        """From the start of the run's first partition to the end of its last."""
        return self._step.partitions.time_window(self._step.partitions_def)

    def asset_partition_keys_for_output(self, output_name: str = "result") -> Sequence[str]:
        """Partitions of an output's asset that the run makes."""
        return self._step.partitions.output_keys(self.asset_key_for_output(output_name))

    def asset_partition_key_for_output(self, output_name: str = "result") -> str:
        """The only partition of an output's asset that the run makes."""
        return _single(self.asset_partition_keys_for_output(output_name), output_name)

    def asset_partition_key_range_for_output(self, output_name: str = "result") -> PartitionKeyRange:
        """First and last partition of an output's asset that the run makes."""
        return range_of(self.asset_partition_keys_for_output(output_name))

    def asset_partitions_def_for_output(self, output_name: str = "result") -> Any:
        """How an output's asset is partitioned."""
        return self._definition(self.asset_key_for_output(output_name))

    def asset_partitions_time_window_for_output(self, output_name: str = "result") -> TimeWindow:
        """The time that the run makes of an output's asset."""
        definition = self.asset_partitions_def_for_output(output_name)
        return window_of(definition, self.asset_partition_keys_for_output(output_name))

    def asset_partition_keys_for_input(self, input_name: str) -> Sequence[str]:
        """Partitions of an input's asset that the run needs."""
        step = self._step
        downstream = next(iter(step.asset_keys), None)
        return step.partitions.input_keys(downstream, self.asset_key_for_input(input_name))

    def asset_partition_key_for_input(self, input_name: str) -> str:
        """The only partition of an input's asset that the run needs."""
        return _single(self.asset_partition_keys_for_input(input_name), input_name)

    def asset_partition_key_range_for_input(self, input_name: str) -> PartitionKeyRange:
        """First and last partition of an input's asset that the run needs."""
        return range_of(self.asset_partition_keys_for_input(input_name))

    def asset_partitions_def_for_input(self, input_name: str) -> Any:
        """How an input's asset is partitioned."""
        return self._definition(self.asset_key_for_input(input_name))

    def asset_partitions_time_window_for_input(self, input_name: str = "result") -> TimeWindow:
        """The time that the run needs of an input's asset."""
        definition = self.asset_partitions_def_for_input(input_name)
        return window_of(definition, self.asset_partition_keys_for_input(input_name))

    def _definition(self, key: AssetKey) -> Any:
        found = self._step.partitions.definition(key)
        if found is None:
            raise InvariantViolationError(
                f"expected {key.to_user_string()!r} to be partitioned, got an unpartitioned asset"
            )
        return found

    @property
    def solid_config(self) -> Any:
        """The op's config (oldest spelling)."""
        return self.op_config

    @property
    def solid_def(self) -> Any:
        """The op's definition (oldest spelling)."""
        return self.op_def

    @property
    def _step_execution_context(self) -> StepContext:
        return self._step


def _single(keys: Sequence[str], name: str) -> str:
    if len(keys) != 1:
        raise InvariantViolationError(
            f"expected one partition for {name!r}, got {len(keys)}; use the method for several"
        )
    return keys[0]


class _TerminalPdb(pdb.Pdb):
    """A debugger that reads from the terminal, also where standard input was replaced."""

    def set_trace(self, frame: Any = None) -> None:
        """Stop at the caller."""
        with open("/dev/stdin") as terminal:
            before, sys.stdin = sys.stdin, terminal
            try:
                super().set_trace(frame or sys._getframe().f_back)
            finally:
                sys.stdin = before


def require_metadata(metadata: Any) -> Mapping[str, Any]:
    """Metadata as a mapping.

    Raises:
        ParameterCheckError: for anything else.
    """
    if not isinstance(metadata, Mapping):
        raise ParameterCheckError(f"expected metadata as a dict, got {metadata!r}")
    return metadata
