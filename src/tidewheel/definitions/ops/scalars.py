"""The names ``String``, ``Int``, ``Float``, ``Bool`` and ``Nothing``: both config types and types of inputs and outputs.

They are classes, so that they can stand in annotations (``-> Nothing``, ``List[Int]``); nobody makes instances of them.
``Any`` is Python's own.
"""

from __future__ import annotations

from typing import Any


class ScalarName(type):
    """The class of the names; prints as the bare name."""

    def __repr__(cls) -> str:
        return cls.__name__


class String(metaclass=ScalarName):
    """Text."""


class Int(metaclass=ScalarName):
    """A whole number."""


class Float(metaclass=ScalarName):
    """A number."""


class Bool(metaclass=ScalarName):
    """True or false."""


class Nothing(metaclass=ScalarName):
    """No value: orders steps without handing anything over."""


PYTHON_SCALARS: dict[type, type] = {str: String, int: Int, float: Float, bool: Bool}

__all__ = ["Any", "Bool", "Float", "Int", "Nothing", "PYTHON_SCALARS", "ScalarName", "String"]
