"""Describes the steps of a job for showing its graph: names, and what each waits for."""

from __future__ import annotations

from typing import Any

from tidewheel.definitions.jobs.definition import JobDefinition
from tidewheel.definitions.ops.dependencies import MAPPED_INPUT, MultiDependencyDefinition
from tidewheel.definitions.ops.graphs import GraphDefinition
from tidewheel.logic.graph.specs import OpNode

Path = tuple[str, ...]


def op_nodes(job: JobDefinition) -> tuple[OpNode, ...]:
    """The ops of a job, graphs flattened; names are paths joined by dots."""
    graphs: dict[Path, GraphDefinition] = {(): job.graph}
    found: list[tuple[Path, Any]] = []
    _walk(job.graph, (), graphs, found)
    return tuple(
        OpNode(
            name=".".join(path),
            depends_on=tuple(
                sorted({".".join(one) for name in node.input_dict for one in _above(graphs, path, name)})
            ),
            description=node.definition.description,
            tags=dict(node.tags),
            pool=node.definition.pool,
            resources=tuple(sorted(node.definition.required_resource_keys)),
        )
        for path, node in found
    )


def _walk(
    graph: GraphDefinition, prefix: Path, graphs: dict[Path, GraphDefinition], found: list[tuple[Path, Any]]
) -> None:
    for node in graph.nodes_in_topological_order:
        path = (*prefix, node.name)
        if node.is_graph:
            graphs[path] = node.definition
            _walk(node.definition, path, graphs, found)
        else:
            found.append((path, node))


def _above(graphs: dict[Path, GraphDefinition], path: Path, input_name: str) -> set[Path]:
    """The ops that an input of a node takes values from."""
    graph = graphs[path[:-1]]
    dependency = graph.dependency_of(path[-1], input_name)
    found: set[Path] = set()
    if dependency is None:
        mapping = graph.input_mapping_to(path[-1], input_name)
        if mapping is not None and path[:-1]:
            found |= _above(graphs, path[:-1], mapping.graph_input_name)
        return found
    for one in dependency.get_node_dependencies():
        found.add(_made_by(graphs, (*path[:-1], one.node), one.output))
    if isinstance(dependency, MultiDependencyDefinition) and path[:-1]:
        for index, one in enumerate(dependency.dependencies):
            mapping = graph.input_mapping_to(path[-1], input_name, index) if one is MAPPED_INPUT else None
            if mapping is not None:
                found |= _above(graphs, path[:-1], mapping.graph_input_name)
    return found


def _made_by(graphs: dict[Path, GraphDefinition], path: Path, output: str) -> Path:
    while path in graphs:
        mapping = graphs[path].get_output_mapping(output)
        path, output = (*path, mapping.mapped_node_name), mapping.mapped_node_output_name
    return path
