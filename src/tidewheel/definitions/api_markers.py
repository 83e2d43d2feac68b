"""Marks of how settled a part of an interface is: kinds of warnings, functions that warn, decorators that mark.

User code silences the warnings by their kind; libraries mark their own functions with the decorators.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Annotated, Any, TypeVar

T = TypeVar("T")

PUBLIC = "public"
PublicAttr = Annotated[T, PUBLIC]
"""Annotates an attribute that is part of the interface."""

_MARKS = "__tidewheel_marks__"
_ABOVE_DECORATOR = 5
"""Stack level of the call of a marked function, seen from the functions that warn."""


class BetaWarning(Warning):
    """Something that may still change in a minor release is used."""


class ExperimentalWarning(BetaWarning):
    """The older name of ``BetaWarning``, for code that silences it."""


class PreviewWarning(Warning):
    """Something that is only there to be tried is used."""


class SupersessionWarning(FutureWarning):
    """Something for which there is a better way is used; it stays."""


class ConfigArgumentWarning(SyntaxWarning):
    """A parameter of a function is called like config and is none."""


def deprecation_warning(
    subject: str, breaking_version: str, additional_warn_text: str | None = None, stacklevel: int = 3
) -> None:
    """Warn that something will go away in a version."""
    _warn(
        f"{subject} is deprecated and goes away in {breaking_version}",
        additional_warn_text,
        DeprecationWarning,
        stacklevel,
    )


def beta_warning(subject: str, additional_warn_text: str | None = None, stacklevel: int = 3) -> None:
    """Warn that something may still change."""
    _warn(
        f"{subject} is in beta: it may change in a minor release",
        additional_warn_text,
        BetaWarning,
        stacklevel,
    )


def preview_warning(subject: str, additional_warn_text: str | None = None, stacklevel: int = 3) -> None:
    """Warn that something is only there to be tried."""
    _warn(
        f"{subject} is a preview: it may change or go away at any time",
        additional_warn_text,
        PreviewWarning,
        stacklevel,
    )


def supersession_warning(subject: str, additional_warn_text: str | None = None, stacklevel: int = 3) -> None:
    """Warn that there is a better way."""
    _warn(
        f"{subject} is superseded: it stays, and there is a better way",
        additional_warn_text,
        SupersessionWarning,
        stacklevel,
    )


def _warn(text: str, more: str | None, kind: type[Warning], stacklevel: int) -> None:
    if not _is_silent:
        warnings.warn(f"{text}; {more}" if more else text, kind, stacklevel=stacklevel + 1)


_is_silent = False


@contextmanager
def disable_dagster_warnings() -> Generator[None, None, None]:
    """No warnings of this module inside."""
    global _is_silent
    before, _is_silent = _is_silent, True
    try:
        yield
    finally:
        _is_silent = before


def suppress_dagster_warnings(fn: Callable[..., T]) -> Callable[..., T]:
    """A function that gives no warnings of this module."""

    @functools.wraps(fn)
    def quiet(*args: Any, **kwargs: Any) -> T:
        with disable_dagster_warnings():
            return fn(*args, **kwargs)

    return quiet


# -- decorators -------------------------------------------------------------------------------------------------------


def public(obj: T) -> T:
    """Mark as part of the interface."""
    return _marked(obj, "public", True)


def is_public(obj: Any) -> bool:
    """Whether something is marked as part of the interface."""
    return "public" in _marks_of(obj)


def preview(
    obj: Any = None, *, emit_runtime_warning: bool = True, additional_warn_text: str | None = None
) -> Any:
    """Mark as only there to be tried; using it warns."""
    return _decorator(
        obj,
        "preview",
        emit_runtime_warning,
        lambda name: preview_warning(name, additional_warn_text, _ABOVE_DECORATOR),
    )


def beta(
    obj: Any = None, *, emit_runtime_warning: bool = True, additional_warn_text: str | None = None
) -> Any:
    """Mark as something that may still change; using it warns."""
    return _decorator(
        obj,
        "beta",
        emit_runtime_warning,
        lambda name: beta_warning(name, additional_warn_text, _ABOVE_DECORATOR),
    )


def superseded(
    obj: Any = None, *, additional_warn_text: str | None = None, emit_runtime_warning: bool = True
) -> Any:
    """Mark as something for which there is a better way; using it warns."""
    return _decorator(
        obj,
        "superseded",
        emit_runtime_warning,
        lambda name: supersession_warning(name, additional_warn_text, _ABOVE_DECORATOR),
    )


def deprecated(
    obj: Any = None,
    *,
    breaking_version: str,
    additional_warn_text: str | None = None,
    subject: str | None = None,
    emit_runtime_warning: bool = True,
) -> Any:
    """Mark as something that goes away; using it warns."""

    def warn(name: str) -> None:
        deprecation_warning(subject or name, breaking_version, additional_warn_text, _ABOVE_DECORATOR)

    return _decorator(obj, "deprecated", emit_runtime_warning, warn)


def deprecated_param(
    obj: Any = None,
    *,
    param: str,
    breaking_version: str,
    additional_warn_text: str | None = None,
    emit_runtime_warning: bool = True,
    hidden: bool = False,
) -> Any:
    """Mark a parameter as something that goes away; giving it warns."""

    def warn(name: str) -> None:
        deprecation_warning(
            f"the parameter {param!r} of {name}", breaking_version, additional_warn_text, _ABOVE_DECORATOR
        )

    return _param_decorator(obj, "deprecated", param, emit_runtime_warning, warn)


def beta_param(
    obj: Any = None, *, param: str, additional_warn_text: str | None = None, emit_runtime_warning: bool = True
) -> Any:
    """Mark a parameter as something that may still change; giving it warns."""

    def warn(name: str) -> None:
        beta_warning(f"the parameter {param!r} of {name}", additional_warn_text, _ABOVE_DECORATOR)

    return _param_decorator(obj, "beta", param, emit_runtime_warning, warn)


def is_deprecated(obj: Any) -> bool:
    """Whether something is marked as going away."""
    return "deprecated" in _marks_of(obj)


def is_beta(obj: Any) -> bool:
    """Whether something is marked as one that may still change."""
    return "beta" in _marks_of(obj)


def is_preview(obj: Any) -> bool:
    """Whether something is marked as only there to be tried."""
    return "preview" in _marks_of(obj)


def is_superseded(obj: Any) -> bool:
    """Whether something is marked as having a better successor."""
    return "superseded" in _marks_of(obj)


def _plain(obj: Any) -> Any:
    if isinstance(obj, property):
        return obj.fget
    return obj.__func__ if isinstance(obj, (staticmethod, classmethod)) else obj


def _marks_of(obj: Any) -> dict[str, Any]:
    return vars(_plain(obj)).get(_MARKS, {})  # a class does not inherit the marks of its bases


def _marked(obj: T, mark: str, value: Any) -> T:
    target = _plain(obj)
    setattr(target, _MARKS, {**_marks_of(obj), mark: value})
    return obj


def _decorator(obj: Any, mark: str, warns: bool, warn: Callable[[str], None]) -> Any:
    def decorate(target: Any) -> Any:
        made = _wrapped(target, lambda _kwargs: warn(_name(target))) if warns else target
        return _marked(made, mark, True)

    return decorate if obj is None else decorate(obj)


def _param_decorator(obj: Any, mark: str, param: str, warns: bool, warn: Callable[[str], None]) -> Any:
    def decorate(target: Any) -> Any:
        def before(kwargs: dict[str, Any]) -> None:
            if kwargs.get(param) is not None:
                warn(_name(target))

        made = _wrapped(target, before) if warns else target
        return _marked(made, f"{mark}:{param}", True)

    return decorate if obj is None else decorate(obj)


def _name(obj: Any) -> str:
    return str(getattr(_plain(obj), "__qualname__", obj))


def _wrapped(obj: Any, before: Callable[[dict[str, Any]], None]) -> Any:
    """The same function or class, calling ``before`` with its keyword arguments first."""
    if isinstance(obj, property):
        return property(_wrapped(obj.fget, before), obj.fset, obj.fdel, obj.__doc__)
    if isinstance(obj, (staticmethod, classmethod)):
        return type(obj)(_wrapped(obj.__func__, before))
    if inspect.isclass(obj):
        obj.__init__ = _wrapped(obj.__init__, before)  # type: ignore[method-assign]
        return obj
    if not inspect.isroutine(obj):
        return obj  # a definition, such as a resource: it is used by its name, and stays what it is

    @functools.wraps(obj)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        before(kwargs)
        return obj(*args, **kwargs)

    return wrapper
