"""Reads a user's function: which parameter is the context, which are config, resources and inputs, what it returns."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from typing import Any

from tidewheel.definitions.resources.pythonic_resources import is_resource_annotation, refuse_resource_makers
from tidewheel.errors import InvalidDefinitionError

CONTEXT_NAMES = frozenset({"context", "_context", "context_", "_"})
CONFIG_NAME = "config"
EMPTY = inspect.Parameter.empty


class FunctionSignature:
    """A function's parameters sorted by what they are for.

    ``inputs`` are (name, annotation, default), in order; annotations that are texts have been evaluated.
    """

    def __init__(self, fn: Callable[..., Any], *, what: str = "op") -> None:
        self.fn = fn
        self.name = getattr(fn, "__name__", type(fn).__name__)
        self.what = what
        parameters = list(inspect.signature(fn).parameters.values())
        hints = _annotations(fn, what, self.name)
        self.has_kwargs = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters)
        self.var_positional = next(
            (p for p in parameters if p.kind is inspect.Parameter.VAR_POSITIONAL), None
        )
        self.return_annotation = hints.get("return", EMPTY)
        if _yields(fn, self.return_annotation):
            self.return_annotation = EMPTY  # it is about the generator, not about an output
        named = [p for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
        self.context_name = named[0].name if named and named[0].name in CONTEXT_NAMES else None
        self.context_annotation = hints.get(self.context_name, EMPTY) if self.context_name else EMPTY
        rest = named[1:] if self.context_name else named
        self.config: tuple[Any, Any] | None = None
        self.resources: dict[str, Any] = {}
        self.inputs: dict[str, tuple[Any, Any]] = {}
        for p in rest:
            annotation = hints.get(p.name, EMPTY)
            if p.name == CONFIG_NAME:
                self.config = (annotation, p.default)
            elif is_resource_annotation(annotation):
                refuse_resource_makers(annotation, p.name, f"{what} {self.name!r}")
                self.resources[p.name] = annotation
            else:
                self.inputs[p.name] = (annotation, p.default)
        self.positional_only = [p.name for p in parameters if p.kind is inspect.Parameter.POSITIONAL_ONLY]

    @property
    def has_context(self) -> bool:
        """Whether the first parameter is the context."""
        return self.context_name is not None

    def refuse_foreign_context(self) -> None:
        """Refuse an annotation of the context that is none of the contexts.

        Raises:
            InvalidDefinitionError: when the context is annotated as anything else.
        """
        annotation = self.context_annotation
        if annotation is not EMPTY and not getattr(annotation, "is_execution_context", False):
            raise InvalidDefinitionError(
                f"expected the {self.context_name!r} of the {self.what} function {self.name!r} to be annotated as "
                "OpExecutionContext, AssetExecutionContext, AssetCheckExecutionContext or not at all, got "
                f"{annotation!r}"
            )

    def refuse_var_positional(self) -> None:
        """Refuse ``*args``.

        Raises:
            InvalidDefinitionError: when the function has it.
        """
        if self.var_positional is not None:
            raise InvalidDefinitionError(
                f"expected the {self.what} function {self.name!r} to have named parameters, got "
                f"'*{self.var_positional.name}'; name each input, or use a list"
            )


def _annotations(fn: Callable[..., Any], what: str, name: str) -> dict[str, Any]:
    """Annotations with texts evaluated (``from __future__ import annotations``)."""
    target = (
        inspect.unwrap(fn)
        if inspect.isfunction(fn)
        else type(fn).__call__
        if not inspect.isroutine(fn)
        else fn
    )
    raw = dict(getattr(target, "__annotations__", None) or {})
    if not any(isinstance(value, str) for value in raw.values()):
        return {key: type(None) if value is None else value for key, value in raw.items()}
    local = _closure_names(target)
    resolved: dict[str, Any] = {}
    for key, value in raw.items():
        if not isinstance(value, str):
            resolved[key] = type(None) if value is None else value
            continue
        try:
            evaluated = eval(value, getattr(target, "__globals__", {}), local)
        except NameError:
            found = _evaluate_in_callers(value, target)
            if found is EMPTY:
                raise InvalidDefinitionError(
                    f"expected the annotation {value!r} of parameter {key!r} of the {what} function {name!r} to name "
                    "something that is known in its module, got an unknown name; import it outside of TYPE_CHECKING, "
                    "define it at module level, or drop the annotation"
                ) from None
            evaluated = found
        resolved[key] = type(None) if evaluated is None else evaluated
    return resolved


def first_annotation(fn: Callable[..., Any]) -> Any:
    """The annotation of a function's first parameter; EMPTY where there is none or it is a text."""
    try:
        first = next(iter(inspect.signature(fn).parameters.values()), None)
    except (TypeError, ValueError):
        return EMPTY
    return EMPTY if first is None or isinstance(first.annotation, str) else first.annotation


def _closure_names(fn: Any) -> dict[str, Any]:
    names: dict[str, Any] = {}
    code = getattr(fn, "__code__", None)
    for name, cell in zip(
        getattr(code, "co_freevars", ()), getattr(fn, "__closure__", None) or (), strict=False
    ):
        try:
            names[name] = cell.cell_contents
        except ValueError:
            continue
    return names


def _evaluate_in_callers(text: str, fn: Any) -> Any:
    """Evaluate a text where the function is being defined: names local to the surrounding function count too."""
    frame = inspect.currentframe()
    module = getattr(fn, "__module__", None)
    try:
        while frame is not None:
            if frame.f_globals.get("__name__") == module and frame.f_locals is not frame.f_globals:
                try:
                    return eval(text, frame.f_globals, dict(frame.f_locals))
                except NameError:
                    pass
            frame = frame.f_back
    finally:
        del frame
    return EMPTY


def _yields(fn: Callable[..., Any], annotation: Any) -> bool:
    return (
        inspect.isgeneratorfunction(fn)
        or inspect.isasyncgenfunction(fn)
        or (annotation is not EMPTY and is_generator_annotation(annotation))
    )


def is_generator_annotation(annotation: Any) -> bool:
    """Whether an annotation says that the function yields."""
    origin = typing.get_origin(annotation) or annotation
    return origin in _GENERATORS


_GENERATORS = frozenset(
    typing.get_origin(kind)
    for kind in (
        typing.Iterator,
        typing.Iterable,
        typing.Generator,
        typing.AsyncIterator,
        typing.AsyncGenerator,
        typing.AsyncIterable,
    )
)
