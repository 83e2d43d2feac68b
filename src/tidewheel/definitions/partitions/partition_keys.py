"""Small values that name partitions: keys, ranges of keys, keys of two dimensions, windows of time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from tidewheel.errors import CheckError

T = TypeVar("T")
DIMENSION_SEPARATOR = "|"


class TimeWindow(NamedTuple):
    """The moments from ``start`` (included) to ``end`` (excluded)."""

    start: datetime
    end: datetime


class PartitionKeyRange(NamedTuple):
    """All keys from ``start`` to ``end``, both included, in the order of the definition."""

    start: str
    end: str


class MultiPartitionKey(str):
    """A key of two dimensions: the text of both, joined in the alphabetical order of the dimensions' names."""

    keys_by_dimension: Mapping[str, str]

    def __new__(cls, keys_by_dimension: Mapping[str, str]) -> MultiPartitionKey:
        for dimension, key in keys_by_dimension.items():
            if not isinstance(dimension, str) or not isinstance(key, str):
                raise CheckError(
                    f"expected the keys of a multi-partition key as texts, got {key!r} for {dimension!r}; use str()"
                )
        ordered = dict(sorted(keys_by_dimension.items()))
        made = super().__new__(cls, DIMENSION_SEPARATOR.join(ordered.values()))
        made.keys_by_dimension = ordered
        return made

    @property
    def dimension_keys(self) -> list[Any]:
        """The dimensions' keys, in order."""
        return [DimensionKey(name, key) for name, key in self.keys_by_dimension.items()]

    def __getnewargs__(self) -> tuple[Mapping[str, str]]:  # type: ignore[override]
        return (self.keys_by_dimension,)


class DimensionKey(NamedTuple):
    """One dimension's part of a multi-partition key."""

    dimension_name: str
    partition_key: str


class Partition(Generic[T]):
    """A value with a name: the older form of a partition key."""

    def __init__(self, value: T, name: str | None = None) -> None:
        self.value = value
        self.name = name if name is not None else str(value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Partition) and self.value == other.value and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"Partition(value={self.value!r}, name={self.name!r})"


class PaginatedResults(Generic[T]):
    """One page of a list, the cursor of its end, and whether there is more."""

    def __init__(self, *, results: Sequence[T], cursor: str, has_more: bool) -> None:
        self.results = results
        self.cursor = cursor
        self.has_more = has_more

    @classmethod
    def create_from_sequence(
        cls, seq: Sequence[T], limit: int, ascending: bool, cursor: str | None = None
    ) -> PaginatedResults[T]:
        """A page of a whole list; cursors are positions."""
        ordered = list(seq) if ascending else list(reversed(seq))
        begin = int(cursor) if cursor else 0
        page = ordered[begin : begin + limit]
        end = begin + len(page)
        return cls(results=page, cursor=str(end), has_more=end < len(ordered))

    def __iter__(self) -> Iterator[T]:
        return iter(self.results)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PaginatedResults) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]
