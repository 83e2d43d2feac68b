"""``record`` and its like: classes of fields as Dagster's private modules make them, for files that import those."""

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(kw_only_default=True, frozen_default=True)
def record(cls: type[T] | None = None, *, checked: bool = True, **_options: Any) -> Any:
    """Decorate a class: its annotated names become fields, given by keyword; objects cannot be changed."""
    if cls is None:
        return lambda given: record(given, checked=checked)
    for name in inspect.get_annotations(cls):
        value = cls.__dict__.get(name)
        if type(value).__hash__ is None and not isinstance(value, dataclasses.Field):
            setattr(cls, name, dataclasses.field(default_factory=functools.partial(copy.copy, value)))
    own = {name: cls.__dict__[name] for name in ("__repr__", "__eq__", "__hash__") if name in cls.__dict__}
    made = dataclasses.dataclass(frozen=True, kw_only=True)(cls)
    for name, value in own.items():
        setattr(made, name, value)
    return made


def as_dict(rec: Any) -> Mapping[str, Any]:
    """The fields of an object by name, not deeper."""
    return {one.name: getattr(rec, one.name) for one in dataclasses.fields(rec)}


def replace(rec: T, **changes: Any) -> T:
    """A copy with other values in some fields."""
    return dataclasses.replace(rec, **changes)  # type: ignore[type-var]


def whitelist_for_serdes(cls: type | None = None, **_options: Any) -> Any:
    """Decorate a class; it stays what it is."""
    if cls is not None:
        return cls
    keep: Callable[[type], type] = lambda given: given  # noqa: E731 - a decorator without a name
    return keep
