"""Runs in this process: ``execute_in_process``, ``materialize``; fills the hooks through which definitions reach here."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from tidewheel.definitions.assets.asset_graph import normalize_assets
from tidewheel.definitions.assets.definition import AssetsDefinition
from tidewheel.definitions.assets.selection import AssetSelection
from tidewheel.definitions.jobs.asset_jobs import build_ephemeral_asset_job
from tidewheel.definitions.jobs.definition import JobDefinition
from tidewheel.definitions.jobs.execution_hooks import set_hooks
from tidewheel.definitions.jobs.job_config import ResolvedRunConfig
from tidewheel.definitions.jobs.run_config import plain_run_config
from tidewheel.definitions.partitions.partition_requests import tags_for_partition
from tidewheel.definitions.resources.built_in_io_managers import (
    DEFAULT_IO_MANAGER,
    DEFAULT_IO_MANAGER_KEY,
    InMemoryIOManager,
    mem_io_manager,
)
from tidewheel.definitions.resources.definition import coerce_resources
from tidewheel.errors import CheckError, InvariantViolationError, ParameterCheckError
from tidewheel.runtime.clock import now_s
from tidewheel.runtime.instance.facade import Instance
from tidewheel.runtime.views.run_views import view_run
from tidewheel.values.events import EventType
from tidewheel.values.keys import AssetKey
from tidewheel.values.records import NewRun, RunRecord
from tidewheel.values.status import RunStatus
from tidewheel.values.tags import PARTITION, normalize_tags
from tidewheel.worker.contexts.direct_contexts import build_init_resource_context
from tidewheel.worker.contexts.multi_asset_sensor_context import watch_assets
from tidewheel.worker.environment.ledger_sink import LedgerSink
from tidewheel.worker.evaluation.direct_invocation import invoke_hook, invoke_op, invoke_resource
from tidewheel.worker.runs.execution_result import ExecuteInProcessResult
from tidewheel.worker.runs.run_executor import IN_PROCESS, RunResult, execute_run
from tidewheel.worker.steps.asset_values import load_asset_value


def execute_in_process(
    job: JobDefinition,
    *,
    run_config: Any = None,
    instance: Instance | None = None,
    partition_key: str | None = None,
    raise_on_error: bool = True,
    op_selection: Sequence[str] | None = None,
    asset_selection: Sequence[AssetKey] | None = None,
    run_id: str | None = None,
    input_values: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    resources: Mapping[str, Any] | None = None,
) -> ExecuteInProcessResult:
    """Run a job in this process, one step after another.

    Values of ops are kept in memory unless the job has an IO manager of its own; those of assets are stored. Without an
    instance an ephemeral one is made as soon as somebody asks for it.

    Raises:
        InvalidConfigError: when the run config does not fit.
        UnknownPartitionError: when the partition key does not exist.
        Exception: the user's own, when a step fails and ``raise_on_error`` is set.
    """
    ephemeral = _ephemeral_job(
        job, resources, input_values, op_selection, asset_selection, keeps_in_memory=not _is_of_assets(job)
    )
    all_tags = {**job.run_tags, **normalize_tags(tags)}
    if partition_key is not None:
        all_tags.update(_partition_tags(ephemeral, partition_key, asset_selection, instance))
    given = plain_run_config(run_config) or plain_run_config(_partition_config(job, partition_key))
    plain = given or plain_run_config(job.run_config)
    resolved = ephemeral.resolve_run_config(plain, is_executor_checked=False)
    run = InProcessRun(ephemeral, given, all_tags, instance=instance, run_id=run_id)
    result = run.execute(resolved, raise_on_error=raise_on_error)
    return ExecuteInProcessResult(
        job_def=ephemeral,
        events=run.sink.told(),
        run=view_run(run.final_record(result)),
        success=result.success,
        captured=dict(result.outputs),
    )


def _ephemeral_job(
    job: JobDefinition,
    resources: Mapping[str, Any] | None,
    input_values: Mapping[str, Any] | None,
    op_selection: Sequence[str] | None,
    asset_selection: Sequence[AssetKey] | None,
    *,
    keeps_in_memory: bool,
) -> JobDefinition:
    """The job as it is run here: values in memory by default, with what the caller adds."""
    if resources is not None and not isinstance(resources, Mapping):
        raise ParameterCheckError(f"expected resources as a dict, got {resources!r}")
    chosen = job
    if op_selection or asset_selection:
        chosen = job.get_subset(
            op_selection=list(op_selection) if op_selection else None,
            asset_selection=frozenset(asset_selection) if asset_selection else None,
        )
    definitions = {**job.resource_defs, **coerce_resources(resources)}
    if keeps_in_memory and definitions.get("io_manager") is DEFAULT_IO_MANAGER:
        definitions["io_manager"] = mem_io_manager
    made = chosen.copy(
        resource_defs=definitions,
        input_values={**job.input_values, **(input_values or {})},
        requires_all_resources=True,
        config=chosen.config_mapping or chosen.partitioned_config or chosen.run_config,
    )
    made.parent_job = chosen.parent_job
    return made


_TURNS = (
    EventType.RUN_START,
    EventType.RUN_SUCCESS,
    EventType.RUN_FAILURE,
    EventType.RUN_CANCELED,
)
"""The events between which a run takes place: its beginning, and its possible ends."""


def _is_of_assets(job: JobDefinition) -> bool:
    return bool(job.asset_layer.selected_assets or job.asset_layer.selected_checks)


def _partition_config(job: JobDefinition, partition_key: str | None) -> Any:
    """The config that the job has for a partition; None where it is the same for all."""
    if partition_key is not None and job.partitioned_config is not None:
        return job.get_run_config_for_partition_key(partition_key)
    return None


def _partition_tags(
    job: JobDefinition, key: str, asset_selection: Sequence[AssetKey] | None, instance: Any
) -> dict[str, str]:
    """The tags of a run for one partition.

    Raises:
        UnknownPartitionError: when the key does not exist.
        CheckError: when the job is not partitioned.
    """
    definition = job.partitions_def or _asset_partitions(job)
    if definition is None:
        raise CheckError(
            f"job {job.name!r}: expected a partitioned job for partition_key={key!r}, got one without partitions"
        )
    definition.validate_partition_key(key, dynamic_partitions_store=instance)
    return tags_for_partition(job, key, definition)


def _asset_partitions(job: JobDefinition) -> Any:
    selected = job.asset_layer.selected_assets
    for asset, definition in job.asset_layer.partitions_defs.items():
        if asset in selected:
            return definition
    return None


class InProcessRun:
    """One run in this process: its record, sink and instance."""

    def __init__(
        self,
        job: JobDefinition,
        run_config: Mapping[str, Any],
        tags: Mapping[str, str],
        *,
        instance: Instance | None = None,
        run_id: str | None = None,
        parent_run_id: str | None = None,
        root_run_id: str | None = None,
        steps: Sequence[str] | None = None,
        step_keys: Sequence[str] | None = None,
        clock: Callable[[], float] = now_s,
    ) -> None:
        self.job = job
        self._clock = clock
        self._given_instance = instance
        self._made_instance: Instance | None = None
        self.new_run = NewRun(
            run_id=run_id or str(uuid.uuid4()),
            job_name=job.name,
            location="",
            partition=tags.get(PARTITION),
            assets=_texts(job.asset_selection),
            checks=_texts(job.asset_check_selection),
            steps=tuple(steps) if steps is not None else None,
            step_keys=tuple(step_keys) if step_keys is not None else None,
            run_config=dict(run_config),
            tags=dict(tags),
            parent_run_id=parent_run_id,
            root_run_id=root_run_id,
            planned_assets=_texts(job.asset_layer.selected_assets) or (),
            planned_checks=_texts(job.asset_layer.selected_checks) or (),
        )
        self.sink = LedgerSink(instance.ledger if instance is not None else None, self.new_run, clock)

    def execute(self, resolved: ResolvedRunConfig, **options: Any) -> RunResult:
        """Execute it; options as of ``execute_run``."""
        record = self.sink.start() or self._record()
        options.setdefault("strategy", IN_PROCESS)
        return execute_run(
            self.job,
            record,
            sink=self.sink,
            instance=self._instance_source(),
            storage_dir=self._storage_dir,
            clock=self._clock,
            resolved=resolved,
            captures_values=True,
            **options,
        )

    def final_record(self, result: RunResult) -> RunRecord:
        """The run after its end."""
        status = (
            RunStatus.SUCCESS
            if result.success
            else RunStatus.CANCELED
            if result.canceled
            else RunStatus.FAILURE
        )
        moments = {event.type: event.timestamp for event in self.sink.events if event.type in _TURNS}
        ended_at = next((moments[kind] for kind in _TURNS[1:] if kind in moments), None)
        return replace(self._record(status), started_at=moments.get(EventType.RUN_START), ended_at=ended_at)

    def _record(self, status: RunStatus = RunStatus.STARTING) -> RunRecord:
        new, now = self.new_run, self._clock()
        return RunRecord(
            run_id=new.run_id,
            job_name=new.job_name,
            location="",
            status=status,
            created_at=now,
            updated_at=now,
            epoch=1,
            partition=new.partition,
            assets=new.assets,
            checks=new.checks,
            steps=new.steps,
            step_keys=new.step_keys,
            run_config=new.run_config,
            tags=new.tags,
            parent_run_id=new.parent_run_id,
            root_run_id=new.root_run_id,
        )

    def _instance_source(self) -> Any:
        if self._given_instance is not None:
            return self._given_instance
        return self._make_instance

    def _make_instance(self) -> Instance:
        if self._made_instance is None:
            self._made_instance = Instance.ephemeral(clock=self._clock)
            self.sink.attach(self._made_instance.ledger)
        return self._made_instance

    def _storage_dir(self) -> Path:
        source = self._instance_source()
        instance = source() if callable(source) else source
        return Path(instance.storage_directory())


def _texts(keys: Any) -> tuple[str, ...] | None:
    if keys is None:
        return None
    return tuple(sorted(key.to_escaped_user_string() for key in keys))


def materialize(
    assets: Sequence[Any],
    run_config: Any = None,
    instance: Instance | None = None,
    resources: Mapping[str, Any] | None = None,
    partition_key: str | None = None,
    raise_on_error: bool = True,
    tags: Mapping[str, str] | None = None,
    selection: Any = None,
) -> ExecuteInProcessResult:
    """Make assets in this process; values are stored as pickle files of the instance unless an IO manager says otherwise.

    Assets that are not selected are loaded, not made.

    Raises:
        InvalidDefinitionError: when the assets contradict each other.
        Exception: the user's own, when a step fails and ``raise_on_error`` is set.
    """
    if isinstance(assets, (str, Mapping)) or not isinstance(assets, Iterable):
        raise ParameterCheckError(f"expected assets as a list of definitions, got {assets!r}")
    if instance is not None and not isinstance(instance, Instance):
        raise ParameterCheckError(f"expected instance as an Instance, got {instance!r}")
    job = build_ephemeral_asset_job(
        list(assets),
        selection if selection is not None else AssetSelection.all() | AssetSelection.all_asset_checks(),
        resources,
        partition_key=partition_key,
    )
    return execute_in_process(
        job,
        run_config=run_config,
        instance=instance,
        partition_key=partition_key,
        raise_on_error=raise_on_error,
        tags=tags,
    )


def materialize_to_memory(
    assets: Sequence[Any],
    run_config: Any = None,
    instance: Instance | None = None,
    resources: Mapping[str, Any] | None = None,
    partition_key: str | None = None,
    raise_on_error: bool = True,
    tags: Mapping[str, str] | None = None,
    selection: Any = None,
) -> ExecuteInProcessResult:
    """As ``materialize``; every value is kept in memory.

    Raises:
        InvariantViolationError: when an IO manager is given, which would not be used.
    """
    definitions = normalize_assets(assets)
    provided = {*(resources or {}), *(key for one in definitions for key in one.resource_defs)}
    unused = sorted(provided & {DEFAULT_IO_MANAGER_KEY, *_io_manager_keys(definitions)})
    if unused:
        raise InvariantViolationError(
            f"expected no IO managers, since values are kept in memory, got {', '.join(unused)}; use materialize"
        )
    memory = InMemoryIOManager()
    job = build_ephemeral_asset_job(list(assets), selection, resources, partition_key=partition_key)
    keys = {DEFAULT_IO_MANAGER_KEY, *job.asset_layer.io_manager_keys.values()} - provided
    return materialize(
        assets,
        run_config=run_config,
        instance=instance,
        resources={**(resources or {}), **dict.fromkeys(keys, memory)},
        partition_key=partition_key,
        raise_on_error=raise_on_error,
        tags=tags,
        selection=selection,
    )


def _io_manager_keys(definitions: Sequence[AssetsDefinition]) -> set[str]:
    """The IO managers of assets, without those that are only specs: these may be stored somewhere."""
    return {
        one.get_io_manager_key_for_asset_key(key)
        for one in definitions
        if one.is_executable or one.source_asset is not None
        for key in one.keys
    }


class _Hooks:
    """The worker's side of ``definitions.execution_hooks``."""

    def execute_job(self, job: Any, **options: Any) -> Any:
        """See ``execute_in_process``."""
        return execute_in_process(job, **options)

    def invoke_op(self, op_def: Any, args: tuple[Any, ...], kwargs: dict[str, Any], **options: Any) -> Any:
        """See ``direct_invocation.invoke_op``."""
        return invoke_op(op_def, args, kwargs, **options)

    def invoke_hook(self, hook_def: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """See ``direct_invocation.invoke_hook``."""
        return invoke_hook(hook_def, args, kwargs)

    def invoke_resource(self, resource_def: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """See ``direct_invocation.invoke_resource``."""
        return invoke_resource(resource_def, args, kwargs)

    def load_asset_value(self, key: Any, **options: Any) -> Any:
        """See ``asset_values.load_asset_value``."""
        return load_asset_value(key, **options)

    def watch_assets(self, context: Any, monitored_assets: Any) -> Any:
        """See ``multi_asset_sensor_context.watch_assets``."""
        return watch_assets(context, monitored_assets)

    def new_resource_context(self, **options: Any) -> Any:
        """See ``direct_contexts.build_init_resource_context``."""
        return build_init_resource_context(**options)


set_hooks(_Hooks())
__all__ = ["InProcessRun", "execute_in_process", "materialize", "materialize_to_memory"]
