"""Lets classes of ours be the types of fields of pydantic models: such a field takes an instance as it is."""

from __future__ import annotations

from typing import Any, TypeVar

C = TypeVar("C", bound=type)


def usable_as_field(cls: C) -> C:
    """Decorate a class so that fields of pydantic models may be annotated with it and with its subclasses."""
    cls.__get_pydantic_core_schema__ = classmethod(_takes_instances)  # type: ignore[attr-defined]
    return cls


def _takes_instances(cls: type, _source: Any, _handler: Any) -> Any:
    return {"type": "is-instance", "cls": cls}  # a schema of pydantic's core, which need not be loaded for it
