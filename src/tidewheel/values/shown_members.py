"""Attributes of objects shown on their classes, so that stand-ins made of a class in tests (``Mock(spec=...)``) have them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

C = TypeVar("C", bound=type)


def shows(*names: str) -> Callable[[C], C]:
    """Decorate a class whose objects set these attributes: the class has them too, as None."""

    def show(cls: C) -> C:
        for name in names:
            setattr(cls, name, None)
        return cls

    return show
