"""How nodes of a graph are connected: the dependency of one input on outputs of other nodes, and node invocations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from tidewheel.definitions.ops.hooks import HookDefinition
from tidewheel.definitions.ops.retry_policy import RetryPolicy
from tidewheel.values.tags import normalize_tags


class DependencyDefinition:
    """An input takes one output of one node."""

    __slots__ = ("description", "node", "output")

    def __init__(self, node: str, output: str = "result", description: str | None = None) -> None:
        self.node = node
        self.output = output
        self.description = description

    def is_fan_in(self) -> bool:
        """No."""
        return False

    def get_node_dependencies(self) -> list[DependencyDefinition]:
        """Itself."""
        return [self]

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and (self.node, self.output) == (other.node, other.output)  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((self.node, self.output))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.node!r}, {self.output!r})"


class DynamicCollectDependencyDefinition(DependencyDefinition):
    """An input takes all values of a dynamic output (or of what was mapped over one) as a list."""

    __slots__ = ()


class _MappedInput:
    """A place in a list of sources that is filled by an input of the graph."""

    def __repr__(self) -> str:
        return "<graph input>"


MAPPED_INPUT = _MappedInput()


class MultiDependencyDefinition:
    """An input takes a list of outputs."""

    __slots__ = ("dependencies",)

    def __init__(self, dependencies: Sequence[Any], mapped_inputs: Any = None) -> None:
        self.dependencies = list(dependencies)

    def is_fan_in(self) -> bool:
        """Yes."""
        return True

    def get_node_dependencies(self) -> list[DependencyDefinition]:
        """Those that are outputs of nodes."""
        return [dep for dep in self.dependencies if isinstance(dep, DependencyDefinition)]

    def get_dependencies_and_mappings(self) -> list[Any]:
        """All of them, inputs of the graph included."""
        return self.dependencies


Dependency = DependencyDefinition | MultiDependencyDefinition


class NodeInvocation(NamedTuple):
    """A use of a definition inside a graph, under its own or another name."""

    name: str
    alias: str | None = None
    tags: Mapping[str, str] = {}
    hook_defs: AbstractSet[HookDefinition] = frozenset()
    retry_policy: RetryPolicy | None = None
    is_mapped: bool = False

    @property
    def node_name(self) -> str:
        """The name inside the graph."""
        return self.alias or self.name

    def __hash__(self) -> int:
        return hash((self.name, self.alias))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NodeInvocation) and (self.name, self.alias) == (other.name, other.alias)


class NodeHandle(NamedTuple):
    """The place of a node: its name and the handle of the graph around it."""

    name: str
    parent: NodeHandle | None = None

    @property
    def path(self) -> list[str]:
        """Names from the top."""
        return [*(self.parent.path if self.parent is not None else []), self.name]

    def to_string(self) -> str:
        """Names joined by dots."""
        return ".".join(self.path)

    def __str__(self) -> str:
        return self.to_string()

    @staticmethod
    def from_path(path: Sequence[str]) -> NodeHandle:
        """The handle of a path of names."""
        handle: NodeHandle | None = None
        for name in path:
            handle = NodeHandle(name, handle)
        assert handle is not None
        return handle

    @staticmethod
    def from_string(text: str) -> NodeHandle:
        """The handle of names joined by dots."""
        return NodeHandle.from_path(text.split("."))


class Node:
    """A definition in its place inside a graph."""

    def __init__(
        self,
        name: str,
        definition: Any,
        *,
        graph_definition: Any = None,
        tags: Mapping[str, Any] | None = None,
        hook_defs: AbstractSet[HookDefinition] = frozenset(),
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        self.name = name
        self.definition = definition
        self.graph_definition = graph_definition
        self._tags = normalize_tags(tags) if tags else {}
        self.hook_defs = frozenset(hook_defs)
        self.retry_policy = retry_policy

    @property
    def tags(self) -> dict[str, str]:
        """Tags of the definition and of this use of it."""
        return {**self.definition.tags, **self._tags} if self._tags else dict(self.definition.tags)

    @property
    def is_graph(self) -> bool:
        """Whether it is a graph."""
        return bool(getattr(self.definition, "is_graph", False))

    @property
    def input_dict(self) -> Mapping[str, Any]:
        """Inputs by name."""
        return self.definition.input_dict  # type: ignore[no-any-return]

    @property
    def output_dict(self) -> Mapping[str, Any]:
        """Outputs by name."""
        return self.definition.output_dict  # type: ignore[no-any-return]

    def describe_node(self) -> str:
        """For messages."""
        kind = "graph" if self.is_graph else "op"
        return f"{kind} {self.name!r}"

    def __repr__(self) -> str:
        return f"Node({self.name!r})"
