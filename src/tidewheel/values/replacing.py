"""``_replace`` on values that users make: a copy in which some attributes are others, as named tuples have it."""

from __future__ import annotations

import copy
from typing import Any, Self

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
        made = copy.copy(self)
        for name, value in changes.items():
            if not hasattr(self, name):
                raise TypeError(
                    f"expected attributes of {type(self).__name__}, got {name!r}, which it does not have"
                )
            object.__setattr__(made, name, value)
        return made
