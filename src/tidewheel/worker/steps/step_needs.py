"""Which resources some steps need: those their ops name, IO managers of their inputs and outputs, types, hooks."""

from __future__ import annotations

from collections.abc import Iterable

from tidewheel.definitions.jobs.definition import JobDefinition
from tidewheel.logic.runs.plan import AssetRef, OutputRef, PlannedStep, ValueRef
from tidewheel.values.keys import AssetKey

Path = tuple[str, ...]


def resource_keys_of(job: JobDefinition, steps: Iterable[PlannedStep]) -> set[str]:
    """Keys of the resources that the steps need, without those that only other resources need."""
    found: set[str] = set()
    for step in steps:
        found |= _keys_of_step(job, step)
    return found


def _keys_of_step(job: JobDefinition, step: PlannedStep) -> set[str]:
    op_def = job.graph.node_at(step.path).definition
    found = set(op_def.required_resource_keys) | op_def.resource_keys_of_types()
    for hook in job.hooks_at(step.path):
        found |= hook.required_resource_keys
    for output in op_def.output_defs:
        if (
            step.path,
            output.name,
        ) not in job.asset_layer.check_outputs and not output.dagster_type.is_nothing:
            found.add(_manager_of_output(job, step.path, output))
    for planned in step.inputs:
        definition = op_def.input_dict[planned.name]
        if definition.dagster_type.is_nothing:
            continue
        for source in planned.sources:
            if isinstance(source, ValueRef) and source.kind != "manager":
                continue
            if definition.input_manager_key is not None:
                found.add(definition.input_manager_key)
            elif isinstance(source, AssetRef):
                key = AssetKey.from_escaped_user_string(source.asset)
                found.add(job.asset_layer.io_manager_keys.get(key, "io_manager"))
            elif isinstance(source, OutputRef):
                path = tuple(source.step.partition("[")[0].split("."))
                upstream = job.graph.node_at(path).definition.output_dict[source.output]
                found.add(_manager_of_output(job, path, upstream))
    return found


def _manager_of_output(job: JobDefinition, path: Path, output: object) -> str:
    asset = job.asset_layer.outputs.get((path, output.name))  # type: ignore[attr-defined]
    if asset is not None and asset in job.asset_layer.io_manager_keys:
        return job.asset_layer.io_manager_keys[asset]
    return output.io_manager_key  # type: ignore[attr-defined,no-any-return]
