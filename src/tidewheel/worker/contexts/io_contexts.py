"""Builds the contexts that IO managers get in a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tidewheel.definitions.ops.definition import OpDefinition
from tidewheel.definitions.ops.inputs_outputs import InputDefinition, OutputDefinition
from tidewheel.definitions.ops.types import ANY_TYPE
from tidewheel.errors import UnknownPartitionError
from tidewheel.logic.runs.plan import OutputRef
from tidewheel.values.keys import AssetKey
from tidewheel.worker.contexts.input_context import InputContext
from tidewheel.worker.contexts.output_context import OutputContext
from tidewheel.worker.contexts.partition_access import PartitionAccess
from tidewheel.worker.contexts.step_context import StepContext
from tidewheel.worker.environment.resource_scope import ResourceScope
from tidewheel.worker.environment.run_environment import RunEnvironment

Path = tuple[str, ...]
NO_RUN = "__EPHEMERAL_RUN_ID"
"""The run of stored values whose run is not known."""


def path_of(step_key: str) -> Path:
    """The node path of a step key: ``graph.op[a]`` → ``("graph", "op")``."""
    return tuple(step_key.partition("[")[0].split("."))


class IOContexts:
    """Makes contexts for the steps of one run."""

    def __init__(self, env: RunEnvironment, scope: ResourceScope, partitions: PartitionAccess) -> None:
        self._env = env
        self._scope = scope
        self._partitions = partitions

    # -- managers -----------------------------------------------------------------------------------------

    def manager_key_of_asset(self, key: AssetKey) -> str:
        """Which IO manager stores an asset."""
        return self._env.layer.io_manager_keys.get(key, "io_manager")

    def manager_key_of_output(self, path: Path, definition: OutputDefinition) -> str:
        """Which IO manager stores an output."""
        asset = self._env.layer.outputs.get((path, definition.name))
        if asset is not None:
            found = self._env.layer.io_manager_keys.get(asset)
            if found is not None:
                return found
        return definition.io_manager_key

    def manager(self, key: str) -> Any:
        """An IO manager."""
        return self._scope.value(key)

    def _resources_of(self, manager_key: str) -> Any:
        definition = self._env.job.resource_defs.get(manager_key)
        if definition is None or not definition.required_resource_keys:
            return None
        return self._scope.view(definition.required_resource_keys)

    def _resource_config(self, manager_key: str) -> Any:
        config = self._env.resolved.resources.get(manager_key)
        definition = self._env.job.resource_defs.get(manager_key)
        if definition is not None and definition.source is not None:
            return definition.resolve_config(config)
        return config

    # -- outputs ------------------------------------------------------------------------------------------

    def for_output(
        self,
        step: StepContext,
        definition: OutputDefinition,
        *,
        manager_key: str,
        mapping_key: str | None,
        metadata: Mapping[str, Any],
    ) -> OutputContext:
        """The context of an output that a step gives."""
        asset = step.asset_of_output(definition.name)
        return self._output(
            op_def=step.op_def,
            path=step.path,
            step_key=step.key,
            run_id=self._env.run_id,
            definition=definition,
            asset=asset,
            manager_key=manager_key,
            mapping_key=mapping_key,
            metadata=metadata,
            log=lambda: step.log,
            step=step,
            log_event=step.record,
            keys=self._output_keys(asset),
        )

    def upstream(self, ref: OutputRef, log: Any, step: StepContext | None, keys: Any = None) -> OutputContext:
        """The context of the output behind an input."""
        path = path_of(ref.step)
        op_def: OpDefinition = self._env.job.graph.node_at(path).definition
        definition = op_def.output_dict[ref.output]
        asset = self._env.layer.outputs.get((path, ref.output))
        return self._output(
            op_def=op_def,
            path=path,
            step_key=ref.step,
            run_id=self._env.parent_runs.get(ref.step, self._env.run_id),
            definition=definition,
            asset=asset,
            manager_key=self.manager_key_of_output(path, definition),
            mapping_key=ref.mapping_key,
            metadata=self._env.output_metadata.get((ref.step, ref.output, ref.mapping_key), {}),
            log=log,
            step=step,
            log_event=None,
            keys=keys,
        )

    def _output(
        self,
        *,
        op_def: OpDefinition,
        path: Path,
        step_key: str,
        run_id: str,
        definition: OutputDefinition,
        asset: AssetKey | None,
        manager_key: str,
        mapping_key: str | None,
        metadata: Mapping[str, Any],
        log: Any,
        step: StepContext | None,
        log_event: Callable[[Any], None] | None,
        keys: Any,
    ) -> OutputContext:
        env = self._env
        spec = env.layer.specs.get(asset) if asset is not None else None
        return OutputContext(
            step_key=step_key,
            name=definition.name,
            job_name=env.job_name,
            run_id=run_id,
            definition_metadata=_definition_metadata(definition.metadata, spec),
            mapping_key=mapping_key,
            config=env.resolved.op(path).outputs.get(definition.name),
            dagster_type=definition.dagster_type,
            log_manager=log,
            version=definition.code_version or op_def.code_version,
            resource_config=self._resource_config(manager_key),
            resources=self._resources_of(manager_key),
            step_context=step,
            op_def=op_def,
            asset_key=asset,
            partition_key=self._partition_key(asset),
            output_metadata=metadata,
            asset_partitions_def=self._partitions.definition(asset) if asset is not None else None,
            asset_partitions_subset=keys,
            asset_spec=spec,
            instance=lambda: env.instance,
            log_event=log_event,
        )

    def _partition_key(self, asset: AssetKey | None) -> str | None:
        if not self._partitions.has_key:
            return None
        try:
            return self._partitions.key(self._partitions.definition(asset))
        except UnknownPartitionError:  # of an asset that is partitioned in another way than the run
            return self._partitions.key(None)

    def _output_keys(self, asset: AssetKey | None) -> Any:
        if asset is None or asset not in self._env.layer.partitions_defs:
            return None
        if not (self._partitions.has_key or self._partitions.has_range):
            return None
        return lambda: self._partitions.output_keys(asset)

    # -- inputs -------------------------------------------------------------------------------------------

    def for_input(
        self,
        step: StepContext,
        definition: InputDefinition,
        *,
        manager_key: str,
        upstream: OutputContext | None,
        asset: AssetKey | None,
    ) -> InputContext:
        """The context of an input that a step takes."""
        env = self._env
        keys, asset_def = None, None
        if asset is not None:
            asset_def = env.layer.partitions_defs.get(asset)
            if asset_def is not None:
                downstream = next(iter(step.asset_keys), None)
                keys = _once(lambda: self._partitions.input_keys(downstream, asset))
                if upstream is not None:
                    upstream._partition_keys = keys
        spec = env.layer.specs.get(asset) if asset is not None else None
        return InputContext(
            name=definition.name,
            job_name=env.job_name,
            op_def=step.op_def,
            config=env.resolved.op(step.path).inputs.get(definition.name)
            if definition.input_manager_key
            else None,
            definition_metadata=definition.metadata
            or _definition_metadata({}, spec if upstream is None else None),
            upstream_output=upstream,
            dagster_type=definition.dagster_type,
            log_manager=lambda: step.log,
            resource_config=self._resource_config(manager_key),
            resources=self._resources_of(manager_key),
            step_context=step,
            asset_key=asset,
            partition_key=self._partitions.key(step.partitions_def) if self._partitions.has_key else None,
            asset_partitions_subset=keys,
            asset_partitions_def=asset_def,
            instance=lambda: env.instance,
        )

    def for_stored_asset(
        self, step: StepContext | None, asset: AssetKey, *, manager_key: str, log: Any, keys: Any = None
    ) -> OutputContext:
        """The context of an asset's stored value, which some other run made."""
        env = self._env
        spec = env.layer.specs.get(asset)
        return OutputContext(
            step_key="none",
            name=asset.path[-1],
            run_id=NO_RUN,
            job_name=env.job_name,
            definition_metadata=_definition_metadata({}, spec),
            log_manager=log,
            resource_config=self._resource_config(manager_key),
            resources=self._resources_of(manager_key),
            step_context=step,
            asset_key=asset,
            partition_key=self._partition_key(asset),
            asset_partitions_def=env.layer.partitions_defs.get(asset),
            asset_partitions_subset=keys,
            asset_spec=spec,
            dagster_type=ANY_TYPE,
            instance=lambda: env.instance,
        )


def _definition_metadata(given: Mapping[str, Any], spec: Any) -> Mapping[str, Any]:
    if spec is None:
        return given
    return {**spec.metadata, **given} if given else spec.metadata


def _once(compute: Callable[[], Any]) -> Callable[[], Any]:
    """A function whose result is kept."""
    kept: list[Any] = []

    def get() -> Any:
        if not kept:
            kept.append(compute())
        return kept[0]

    return get


__all__ = ["IOContexts", "path_of"]
