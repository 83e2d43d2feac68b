"""Stand-ins for private names of Dagster's that we do not have: they can be imported and annotated with, not used."""

from __future__ import annotations

from functools import cache
from typing import Any


class UnsupportedNameError(ImportError):
    """A name of Dagster's that Tidewheel does not have. The message says what to use instead."""


class UnsupportedAttributeError(AttributeError):
    """The same where the name is looked up as an attribute, so that ``hasattr`` says no (Python has no class for both)."""


def unsupported(path: str) -> str:
    """What to say of a private name that is used."""
    return f"expected a supported name, got {path}, which Tidewheel does not have: it is private in Dagster; use a public name"


@cache
def stand_in(path: str) -> type:
    """A class for a private name: a base class, a generic one, a constant; making an object of it says what is wrong."""
    module, _, name = path.rpartition(".")

    def refuse(cls: type, *_: Any, **__: Any) -> Any:
        if cls is made:
            raise UnsupportedNameError(unsupported(path))
        return object.__new__(cls)

    def itself(cls: type, _parameters: Any) -> type:
        return cls

    members = {"__module__": module, "__new__": refuse, "__class_getitem__": classmethod(itself)}
    if name.endswith(("Error", "Exception")):  # named in ``except`` and ``pytest.raises``
        return type(name, (Exception,), {"__module__": module})
    made = type(name, (), members)
    made.__abstractmethods__ = frozenset()  # type: ignore[attr-defined]  # read by files that wrap such a class
    return made
