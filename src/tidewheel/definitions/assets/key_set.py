"""A set of keys that remembers their order and has the methods of ``set``, as users know it from ``AssetsDefinition.keys``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import Any, TypeVar

K = TypeVar("K")


class KeySet(AbstractSet[K]):
    """Some keys in the order they were declared in; those of a dict are shared, not copied."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Iterable[K] = ()) -> None:
        self._keys: dict[K, Any] = keys if isinstance(keys, dict) else dict.fromkeys(keys)

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __iter__(self) -> Iterator[K]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __hash__(self) -> int:
        return self._hash()

    def __repr__(self) -> str:
        return "{" + ", ".join(map(repr, self._keys)) + "}" if self._keys else "set()"

    def union(self, *others: Iterable[Any]) -> KeySet[Any]:
        """These and those of the others."""
        return KeySet([*self, *(key for other in others for key in other)])

    def intersection(self, *others: Iterable[Any]) -> KeySet[K]:
        """Those that all the others have, too."""
        sets = [set(other) for other in others]
        return KeySet(key for key in self if all(key in one for one in sets))

    def difference(self, *others: Iterable[Any]) -> KeySet[K]:
        """Those that none of the others has."""
        sets = [set(other) for other in others]
        return KeySet(key for key in self if not any(key in one for one in sets))

    def issubset(self, other: Iterable[Any]) -> bool:
        """Whether the other has all of these."""
        return set(self) <= set(other)

    def issuperset(self, other: Iterable[Any]) -> bool:
        """Whether these hold all of the other's."""
        return set(self) >= set(other)

    def copy(self) -> KeySet[K]:
        """The same keys."""
        return KeySet(self)
