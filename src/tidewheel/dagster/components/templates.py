"""Texts of component files that hold expressions: ``{{ env.NAME }}``, and what they mean among given names."""

from __future__ import annotations

import datetime
import functools
import importlib
import os
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from tidewheel.errors import InvalidDefinitionError

_NO_DEFAULT = object()


class Environment:
    """Environment variables: ``env.NAME`` (None where it is not set) and ``env("NAME", default)``."""

    def __call__(self, name: str, default: Any = _NO_DEFAULT) -> Any:
        """A variable, or the default.

        Raises:
            InvalidDefinitionError: when it is not set and there is no default.
        """
        found = os.environ.get(name, default)
        if found is _NO_DEFAULT:
            raise InvalidDefinitionError(
                f"expected the environment variable {name!r} to be set, got nothing; set it, or write "
                f"env({name!r}, default)"
            )
        return found

    def __getattr__(self, name: str) -> str | None:
        if name.startswith("__"):  # asked by templates, not by people
            raise AttributeError(name)
        return os.environ.get(name)

    def __getitem__(self, name: str) -> str | None:
        return os.environ.get(name)


def names_of_every_file() -> dict[str, Any]:
    """What every component file may name."""
    dagster = importlib.import_module("tidewheel.dagster")
    return {
        "env": Environment(),
        "dg": dagster,
        "datetime": SimpleNamespace(
            datetime=datetime.datetime, date=datetime.date, timedelta=datetime.timedelta
        ),
        "automation_condition": dagster.AutomationCondition,
    }


def rendered(value: Any, scope: Mapping[str, Any]) -> Any:
    """A value with its texts rendered, at any depth; a text that is one expression is what the expression gives.

    As in Dagster, also a text without any expression is read as a Python literal where it is one: ``"1"`` is 1.

    Raises:
        InvalidDefinitionError: when an expression cannot be evaluated.
    """
    if isinstance(value, str):
        return _text(value, scope)
    if isinstance(value, Mapping):
        return {rendered(key, scope): rendered(one, scope) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [rendered(one, scope) for one in value]
    return value


def has_expression(text: str) -> bool:
    """Whether a text holds an expression."""
    return "{{" in text or "{%" in text


def _text(text: str, scope: Mapping[str, Any]) -> Any:
    if not text:
        return text
    try:
        return _renderer()(text, scope)
    except InvalidDefinitionError:
        raise
    except Exception as exc:  # user code, or a mistake in the template
        raise InvalidDefinitionError(
            f"expected an expression that can be evaluated, got {text!r} ({type(exc).__name__}: {exc}); the names that are "
            f"known here are {', '.join(sorted(scope))}"
        ) from exc


@functools.cache
def _renderer() -> Callable[[str, Mapping[str, Any]], Any]:
    # made late: only projects with component files need it
    from jinja2 import StrictUndefined, Undefined  # noqa: PLC0415 - third party, heavy
    from jinja2.nativetypes import NativeEnvironment  # noqa: PLC0415

    templates = NativeEnvironment(undefined=StrictUndefined)

    def render(text: str, scope: Mapping[str, Any]) -> Any:
        found = templates.from_string(text).render(**scope)
        return str(found) if isinstance(found, Undefined) else found  # as a text it raises what is undefined

    return render
