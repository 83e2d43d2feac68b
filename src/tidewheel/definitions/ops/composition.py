"""What happens while the body of a graph or job runs: calls of ops are recorded as nodes and connections.

A call returns handles for its outputs. Passing a handle to another call connects the two; ``.map`` and ``.collect`` of a
dynamic output's handle say how steps multiply and come together again.
"""

from __future__ import annotations

import contextvars
import warnings
from collections import namedtuple
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from tidewheel.definitions.assets.asset_labels import require_name
from tidewheel.definitions.jobs.execution_hooks import hooks
from tidewheel.definitions.ops.dependencies import (
    MAPPED_INPUT,
    Dependency,
    DependencyDefinition,
    DynamicCollectDependencyDefinition,
    MultiDependencyDefinition,
    NodeInvocation,
)
from tidewheel.definitions.ops.hooks import HookDefinition
from tidewheel.definitions.ops.inputs_outputs import InputMapping
from tidewheel.definitions.ops.retry_policy import RetryPolicy
from tidewheel.errors import InvalidDefinitionError, InvariantViolationError, ParameterCheckError


class OutputHandle:
    """One output of a call, to be passed on to other calls."""

    def __init__(self, node_name: str, output_name: str, described: str) -> None:
        self.node_name = node_name
        self.output_name = output_name
        self.described = described

    def __iter__(self) -> Any:
        raise InvariantViolationError(
            f"expected the output {self.output_name!r} of {self.described} to be passed on whole, got "
            "it iterated; its value "
            "is known at run time only. Use several outputs, or a dynamic output"
        )

    def __getitem__(self, _key: Any) -> Any:
        raise InvariantViolationError(
            f"expected the output {self.output_name!r} of {self.described} to be passed on whole, got "
            "it indexed; its value is "
            "known at run time only. Use several outputs, or index it inside an op"
        )

    def alias(self, _name: Any) -> Any:
        """Always an error.

        Raises:
            InvariantViolationError: aliases belong before the call.
        """
        raise InvariantViolationError(
            f"expected alias before the call of {self.described}, got it after; write op.alias(...)(...)"
        )

    def with_hooks(self, _hooks: Any) -> Any:
        """Always an error.

        Raises:
            InvariantViolationError: hooks belong before the call.
        """
        raise InvariantViolationError(
            f"expected with_hooks before the call of {self.described}, got it after; write op.with_hooks(...)(...)"
        )


class DynamicHandle(OutputHandle):
    """A dynamic output of a call (or what was mapped over one): map over it or collect it."""

    def map(self, fn: Callable[[Any], Any]) -> Any:
        """Call ``fn`` with a handle that stands for each value; what it returns can be mapped or collected in turn.

        Raises:
            InvalidDefinitionError: when it returns anything but handles.
        """
        made = fn(MappedHandle(self.node_name, self.output_name, self.described))
        if isinstance(made, (MappedHandle, OutputHandle)):
            return _dynamic(made)
        if isinstance(made, tuple) and all(isinstance(part, OutputHandle) for part in made):
            parts = [_dynamic(part) for part in made]
            return type(made)(*parts) if hasattr(made, "_fields") else tuple(parts)
        if isinstance(made, list) and all(isinstance(part, OutputHandle) for part in made):
            return [_dynamic(part) for part in made]
        if made is None:
            return None
        raise InvalidDefinitionError(
            f"expected the function passed to map over {self.described} to return outputs of calls, got {made!r}"
        )

    def collect(self) -> CollectedHandle:
        """All values as a list."""
        return CollectedHandle(self.node_name, self.output_name, self.described)


class MappedHandle(OutputHandle):
    """One value of a dynamic output, inside ``map``."""


class CollectedHandle(OutputHandle):
    """All values of a dynamic output."""


def _dynamic(handle: OutputHandle) -> OutputHandle:
    if isinstance(handle, CollectedHandle):
        return handle
    return DynamicHandle(handle.node_name, handle.output_name, handle.described)


class GraphInputHandle:
    """An input of the graph whose body runs."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __iter__(self) -> Any:
        raise InvariantViolationError(
            f"expected the graph's input {self.name!r} to be passed on whole, got it iterated; its value is known at run "
            "time only"
        )


class Composer:
    """Records the calls inside one body."""

    def __init__(self, name: str, what: str) -> None:
        self.name = name
        self.what = what
        self.nodes: dict[str, Any] = {}
        self.invocations: dict[str, NodeInvocation] = {}
        self.dependencies: dict[NodeInvocation, dict[str, Dependency]] = {}
        self.input_mappings: list[InputMapping] = []
        self.input_assets: dict[str, dict[str, Any]] = {}
        self.pending: set[int] = set()

    def add(
        self,
        definition: Any,
        *,
        alias: str | None,
        inputs: Mapping[str, Any],
        tags: Mapping[str, Any] | None,
        hook_defs: AbstractSet[HookDefinition] | None,
        retry_policy: RetryPolicy | None,
    ) -> str:
        """Record a call; returns the node's name."""
        name = alias or self._free_name(definition.name)
        if name in self.nodes:
            raise InvalidDefinitionError(
                f"expected every node of {self.what} {self.name!r} to have its own name, got {name!r} "
                "twice; use .alias(...)"
            )
        invocation = NodeInvocation(
            definition.name,
            name if name != definition.name else None,
            dict(tags or {}),
            frozenset(hook_defs or ()),
            retry_policy,
        )
        self.nodes[name] = definition
        self.invocations[name] = invocation
        connections: dict[str, Dependency] = {}
        for input_name, given in inputs.items():
            dependency = self._connect(name, input_name, given, definition)
            if dependency is not None:
                connections[input_name] = dependency
        self.dependencies[invocation] = connections
        return name

    def _free_name(self, name: str) -> str:
        if name not in self.nodes:
            return name
        number = 2
        while f"{name}_{number}" in self.nodes:
            number += 1
        return f"{name}_{number}"

    def _connect(self, node: str, input_name: str, given: Any, definition: Any) -> Dependency | None:
        if isinstance(given, GraphInputHandle):
            self.input_mappings.append(
                InputMapping(
                    graph_input_name=given.name, mapped_node_name=node, mapped_node_input_name=input_name
                )
            )
            return None
        if isinstance(given, CollectedHandle):
            return DynamicCollectDependencyDefinition(given.node_name, given.output_name)
        if isinstance(given, DynamicHandle):
            raise InvalidDefinitionError(
                f"in {self.what} {self.name!r}: expected the dynamic output {given.output_name!r} of "
                f"{given.described} to be "
                f"mapped or collected before it goes to input {input_name!r} of {node!r}, got it "
                "directly; use .map(...) or "
                ".collect()"
            )
        if isinstance(given, OutputHandle):
            return DependencyDefinition(given.node_name, given.output_name)
        if isinstance(given, list):
            return self._connect_list(node, input_name, given)
        if _is_asset(given):
            self.input_assets.setdefault(node, {})[input_name] = given
            return None
        raise InvalidDefinitionError(_wrong_value(self, node, input_name, given, definition))

    def _connect_list(self, node: str, input_name: str, given: list[Any]) -> MultiDependencyDefinition:
        dependencies: list[Any] = []
        for index, member in enumerate(given):
            if isinstance(member, GraphInputHandle):
                dependencies.append(MAPPED_INPUT)
                self.input_mappings.append(
                    InputMapping(
                        graph_input_name=member.name,
                        mapped_node_name=node,
                        mapped_node_input_name=input_name,
                        fan_in_index=index,
                    )
                )
            elif isinstance(member, OutputHandle) and not isinstance(
                member, (DynamicHandle, CollectedHandle)
            ):
                dependencies.append(DependencyDefinition(member.node_name, member.output_name))
            else:
                raise InvalidDefinitionError(
                    f"in {self.what} {self.name!r}: expected the list for input {input_name!r} of "
                    f"{node!r} to hold outputs of "
                    f"calls, got {member!r} at place {index}"
                )
        return MultiDependencyDefinition(dependencies)


def _is_asset(value: Any) -> bool:
    return hasattr(value, "key") and (
        hasattr(value, "io_manager_key") or hasattr(value, "node_keys_by_output_name")
    )


def _wrong_value(composer: Composer, node: str, input_name: str, given: Any, definition: Any) -> str:
    where = f"in {composer.what} {composer.name!r}: expected an output of a call for input {input_name!r} of {node!r}, "
    where += "got "
    if isinstance(given, tuple):
        names = list(getattr(given, "_fields", ()))
        return (
            where + f"several outputs {names}; pick one, e.g. by its name, or pass a list to take all of them"
        )
    if isinstance(given, PendingNodeInvocation) or hasattr(given, "get_output_annotation"):
        return where + f"{getattr(given, 'name', given)!r} without a call; add ()"
    return where + (
        f"the plain value {given!r} of type {type(given).__name__}; bodies only connect ops, so give "
        "it by config, as the "
        "input's default, or from an op that returns it"
    )


_CURRENT: contextvars.ContextVar[Composer | None] = contextvars.ContextVar("composer", default=None)


def current_composer() -> Composer | None:
    """The record of the body that runs now, if one does."""
    return _CURRENT.get()


class composing:
    """``with composing(Composer(...)) as composer:``: calls inside are recorded."""

    def __init__(self, composer: Composer) -> None:
        self._composer = composer

    def __enter__(self) -> Composer:
        self._token = _CURRENT.set(self._composer)
        return self._composer

    def __exit__(self, *_exc: object) -> None:
        _CURRENT.reset(self._token)


class PendingNodeInvocation:
    """An op or graph about to be used in a body, with another name, tags, hooks or retry policy."""

    def __init__(
        self,
        node_def: Any,
        given_alias: str | None = None,
        tags: Mapping[str, Any] | None = None,
        hook_defs: AbstractSet[HookDefinition] | None = None,
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        self.node_def = node_def
        self.given_alias = require_name(given_alias, "alias") if given_alias is not None else None
        self.tags = dict(tags or {})
        self.hook_defs = frozenset(hook_defs or ())
        self.retry_policy = retry_policy

    @property
    def node_name(self) -> str:
        """The name that the node will have."""
        return self.given_alias or self.node_def.name  # type: ignore[no-any-return]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Use it; outside of a body an op's function is called."""
        composer = current_composer()
        if composer is None:
            if getattr(self.node_def, "is_graph", False):
                raise InvariantViolationError(
                    f"expected the graph {self.node_def.name!r} to be used in the body of a graph or "
                    "job, got a call outside "
                    "of one; use execute_in_process() to run it"
                )
            return hooks().invoke_op(self.node_def, args, kwargs, alias=self.given_alias)
        inputs = _bind(self.node_def, args, kwargs, composer)
        node_name = composer.add(
            self.node_def,
            alias=self.given_alias,
            inputs=inputs,
            tags=self.tags,
            hook_defs=self.hook_defs,
            retry_policy=self.retry_policy,
        )
        return _handles(self.node_def, node_name)

    def alias(self, name: str) -> PendingNodeInvocation:
        """Under another name."""
        return PendingNodeInvocation(self.node_def, name, self.tags, self.hook_defs, self.retry_policy)

    def tag(self, tags: Mapping[str, Any] | None) -> PendingNodeInvocation:
        """With further tags."""
        both = {**self.tags, **(tags or {})}
        return PendingNodeInvocation(self.node_def, self.given_alias, both, self.hook_defs, self.retry_policy)

    def with_hooks(self, hook_defs: AbstractSet[HookDefinition]) -> PendingNodeInvocation:
        """With further hooks."""
        both = self.hook_defs | frozenset(hook_defs)
        return PendingNodeInvocation(self.node_def, self.given_alias, self.tags, both, self.retry_policy)

    def with_retry_policy(self, retry_policy: RetryPolicy) -> PendingNodeInvocation:
        """With another retry policy."""
        return PendingNodeInvocation(self.node_def, self.given_alias, self.tags, self.hook_defs, retry_policy)

    def to_job(self, name: str | None = None, **options: Any) -> Any:
        """A job of the graph under this name, with these tags and hooks."""
        self._require_graph("to_job")
        options["tags"] = {**self.tags, **(options.get("tags") or {})} or None
        options["hooks"] = self.hook_defs | frozenset(options.get("hooks") or ())
        return self.node_def.to_job(name=name or self.given_alias, **options)

    def execute_in_process(self, **options: Any) -> Any:
        """Run the graph in this process."""
        self._require_graph("execute_in_process")
        return self.to_job().execute_in_process(**options)

    def _require_graph(self, method: str) -> None:
        if not getattr(self.node_def, "is_graph", False):
            raise ParameterCheckError(
                f"expected {method} of a graph, got of the op {self.node_def.name!r}; put it in a job"
            )


def _bind(
    definition: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], composer: Composer
) -> dict[str, Any]:
    """Arguments by input name: positional ones go to the inputs in the order of the function's parameters."""
    names = list(definition.positional_inputs)
    names += [name for name in definition.input_dict if name not in names]
    inputs: dict[str, Any] = {}
    if len(args) > len(names):
        raise InvalidDefinitionError(
            f"in {composer.what} {composer.name!r}: expected at most {len(names)} inputs for {definition.name!r} "
            f"({', '.join(names) or 'it has none'}), got {len(args)}; remove the others"
        )
    for name, value in zip(names, args, strict=False):
        inputs[name] = value
    for name, value in kwargs.items():
        if name not in definition.input_dict:
            raise InvalidDefinitionError(
                f"in {composer.what} {composer.name!r}: expected an input of {definition.name!r} "
                f"({', '.join(names) or 'none'}), "
                f"got {name!r}; correct the name"
            )
        if name in inputs:
            raise InvalidDefinitionError(
                f"in {composer.what} {composer.name!r}: expected one value for input {name!r} of "
                f"{definition.name!r}, got two"
            )
        inputs[name] = value
    return inputs


def _handles(definition: Any, node_name: str) -> Any:
    described = f"{'graph' if getattr(definition, 'is_graph', False) else 'op'} {node_name!r}"
    made = []
    for output in definition.output_dict.values():
        kind = DynamicHandle if output.is_dynamic else OutputHandle
        made.append(kind(node_name, output.name, described))
    if not made:
        return None
    if len(made) == 1:
        return made[0]
    names = list(definition.output_dict)
    with warnings.catch_warnings():
        outputs = namedtuple(f"{definition.name}_outputs", names, rename=True)  # type: ignore[misc]
    return outputs(*made)
