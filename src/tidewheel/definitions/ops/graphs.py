"""``GraphDefinition``: ops and graphs connected with each other, as one node; and ``@graph``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from tidewheel.definitions.assets.asset_labels import require_name
from tidewheel.definitions.assets.results import DEFAULT_OUTPUT, NO_VALUE
from tidewheel.definitions.config.config_mapping import ConfigMapping
from tidewheel.definitions.config.config_schema import Field
from tidewheel.definitions.config.configured import fixed_or_mapped
from tidewheel.definitions.docstrings import description_of
from tidewheel.definitions.ops.composition import (
    CollectedHandle,
    Composer,
    DynamicHandle,
    GraphInputHandle,
    OutputHandle,
    PendingNodeInvocation,
    composing,
)
from tidewheel.definitions.ops.dependencies import (
    Dependency,
    DependencyDefinition,
    MultiDependencyDefinition,
    Node,
    NodeHandle,
    NodeInvocation,
)
from tidewheel.definitions.ops.function_signature import FunctionSignature
from tidewheel.definitions.ops.hooks import HookDefinition
from tidewheel.definitions.ops.inputs_outputs import (
    GraphIn,
    GraphOut,
    InputDefinition,
    InputMapping,
    OutputDefinition,
    OutputMapping,
)
from tidewheel.definitions.ops.retry_policy import RetryPolicy
from tidewheel.definitions.ops.types import ANY_TYPE
from tidewheel.errors import (
    CircularDependencyError,
    InvalidDefinitionError,
    InvariantViolationError,
    did_you_mean,
)
from tidewheel.values.tags import normalize_tags


class GraphDefinition:
    """A graph. Its nodes and connections come from ``@graph``'s body, or from ``node_defs`` and ``dependencies``.

    ``dependencies``: node name (or ``NodeInvocation`` for an alias) → input name → dependency.
    """

    is_graph = True
    __needs_name_when_configured__ = True
    node_type_str = "graph"

    def __init__(
        self,
        name: str,
        *,
        description: str | None = None,
        node_defs: Sequence[Any] | None = None,
        dependencies: Mapping[Any, Mapping[str, Dependency]] | None = None,
        input_mappings: Sequence[InputMapping] | None = None,
        output_mappings: Sequence[OutputMapping] | None = None,
        config: ConfigMapping | None = None,
        tags: Mapping[str, Any] | None = None,
        node_input_source_assets: Mapping[str, Mapping[str, Any]] | None = None,
        input_assets: Mapping[str, Mapping[str, Any]] | None = None,
        composition_fn: Callable[..., Any] | None = None,
        positional_inputs: Sequence[str] | None = None,
        input_defaults: Mapping[str, Any] | None = None,
        **_ignored: Any,
    ) -> None:
        self.name = require_name(name, "name of a graph or job")
        self.description = description
        self.node_defs = list(node_defs or [])
        self.input_mappings = list(input_mappings or [])
        self.output_mappings = list(output_mappings or [])
        self.config_mapping = config
        self.tags = normalize_tags(tags)
        self.input_assets = {**(node_input_source_assets or {}), **(input_assets or {})}
        self.composition_fn = composition_fn
        self.node_dict, self._connections = _place(self, self.node_defs, dependencies or {})
        self._input_defaults = dict(input_defaults or {})
        self._dependencies_given = dependencies or {}
        self.positional_inputs = list(positional_inputs) if positional_inputs is not None else []
        self.input_dict = self._derive_inputs()
        self.output_dict = self._derive_outputs()
        if positional_inputs is None:
            self.positional_inputs = list(self.input_dict)
        self._check_connections()
        self._order = self._topological_order()

    # -- what it is ---------------------------------------------------------------------------------------

    @property
    def nodes(self) -> list[Node]:
        """Its nodes."""
        return list(self.node_dict.values())

    @property
    def nodes_in_topological_order(self) -> list[Node]:
        """Its nodes, each after those it depends on."""
        return [self.node_dict[name] for name in self._order]

    @property
    def input_defs(self) -> list[InputDefinition]:
        """Its inputs."""
        return list(self.input_dict.values())

    @property
    def output_defs(self) -> list[OutputDefinition]:
        """Its outputs."""
        return list(self.output_dict.values())

    @property
    def dependencies(self) -> Mapping[NodeInvocation, Mapping[str, Dependency]]:
        """The connections, by node invocation and input."""
        found: dict[NodeInvocation, dict[str, Dependency]] = {}
        for name, node in self.node_dict.items():
            key = NodeInvocation(node.definition.name, name if name != node.definition.name else None)
            found[key] = dict(self._connections.get(name, {}))
        return found

    @property
    def config_field(self) -> Field | None:
        """The config of the graph itself, when it has a config mapping."""
        return self.config_mapping.config_field if self.config_mapping is not None else None

    @property
    def config_schema(self) -> Field | None:
        """The config of the graph itself, when it has a config mapping."""
        return self.config_field

    @property
    def has_config_mapping(self) -> bool:
        """Whether its nodes' config is computed from config of its own."""
        return self.config_mapping is not None

    @property
    def pools(self) -> set[str]:
        """Pools of all its ops."""
        return set().union(*(node.definition.pools for node in self.node_dict.values()))

    @property
    def required_resource_keys(self) -> frozenset[str]:
        """Resources that its ops name."""
        return frozenset().union(*(op_def.required_resource_keys for op_def in self.iterate_op_defs()))

    def dependency_of(self, node: str, input_name: str) -> Dependency | None:
        """What an input of a node inside takes, unless it is an input of the graph or nothing."""
        return self._connections.get(node, {}).get(input_name)

    def input_mapping_to(self, node: str, input_name: str, index: int | None = None) -> InputMapping | None:
        """The graph's input that an input of a node inside takes."""
        for mapping in self.input_mappings:
            if (
                mapping.mapped_node_name == node
                and mapping.mapped_node_input_name == input_name
                and mapping.fan_in_index == index
            ):
                return mapping
        return None

    def get_output_mapping(self, output_name: str) -> OutputMapping:
        """What inside is an output of the graph.

        Raises:
            InvalidDefinitionError: when there is no such output.
        """
        for mapping in self.output_mappings:
            if mapping.graph_output_name == output_name:
                return mapping
        raise InvalidDefinitionError(
            f"expected an output of graph {self.name!r}, got {output_name!r}; "
            f"{did_you_mean(output_name, self.output_dict)}"
        )

    def op_output(self, output_name: str) -> OutputDefinition:
        """The output of an op inside, at any depth, that is an output of the graph.

        Raises:
            InvalidDefinitionError: when there is no such output.
        """
        mapping = self.get_output_mapping(output_name)
        inside = self.node_named(mapping.mapped_node_name).definition
        if isinstance(inside, GraphDefinition):
            return inside.op_output(mapping.mapped_node_output_name)
        return inside.output_dict[mapping.mapped_node_output_name]

    def get_input_mapping(self, input_name: str) -> InputMapping:
        """The (first) input inside that an input of the graph goes to.

        Raises:
            InvalidDefinitionError: when there is no such input.
        """
        for mapping in self.input_mappings:
            if mapping.graph_input_name == input_name:
                return mapping
        raise InvalidDefinitionError(
            f"expected an input of graph {self.name!r}, got {input_name!r}; {did_you_mean(input_name, self.input_dict)}"
        )

    def node_named(self, name: str) -> Node:
        """One node.

        Raises:
            InvalidDefinitionError: when there is none of this name.
        """
        node = self.node_dict.get(name)
        if node is None:
            raise InvalidDefinitionError(
                f"expected a node of graph {self.name!r}, got {name!r}; {did_you_mean(name, self.node_dict)}"
            )
        return node

    def has_node_named(self, name: str) -> bool:
        """Whether there is a node of this name."""
        return name in self.node_dict

    def node_names(self) -> list[str]:
        """Names of its nodes."""
        return list(self.node_dict)

    def get_node(self, handle: NodeHandle) -> Node:
        """The node at a handle."""
        return self.node_at(tuple(handle.path))

    def node_at(self, path: Sequence[str]) -> Node:
        """The node at a path of names."""
        node = self.node_named(path[0])
        for name in path[1:]:
            node = node.definition.node_named(name)
        return node

    def has_input(self, name: str) -> bool:
        """Whether there is an input of this name."""
        return name in self.input_dict

    def has_input_default(self, name: str) -> bool:
        """Whether the graph itself, and not only an op inside, has a default for an input."""
        return name in self._input_defaults

    def has_output(self, name: str) -> bool:
        """Whether there is an output of this name."""
        return name in self.output_dict

    def input_def_named(self, name: str) -> InputDefinition:
        """One input; KeyError when there is none of this name."""
        return self.input_dict[name]

    def output_def_named(self, name: str) -> OutputDefinition:
        """One output; KeyError when there is none of this name."""
        return self.output_dict[name]

    def iterate_op_defs(self) -> list[Any]:
        """All ops inside, at any depth."""
        return [op_def for node in self.node_dict.values() for op_def in node.definition.iterate_op_defs()]

    def iterate_node_defs(self) -> list[Any]:
        """The graph and everything inside."""
        inner = [found for node in self.node_dict.values() for found in node.definition.iterate_node_defs()]
        return [self, *inner]

    def op_paths(self, prefix: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Node]]:
        """Every op's path and node, in an order that follows the connections."""
        found: list[tuple[tuple[str, ...], Node]] = []
        for node in self.nodes_in_topological_order:
            path = (*prefix, node.name)
            if node.is_graph:
                found += node.definition.op_paths(path)
            else:
                found.append((path, node))
        return found

    # -- copies -------------------------------------------------------------------------------------------

    def copy(self, **changes: Any) -> GraphDefinition:
        """A copy with some arguments of the constructor changed."""
        options: dict[str, Any] = {
            "name": self.name,
            "description": self.description,
            "node_defs": self.node_defs,
            "dependencies": self._dependencies_given,
            "input_mappings": self.input_mappings,
            "output_mappings": self.output_mappings,
            "config": self.config_mapping,
            "tags": self.tags,
            "input_assets": self.input_assets,
            "composition_fn": self.composition_fn,
            "positional_inputs": self.positional_inputs,
            "input_defaults": self._input_defaults,
        }
        options.update({key: value for key, value in changes.items() if value is not None})
        return GraphDefinition(options.pop("name"), **options)

    def configured(
        self,
        config_or_config_fn: Any,
        name: str,
        config_schema: Any = None,
        description: str | None = None,
    ) -> GraphDefinition:
        """A copy under another name with the config of its mapping fixed, or computed by a function.

        Raises:
            InvalidDefinitionError: when the graph has no config mapping.
        """
        mapping = self.config_mapping
        if mapping is None:
            raise InvalidDefinitionError(
                f"expected the graph {self.name!r} to have a config mapping, got none; give it one "
                "with config=ConfigMapping(...)"
            )
        source = fixed_or_mapped(
            config_or_config_fn,
            config_schema,
            inner=mapping.config_field,
            parent=None,
            subject=f"graph {name!r}",
        )

        def through(value: Any) -> Any:
            return mapping.resolve(source.resolve(value))

        outer = ConfigMapping(through, source.outer)
        return self.copy(name=name, description=description, config=outer)

    # -- use ----------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """In the body of a graph or job: use the graph."""
        return PendingNodeInvocation(self)(*args, **kwargs)

    def alias(self, name: str) -> PendingNodeInvocation:
        """Use the graph under another name."""
        return PendingNodeInvocation(self, given_alias=name)

    def tag(self, tags: Mapping[str, str] | None) -> PendingNodeInvocation:
        """Use the graph with further tags."""
        return PendingNodeInvocation(self, tags=tags)

    def with_hooks(self, hook_defs: AbstractSet[HookDefinition]) -> PendingNodeInvocation:
        """Use the graph with hooks."""
        return PendingNodeInvocation(self, hook_defs=hook_defs)

    def with_retry_policy(self, retry_policy: RetryPolicy) -> PendingNodeInvocation:
        """Use the graph with another retry policy for its ops."""
        return PendingNodeInvocation(self, retry_policy=retry_policy)

    def to_job(
        self,
        name: str | None = None,
        description: str | None = None,
        resource_defs: Mapping[str, Any] | None = None,
        config: Any = None,
        tags: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        logger_defs: Mapping[str, Any] | None = None,
        executor_def: Any = None,
        hooks: AbstractSet[HookDefinition] | None = None,
        op_retry_policy: RetryPolicy | None = None,
        op_selection: Sequence[str] | None = None,
        partitions_def: Any = None,
        asset_layer: Any = None,
        input_values: Mapping[str, Any] | None = None,
        run_tags: Mapping[str, Any] | None = None,
        _asset_selection_data: Any = None,
        owners: Sequence[str] | None = None,
        automation_condition: Any = None,
    ) -> Any:
        """A job that runs this graph."""
        # The job's class builds on the graph's, so the graph cannot import it at the top.
        from tidewheel.definitions.jobs.definition import JobDefinition  # noqa: PLC0415

        made = JobDefinition(
            graph_def=self,
            name=name,
            description=description,
            resource_defs=resource_defs,
            config=config,
            tags=tags,
            run_tags=run_tags,
            metadata=metadata,
            logger_defs=logger_defs,
            executor_def=executor_def,
            hook_defs=hooks,
            op_retry_policy=op_retry_policy,
            partitions_def=partitions_def,
            asset_layer=asset_layer,
            input_values=input_values,
            owners=owners,
            automation_condition=automation_condition,
        )
        return made.get_subset(op_selection=op_selection) if op_selection else made

    def coerce_to_job(self) -> Any:
        """A job that runs this graph."""
        return self.to_job()

    def execute_in_process(
        self,
        run_config: Any = None,
        instance: Any = None,
        resources: Mapping[str, Any] | None = None,
        raise_on_error: bool = True,
        op_selection: Sequence[str] | None = None,
        run_id: str | None = None,
        input_values: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run the graph in this process and return what came of it."""
        return self.to_job(resource_defs=resources, input_values=input_values).execute_in_process(
            run_config=run_config,
            instance=instance,
            raise_on_error=raise_on_error,
            op_selection=op_selection,
            run_id=run_id,
        )

    def __repr__(self) -> str:
        return f"GraphDefinition({self.name!r})"

    # -- inner workings -----------------------------------------------------------------------------------

    def _derive_inputs(self) -> dict[str, InputDefinition]:
        found: dict[str, InputDefinition] = {}
        for mapping in self.input_mappings:
            node = self.node_named(mapping.mapped_node_name)
            inner = node.input_dict.get(mapping.mapped_node_input_name)
            if inner is None:
                raise InvalidDefinitionError(
                    f"input mapping of graph {self.name!r}: expected an input of {node.describe_node()}, got "
                    f"{mapping.mapped_node_input_name!r}; {did_you_mean(mapping.mapped_node_input_name, node.input_dict)}"
                )
            known = found.get(mapping.graph_input_name)
            kind = mapping.dagster_type or inner.dagster_type
            if mapping.fan_in_index is not None and inner.dagster_type.supports_fan_in:
                kind = inner.dagster_type.inner_type_for_fan_in
            if known is not None:
                if known.dagster_type is ANY_TYPE or (known.dagster_type.is_nothing and not kind.is_nothing):
                    known.dagster_type = kind
                continue
            default = self._input_defaults.get(mapping.graph_input_name, NO_VALUE)
            if default is NO_VALUE and not kind.is_nothing:
                default = inner.default_value
            found[mapping.graph_input_name] = InputDefinition(
                mapping.graph_input_name,
                kind,
                mapping.graph_input_description or inner.description,
                default,
                inner.metadata,
                inner.asset_key,
                inner.asset_partitions,
                inner.input_manager_key,
            )
        for name in self.positional_inputs:
            found.setdefault(name, InputDefinition(name))
        ordered = [name for name in self.positional_inputs if name in found]
        return {name: found[name] for name in [*ordered, *(n for n in found if n not in ordered)]}

    def _derive_outputs(self) -> dict[str, OutputDefinition]:
        found: dict[str, OutputDefinition] = {}
        for mapping in self.output_mappings:
            node = self.node_named(mapping.mapped_node_name)
            inner = node.output_dict.get(mapping.mapped_node_output_name)
            if inner is None:
                raise InvalidDefinitionError(
                    f"output mapping of graph {self.name!r}: expected an output of {node.describe_node()}, got "
                    f"{mapping.mapped_node_output_name!r}; "
                    f"{did_you_mean(mapping.mapped_node_output_name, node.output_dict)}"
                )
            found[mapping.graph_output_name] = OutputDefinition(
                mapping.dagster_type or inner.dagster_type,
                mapping.graph_output_name,
                mapping.graph_output_description or inner.description,
                inner.is_required,
                inner.io_manager_key,
                inner.metadata,
                inner.code_version,
                inner.is_dynamic or mapping.from_dynamic_mapping,
            )
        return found

    def _check_connections(self) -> None:
        for name, inputs in self._connections.items():
            node = self.node_named(name)
            for input_name, dependency in inputs.items():
                if input_name not in node.input_dict:
                    raise InvalidDefinitionError(
                        f"dependencies of graph {self.name!r}: expected an input of {node.describe_node()}, got "
                        f"{input_name!r}; {did_you_mean(input_name, node.input_dict)}"
                    )
                if not isinstance(dependency, Dependency):
                    raise InvalidDefinitionError(
                        f"dependencies of graph {self.name!r}: expected DependencyDefinition(...) for the input "
                        f"{input_name!r} of {node.describe_node()}, got {dependency!r}; write "
                        f"DependencyDefinition({dependency!r})"
                    )
                for single in dependency.get_node_dependencies():
                    self._check_connection(node, input_name, single, dependency.is_fan_in())

    def _check_connection(
        self, node: Node, input_name: str, single: DependencyDefinition, is_fan_in: bool
    ) -> None:
        upstream = self.node_dict.get(single.node)
        where = f"input {input_name!r} of {node.describe_node()} in {self.name!r}"
        if upstream is None:
            raise InvalidDefinitionError(
                f"{where}: expected a node of the graph, got {single.node!r}; {did_you_mean(single.node, self.node_dict)}"
            )
        output = upstream.output_dict.get(single.output)
        if output is None:
            raise InvalidDefinitionError(
                f"{where}: expected an output of {upstream.describe_node()}, got {single.output!r}; "
                f"{did_you_mean(single.output, upstream.output_dict)}"
            )
        wanted = node.input_dict[input_name].dagster_type
        if is_fan_in and not wanted.supports_fan_in:
            raise InvalidDefinitionError(
                f"{where}: expected a list type, Any or Nothing for a list of outputs, got {wanted.display_name!r}; "
                "annotate it as a list"
            )

    def _topological_order(self) -> list[str]:
        """Names level by level: first the nodes that depend on none, each level by name."""
        waiting = {
            name: {
                single.node
                for dependency in self._connections.get(name, {}).values()
                for single in dependency.get_node_dependencies()
            }
            for name in self.node_dict
        }
        dependents: dict[str, list[str]] = {}
        for name, upstream in waiting.items():
            for above in upstream:
                dependents.setdefault(above, []).append(name)
        free = [name for name, upstream in waiting.items() if not upstream]
        order: list[str] = []
        while free:
            order += sorted(free)
            freed: list[str] = []
            for current in free:
                for below in dependents.get(current, ()):
                    waiting[below].discard(current)
                    if not waiting[below]:
                        freed.append(below)
            free = freed
        if len(order) < len(waiting):
            circle = sorted(name for name in waiting if name not in order)
            raise CircularDependencyError(
                f"expected the nodes of graph {self.name!r} not to depend on themselves, got a circle among {circle}; "
                "remove one of the connections"
            )
        return order


def _place(
    graph: GraphDefinition, node_defs: Sequence[Any], dependencies: Mapping[Any, Mapping[str, Dependency]]
) -> tuple[dict[str, Node], dict[str, dict[str, Dependency]]]:
    """Nodes by name and connections by node name."""
    by_name: dict[str, Any] = {}
    for definition in node_defs:
        known = by_name.get(definition.name)
        if known is not None and known is not definition:
            raise InvalidDefinitionError(
                f"expected definitions in graph {graph.name!r} to have different names, got two different ones named "
                f"{definition.name!r}; rename one of them"
            )
        by_name[definition.name] = definition
    nodes: dict[str, Node] = {}
    connections: dict[str, dict[str, Dependency]] = {}
    used: set[str] = set()
    for key, inputs in dependencies.items():
        invocation = key if isinstance(key, NodeInvocation) else NodeInvocation(key)
        definition = by_name.get(invocation.name)
        if definition is None:
            raise InvalidDefinitionError(
                f"dependencies of graph {graph.name!r}: expected one of its definitions, got {invocation.name!r}; "
                f"{did_you_mean(invocation.name, by_name)}"
            )
        used.add(invocation.name)
        nodes[invocation.node_name] = Node(
            invocation.node_name,
            definition,
            graph_definition=graph,
            tags=invocation.tags,
            hook_defs=invocation.hook_defs,
            retry_policy=invocation.retry_policy,
        )
        connections[invocation.node_name] = dict(inputs)
    for name, definition in by_name.items():
        if name not in used:
            nodes.setdefault(name, Node(name, definition, graph_definition=graph))
    return nodes, connections


def graph(
    compose_fn: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    input_defs: Sequence[InputDefinition] | None = None,
    output_defs: Sequence[OutputDefinition] | None = None,
    ins: Mapping[str, GraphIn] | None = None,
    out: GraphOut | Mapping[str, GraphOut] | None = None,
    tags: Mapping[str, Any] | None = None,
    config: Any = None,
) -> Any:
    """Decorate a function whose body connects ops as a graph; with or without parentheses.

    Parameters are the graph's inputs, what it returns its outputs.
    """

    def decorate(fn: Callable[..., Any]) -> GraphDefinition:
        outputs = (
            out if out is not None else ({d.name: GraphOut() for d in output_defs} if output_defs else None)
        )
        return compose(
            fn,
            name=name,
            description=description,
            ins=ins,
            out=outputs,
            tags=tags,
            config=_mapping(config),
            what="graph",
        )

    return decorate(compose_fn) if compose_fn is not None else decorate


def _mapping(config: Any) -> ConfigMapping | None:
    if config is None or isinstance(config, ConfigMapping):
        return config
    return ConfigMapping(lambda _: config, {})


def compose(
    fn: Callable[..., Any],
    *,
    name: str | None,
    description: str | None,
    ins: Mapping[str, GraphIn] | None = None,
    out: GraphOut | Mapping[str, GraphOut] | None = None,
    tags: Mapping[str, Any] | None = None,
    config: ConfigMapping | None = None,
    what: str = "graph",
    further_inputs: Iterable[str] = (),
) -> GraphDefinition:
    """Run a body and make a graph of what it did.

    ``further_inputs``: like the names of ``ins``, what a body that takes ``**inputs`` is given.

    Raises:
        InvalidDefinitionError: when the body does something that a graph cannot express.
    """
    parameters = _graph_parameters(fn, what, [*(ins or {}), *further_inputs])
    for given in ins or {}:
        if given not in parameters:
            raise InvalidDefinitionError(
                f"expected {what} {fn.__name__!r} to have a parameter {given!r} for its input, got {list(parameters)}"
            )
    composer = Composer(name or fn.__name__, what)
    with composing(composer):
        returned = fn(**{parameter: GraphInputHandle(parameter) for parameter in parameters})
    unused = set(parameters) - {mapping.graph_input_name for mapping in composer.input_mappings}
    if unused and what == "graph":
        raise InvalidDefinitionError(
            f"expected {what} {fn.__name__!r} to pass its inputs on to ops, got {sorted(unused)} unused; "
            "drop the parameters"
        )
    for mapping in composer.input_mappings:
        given_in = (ins or {}).get(mapping.graph_input_name)
        if given_in is not None:
            mapping.graph_input_description = given_in.description
    made = GraphDefinition(
        name or fn.__name__,
        description=description or description_of(fn),
        node_defs=_distinct(composer, what),
        dependencies=composer.dependencies,
        input_mappings=composer.input_mappings,
        output_mappings=_output_mappings(returned, out, what, name or fn.__name__),
        config=config,
        tags=tags,
        input_assets=composer.input_assets,
        composition_fn=fn,
        positional_inputs=list(parameters),
        input_defaults={key: value for key, value in parameters.items() if value is not NO_VALUE},
    )
    made.__doc__ = fn.__doc__
    made.__name__ = fn.__name__  # type: ignore[attr-defined]
    made.__module__ = getattr(fn, "__module__", __name__)
    return made


def _graph_parameters(fn: Callable[..., Any], what: str, ins: Iterable[str]) -> dict[str, Any]:
    """The inputs of a graph with their defaults: the parameters, and with ``**`` what else ``ins`` names."""
    signature = FunctionSignature(fn, what=what) if _has_text_free_annotations(fn) else None
    if signature is not None and signature.var_positional is not None:
        signature.refuse_var_positional()
    found: dict[str, Any] = {}
    for parameter in inspect.signature(fn).parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            raise InvalidDefinitionError(
                f"expected the {what} function {fn.__name__!r} to have named parameters only, got {parameter}"
            )
        if parameter.kind is parameter.VAR_KEYWORD:
            found |= {name: NO_VALUE for name in ins if name not in found}
            continue
        found[parameter.name] = NO_VALUE if parameter.default is parameter.empty else parameter.default
    return found


def _has_text_free_annotations(fn: Callable[..., Any]) -> bool:
    return not any(isinstance(value, str) for value in getattr(fn, "__annotations__", {}).values())


def _distinct(composer: Composer, what: str) -> list[Any]:
    """The definitions used, each once; two different ones of one name cannot be told apart."""
    found: dict[str, Any] = {}
    for definition in composer.nodes.values():
        known = found.setdefault(definition.name, definition)
        if known is not definition:
            raise InvalidDefinitionError(
                f"in {what} {composer.name!r}: expected ops and graphs of different names, got two different ones named "
                f"{definition.name!r}; rename one of them"
            )
    return list(found.values())


def _output_mappings(
    returned: Any, out: GraphOut | Mapping[str, GraphOut] | None, what: str, name: str
) -> list[OutputMapping]:
    if returned is None:
        if out:
            raise InvalidDefinitionError(
                f"expected {what} {name!r} to return its outputs {list(out) if isinstance(out, Mapping) else ''}, "
                "got None; return them from the body"
            )
        return []
    if what == "job" and isinstance(returned, (OutputHandle, Mapping)):
        raise InvalidDefinitionError(
            f"expected job {name!r} to return nothing, as a job has no outputs, got {type(returned).__name__}; "
            "drop the return, or make it a graph"
        )
    if isinstance(returned, GraphInputHandle):
        raise InvalidDefinitionError(
            f"expected {what} {name!r} to return outputs of calls, got its own input "
            f"{returned.name!r}; pass it through an op"
        )
    if isinstance(returned, OutputHandle):
        label = DEFAULT_OUTPUT
        described = out.description if isinstance(out, GraphOut) else None
        if isinstance(out, Mapping):
            if len(out) != 1:
                raise InvalidDefinitionError(
                    f"expected {what} {name!r} to return {len(out)} outputs ({list(out)}), got one; "
                    "return a dict or tuple"
                )
            label, given = next(iter(out.items()))
            described = given.description if given is not None else None
        return [_output_mapping(label, returned, described)]
    return _several(returned, out, what, name)


def _several(
    returned: Any, out: GraphOut | Mapping[str, GraphOut] | None, what: str, name: str
) -> list[OutputMapping]:
    outs = out if isinstance(out, Mapping) else {}
    if isinstance(returned, Mapping):
        handles = dict(returned)
        if outs and set(outs) != set(handles):
            raise InvalidDefinitionError(
                f"expected {what} {name!r} to return a dict with its outputs {sorted(outs)}, got {sorted(handles)}"
            )
    elif isinstance(returned, (tuple, list)):
        names = list(outs) or list(getattr(returned, "_fields", ()))
        if not names:
            return []  # several outputs without names: the graph has none that others could use
        if len(names) != len(returned):
            raise InvalidDefinitionError(
                f"expected {what} {name!r} to name its {len(returned)} outputs, got names {names}; give "
                "out={'name': GraphOut(), ...} or return a dict"
            )
        handles = dict(zip(names, returned, strict=True))
    else:
        raise InvalidDefinitionError(
            f"expected {what} {name!r} to return outputs of calls, got {returned!r} of type {type(returned).__name__}; "
            "return a handle, a dict of them, or nothing"
        )
    made = []
    for label, handle in handles.items():
        if not isinstance(handle, OutputHandle):
            raise InvalidDefinitionError(
                f"expected {what} {name!r} to return an output of a call for {label!r}, got {handle!r}"
            )
        described = outs[label].description if outs.get(label) is not None else None
        made.append(_output_mapping(label, handle, described))
    return made


def _output_mapping(label: str, handle: OutputHandle, description: str | None) -> OutputMapping:
    if isinstance(handle, CollectedHandle):
        raise InvariantViolationError(
            f"expected a call's output to be returned, got the collected output of {handle.described}; "
            "pass it to an op first"
        )
    return OutputMapping(
        label,
        handle.node_name,
        handle.output_name,
        description,
        from_dynamic_mapping=isinstance(handle, DynamicHandle),
    )


__all__ = ["GraphDefinition", "MultiDependencyDefinition", "compose", "graph"]
