"""``_replace`` and ``_asdict`` on values that users know as named tuples."""

from __future__ import annotations

import copy
import inspect
from typing import Any, Self

import msgspec

from tidewheel.values.pydantic_fields import usable_as_field


@usable_as_field
class Replaceable:
    """A base of values whose users know them as named tuples."""

    __slots__ = ()

    def _replace(self, **changes: Any) -> Self:
        """A copy with these attributes.

        Raises:
            TypeError: for a name that is no attribute.
        """
        for name in changes:
            if not hasattr(self, name):
                raise TypeError(
                    f"expected attributes of {type(self).__name__}, got {name!r}, which it does not have"
                )
        if isinstance(self, msgspec.Struct):
            return msgspec.structs.replace(self, **changes)  # type: ignore[type-var]
        made = copy.copy(self)
        for name, value in changes.items():
            object.__setattr__(made, name, value)
        return made

    def _asdict(self) -> dict[str, Any]:
        """The attributes that it is made with, by name; their values are as they are."""
        if isinstance(self, msgspec.Struct):
            return {name: getattr(self, name) for name in self.__struct_fields__}
        given = inspect.signature(type(self)).parameters
        names = ["asset_key" if name == "asset" else name for name in given]
        return {name: getattr(self, name) for name in names if hasattr(self, name)}
