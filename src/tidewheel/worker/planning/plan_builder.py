"""Turns a job and its checked config into a run's plan: graphs are flattened, every input gets its sources."""

from __future__ import annotations

from typing import NamedTuple

from tidewheel.definitions.jobs.definition import JobDefinition
from tidewheel.definitions.jobs.job_config import ResolvedRunConfig
from tidewheel.definitions.ops.dependencies import (
    MAPPED_INPUT,
    DependencyDefinition,
    DynamicCollectDependencyDefinition,
    MultiDependencyDefinition,
    Node,
)
from tidewheel.definitions.ops.graphs import GraphDefinition
from tidewheel.errors import InvalidDefinitionError
from tidewheel.logic.runs.plan import (
    UNKNOWN_KEY,
    AssetRef,
    InputSource,
    OutputRef,
    PlannedInput,
    PlannedOutput,
    PlannedStep,
    RunPlan,
    ValueRef,
)
from tidewheel.values.tags import PRIORITY

Path = tuple[str, ...]


class _Raw(NamedTuple):
    """A source before it is known which steps are templates: an op's output, or something that is no step."""

    path: Path | None
    output: str
    collected: bool
    fixed: InputSource | None = None


def build_run_plan(job: JobDefinition, resolved: ResolvedRunConfig) -> RunPlan:
    """The plan of all steps of a job.

    Raises:
        InvalidDefinitionError: when a step lies below two dynamic outputs.
    """
    return _Builder(job, resolved).build()


class _Builder:
    def __init__(self, job: JobDefinition, resolved: ResolvedRunConfig) -> None:
        self._job = job
        self._resolved = resolved
        self._graphs: dict[Path, GraphDefinition] = {(): job.graph}
        self._ops: dict[Path, Node] = {}
        self._find(job.graph, ())
        self._inputs: dict[Path, list[tuple[str, list[_Raw], bool]]] = {}
        self._mapped: dict[Path, tuple[Path, str] | None] = {}

    def _find(self, graph: GraphDefinition, prefix: Path) -> None:
        for node in graph.nodes_in_topological_order:
            path = (*prefix, node.name)
            if node.is_graph:
                self._graphs[path] = node.definition
                self._find(node.definition, path)
            else:
                self._ops[path] = node

    def build(self) -> RunPlan:
        """All steps, each after those it depends on."""
        for path in self._ops:
            self._inputs[path] = self._inputs_of(path)
        self._leave_out_unselected()
        for path in self._ops:  # graph by graph, each node after those it depends on
            self._mapped[path] = self._mapped_from(path)
        return RunPlan(steps=tuple(self._step(path) for path in self._ops))

    def _leave_out_unselected(self) -> None:
        """Of a graph behind assets that was cut to some of them, only the ops that those need are executed."""
        layer = self._job.asset_layer
        cut = {
            name
            for name, definition in layer.by_node.items()
            if definition.is_subset and (name,) in self._graphs
        }
        if not cut:
            return
        needed = [path for path, _ in (*layer.outputs, *layer.check_outputs) if path[0] in cut]
        kept: set[Path] = set()
        while needed:
            path = needed.pop()
            if path not in kept and path in self._inputs:
                kept.add(path)
                needed += [
                    raw.path
                    for _, sources, _ in self._inputs[path]
                    for raw in sources
                    if raw.path is not None
                ]
        for path in list(self._ops):
            if path[0] in cut and path not in kept:
                del self._ops[path], self._inputs[path]

    # -- sources ------------------------------------------------------------------------------------------

    def _inputs_of(self, path: Path) -> list[tuple[str, list[_Raw], bool]]:
        found = []
        for name in self._ops[path].input_dict:
            sources, is_fan_in = self._sources(path, name)
            found.append((name, sources, is_fan_in))
        return found

    def _sources(
        self, path: Path, input_name: str, leaf: tuple[Path, str] | None = None
    ) -> tuple[list[_Raw], bool]:
        """Where an input of a node (op or graph) takes its value from; ``leaf`` is the op's input that it is for."""
        leaf = leaf or (path, input_name)
        graph = self._graphs[path[:-1]]
        node = graph.node_dict[path[-1]]
        dependency = graph.dependency_of(path[-1], input_name)
        if isinstance(dependency, MultiDependencyDefinition):
            sources: list[_Raw] = []
            for index, member in enumerate(dependency.dependencies):
                if member is MAPPED_INPUT:
                    mapping = graph.input_mapping_to(path[-1], input_name, index)
                    if mapping is not None:
                        sources += self._outer(path[:-1], mapping.graph_input_name, leaf)[0]
                else:
                    sources.append(self._output(path[:-1], member))
            return sources, True
        if dependency is not None:
            raw = self._output(path[:-1], dependency)
            return [raw], raw.collected
        mapping = graph.input_mapping_to(path[-1], input_name)
        if mapping is not None:
            return self._outer(path[:-1], mapping.graph_input_name, leaf)
        return self._unconnected(path, node, input_name, leaf), False

    def _outer(self, graph_path: Path, graph_input: str, leaf: tuple[Path, str]) -> tuple[list[_Raw], bool]:
        """Where an input of the graph at a path takes its value from."""
        if not graph_path:
            return [self._top_level(graph_input, leaf)], False
        return self._sources(graph_path, graph_input, leaf)

    def _top_level(self, name: str, leaf: tuple[Path, str]) -> _Raw:
        if name in self._job.input_values:
            return _fixed(ValueRef(kind="argument", name=name))
        config = self._resolved.graph_inputs.get((), {})
        if name in config:
            return _fixed(ValueRef(kind="graph_config", path=(), name=name))
        return self._default((), self._job.graph, name, leaf)

    def _default(self, path: Path, graph: GraphDefinition, name: str, leaf: tuple[Path, str]) -> _Raw:
        """Of an input of a graph that got no value: its own default, else each op's own."""
        if not graph.has_input_default(name):
            path, name = leaf
        return _fixed(ValueRef(kind="default", path=path, name=name))

    def _unconnected(self, path: Path, node: Node, name: str, leaf: tuple[Path, str]) -> list[_Raw]:
        definition = node.input_dict[name]
        key = self._job.asset_layer.inputs.get((path, name))
        if key is not None:
            return [_fixed(AssetRef(asset=key.to_escaped_user_string()))]
        graph = self._graphs[path[:-1]]
        asset = graph.input_assets.get(path[-1], {}).get(name)
        if asset is not None:
            return [_fixed(AssetRef(asset=asset.key.to_escaped_user_string()))]
        if definition.dagster_type.is_nothing:
            return []
        if definition.input_manager_key is not None:
            return [_fixed(ValueRef(kind="manager", path=path, name=name))]
        config = (
            self._resolved.graph_inputs.get(path, {}) if node.is_graph else self._resolved.op(path).inputs
        )
        if name in config:
            if node.is_graph:
                return [_fixed(ValueRef(kind="graph_config", path=path, name=name))]
            return [_fixed(ValueRef(kind="config", path=path, name=name))]
        if node.is_graph:
            return [self._default(path, node.definition, name, leaf)]
        return [_fixed(ValueRef(kind="default", path=path, name=name))]

    def _output(self, graph_path: Path, dependency: DependencyDefinition) -> _Raw:
        """The op's output that a dependency means in the end."""
        collected = isinstance(dependency, DynamicCollectDependencyDefinition)
        path = (*graph_path, dependency.node)
        output = dependency.output
        while path in self._graphs:
            mapping = self._graphs[path].get_output_mapping(output)
            path = (*path, mapping.mapped_node_name)
            output = mapping.mapped_node_output_name
        return _Raw(path, output, collected)

    # -- templates ----------------------------------------------------------------------------------------

    def _mapped_from(self, path: Path) -> tuple[Path, str] | None:
        origins: set[tuple[Path, str]] = set()
        for _, sources, _ in self._inputs[path]:
            for raw in sources:
                if raw.path is None:
                    continue
                is_dynamic = self._ops[raw.path].output_dict[raw.output].is_dynamic
                above = self._mapped[raw.path]
                if is_dynamic and above is not None:
                    raise InvalidDefinitionError(
                        f"job {self._job.name!r}: expected op {'.'.join(path)!r} to lie below one dynamic output, got "
                        f"{'.'.join(raw.path)!r}, which lies below {'.'.join(above[0])!r} itself; collect that first"
                    )
                if raw.collected:
                    continue
                if is_dynamic:
                    origins.add((raw.path, raw.output))
                elif above is not None:
                    origins.add(above)
        if len(origins) > 1:
            names = sorted(f"{'.'.join(origin)}.{output}" for origin, output in origins)
            raise InvalidDefinitionError(
                f"job {self._job.name!r}: expected op {'.'.join(path)!r} to lie below one dynamic output, got {names}; "
                "collect one of them first"
            )
        return next(iter(origins), None)

    def _key(self, path: Path) -> str:
        name = ".".join(path)
        return f"{name}[{UNKNOWN_KEY}]" if self._mapped[path] is not None else name

    # -- steps --------------------------------------------------------------------------------------------

    def _step(self, path: Path) -> PlannedStep:
        node = self._ops[path]
        origin = self._mapped[path]
        policy = self._job.retry_policy_at(path)
        return PlannedStep(
            key=self._key(path),
            path=path,
            inputs=tuple(self._input(path, *given) for given in self._inputs[path]),
            outputs=tuple(
                PlannedOutput(name=o.name, required=o.is_required, dynamic=o.is_dynamic)
                for o in node.output_dict.values()
            ),
            priority=_priority(node.tags),
            pool=node.definition.pool,
            retry=policy.rule if policy is not None else None,
            mapped_from=OutputRef(step=self._key(origin[0]), output=origin[1])
            if origin is not None
            else None,
        )

    def _input(self, path: Path, name: str, sources: list[_Raw], is_fan_in: bool) -> PlannedInput:
        return PlannedInput(name=name, sources=tuple(self._source(raw) for raw in sources), fan_in=is_fan_in)

    def _source(self, raw: _Raw) -> InputSource:
        if raw.fixed is not None:
            return raw.fixed
        assert raw.path is not None
        is_dynamic = self._ops[raw.path].output_dict[raw.output].is_dynamic
        return OutputRef(
            step=self._key(raw.path),
            output=raw.output,
            mapping_key=UNKNOWN_KEY if is_dynamic and not raw.collected else None,
            collected=raw.collected,
        )


def _fixed(source: InputSource) -> _Raw:
    return _Raw(None, "", False, source)


def _priority(tags: dict[str, str]) -> int:
    """A step's priority; anything that is not a whole number counts as 0 (as for runs, D7)."""
    try:
        return int(tags.get(PRIORITY, "0"))
    except ValueError:
        return 0
