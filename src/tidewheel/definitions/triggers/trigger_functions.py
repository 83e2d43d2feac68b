"""Functions of schedules and sensors: what they take, and how they are called."""

from __future__ import annotations

import functools
import inspect
import sys
import typing
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from tidewheel.definitions.resources.pythonic_resources import is_resource_annotation, refuse_resource_makers
from tidewheel.errors import InvalidDefinitionError, InvalidInvocationError, ParameterCheckError, did_you_mean

EMPTY = inspect.Parameter.empty
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class FunctionParams(NamedTuple):
    """The parameters of a trigger's function: the context's name, resources, and the names of what is left.

    ``resource_between`` says that a resource stands before the context or an event, so that those
    can't be given by position.
    """

    context: str | None
    resources: tuple[str, ...]
    others: tuple[str, ...]
    resource_between: bool = False

    @property
    def positional(self) -> tuple[str, ...]:
        """The context and what follows it, without resources."""
        return (self.context, *self.others) if self.context is not None else self.others


def read_params(fn: Callable[..., Any]) -> FunctionParams:
    """The parameters of a function; the first one by position that is no resource is the context."""
    parameters = list(inspect.signature(fn).parameters.values())
    annotations = resolved_annotations(fn, parameters)
    context: str | None = None
    resources: list[str] = []
    others: list[str] = []
    resource_between = False
    for parameter in parameters:
        annotation = annotations.get(parameter.name, EMPTY)
        if parameter.kind in _VARIADIC:
            continue
        if annotation is not EMPTY and is_resource_annotation(annotation):
            refuse_resource_makers(annotation, parameter.name, getattr(fn, "__name__", "the function"))
            resources.append(parameter.name)
            continue
        if context is None and parameter.kind in _POSITIONAL:
            context = parameter.name
        elif parameter.default is EMPTY or parameter.kind in _POSITIONAL:
            others.append(parameter.name)
        else:
            continue
        resource_between = resource_between or bool(resources)
    return FunctionParams(context, tuple(resources), tuple(others), resource_between)


def resolved_annotations(fn: Callable[..., Any], parameters: list[inspect.Parameter]) -> dict[str, Any]:
    """Annotations by parameter, texts evaluated where their names are known; what is unknown stays a text."""
    raw = {one.name: one.annotation for one in parameters if one.annotation is not EMPTY}
    if not any(isinstance(annotation, str) for annotation in raw.values()):
        return raw
    plain = inspect.unwrap(fn)
    names = dict(getattr(plain, "__globals__", None) or vars(sys.modules.get(fn.__module__, typing)))
    closure = getattr(plain, "__closure__", None)
    if closure:
        for name, cell in zip(plain.__code__.co_freevars, closure, strict=False):  # type: ignore[attr-defined]
            try:
                names[name] = cell.cell_contents
            except ValueError:  # the cell is still empty
                continue
    return {name: _evaluated(annotation, names) for name, annotation in raw.items()}


def _evaluated(annotation: Any, names: dict[str, Any]) -> Any:
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, names)
    except Exception:  # noqa: BLE001 - a name that only type checkers see
        return annotation


class TriggerFunction:
    """A schedule's or sensor's function: an optional context, resources, and perhaps an event.

    ``what`` names the trigger in messages, such as ``"sensor 'x'"``.
    """

    def __init__(self, fn: Callable[..., Any], what: str) -> None:
        if not callable(fn):
            raise ParameterCheckError(f"{what}: expected a function, got {fn!r}")
        self.fn = fn
        self.what = what
        self.params: FunctionParams = read_params(fn)

    @property
    def takes_context(self) -> bool:
        """Whether there is a parameter for the context."""
        return self.params.context is not None

    @property
    def takes_event(self) -> bool:
        """Whether there is a second positional parameter, for an event."""
        return bool(self.params.others)

    @property
    def resource_keys(self) -> set[str]:
        """Resources that are parameters."""
        return set(self.params.resources)

    def call(self, context: Any, *events: Any, resources: Mapping[str, Any] | None = None) -> Any:
        """Call it with a context; resource parameters come from the context unless given."""
        args = list(events) if events and self.takes_event else []
        if self.params.context is not None:
            args.insert(0, context)
        given = self._resources(context, resources or {})
        if not self.params.resource_between:
            return self.fn(*args, **given)
        return self.fn(**dict(zip(self.params.positional, args, strict=False)), **given)

    def _resources(self, context: Any, given: Mapping[str, Any]) -> dict[str, Any]:
        found = dict(given)
        for name in self.params.resources:
            if name in found:
                continue
            scoped = getattr(context, "resources", None) if context is not None else None
            if scoped is None or not _has(scoped, name):
                raise self._missing(name, scoped)
            found[name] = typed_resource(scoped, name)
        return found

    def invoke(
        self,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        is_context: Callable[[Any], bool],
        required: Collection[str] = (),
    ) -> Any:
        """Call it as a user does in a test: a context first (or by name), resources by name.

        ``required`` are the keys of resources that the context must have besides those that are parameters.

        Raises:
            InvalidInvocationError: when the context is missing or something else was given too.
            InvalidDefinitionError: when a resource is missing.
        """
        given = dict(kwargs)
        resources = {name: given.pop(name) for name in list(given) if name in self.params.resources}
        rest = list(args)
        context: Any = None
        context_name = self.params.context or "context"
        if context_name in given and not rest:
            context = given.pop(context_name)
        elif rest:
            context = rest.pop(0)
        if context is not None and not is_context(context) and self.takes_context:
            raise InvalidInvocationError(
                f"{self.what}: expected its context as first argument, got {context!r}; use the matching build_..._context()"
            )
        if self.takes_context and context is None:
            raise InvalidInvocationError(
                f"{self.what}: expected a context, since its function takes one, got none; use the matching "
                "build_..._context()"
            )
        expected = len(self.params.others)
        events = rest + [given.pop(one) for one in self.params.others[len(rest) :] if one in given]
        if len(events) > expected or given:
            surplus = events[expected:] or sorted(given)
            raise InvalidInvocationError(f"{self.what}: expected no further arguments, got {surplus!r}")
        self._require(context, set(required) - self.resource_keys)
        return self.call(context, *events, resources=resources)

    def _require(self, context: Any, keys: Collection[str]) -> None:
        scoped = getattr(context, "resources", None) if keys else None
        for key in sorted(keys):
            if scoped is None or not _has(scoped, key):
                raise self._missing(key, scoped)

    def _missing(self, name: str, scoped: Any) -> InvalidDefinitionError:
        return InvalidDefinitionError(
            f"{self.what}: expected the resource {name!r}, got none of this key; pass it in "
            f"resources={{{name!r}: ...}} or Definitions(resources=...) "
            f"({did_you_mean(name, _names(scoped))})"
        )


def require_resources_one_way(function: TriggerFunction, named: Collection[str] | None) -> None:
    """Refuse a decorated function that names resources as parameters and in ``required_resource_keys``.

    Raises:
        ParameterCheckError: when it does.
    """
    if named and function.params.resources:
        raise ParameterCheckError(
            f"expected the {function.what} to name its resources as parameters or in required_resource_keys, got both "
            f"({sorted(function.params.resources)} and {sorted(named)}); use one way"
        )


def typed_resource(scoped: Any, name: str) -> Any:
    """A resource as a parameter gets it (which may differ from what the attribute shows)."""
    original = getattr(type(scoped), "typed", None)
    return original(scoped, name) if original is not None else getattr(scoped, name)


def _has(scoped: Any, name: str) -> bool:
    try:
        return name in scoped
    except TypeError:
        return hasattr(scoped, name)


def _names(scoped: Any) -> list[str]:
    known = getattr(scoped, "original_resource_dict", None)
    return list(known) if isinstance(known, Mapping) else []


def function_name(fn: Callable[..., Any], what: str) -> str:
    """The name of a function.

    Raises:
        InvalidDefinitionError: when it has none.
    """
    while isinstance(fn, functools.partial):
        fn = fn.func
    name = getattr(fn, "__name__", None)
    if not isinstance(name, str):
        raise InvalidDefinitionError(
            f"expected a {what} with a name, got {fn!r}, which has none; pass name='...'"
        )
    return name
