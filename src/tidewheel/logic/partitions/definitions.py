"""The kinds of partitions definition, as serialisable values, and what was true of them at one moment.

A definition says which keys there are and gives each a number, its *ordinal*: a time window's position
since the first window, a static key's position, the permanent number of a dynamic key, or two ordinals
packed into 64 bits. Ordinals never change their meaning while a definition's fingerprint stays the same;
sets are kept as ordinals. An unpartitioned asset has the definition None.
"""

from bisect import bisect_left
from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TypeVar, Union

import msgspec
from pyroaring import FrozenBitMap

from tidewheel.logic.partitions.errors import PartitionError


class TimeWindowPartitions(msgspec.Struct, frozen=True, kw_only=True, tag="time_window"):
    """Windows between consecutive ticks of a cron string; a window's key is its start, written in `fmt`.

    `start` and `end` are seconds since the epoch, UTC; a window belongs if it starts at or after `start`
    and ends by `end`. A window exists when it has ended; `end_offset` windows more (or, if negative, fewer)
    exist. `exclusions` are cron strings and window starts (seconds) of windows that do not exist; they keep
    their ordinals.
    """

    cron: str
    zone: str = "UTC"
    start: float
    end: float | None = None
    end_offset: int = 0
    fmt: str
    exclusions: tuple[str | float, ...] = ()


class StaticPartitions(msgspec.Struct, frozen=True, kw_only=True, tag="static", dict=True):
    """A fixed list of keys; a key's ordinal is its position."""

    keys: tuple[str, ...]

    @cached_property
    def ordinals(self) -> Mapping[str, int]:
        """The ordinal of each key."""
        return {key: ordinal for ordinal, key in enumerate(self.keys)}


class DynamicPartitions(msgspec.Struct, frozen=True, kw_only=True, tag="dynamic"):
    """Keys that are added and removed while the system runs; a `PartitionView` knows them by this name."""

    name: str


SinglePartitions = Union[TimeWindowPartitions, StaticPartitions, DynamicPartitions]


class MultiPartitions(msgspec.Struct, frozen=True, kw_only=True, tag="multi"):
    """The product of two named dimensions, kept in the alphabetical order of their names.

    A key is the two dimensions' keys joined by `|` in that order.
    """

    dimensions: tuple[tuple[str, SinglePartitions], ...]

    def __post_init__(self) -> None:
        """Put the dimensions into order and check that there are two; raises PartitionError."""
        names = [name for name, _ in self.dimensions]
        if len(names) != 2 or names[0] == names[1]:
            raise PartitionError(
                f"multi partitions: expected two dimensions with different names, got {names!r}; "
                "split or join dimensions until there are two"
            )
        if names[0] > names[1]:
            msgspec.structs.force_setattr(self, "dimensions", self.dimensions[::-1])

    @property
    def first(self) -> SinglePartitions:
        """The definition of the alphabetically first dimension."""
        return self.dimensions[0][1]

    @property
    def second(self) -> SinglePartitions:
        """The definition of the alphabetically second dimension."""
        return self.dimensions[1][1]

    def position_of(self, name: str) -> int:
        """0 or 1 for the name of a dimension; raises PartitionError."""
        for position, (known, _) in enumerate(self.dimensions):
            if known == name:
                return position
        raise PartitionError(
            f"multi partitions: expected one of the dimensions {[known for known, _ in self.dimensions]!r}, "
            f"got {name!r}; correct the name"
        )


PartitionsSpec = Union[TimeWindowPartitions, StaticPartitions, DynamicPartitions, MultiPartitions]


class DynamicKeys(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """The keys of one dynamic definition with their ordinals, in ascending order of ordinals.

    `keys[i]` has ordinal `ordinals[i]`. `next_ordinal` is greater than any ordinal ever given, also to keys
    that were removed since.
    """

    keys: tuple[str, ...] = ()
    ordinals: tuple[int, ...] = ()
    next_ordinal: int = 0

    @cached_property
    def by_key(self) -> Mapping[str, int]:
        """The ordinal of each key."""
        return dict(zip(self.keys, self.ordinals, strict=True))

    @cached_property
    def by_ordinal(self) -> Mapping[int, str]:
        """The key of each ordinal."""
        return dict(zip(self.ordinals, self.keys, strict=True))

    @cached_property
    def bits(self) -> FrozenBitMap:
        """All ordinals."""
        return FrozenBitMap(self.ordinals)

    def since(self, ordinal: int) -> tuple[str, ...]:
        """The keys with this ordinal or a greater one."""
        return self.keys[bisect_left(self.ordinals, ordinal) :]

    def adding(self, keys: Iterable[str]) -> "DynamicKeys":
        """These keys and the new ones of `keys`, in their order; keys that exist or repeat are left out."""
        new = [key for key in dict.fromkeys(keys) if key not in self.by_key]
        after = self.next_ordinal + len(new)
        return DynamicKeys(
            keys=(*self.keys, *new),
            ordinals=(*self.ordinals, *range(self.next_ordinal, after)),
            next_ordinal=after,
        )

    def extended(self, pairs: Sequence[tuple[str, int]], next_ordinal: int) -> "DynamicKeys":
        """These keys and new ones with their ordinals; what was worked out for these is not worked out again."""
        keys = tuple(key for key, _ in pairs)
        ordinals = tuple(ordinal for _, ordinal in pairs)
        found = DynamicKeys(
            keys=(*self.keys, *keys), ordinals=(*self.ordinals, *ordinals), next_ordinal=next_ordinal
        )
        known, more = self.__dict__, found.__dict__
        if "bits" in known:
            more["bits"] = self.bits | FrozenBitMap(ordinals)
        if "by_key" in known:
            more["by_key"] = _overlaid(self.by_key, dict(pairs))
        if "by_ordinal" in known:
            more["by_ordinal"] = _overlaid(self.by_ordinal, dict(zip(ordinals, keys, strict=True)))
        return found

    def removing(self, keys: Iterable[str]) -> "DynamicKeys":
        """These keys without those of `keys`; the removed ordinals are never given again."""
        gone = set(keys)
        left = [pair for pair in zip(self.keys, self.ordinals, strict=True) if pair[0] not in gone]
        return DynamicKeys(
            keys=tuple(key for key, _ in left),
            ordinals=tuple(ordinal for _, ordinal in left),
            next_ordinal=self.next_ordinal,
        )


_OVERLAY_MAX = 1_000
K = TypeVar("K")
V = TypeVar("V")


def _overlaid(known: Mapping[K, V], more: dict[K, V]) -> Mapping[K, V]:
    """Both together, without copying the larger one each time."""
    over, under = known.maps if isinstance(known, ChainMap) else ({}, known)
    over = {**over, **more}
    return {**under, **over} if len(over) > _OVERLAY_MAX else ChainMap(over, under)  # type: ignore[arg-type]  # only read


class PartitionView(msgspec.Struct, frozen=True, kw_only=True):
    """What decides which partitions exist: the moment (seconds since the epoch) and the dynamic keys by name.

    A dynamic definition that the view does not know has no keys.
    """

    now: float
    dynamic_keys: Mapping[str, DynamicKeys] = msgspec.field(default_factory=dict)

    def keys_of(self, spec: DynamicPartitions) -> DynamicKeys:
        """The keys of a dynamic definition."""
        return self.dynamic_keys.get(spec.name, NO_KEYS)


NO_KEYS = DynamicKeys()
