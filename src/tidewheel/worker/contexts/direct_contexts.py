"""Contexts for calling user functions directly, as tests do: ``build_op_context`` and its like."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Generator, Mapping
from typing import Any, TypeVar

from tidewheel.definitions.assets.asset_layer import AssetLayer
from tidewheel.definitions.config.pythonic_config import Config, to_config_value
from tidewheel.definitions.jobs.job_config import OpRunConfig, ResolvedRunConfig
from tidewheel.definitions.ops.dependencies import Node, NodeInvocation
from tidewheel.definitions.ops.graphs import GraphDefinition
from tidewheel.definitions.ops.hooks import HookDefinition
from tidewheel.definitions.ops.types import resolve_type
from tidewheel.definitions.partitions.partition_keys import PartitionKeyRange
from tidewheel.definitions.resources.definition import check_resource_config, coerce_resources
from tidewheel.definitions.resources.resource_context import InitResourceContext, ScopedResources
from tidewheel.errors import (
    CheckError,
    InvalidDefinitionError,
    InvalidInvocationError,
    InvalidPropertyError,
    InvariantViolationError,
    ParameterCheckError,
    did_you_mean,
)
from tidewheel.logic.runs.plan import PlannedStep, RunPlan
from tidewheel.runtime.clock import now_s
from tidewheel.runtime.instance.facade import Instance
from tidewheel.values.keys import AssetKey
from tidewheel.values.records import RunRecord
from tidewheel.values.status import RunStatus
from tidewheel.values.tags import PARTITION, RANGE_END, RANGE_START, normalize_tags
from tidewheel.worker.contexts.asset_context import AssetCheckExecutionContext, AssetExecutionContext
from tidewheel.worker.contexts.hook_context import HookContext
from tidewheel.worker.contexts.input_context import InputContext
from tidewheel.worker.contexts.op_context import OpExecutionContext
from tidewheel.worker.contexts.output_context import OutputContext, PartitionedPlace, given_partition_keys
from tidewheel.worker.contexts.partition_access import PartitionAccess
from tidewheel.worker.contexts.step_context import StepContext
from tidewheel.worker.environment.event_sink import NoSink
from tidewheel.worker.environment.resource_scope import ResourceFactory
from tidewheel.worker.environment.run_environment import RunEnvironment

EPHEMERAL = "EPHEMERAL"
Place = TypeVar("Place", bound=PartitionedPlace)


def test_logger() -> logging.Logger:
    """The logger of contexts outside of runs."""
    return logging.getLogger("tidewheel")


test_logger.__test__ = False  # type: ignore[attr-defined]


class DirectPartitions(PartitionAccess):
    """The partitions that a context made by hand was given."""

    def key(self, partitions_def: Any) -> str:
        """The given partition key.

        Raises:
            CheckError: when there is none, or a range.
        """
        try:
            return super().key(partitions_def)
        except InvariantViolationError as exc:
            raise CheckError(
                "expected a context with a partition key, got one without; pass partition_key to the function that "
                "builds the context"
            ) from exc


class DirectResources:
    """Resources given to a context by hand; opened when they are first asked for, closed with the context."""

    def __init__(
        self, resources: Any, config: Mapping[str, Any] | None, instance: Any, event_loop: Any = None
    ) -> None:
        if isinstance(resources, ScopedResources):
            resources = resources._asdict()
        self.definitions = coerce_resources(resources)
        self._raw_config = config or {}
        self._instance = instance
        self._event_loop = event_loop
        self._factory: ResourceFactory | None = None

    def factory(self) -> ResourceFactory:
        """What opens them."""
        if self._factory is None:
            checked = {
                key: check_resource_config(
                    definition, (self._raw_config.get(key) or {}).get("config"), key=key
                )
                for key, definition in self.definitions.items()
                if key in self._raw_config or definition.source is None
            }
            context = InitResourceContext(
                instance=self._instance, log_manager=test_logger(), event_loop=self._event_loop
            )
            self._factory = ResourceFactory(self.definitions, checked, context=context)
        return self._factory

    def value(self, key: str) -> Any:
        """One resource.

        Raises:
            InvalidDefinitionError: when it was not given.
        """
        return self.factory().open(key)

    def view(self, keys: Any = None) -> ScopedResources:
        """All of them, as ``context.resources`` shows them."""
        factory = self.factory()
        for key in self.definitions:
            factory.open(key)
        return ScopedResources(factory.shown)

    def close(self) -> None:
        """Tear them down."""
        if self._factory is not None:
            self._factory.close()
            self._factory = None


class _NoJob:
    """Stands for the job of a direct call."""

    name = EPHEMERAL
    asset_layer = AssetLayer()
    partitions_def = None
    resource_defs: Mapping[str, Any] = {}


class DirectStep(StepContext):
    """The step behind a context made by hand; bound to an op when it is passed to one."""

    def __init__(
        self, env: RunEnvironment, resources: DirectResources, config: Any, mapping_key: str | None
    ) -> None:
        planned = PlannedStep(key="none", path=("none",), mapping_key=mapping_key)
        self.resources = resources
        self.raw_config = config
        self.is_bound = False
        self._init(env, planned, resources)

    def _init(self, env: RunEnvironment, planned: PlannedStep, resources: DirectResources) -> None:
        self.env = env
        self.step = planned
        self.key = planned.key
        self.path = planned.path
        self.attempt = 0
        self.scope = resources  # type: ignore[assignment]
        self.partitions = DirectPartitions(env)
        self.added_metadata = {}
        self.asset_metadata = {}
        self.data_versions = {}
        self.given = set()
        self.is_typed_stream_required = False
        self.typed_stream_message = None
        self.events = []
        self.writer = self
        self._log = None
        self._bound_node: Node | None = None

    @property
    def node(self) -> Node:  # type: ignore[override]
        """The op.

        Raises:
            InvalidPropertyError: before the context is passed to one.
        """
        if self._bound_node is None:
            raise InvalidPropertyError(
                "expected a context that was passed to an op, got one that was not yet; call the op with it"
            )
        return self._bound_node

    @property
    def op_def(self) -> Any:  # type: ignore[override]
        """The op's definition."""
        return self.node.definition

    @property
    def log(self) -> Any:
        """A logger."""
        return test_logger()

    @property
    def config(self) -> Any:
        """The op's config."""
        if self._bound_node is None:
            return self.raw_config
        return self.env.resolved.op(self.path).config

    def bind(self, op_def: Any, *, alias: str | None, config: Any, assets_def: Any) -> None:
        """Belong to an op from now on."""
        name = alias or op_def.name
        self.path = (name,)
        self.key = name
        self._bound_node = Node(name, op_def)
        self.is_bound = True
        self.env.resolved.ops[self.path] = OpRunConfig(config)
        self.env.layer = layer_of(name, assets_def)
        self.given = set()
        self.partitions = DirectPartitions(self.env)

    def user_event(self, step: StepContext, event: Any) -> None:
        """Keep an event that user code logs."""
        self.events.append(event)

    def load_asset(
        self, step: StepContext, asset: AssetKey, python_type: Any, partition_key: str | None
    ) -> Any:
        """Always an error.

        Raises:
            InvalidPropertyError: values of assets are loaded in runs only.
        """
        raise InvalidPropertyError(
            "expected a run for loading the value of an asset, got a direct call; pass the value in"
        )

    @property
    def partitions_def(self) -> Any:
        """How the assets are partitioned."""
        if self.env.layer.by_node:
            return next(iter(self.env.layer.by_node.values())).partitions_def
        return None


def layer_of(node_name: str, assets_def: Any) -> AssetLayer:
    """The asset knowledge of one definition, called directly."""
    if assets_def is None:
        return AssetLayer()
    path = (node_name,)
    checks = assets_def.node_check_specs_by_output_name
    return AssetLayer(
        by_node={node_name: assets_def},
        outputs={(path, name): key for name, key in assets_def.node_keys_by_output_name.items()},
        check_outputs={(path, name): spec.key for name, spec in checks.items()},
        inputs={(path, name): key for name, key in assets_def.node_keys_by_input_name.items()},
        specs=assets_def.specs_by_key,
        check_specs={spec.key: spec for spec in checks.values()},
        partitions_defs={
            spec.key: spec.partitions_def for spec in assets_def.specs if spec.partitions_def is not None
        },
        selected_assets=frozenset(assets_def.keys),
        selected_checks=frozenset(assets_def.check_keys),
    )


class DirectOpExecutionContext(OpExecutionContext):
    """An op's context made by hand. A context manager: leaving it tears resources down."""

    _step: DirectStep
    given_tags: Mapping[str, str] = {}

    @property
    def run_tags(self) -> Mapping[str, str]:
        """The tags given."""
        return self.given_tags

    @property
    def alias(self) -> str:
        """The name of the op."""
        return self._step.node.name

    def __enter__(self) -> DirectOpExecutionContext:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._step.resources.close()

    @property
    def resources(self) -> Any:
        """The resources given."""
        return self._step.resources.view()

    @property
    def op_config(self) -> Any:
        """The op's config."""
        return self._step.config

    @property
    def run(self) -> Any:
        """A run that does not exist."""
        return self._step.env.run_view

    def get_events(self) -> list[Any]:
        """Events that were logged."""
        return list(self._step.events)

    def get_mapping_key(self) -> str | None:
        """The mapping key given."""
        return self._step.step.mapping_key

    @property
    def job_def(self) -> Any:
        """Always an error.

        Raises:
            InvalidPropertyError: there is no job.
        """
        raise InvalidPropertyError("expected a run for job_def, got a direct call; use execute_in_process")

    @property
    def job_name(self) -> str:
        """Always an error.

        Raises:
            InvalidPropertyError: there is no job.
        """
        raise InvalidPropertyError("expected a run for job_name, got a direct call; use execute_in_process")


class DirectAssetExecutionContext(AssetExecutionContext):
    """An asset's context made by hand. A context manager: leaving it tears resources down."""

    def __enter__(self) -> DirectAssetExecutionContext:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.op_execution_context._step.resources.close()  # type: ignore[attr-defined]


class DirectAssetCheckExecutionContext(AssetCheckExecutionContext):
    """A check's context made by hand. A context manager: leaving it tears resources down."""

    def __enter__(self) -> DirectAssetCheckExecutionContext:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.op_execution_context._step.resources.close()  # type: ignore[attr-defined]


def build_op_context(
    resources: Any = None,
    op_config: Any = None,
    resources_config: Mapping[str, Any] | None = None,
    instance: Any = None,
    config: Any = None,
    partition_key: str | None = None,
    partition_key_range: PartitionKeyRange | None = None,
    mapping_key: str | None = None,
    run_tags: Mapping[str, str] | None = None,
    event_loop: Any = None,
) -> DirectOpExecutionContext:
    """A context for calling an op directly.

    Raises:
        InvalidInvocationError: for ``op_config`` and ``config`` together, or a partition key and a range together.
    """
    if op_config and config:
        raise InvalidInvocationError("expected config or op_config, got both; they mean the same")
    if partition_key is not None and partition_key_range is not None:
        raise InvariantViolationError("expected partition_key or partition_key_range, got both; drop one")
    tags = normalize_tags(run_tags)
    given_tags = dict(tags)
    if partition_key is not None:
        tags[PARTITION] = partition_key
    if partition_key_range is not None:
        tags[RANGE_START], tags[RANGE_END] = partition_key_range.start, partition_key_range.end
    if instance is not None and not isinstance(instance, Instance):
        raise ParameterCheckError(f"expected instance as an Instance, got {instance!r}")
    env = _direct_environment(tags, partition_key, instance)
    given = op_config if op_config is not None else config
    plain = to_config_value(given) if isinstance(given, Config) else given
    step = DirectStep(
        env,
        DirectResources(resources, resources_config, lambda: env.instance, event_loop),
        plain,
        mapping_key,
    )
    step.env.random = None
    context = DirectOpExecutionContext(step)
    context.given_tags = given_tags
    context.event_loop = event_loop  # type: ignore[attr-defined]
    if isinstance(partition_key, str) and hasattr(partition_key, "keys_by_dimension"):
        env.partition_key = partition_key
    return context


def _direct_environment(tags: Mapping[str, str], partition_key: str | None, instance: Any) -> RunEnvironment:
    now = now_s()
    record = RunRecord(
        run_id=EPHEMERAL,
        job_name=EPHEMERAL,
        location="",
        status=RunStatus.STARTED,
        created_at=now,
        updated_at=now,
        partition=partition_key,
        tags=dict(tags),
    )
    return RunEnvironment(
        job=_NoJob(),  # type: ignore[arg-type]
        run=record,
        resolved=ResolvedRunConfig({}, {}),
        plan=RunPlan(),
        sink=NoSink(),
        storage_dir=lambda: instance.storage_directory(),
        clock=now_s,
        instance=instance if instance is not None else Instance.ephemeral,
    )


def build_asset_context(
    resources: Any = None,
    resources_config: Mapping[str, Any] | None = None,
    asset_config: Any = None,
    instance: Any = None,
    partition_key: str | None = None,
    partition_key_range: PartitionKeyRange | None = None,
    run_tags: Mapping[str, str] | None = None,
    event_loop: Any = None,
) -> DirectAssetExecutionContext:
    """A context for calling an asset's function directly."""
    inner = build_op_context(
        resources=resources,
        op_config=asset_config,
        resources_config=resources_config,
        instance=instance,
        partition_key=partition_key,
        partition_key_range=partition_key_range,
        run_tags=run_tags,
        event_loop=event_loop,
    )
    return DirectAssetExecutionContext(inner)


def build_asset_check_context(
    resources: Any = None,
    resources_config: Mapping[str, Any] | None = None,
    asset_config: Any = None,
    instance: Any = None,
) -> DirectAssetCheckExecutionContext:
    """A context for calling a check's function directly."""
    inner = build_op_context(
        resources=resources, op_config=asset_config, resources_config=resources_config, instance=instance
    )
    return DirectAssetCheckExecutionContext(inner)


def build_init_resource_context(
    config: Any = None, resources: Any = None, instance: Any = None
) -> DirectInitResourceContext:
    """A context for calling a resource's function directly."""
    return DirectInitResourceContext(config, resources, instance)


class DirectInitResourceContext(InitResourceContext):
    """A resource's context made by hand. A context manager: leaving it tears resources down."""

    def __init__(self, config: Any, resources: Any, instance: Any) -> None:
        self._given = DirectResources(resources, None, instance)
        super().__init__(
            resource_config=config,
            resources=self._given.view() if self._given.definitions else None,
            instance=instance if instance is not None else _lazily(Instance.ephemeral),
            log_manager=test_logger(),
        )

    def __enter__(self) -> DirectInitResourceContext:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._given.close()


def _lazily(make: Any) -> Any:
    made: list[Any] = []

    def get() -> Any:
        if not made:
            made.append(make())
        return made[0]

    return get


@contextlib.contextmanager
def build_resources(
    resources: Mapping[str, Any],
    instance: Any = None,
    resource_config: Mapping[str, Any] | None = None,
    dagster_run: Any = None,
    log_manager: Any = None,
    event_loop: Any = None,
) -> Generator[ScopedResources, None, None]:
    """``with build_resources({...}) as resources:`` resources set up outside of any run.

    Raises:
        InvalidDefinitionError: when one needs another that is not given.
    """
    definitions = coerce_resources(resources)
    config = resource_config or {}
    for key in config:
        if key not in definitions:
            raise InvalidDefinitionError(
                f"expected config for given resources, got some for {key!r}; {did_you_mean(key, definitions)}"
            )
    checked = {
        key: check_resource_config(definition, (config.get(key) or {}).get("config"), key=key)
        for key, definition in definitions.items()
    }
    raw = {key: value for key, value in checked.items() if definitions[key].source is None}
    context = InitResourceContext(
        instance=instance if instance is not None else _lazily(Instance.ephemeral),
        dagster_run=dagster_run,
        log_manager=log_manager if log_manager is not None else test_logger(),
        event_loop=event_loop,
    )
    factory = ResourceFactory(definitions, raw, context=context)
    try:
        for key in definitions:
            factory.open(key)
        yield ScopedResources(factory.shown)
    finally:
        factory.close()


def build_hook_context(
    resources: Any = None,
    op: Any = None,
    run_id: str | None = None,
    job_name: str | None = None,
    op_exception: BaseException | None = None,
    instance: Any = None,
) -> DirectHookContext:
    """A context for calling a hook's function directly."""
    return DirectHookContext(resources, op, run_id, job_name, op_exception, instance)


class DirectHookContext(HookContext):
    """A hook's context made by hand."""

    def __init__(
        self,
        resources: Any,
        op: Any,
        run_id: str | None,
        job_name: str | None,
        op_exception: BaseException | None,
        instance: Any,
    ) -> None:
        self._given = DirectResources(resources, None, instance)
        self._op = _node_alone(op)
        self._run_id = run_id
        self._job_name = job_name
        self._exception = op_exception
        self._instance = instance
        self._hook_def: HookDefinition | None = None

    @property
    def hook_def(self) -> HookDefinition:  # type: ignore[override]
        """The hook that is called with the context."""
        return _known(self._hook_def, "hook_def")

    @property
    def op(self) -> Any:
        """The op given."""
        return _known(self._op, "op")

    @property
    def run_id(self) -> str:
        """The run's id given."""
        return _known(self._run_id, "run_id")

    @property
    def job_name(self) -> str:
        """The job's name given."""
        return _known(self._job_name, "job_name")

    @property
    def resources(self) -> Any:
        """The resources given."""
        return self._given.view()

    @property
    def log(self) -> Any:
        """A logger."""
        return test_logger()

    @property
    def instance(self) -> Any:
        """The instance given.

        Raises:
            InvariantViolationError: when none was given.
        """
        if self._instance is None:
            raise InvariantViolationError(
                "expected an instance, got none; pass instance= to build_hook_context"
            )
        return self._instance

    @property
    def _step(self) -> Any:  # type: ignore[override]
        raise InvalidPropertyError(
            "expected a run for the step, its config and its outputs, got a direct call of a hook"
        )

    @property
    def op_exception(self) -> BaseException | None:
        """The exception given."""
        return self._exception

    def __enter__(self) -> DirectHookContext:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._given.close()


def _node_alone(op: Any) -> Any:
    """An op, or an op with another name, as the only node of a graph."""
    alias = getattr(op, "given_alias", None)
    definition = getattr(op, "node_def", op)
    if not hasattr(definition, "output_dict"):
        return op

    name = alias or definition.name
    place = NodeInvocation(definition.name, alias=alias)
    return GraphDefinition(name=f"graph_of_{name}", node_defs=[definition], dependencies={place: {}}).nodes[0]


def _known(value: Any, name: str) -> Any:
    if value is None:
        raise InvalidPropertyError(
            f"expected {name!r} to be given, got none; pass {name}= to build_hook_context"
        )
    return value


def _with_resources(context: Place, given: DirectResources | None) -> Place:
    context.close_resources = given.close if given is not None else None
    return context


def build_output_context(
    step_key: str | None = None,
    name: str | None = None,
    definition_metadata: Mapping[str, Any] | None = None,
    run_id: str | None = None,
    mapping_key: str | None = None,
    config: Any = None,
    dagster_type: Any = None,
    version: str | None = None,
    resource_config: Any = None,
    resources: Any = None,
    op_def: Any = None,
    asset_key: Any = None,
    partition_key: str | None = None,
    asset_partitions_def: Any = None,
    asset_partition_key_range: PartitionKeyRange | None = None,
    instance: Any = None,
    asset_spec: Any = None,
    metadata: Mapping[str, Any] | None = None,
    output_metadata: Mapping[str, Any] | None = None,
) -> OutputContext:
    """An output context for tests of IO managers."""
    given = DirectResources(resources, None, instance) if resources else None
    made = OutputContext(
        step_key=step_key if step_key is not None else "none",
        name=name if name is not None else "result",
        run_id=run_id if run_id is not None else "none",
        definition_metadata=definition_metadata,
        output_metadata=output_metadata,
        mapping_key=mapping_key,
        config=config,
        dagster_type=resolve_type(dagster_type) if dagster_type is not None else None,
        version=version,
        resource_config=resource_config,
        resources=given.view() if given is not None else None,
        op_def=op_def,
        asset_key=AssetKey.from_coercible_or_definition(asset_key) if asset_key is not None else None,
        partition_key=partition_key,
        asset_partitions_def=asset_partitions_def,
        asset_partitions_subset=given_partition_keys(
            partition_key, asset_partition_key_range, asset_partitions_def
        ),
        log_manager=test_logger(),
        instance=instance,
        asset_spec=asset_spec,
        metadata=metadata,
    )
    return _with_resources(made, given)


def build_input_context(
    name: str | None = None,
    config: Any = None,
    definition_metadata: Mapping[str, Any] | None = None,
    upstream_output: OutputContext | None = None,
    dagster_type: Any = None,
    resource_config: Any = None,
    resources: Any = None,
    op_def: Any = None,
    step_context: Any = None,
    asset_key: Any = None,
    partition_key: str | None = None,
    asset_partition_key_range: PartitionKeyRange | None = None,
    asset_partitions_def: Any = None,
    instance: Any = None,
    metadata: Mapping[str, Any] | None = None,
) -> InputContext:
    """An input context for tests of IO managers."""
    given = DirectResources(resources, None, instance) if resources else None
    made = InputContext(
        name=name,
        config=config,
        definition_metadata=definition_metadata,
        upstream_output=upstream_output,
        dagster_type=resolve_type(dagster_type) if dagster_type is not None else None,
        resource_config=resource_config,
        resources=given.view() if given is not None else None,
        op_def=op_def,
        step_context=step_context,
        asset_key=AssetKey.from_coercible_or_definition(asset_key) if asset_key is not None else None,
        partition_key=partition_key,
        asset_partitions_subset=given_partition_keys(
            partition_key, asset_partition_key_range, asset_partitions_def
        ),
        asset_partitions_def=asset_partitions_def,
        instance=instance,
        log_manager=test_logger(),
        metadata=metadata,
    )
    return _with_resources(made, given)
