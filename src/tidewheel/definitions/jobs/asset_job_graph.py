"""Connects the steps of a job over assets: a graph of their ops, and the table that says what of it are assets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from tidewheel.definitions.assets.asset_graph import AssetGraph
from tidewheel.definitions.assets.asset_layer import AssetLayer, NodePath
from tidewheel.definitions.assets.asset_spec import IO_MANAGER_METADATA, AssetSpec
from tidewheel.definitions.assets.definition import DEFAULT_IO_MANAGER, AssetsDefinition, nothing_input
from tidewheel.definitions.jobs.asset_job_steps import select_steps
from tidewheel.definitions.ops.dependencies import DependencyDefinition, NodeInvocation
from tidewheel.definitions.ops.graphs import GraphDefinition
from tidewheel.definitions.ops.inputs_outputs import InputMapping
from tidewheel.errors import InvalidDefinitionError, did_you_mean
from tidewheel.values.keys import AssetCheckKey, AssetKey

AFTER_CHECK_PREFIX = "__after_check__"
"""Inputs without value that let a step wait for a blocking check."""


class AssetJobParts(NamedTuple):
    """What a job over assets is made of."""

    graph: GraphDefinition
    layer: AssetLayer
    resource_defs: dict[str, Any]
    uses_default_manager: str | None
    """The name of a step that writes with the IO manager which the job has by default, if there is one."""


class _Placed(NamedTuple):
    """A definition in its place: its node's name inside the job."""

    name: str
    definition: AssetsDefinition


def build_parts(
    name: str,
    graph: AssetGraph,
    assets: AbstractSet[AssetKey],
    checks: AbstractSet[AssetCheckKey],
) -> AssetJobParts:
    """The graph and table of a job that makes the selected assets and checks.

    Raises:
        InvalidDefinitionError: when the selection cannot be run; see ``select_steps``.
    """
    steps = select_steps(graph, assets, checks)
    require_declared_inputs(graph, steps)
    placed = _place(steps)
    return AssetJobParts(
        _connect(name, placed),
        _layer(graph, placed, assets, checks),
        bound_resources_of(graph, steps),
        _without_own_manager(steps),
    )


def require_declared_inputs(graph: AssetGraph, definitions: Sequence[AssetsDefinition]) -> None:
    """Refuse arguments that are assets which nobody declares.

    Raises:
        InvalidDefinitionError: naming all of them.
    """
    problems = undeclared_inputs(graph, definitions)
    if problems:
        raise InvalidDefinitionError("; ".join(problems))


def undeclared_inputs(graph: AssetGraph, definitions: Sequence[AssetsDefinition]) -> list[str]:
    """What to say of arguments that are assets which nobody declares (dependencies without argument may be undeclared)."""
    if not graph.undeclared:
        return []
    problems = []
    for definition in definitions:
        if definition.computation is None:
            continue
        for input_name, key in definition.keys_by_input_name.items():
            given = definition.node_def.input_dict.get(input_name)
            if key not in graph.undeclared or given is None or given.dagster_type.is_nothing:
                continue
            if given.input_manager_key is not None:
                continue
            known = [one.to_user_string() for one in graph.nodes if one not in graph.undeclared]
            problems.append(
                f"{definition.node_def.name!r}: expected argument {input_name!r} to be an asset that is declared, got "
                f"{key.to_user_string()!r}, which nobody makes or declares; "
                f"{did_you_mean(key.to_user_string(), known)} Otherwise declare it with AssetSpec"
                f"({key.to_user_string()!r}), or name it in deps if no value is needed"
            )
    return problems


def _place(steps: Sequence[AssetsDefinition]) -> list[_Placed]:
    """Steps with different names."""
    used: dict[str, int] = {}
    placed = []
    for step in steps:
        base = step.node_def.name
        used[base] = used.get(base, 0) + 1
        name = base if used[base] == 1 else f"{base}_{used[base]}"
        while name != base and name in used:
            name = f"{name}_"
        used.setdefault(name, 1)
        placed.append(_Placed(name, step))
    return placed


def _connect(name: str, placed: Sequence[_Placed]) -> GraphDefinition:
    producers: dict[AssetKey, tuple[str, str]] = {}
    blocking: dict[AssetKey, list[tuple[str, str]]] = {}
    for node, definition in placed:
        for output, key in definition.keys_by_output_name.items():
            producers[key] = (node, output)
        if not definition.keys:
            for output, spec in definition.check_specs_by_output_name.items():
                if spec.blocking:
                    blocking.setdefault(spec.asset_key, []).append((node, output))
    dependencies: dict[NodeInvocation, dict[str, DependencyDefinition]] = {}
    node_defs: dict[str, Any] = {}
    for node, definition in placed:
        node_def = definition.node_def
        inputs = {
            input_name: DependencyDefinition(*producers[key])
            for input_name, key in definition.keys_by_input_name.items()
            if key in producers and producers[key][0] != node
        }
        waits = _blocking_waits(node, definition, blocking)
        if waits:
            node_def = waiting_node(node_def, node, list(waits))
            inputs.update(waits)
        known = node_defs.get(node_def.name)
        if known is not None and known is not node_def:
            node_def = (
                node_def.with_replaced_properties(name=node)
                if not node_def.is_graph
                else node_def.copy(name=node)
            )
        node_defs[node_def.name] = node_def
        invocation = NodeInvocation(
            node_def.name,
            alias=node if node != node_def.name else None,
            hook_defs=frozenset(definition.hook_defs),
        )
        dependencies[invocation] = inputs
    return GraphDefinition(name, node_defs=list(node_defs.values()), dependencies=dependencies)


def _blocking_waits(
    node: str, definition: AssetsDefinition, blocking: Mapping[AssetKey, Sequence[tuple[str, str]]]
) -> dict[str, DependencyDefinition]:
    """Blocking checks of upstream assets that an asset's step has to wait for."""
    if not blocking or not definition.keys:
        return {}
    found: dict[str, DependencyDefinition] = {}
    for key in dict.fromkeys(definition.keys_by_input_name.values()):
        for check_node, output in blocking.get(key, ()):
            if check_node != node:
                found[f"{AFTER_CHECK_PREFIX}{check_node}__{output}"] = DependencyDefinition(
                    check_node, output
                )
    return found


def waiting_node(node_def: Any, name: str, inputs: Sequence[str]) -> Any:
    """A copy of an op or graph with more inputs that carry no value; in a graph, everything inside waits for them."""
    extra = {one: nothing_input() for one in inputs}
    if not getattr(node_def, "is_graph", False):
        return node_def.with_replaced_properties(name=name, ins={**node_def.ins, **extra})
    inner: dict[str, Any] = {}
    mappings = list(node_def.input_mappings)
    for node in node_def.nodes:
        inner[node.name] = waiting_node(node.definition, node.name, inputs)
        mappings += [
            InputMapping(graph_input_name=one, mapped_node_name=node.name, mapped_node_input_name=one)
            for one in inputs
        ]
    dependencies = {
        invocation._replace(name=invocation.node_name, alias=None): dict(inputs_of)
        for invocation, inputs_of in node_def.dependencies.items()
    }
    return node_def.copy(
        name=name, node_defs=list(inner.values()), dependencies=dependencies, input_mappings=mappings
    )


def bound_resources_of(graph: AssetGraph, steps: Sequence[AssetsDefinition]) -> dict[str, Any]:
    """The resources that the steps bring along, and the IO managers of what they load.

    Raises:
        InvalidDefinitionError: when there are different ones under the same key.
    """
    found: dict[str, Any] = {}
    for step in steps:
        for name, resource in step.resource_defs.items():
            _bind(found, name, resource, step.node_def.name)
    for key in (key for step in steps for key in step.keys_by_input_name.values()):
        node = graph.nodes.get(key)
        if node is not None and node.assets_def is not None:
            manager = node.assets_def.get_io_manager_key_for_asset_key(key)
            if manager in node.assets_def.resource_defs:
                _bind(found, manager, node.assets_def.resource_defs[manager], key.to_user_string())
    return found


def _bind(found: dict[str, Any], name: str, resource: Any, brought_by: str) -> None:
    if found.setdefault(name, resource) is not resource:
        raise InvalidDefinitionError(
            f"{brought_by!r}: expected resource {name!r} to be the same for all assets of a job, got another one than an "
            "asset before it brings along; give one of them another key, or bind the resource once for all "
            "(Definitions(resources=...))"
        )


def _without_own_manager(steps: Sequence[AssetsDefinition]) -> str | None:
    """The first step that writes with the default IO manager and does not bring it along."""
    for step in steps:
        if DEFAULT_IO_MANAGER in step.required_resource_keys and DEFAULT_IO_MANAGER not in step.resource_defs:
            return step.node_def.name
    return None


# -- the table ---------------------------------------------------------------------------------------------------------


def _layer(
    graph: AssetGraph,
    placed: Sequence[_Placed],
    assets: AbstractSet[AssetKey],
    checks: AbstractSet[AssetCheckKey],
) -> AssetLayer:
    outputs: dict[tuple[NodePath, str], AssetKey] = {}
    check_outputs: dict[tuple[NodePath, str], AssetCheckKey] = {}
    inputs: dict[tuple[NodePath, str], AssetKey] = {}
    check_specs = {}
    mappings = {}
    for node, definition in placed:
        node_def = definition.node_def
        for output, key in definition.keys_by_output_name.items():
            outputs[_origin(node_def, (node,), output)] = key
        for output, spec in definition.check_specs_by_output_name.items():
            check_outputs[_origin(node_def, (node,), output)] = spec.key
            check_specs[spec.key] = spec
        for input_name, key in definition.keys_by_input_name.items():
            for place in _destinations(node_def, (node,), input_name):
                inputs[place] = key
        for asset_spec in definition.specs:
            for dep in asset_spec.deps:
                if dep.partition_mapping is not None:
                    mappings[(asset_spec.key, dep.asset_key)] = dep.partition_mapping
    known = {*outputs.values(), *inputs.values(), *(key.asset_key for key in check_outputs.values())}
    specs = {key: _spec(graph, key) for key in known}
    return AssetLayer(
        by_node=dict(placed),
        outputs=outputs,
        check_outputs=check_outputs,
        inputs=inputs,
        specs=specs,
        check_specs=check_specs,
        partitions_defs={
            key: spec.partitions_def for key, spec in specs.items() if spec.partitions_def is not None
        },
        mappings=mappings,
        io_manager_keys=_io_manager_keys(graph, specs),
        selected_assets=frozenset(assets),
        selected_checks=frozenset(checks),
    )


def _spec(graph: AssetGraph, key: AssetKey) -> AssetSpec:
    node = graph.nodes.get(key)
    return node.spec if node is not None else AssetSpec(key)


def _io_manager_keys(graph: AssetGraph, specs: Mapping[AssetKey, AssetSpec]) -> dict[AssetKey, str]:
    found = {}
    for key, spec in specs.items():
        node = graph.nodes.get(key)
        if node is not None and node.assets_def is not None:
            manager = node.assets_def.get_io_manager_key_for_asset_key(key)
        else:
            manager = str(spec.metadata.get(IO_MANAGER_METADATA) or DEFAULT_IO_MANAGER)
        if manager != DEFAULT_IO_MANAGER:
            found[key] = manager
    return found


def _origin(node_def: Any, path: NodePath, output: str) -> tuple[NodePath, str]:
    """The op and output that a node's output is in the end."""
    while getattr(node_def, "is_graph", False):
        mapping = node_def.get_output_mapping(output)
        path = (*path, mapping.mapped_node_name)
        output = mapping.mapped_node_output_name
        node_def = node_def.node_named(mapping.mapped_node_name).definition
    return path, output


def _destinations(node_def: Any, path: NodePath, input_name: str) -> list[tuple[NodePath, str]]:
    """The input itself and, of a graph, all inputs inside that it goes to."""
    found = [(path, input_name)]
    if not getattr(node_def, "is_graph", False):
        return found
    for mapping in node_def.input_mappings:
        if mapping.graph_input_name == input_name and mapping.fan_in_index is None:
            inner = node_def.node_named(mapping.mapped_node_name).definition
            found += _destinations(inner, (*path, mapping.mapped_node_name), mapping.mapped_node_input_name)
    return found
