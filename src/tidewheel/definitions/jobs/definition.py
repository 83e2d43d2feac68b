"""``JobDefinition``: a graph with its resources, executor, loggers, hooks and config, ready to be run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from tidewheel.definitions.assets.asset_labels import require_name, require_owners
from tidewheel.definitions.assets.asset_layer import AssetLayer
from tidewheel.definitions.config.config_mapping import ConfigMapping
from tidewheel.definitions.config.config_schema import Shape
from tidewheel.definitions.config.config_validation import config_json_schema
from tidewheel.definitions.jobs.execution_hooks import hooks
from tidewheel.definitions.jobs.executors import ExecutorDefinition, multi_or_in_process_executor
from tidewheel.definitions.jobs.job_config import ResolvedRunConfig, resolve_run_config, run_config_shape
from tidewheel.definitions.jobs.loggers import LoggerDefinition, default_loggers
from tidewheel.definitions.jobs.op_selection import graph_subset, select_ops, selected_names
from tidewheel.definitions.jobs.run_config import RunConfig, plain_run_config, with_defaults
from tidewheel.definitions.ops.dependencies import Node, NodeHandle
from tidewheel.definitions.ops.graphs import GraphDefinition
from tidewheel.definitions.ops.hooks import HookDefinition
from tidewheel.definitions.ops.retry_policy import RetryPolicy
from tidewheel.definitions.partitions.partition_requests import request_for_partition, tags_for_partition
from tidewheel.definitions.resources.built_in_io_managers import DEFAULT_IO_MANAGER, DEFAULT_IO_MANAGER_KEY
from tidewheel.definitions.resources.definition import ResourceDefinition, coerce_resources
from tidewheel.definitions.resources.pythonic_resources import inner_resource_problems
from tidewheel.errors import (
    InvalidDefinitionError,
    InvariantViolationError,
    ParameterCheckError,
    did_you_mean,
)
from tidewheel.values.keys import AssetCheckKey, AssetKey
from tidewheel.values.metadata import typed_metadata
from tidewheel.values.tags import normalize_tags

AssetSubsetter = Callable[["JobDefinition", Any, Any], "JobDefinition"]
"""(job, asset keys or None, check keys or None) → the job cut to them; given by whoever made a job over assets."""


class JobDefinition:
    """A job.

    ``config`` is default run config (a dict or ``RunConfig``), a ``ConfigMapping``, or partitioned config.
    ``asset_layer`` says which inputs and outputs are assets. Resources that are named but missing may be bound later
    (``with_top_level_resources``); ``resource_defs`` given here must be complete.
    """

    def __init__(
        self,
        *,
        graph_def: GraphDefinition,
        resource_defs: Mapping[str, Any] | None = None,
        executor_def: ExecutorDefinition | None = None,
        logger_defs: Mapping[str, LoggerDefinition] | None = None,
        name: str | None = None,
        config: Any = None,
        description: str | None = None,
        partitions_def: Any = None,
        tags: Mapping[str, Any] | None = None,
        run_tags: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        hook_defs: AbstractSet[HookDefinition] | None = None,
        op_retry_policy: RetryPolicy | None = None,
        asset_layer: AssetLayer | None = None,
        input_values: Mapping[str, Any] | None = None,
        owners: Sequence[str] | None = None,
        automation_condition: Any = None,
        op_selection: Iterable[str] | None = None,
        asset_subsetter: AssetSubsetter | None = None,
        requires_all_resources: bool | None = None,
        _was_explicitly_provided_resources: bool | None = None,
    ) -> None:
        self._graph = graph_def
        self.name = require_name(name or graph_def.name, "name of a job")
        self.description = description if description is not None else graph_def.description
        if executor_def is not None and not isinstance(executor_def, ExecutorDefinition):
            raise ParameterCheckError(
                f"job {self.name!r}: expected executor_def as an executor, got {executor_def!r}; "
                "use multiprocess_executor or in_process_executor"
            )
        self.executor_given = executor_def
        self.loggers_given = dict(logger_defs) if logger_defs is not None else None
        self._metadata = typed_metadata(metadata)
        self._tags = {**graph_def.tags, **_tags(tags)}
        self._run_tags = _tags(run_tags) if run_tags is not None else None
        self.hook_defs = _hooks(hook_defs, self.name)
        self.op_retry_policy = op_retry_policy
        self.asset_layer = asset_layer if asset_layer is not None else AssetLayer()
        self.input_values = dict(input_values or {})
        self.owners = list(require_owners(owners, f"job {self.name!r}")) if owners is not None else None
        self.automation_condition = automation_condition
        self.asset_subsetter = asset_subsetter
        self.op_selection: tuple[str, ...] | None = tuple(op_selection) if op_selection is not None else None
        self.parent_job: JobDefinition | None = None
        self._has_own_checks = False
        self.config_mapping: ConfigMapping | None = None
        self.partitioned_config: Any = None
        self._run_config: dict[str, Any] | None = None
        self._partitions_def = partitions_def
        self._take_config(config)
        self.resources_given = dict(resource_defs or {})
        self._was_given_resources = (
            _was_explicitly_provided_resources
            if _was_explicitly_provided_resources is not None
            else resource_defs is not None
        )
        self.resource_defs: dict[str, ResourceDefinition] = coerce_resources(resource_defs)
        self.resource_defs.setdefault(DEFAULT_IO_MANAGER_KEY, DEFAULT_IO_MANAGER)
        self._caches: dict[str, Any] = {}
        self._check_inputs()
        if self._was_given_resources if requires_all_resources is None else requires_all_resources:
            self.validate_resource_requirements_satisfied()

    # -- what it is ---------------------------------------------------------------------------------------

    @property
    def graph(self) -> GraphDefinition:
        """The graph."""
        return self._graph

    @property
    def uncut_graph(self) -> GraphDefinition:
        """The graph before it was cut to a selection of ops or of assets."""
        return self._graph if self.parent_job is None else self.parent_job.uncut_graph

    @property
    def nodes(self) -> list[Node]:
        """Top-level nodes."""
        return self._graph.nodes

    @property
    def nodes_in_topological_order(self) -> list[Node]:
        """Top-level nodes, each after those it depends on."""
        return self._graph.nodes_in_topological_order

    @property
    def tags(self) -> dict[str, str]:
        """Tags of the definition."""
        return dict(self._tags)

    @property
    def run_tags(self) -> dict[str, str]:
        """Tags that its runs get; those of the definition unless others were given."""
        return dict(self._run_tags) if self._run_tags is not None else dict(self._tags)

    @property
    def has_separately_defined_run_tags(self) -> bool:
        """Whether runs get tags of their own."""
        return self._run_tags is not None

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Typed metadata."""
        return self._metadata

    @property
    def executor_def(self) -> ExecutorDefinition:
        """The executor."""
        return self.executor_given if self.executor_given is not None else multi_or_in_process_executor

    @property
    def has_specified_executor(self) -> bool:
        """Whether an executor was given."""
        return self.executor_given is not None

    @property
    def loggers(self) -> Mapping[str, LoggerDefinition]:
        """Loggers by name."""
        return self.loggers_given if self.loggers_given is not None else default_loggers()

    @property
    def has_specified_loggers(self) -> bool:
        """Whether loggers were given."""
        return self.loggers_given is not None

    @property
    def run_config(self) -> dict[str, Any] | None:
        """Default run config."""
        return self._run_config

    @property
    def is_asset_job(self) -> bool:
        """Whether it makes assets or checks."""
        return bool(self.asset_layer.selected_assets or self.asset_layer.selected_checks)

    @property
    def partitions_def(self) -> Any:
        """How its runs are partitioned, if they are."""
        if self.partitioned_config is not None:
            return self.partitioned_config.partitions_def
        return self._partitions_def

    @property
    def asset_selection(self) -> frozenset[AssetKey] | None:
        """The assets that it was cut to."""
        return self.asset_layer.selected_assets if self.parent_job is not None and self.is_asset_job else None

    @property
    def asset_check_selection(self) -> frozenset[AssetCheckKey] | None:
        """The checks that it was cut to; None also where they follow from the assets."""
        return self.asset_layer.selected_checks if self._has_own_checks and self.is_asset_job else None

    @property
    def is_subset(self) -> bool:
        """Whether it is part of another job."""
        return self.parent_job is not None

    @property
    def required_resource_keys(self) -> frozenset[str]:
        """Resources that it needs."""
        return frozenset(self.needed_resource_keys())

    @property
    def all_node_defs(self) -> list[Any]:
        """All definitions inside, at any depth."""
        return self._graph.iterate_node_defs()[1:]

    @property
    def top_level_node_defs(self) -> list[Any]:
        """Definitions of the top-level nodes."""
        return self._graph.node_defs

    def describe_target(self) -> str:
        """For messages."""
        return f"job {self.name!r}"

    def get_node(self, handle: NodeHandle) -> Node:
        """The node at a handle."""
        return self._graph.get_node(handle)

    def get_op(self, handle: NodeHandle) -> Node:
        """The op's node at a handle."""
        return self._graph.get_node(handle)

    def get_node_named(self, name: str) -> Node:
        """One top-level node."""
        return self._graph.node_named(name)

    def has_node_named(self, name: str) -> bool:
        """Whether there is a top-level node of this name."""
        return self._graph.has_node_named(name)

    def has_node(self, name: str) -> bool:
        """Whether there is a top-level node of this name."""
        return self._graph.has_node_named(name)

    def has_direct_input_value(self, input_name: str) -> bool:
        """Whether a value was given for an input of the graph."""
        return input_name in self.input_values

    def get_direct_input_value(self, input_name: str) -> Any:
        """The value given for an input of the graph."""
        return self.input_values[input_name]

    def is_asset_input(self, path: tuple[str, ...], input_name: str) -> bool:
        """Whether an op's input is an upstream asset."""
        return (path, input_name) in self.asset_layer.inputs

    # -- resources ----------------------------------------------------------------------------------------

    def needed_resource_keys(self) -> set[str]:
        """Resources that its ops, types, hooks, IO managers and other needed resources name."""
        cached = self._caches.get("needed_resources")
        if cached is None:
            cached = self._caches["needed_resources"] = set(self._requirements())
        return cached  # type: ignore[no-any-return]

    def get_required_resource_defs(self) -> Mapping[str, ResourceDefinition]:
        """Definitions of the needed resources."""
        return {
            key: self.resource_defs[key] for key in self.needed_resource_keys() if key in self.resource_defs
        }

    def is_missing_required_resources(self) -> bool:
        """Whether a needed resource is not there."""
        return any(key not in self.resource_defs for key in self.needed_resource_keys())

    def validate_resource_requirements_satisfied(self) -> None:
        """Check that every needed resource is there.

        Raises:
            InvalidDefinitionError: naming the first that is not, and who needs it.
        """
        for key, needed_by in self._requirements().items():
            if key not in self.resource_defs:
                raise InvalidDefinitionError(
                    f"job {self.name!r}: expected a resource with key {key!r}, which {needed_by} needs, got none; "
                    f"{did_you_mean(key, self.resource_defs)}"
                )
        for problem in inner_resource_problems(self.resource_defs):
            raise InvalidDefinitionError(f"job {self.name!r}: {problem}")

    def _requirements(self) -> dict[str, str]:
        """Needed resource keys and who needs each."""
        found: dict[str, str] = {}
        layer = self.asset_layer
        for path, node in self._graph.op_paths():
            self._requirements_of_op(path, node, found)
        for key in set(layer.inputs.values()) | set(layer.outputs.values()):
            manager = layer.io_manager_keys.get(key)
            if manager is not None:
                found.setdefault(manager, f"asset {key.to_user_string()!r}")
        for hook in self._all_hooks():
            for resource_key in hook.required_resource_keys:
                found.setdefault(resource_key, f"hook {hook.name!r}")
        waiting = list(found)
        while waiting:
            definition = self.resource_defs.get(waiting.pop())
            for resource_key in definition.required_resource_keys if definition is not None else ():
                if resource_key not in found:
                    found[resource_key] = "another resource"
                    waiting.append(resource_key)
        return found

    def _requirements_of_op(self, path: tuple[str, ...], node: Node, found: dict[str, str]) -> None:
        definition = node.definition
        for key in definition.required_resource_keys:
            found.setdefault(key, f"op {node.name!r}")
        for key in definition.resource_keys_of_types():
            found.setdefault(key, f"a type of op {node.name!r}")
        for output in definition.output_defs:
            is_check = (path, output.name) in self.asset_layer.check_outputs
            if (not is_check and (path, output.name) not in self.asset_layer.outputs) or (
                not is_check
                and self.asset_layer.outputs[(path, output.name)] not in self.asset_layer.io_manager_keys
            ):
                found.setdefault(output.io_manager_key, f"output {output.name!r} of op {node.name!r}")
        for given in definition.input_defs:
            if given.input_manager_key is not None:
                found.setdefault(given.input_manager_key, f"input {given.name!r} of op {node.name!r}")

    def _all_hooks(self) -> set[HookDefinition]:
        return set(self.hook_defs) | _hooks_inside(self._graph)

    def get_all_hooks_for_handle(self, handle: NodeHandle) -> frozenset[HookDefinition]:
        """Hooks that apply to the node at a handle: the job's and those of every node around it."""
        return self.hooks_at(tuple(handle.path))

    def hooks_at(self, path: Sequence[str]) -> frozenset[HookDefinition]:
        """As ``get_all_hooks_for_handle``, for a path of names."""
        found = set(self.hook_defs)
        for depth in range(1, len(path) + 1):
            found |= self._graph.node_at(path[:depth]).hook_defs
        return frozenset(found)

    def get_retry_policy_for_handle(self, handle: NodeHandle) -> RetryPolicy | None:
        """The retry policy of the op at a handle."""
        return self.retry_policy_at(tuple(handle.path))

    def retry_policy_at(self, path: Sequence[str]) -> RetryPolicy | None:
        """The policy given where the op is used, else the op's own, else that of a graph around it, else the job's."""
        node = self._graph.node_at(path)
        if node.retry_policy is not None:
            return node.retry_policy
        if node.definition.retry_policy is not None:
            return node.definition.retry_policy  # type: ignore[no-any-return]
        for depth in range(len(path) - 1, 0, -1):
            outer = self._graph.node_at(path[:depth]).retry_policy
            if outer is not None:
                return outer
        return self.op_retry_policy

    # -- config -------------------------------------------------------------------------------------------

    def run_config_shape(self, *, is_executor_checked: bool = True) -> Shape:
        """What run config it takes."""
        name = f"shape_{is_executor_checked}"
        if name not in self._caches:
            self._caches[name] = run_config_shape(self, is_executor_checked=is_executor_checked)
        return self._caches[name]  # type: ignore[no-any-return]

    def inner_run_config_shape(self) -> Shape:
        """What the job's config mapping has to give."""
        if "inner_shape" not in self._caches:
            mapping, self.config_mapping = self.config_mapping, None
            try:
                self._caches["inner_shape"] = run_config_shape(self)
            finally:
                self.config_mapping = mapping
        return self._caches["inner_shape"]  # type: ignore[no-any-return]

    def config_json_schema(self) -> dict[str, Any]:
        """The JSON schema of its run config."""
        mapping = self.config_mapping
        return config_json_schema(
            mapping.config_field.config_type if mapping is not None else self.run_config_shape()
        )

    def resolve_run_config(self, run_config: Any, *, is_executor_checked: bool = True) -> ResolvedRunConfig:
        """Check run config, filled up with the job's own, and split it up.

        Raises:
            InvalidConfigError: with every problem.
        """
        given = with_defaults(self._run_config, plain_run_config(run_config))
        return resolve_run_config(self, given, is_executor_checked=is_executor_checked)

    def validate_run_config(self, run_config: Any = None) -> Mapping[str, Any]:
        """Run config with defaults filled in.

        Raises:
            InvalidConfigError: with every problem.
        """
        return self.resolve_run_config(run_config).described(self)

    def _take_config(self, config: Any) -> None:
        if config is None:
            return
        if isinstance(config, ConfigMapping):
            self.config_mapping = config
        elif hasattr(config, "get_run_config_for_partition_key"):
            if self._partitions_def is not None and self._partitions_def != config.partitions_def:
                raise ParameterCheckError(
                    f"job {self.name!r}: expected partitions_def or partitioned config, got both, and "
                    "they differ; drop one"
                )
            self.partitioned_config = config
        elif isinstance(config, (Mapping, RunConfig)):
            self._run_config = plain_run_config(config)
        else:
            raise ParameterCheckError(
                f"job {self.name!r}: expected config as a dict, RunConfig, ConfigMapping or "
                f"PartitionedConfig, got {config!r}"
            )

    def get_run_config_for_partition_key(self, partition_key: str) -> Mapping[str, Any]:
        """Run config for one partition; the job's own when it has no partitioned config."""
        if self.partitioned_config is not None:
            return self.partitioned_config.get_run_config_for_partition_key(partition_key)  # type: ignore[no-any-return]
        return self.run_config or {}

    def get_tags_for_partition_key(
        self, partition_key: str, selected_asset_keys: Iterable[AssetKey] | None = None
    ) -> Mapping[str, str]:
        """The tags of a run for one partition."""
        layer = self.asset_layer.partitions_defs
        found = (layer[key] for key in selected_asset_keys or () if key in layer)
        return tags_for_partition(self, partition_key, self.partitions_def or next(found, None))

    def run_request_for_partition(self, partition_key: str, **options: Any) -> Any:
        """A request for a run of one partition; options as of ``partition_requests.request_for_partition``.

        Raises:
            CheckError: when the job is not partitioned.
            UnknownPartitionError: when there is no partition of this key.
        """
        return request_for_partition(self, partition_key, **options)

    # -- copies -------------------------------------------------------------------------------------------

    def copy(self, **changes: Any) -> JobDefinition:
        """A copy with some arguments of the constructor changed."""
        config = self.config_mapping or self.partitioned_config or self._run_config
        options: dict[str, Any] = {
            "graph_def": self._graph,
            "resource_defs": self.resources_given,
            "executor_def": self.executor_given,
            "logger_defs": self.loggers_given,
            "name": self.name,
            "config": config,
            "description": self.description,
            "partitions_def": None if self.partitioned_config is not None else self._partitions_def,
            "tags": self._tags,
            "run_tags": self._run_tags,
            "metadata": self._metadata,
            "hook_defs": self.hook_defs,
            "op_retry_policy": self.op_retry_policy,
            "asset_layer": self.asset_layer,
            "input_values": self.input_values,
            "owners": self.owners,
            "automation_condition": self.automation_condition,
            "op_selection": self.op_selection,
            "asset_subsetter": self.asset_subsetter,
            "_was_explicitly_provided_resources": self._was_given_resources,
        }
        options.update(changes)
        made = type(self)(**options)
        made.parent_job = self.parent_job
        made._has_own_checks = self._has_own_checks
        made.__doc__ = self.__doc__
        return made

    def with_hooks(self, hook_defs: AbstractSet[HookDefinition]) -> JobDefinition:
        """A copy with further hooks."""
        return self.copy(hook_defs=self.hook_defs | frozenset(hook_defs))

    def with_top_level_resources(self, resource_defs: Mapping[str, Any]) -> JobDefinition:
        """A copy with these resources wherever the job has none of its own; all needed ones must be there then."""
        both = {**resource_defs, **self.resources_given}
        return self.copy(resource_defs=both, requires_all_resources=False)

    def with_executor_def(self, executor_def: ExecutorDefinition) -> JobDefinition:
        """A copy with another executor."""
        return self.copy(executor_def=executor_def)

    def with_logger_defs(self, logger_defs: Mapping[str, LoggerDefinition]) -> JobDefinition:
        """A copy with other loggers."""
        return self.copy(logger_defs=logger_defs)

    def with_metadata(self, metadata: Mapping[str, Any]) -> JobDefinition:
        """A copy with other metadata."""
        return self.copy(metadata=metadata)

    def get_subset(
        self,
        *,
        op_selection: Iterable[str] | None = None,
        asset_selection: AbstractSet[AssetKey] | None = None,
        asset_check_selection: AbstractSet[AssetCheckKey] | None = None,
    ) -> JobDefinition:
        """The job cut to some ops, or to some assets and checks.

        Raises:
            InvalidSubsetError: when something is selected that is not there.
            InvariantViolationError: when both kinds of selection are given.
        """
        if op_selection is not None and (asset_selection is not None or asset_check_selection is not None):
            raise InvariantViolationError(
                "expected a selection of ops or of assets, got both; give one of them"
            )
        if op_selection is not None:
            paths = select_ops(self._graph, op_selection)
            made = self.copy(
                graph_def=graph_subset(self._graph, paths),
                op_selection=selected_names(paths),
                config=self.config_mapping or self.partitioned_config or self._run_config,
                requires_all_resources=False,
            )
        elif asset_selection is not None or asset_check_selection is not None:
            if self.asset_subsetter is None:
                raise InvariantViolationError(
                    f"job {self.name!r}: expected a job over assets for an asset selection, got one without assets"
                )
            made = self.asset_subsetter(self, asset_selection, asset_check_selection)
            made._has_own_checks = asset_check_selection is not None
        else:
            return self
        made.parent_job = self
        return made

    # -- use ----------------------------------------------------------------------------------------------

    def execute_in_process(
        self,
        run_config: Any = None,
        instance: Any = None,
        partition_key: str | None = None,
        raise_on_error: bool = True,
        op_selection: Sequence[str] | None = None,
        asset_selection: Sequence[AssetKey] | None = None,
        run_id: str | None = None,
        input_values: Mapping[str, Any] | None = None,
        tags: Mapping[str, str] | None = None,
        resources: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run the job in this process, one step after another, and return what came of it.

        Raises:
            InvalidConfigError: when the run config does not fit.
            Exception: the user's own, when a step fails and ``raise_on_error`` is set.
        """
        return hooks().execute_job(
            self,
            run_config=run_config,
            instance=instance,
            partition_key=partition_key,
            raise_on_error=raise_on_error,
            op_selection=op_selection,
            asset_selection=asset_selection,
            run_id=run_id,
            input_values=input_values,
            tags=tags,
            resources=resources,
        )

    def __call__(self, *_args: Any, **_kwargs: Any) -> Any:
        """Always an error.

        Raises:
            InvariantViolationError: jobs are not called.
        """
        raise InvariantViolationError(
            f"expected the job {self.name!r} to be run by execute_in_process() or from the outside, "
            "got called; a graph can "
            "be used inside other graphs"
        )

    def __repr__(self) -> str:
        return f"JobDefinition({self.name!r})"

    # -- inner workings -----------------------------------------------------------------------------------

    def _check_inputs(self) -> None:
        """Every input must come from somewhere."""
        for name in self.input_values:
            if name not in self._graph.input_dict:
                raise InvalidDefinitionError(
                    f"job {self.name!r}: expected values for inputs of its graph, got one for {name!r}; "
                    f"{did_you_mean(name, self._graph.input_dict)}"
                )
        _check_graph_inputs(self, self._graph, ())
        for name, definition in self._graph.input_dict.items():
            if not _has_source(definition) and name not in self.input_values:
                raise InvalidDefinitionError(
                    f"job {self.name!r}: expected a value for input {name!r} of its graph (type "
                    f"{definition.dagster_type.display_name}), got none; give input_values, a default, "
                    "or a type that loads "
                    "from config"
                )


def _has_source(definition: Any) -> bool:
    return bool(
        definition.dagster_type.is_nothing
        or definition.has_default_value
        or definition.input_manager_key is not None
        or definition.dagster_type.loader is not None
    )


def _check_graph_inputs(job: JobDefinition, graph: GraphDefinition, prefix: tuple[str, ...]) -> None:
    for node in graph.nodes:
        path = (*prefix, node.name)
        for name, definition in node.input_dict.items():
            if (
                graph.dependency_of(node.name, name) is not None
                or graph.input_mapping_to(node.name, name) is not None
            ):
                continue
            if name in graph.input_assets.get(node.name, {}) or job.is_asset_input(path, name):
                continue
            if node.is_graph or _has_source(definition):
                continue
            raise InvalidDefinitionError(
                f"job {job.name!r}: expected a value for input {name!r} of op {node.name!r} (type "
                f"{definition.dagster_type.display_name}), got none; connect it to an output, give it "
                "a default, or give its "
                "type a loader for run config"
            )
        if node.is_graph:
            _check_graph_inputs(job, node.definition, path)


def _hooks_inside(graph: GraphDefinition) -> set[HookDefinition]:
    found: set[HookDefinition] = set()
    for node in graph.nodes:
        found |= node.hook_defs
        if node.is_graph:
            found |= _hooks_inside(node.definition)
    return found


def _hooks(given: AbstractSet[HookDefinition] | None, job: str) -> frozenset[HookDefinition]:
    for hook in given or ():
        if not isinstance(hook, HookDefinition):
            raise ParameterCheckError(
                f"job {job!r}: expected hooks made with @success_hook or @failure_hook, got {hook!r}"
            )
    return frozenset(given or ())


def _tags(tags: Mapping[str, Any] | None) -> dict[str, str]:
    try:
        return normalize_tags(tags)
    except TypeError as exc:
        raise InvalidDefinitionError(str(exc)) from exc


def validate_run_config(job_def: JobDefinition, run_config: Any = None) -> Mapping[str, Any]:
    """Run config of a job with defaults filled in.

    Raises:
        ParameterCheckError: when it is no dict.
        InvalidConfigError: with every problem.
    """
    return job_def.validate_run_config(run_config)
