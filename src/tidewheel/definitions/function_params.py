"""What a user's function takes: the context, config, resources, and everything else."""

from __future__ import annotations

import inspect
import sys
import typing
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tidewheel.definitions.pythonic_resources import is_resource_annotation

CONTEXT_NAMES = frozenset({"context", "_", "_context", "context_", "__context", "_context_"})
EMPTY = inspect.Parameter.empty
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class FunctionParams(NamedTuple):
    """The parameters of a user's function, sorted by what they are for.

    ``context``: name of the context parameter, if there is one; ``config``: annotation of ``config``, if there is such a
    parameter; ``resources``: names with annotations; ``others``: all the rest, variadic ones left out.
    """

    context: str | None
    has_config: bool
    config_annotation: Any
    resources: Mapping[str, Any]
    others: tuple[inspect.Parameter, ...]
    has_var_positional: bool
    has_var_keyword: bool
    annotations: Mapping[str, Any]


def read_params(fn: Callable[..., Any], *, first_is_context: bool = False) -> FunctionParams:
    """The parameters of a function.

    ``first_is_context``: the first positional parameter that is no resource is the context whatever it is called.
    """
    parameters = list(inspect.signature(fn).parameters.values())
    annotations = resolved_annotations(fn, parameters)
    context: str | None = None
    has_config = False
    resources: dict[str, Any] = {}
    others: list[inspect.Parameter] = []
    for position, parameter in enumerate(parameters):
        annotation = annotations.get(parameter.name, EMPTY)
        if parameter.kind in _VARIADIC:
            continue
        if annotation is not EMPTY and is_resource_annotation(annotation):
            resources[parameter.name] = annotation
        elif context is None and parameter.kind in _POSITIONAL and (
            (first_is_context and not others) or (position == 0 and parameter.name in CONTEXT_NAMES)
        ):
            context = parameter.name
        elif parameter.name == "config" and not first_is_context:
            has_config = True
        else:
            others.append(parameter)
    kinds = {parameter.kind for parameter in parameters}
    return FunctionParams(
        context=context,
        has_config=has_config,
        config_annotation=annotations.get("config", EMPTY) if has_config else EMPTY,
        resources=resources,
        others=tuple(others),
        has_var_positional=inspect.Parameter.VAR_POSITIONAL in kinds,
        has_var_keyword=inspect.Parameter.VAR_KEYWORD in kinds,
        annotations=annotations,
    )


def resolved_annotations(
    fn: Callable[..., Any], parameters: list[inspect.Parameter] | None = None
) -> dict[str, Any]:
    """Annotations by parameter (``return`` included), texts evaluated where their names are known.

    What cannot be evaluated stays a text.
    """
    if parameters is None:
        parameters = list(inspect.signature(fn).parameters.values())
    raw = {one.name: one.annotation for one in parameters if one.annotation is not EMPTY}
    returned = getattr(fn, "__annotations__", {}).get("return", EMPTY)
    if returned is not EMPTY:
        raw["return"] = returned
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
        return eval(annotation, names)  # noqa: S307 - annotations are the user's own code
    except Exception:  # noqa: BLE001 - a name that only type checkers see
        return annotation
