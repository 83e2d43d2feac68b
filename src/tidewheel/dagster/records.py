"""``record`` and its like: classes of fields as Dagster's private modules make them, for files that import those."""

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar, dataclass_transform

from tidewheel.definitions.loading.serialization import register_class

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


class ImportFrom(NamedTuple):
    """Says in an annotation which module has the class that a text names."""

    module: str


class IHaveNew:
    """The base of records that make their fields of other arguments, in ``__new__``."""

    def __new__(cls, *_: Any, **fields: Any) -> Any:
        """An object with these fields."""
        made = object.__new__(cls)
        for name, value in fields.items():
            object.__setattr__(made, name, value)
        return made

    def __init__(self, *_: Any, **__: Any) -> None:
        """The fields are there already."""


def record_custom(cls: type[T] | None = None, *, checked: bool = True, **_options: Any) -> Any:
    """As ``record``, for a class that derives from ``IHaveNew`` and makes its fields itself."""
    if cls is None:
        return lambda given: record_custom(given, checked=checked)
    return dataclasses.dataclass(frozen=True, init=False)(cls)


def as_dict(rec: Any) -> Mapping[str, Any]:
    """The fields of an object by name, not deeper."""
    return {one.name: getattr(rec, one.name) for one in dataclasses.fields(rec)}


def replace(rec: T, **changes: Any) -> T:
    """A copy with other values in some fields."""
    return dataclasses.replace(rec, **changes)  # type: ignore[type-var]


def whitelist_for_serdes(cls: type | None = None, *, storage_name: str | None = None, **_options: Any) -> Any:
    """Decorate a class, so that ``serialize_value`` can write its objects; it stays what it is."""
    if cls is None:
        return lambda given: whitelist_for_serdes(given, storage_name=storage_name)
    register_class(cls, storage_name)
    return cls
