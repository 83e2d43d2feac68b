"""Op selections: ``["a", "*b", "c++", "graph.inner"]`` and the graph that is left of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tidewheel.definitions.ops.dependencies import (
    DependencyDefinition,
    MultiDependencyDefinition,
    NodeInvocation,
)
from tidewheel.definitions.ops.graphs import GraphDefinition
from tidewheel.errors import InvalidSubsetError, ParameterCheckError, did_you_mean

_CLAUSE = re.compile(r"^(\*?|\+*)([A-Za-z0-9_.]+|\*)(\+*|\*?)$")


def select_ops(graph: GraphDefinition, selection: str | Iterable[str]) -> frozenset[tuple[str, ...]]:
    """Paths of the selected nodes.

    A leading ``*`` takes everything upstream, each leading ``+`` one level; likewise behind the name for downstream.

    Raises:
        InvalidSubsetError: when a clause is not understood, or names nothing.
    """
    clauses = [selection] if isinstance(selection, str) else list(selection)
    if not clauses:
        raise InvalidSubsetError("expected an op selection to name at least one op, got an empty one")
    chosen: set[tuple[str, ...]] = set()
    for clause in clauses:
        if not isinstance(clause, str):
            raise ParameterCheckError(f"expected the clauses of an op selection as texts, got {clause!r}")
        match = _CLAUSE.match(clause)
        if match is None:
            raise InvalidSubsetError(
                f"expected a clause such as 'a', '*a', 'a+' or 'graph.a' in an op selection, got {clause!r}"
            )
        up, name, down = match.groups()
        if name == "*":
            chosen |= {(node,) for node in graph.node_dict}
            continue
        path = tuple(name.split("."))
        _require(graph, path, clause)
        chosen.add(path)
        if len(path) > 1 and (up or down):
            raise InvalidSubsetError(
                f"expected '*' and '+' beside nodes of the top level only, got {clause!r}; name the ops inside graphs"
            )
        if len(path) == 1:
            chosen |= {(found,) for found in _reach(_upstream(graph), path[0], up)}
            chosen |= {(found,) for found in _reach(_downstream(graph), path[0], down)}
    return frozenset(chosen)


def _require(graph: GraphDefinition, path: tuple[str, ...], clause: str) -> None:
    current = graph
    for depth, name in enumerate(path):
        if name not in current.node_dict:
            raise InvalidSubsetError(
                f"expected an op of {graph.name!r} in the op selection, got {clause!r}; "
                f"{did_you_mean(name, current.node_dict)}"
            )
        if depth < len(path) - 1:
            current = current.node_dict[name].definition


def _upstream(graph: GraphDefinition) -> dict[str, set[str]]:
    return {
        name: {
            single.node
            for input_name in node.input_dict
            if (dependency := graph.dependency_of(name, input_name)) is not None
            for single in dependency.get_node_dependencies()
        }
        for name, node in graph.node_dict.items()
    }


def _downstream(graph: GraphDefinition) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {name: set() for name in graph.node_dict}
    for name, above in _upstream(graph).items():
        for upstream in above:
            found[upstream].add(name)
    return found


def _reach(edges: dict[str, set[str]], start: str, marks: str) -> set[str]:
    levels = None if marks == "*" else len(marks)
    reached: set[str] = set()
    front = {start}
    while front and (levels is None or levels > 0):
        front = set().union(*(edges[name] for name in front)) - reached
        reached |= front
        levels = None if levels is None else levels - 1
    return reached


def graph_subset(graph: GraphDefinition, paths: frozenset[tuple[str, ...]]) -> GraphDefinition:
    """The graph with only the selected nodes; connections from nodes that are left out are dropped."""
    wanted: dict[str, frozenset[tuple[str, ...]] | None] = {}
    for path in paths:
        if len(path) == 1:
            wanted[path[0]] = None
        elif wanted.get(path[0], frozenset()) is not None:
            inner = wanted.get(path[0]) or frozenset()
            wanted[path[0]] = inner | {path[1:]}
    definitions = {}
    dependencies = {}
    for node in graph.nodes:
        if node.name not in wanted:
            continue
        below = wanted[node.name]
        definition = node.definition if below is None else graph_subset(node.definition, below)
        definitions[node.name] = definition
        key = NodeInvocation(
            definition.name,
            node.name if node.name != definition.name else None,
            node._tags,
            node.hook_defs,
            node.retry_policy,
        )
        dependencies[key] = _kept_connections(graph, node.name, definition.input_dict, wanted)
    distinct = list({id(definition): definition for definition in definitions.values()}.values())
    return GraphDefinition(
        graph.name,
        description=graph.description,
        node_defs=distinct,
        dependencies=dependencies,
        input_mappings=[
            mapping
            for mapping in graph.input_mappings
            if mapping.mapped_node_name in wanted
            and mapping.mapped_node_input_name in definitions[mapping.mapped_node_name].input_dict
        ],
        output_mappings=[
            mapping
            for mapping in graph.output_mappings
            if mapping.mapped_node_name in wanted
            and mapping.mapped_node_output_name in definitions[mapping.mapped_node_name].output_dict
        ],
        config=graph.config_mapping,
        tags=graph.tags,
        input_assets=graph.input_assets,
        composition_fn=graph.composition_fn,
    )


def _kept_connections(
    graph: GraphDefinition,
    node: str,
    inputs: Iterable[str],
    wanted: dict[str, frozenset[tuple[str, ...]] | None],
) -> dict[str, DependencyDefinition | MultiDependencyDefinition]:
    kept: dict[str, DependencyDefinition | MultiDependencyDefinition] = {}
    for input_name in inputs:
        dependency = graph.dependency_of(node, input_name)
        if isinstance(dependency, MultiDependencyDefinition):
            members = [
                member
                for member in dependency.dependencies
                if not isinstance(member, DependencyDefinition) or _is_kept(graph, member, wanted)
            ]
            if members:
                kept[input_name] = MultiDependencyDefinition(members)
        elif dependency is not None and _is_kept(graph, dependency, wanted):
            kept[input_name] = dependency
    return kept


def _is_kept(
    graph: GraphDefinition,
    dependency: DependencyDefinition,
    wanted: dict[str, frozenset[tuple[str, ...]] | None],
) -> bool:
    if dependency.node not in wanted:
        return False
    inner = wanted[dependency.node]
    if inner is None:
        return True
    mapping = graph.node_dict[dependency.node].definition.get_output_mapping(dependency.output)
    return any(path[0] == mapping.mapped_node_name for path in inner)


def selected_names(paths: Iterable[Sequence[str]]) -> list[str]:
    """Paths as dotted names, sorted."""
    return sorted(".".join(path) for path in paths)
