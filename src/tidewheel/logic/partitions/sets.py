"""Sets of partitions: a definition and a roaring bitmap of ordinals.

Equal sets are equal values whatever way they were made. Ranges are added as ranges; keys are texts only at
the edges. A set may hold partitions that do not exist now (a window that has not ended, a removed dynamic
key).
"""

from collections.abc import Iterable, Iterator

import msgspec
from pyroaring import BitMap, BitMap64, FrozenBitMap, FrozenBitMap64

from tidewheel.logic.partitions import keys as partition_keys
from tidewheel.logic.partitions import windows
from tidewheel.logic.partitions.definitions import (
    MultiPartitions,
    PartitionsSpec,
    PartitionView,
    TimeWindowPartitions,
)
from tidewheel.logic.partitions.errors import PartitionError
from tidewheel.logic.partitions.keys import UNPARTITIONED


class PartitionSet(msgspec.Struct, frozen=True):
    """Some partitions of one definition; of an unpartitioned asset (`spec` None) everything or nothing.

    `bits` holds ordinals: 64-bit for multi definitions, 32-bit for all others, {0} for everything
    unpartitioned.
    """

    spec: PartitionsSpec | None
    bits: FrozenBitMap | FrozenBitMap64

    def __or__(self, other: "PartitionSet") -> "PartitionSet":
        """The partitions in either set; raises PartitionError for sets of different definitions."""
        self._require_same_spec(other)
        return PartitionSet(self.spec, self.bits | other.bits)  # type: ignore[operator]  # equal widths

    def __and__(self, other: "PartitionSet") -> "PartitionSet":
        """The partitions in both sets; raises PartitionError for sets of different definitions."""
        self._require_same_spec(other)
        return PartitionSet(self.spec, self.bits & other.bits)  # type: ignore[operator]  # equal widths

    def __sub__(self, other: "PartitionSet") -> "PartitionSet":
        """The partitions in this set only; raises PartitionError for sets of different definitions."""
        self._require_same_spec(other)
        return PartitionSet(self.spec, self.bits - other.bits)  # type: ignore[operator]  # equal widths

    def __len__(self) -> int:
        """How many partitions; 1 for everything of an unpartitioned asset."""
        return len(self.bits)

    def __iter__(self) -> Iterator[int]:
        """The ordinals, ascending."""
        return iter(self.bits)

    def __contains__(self, ordinal: int) -> bool:
        """Whether the partition with this ordinal is in the set."""
        return ordinal >= 0 and ordinal in self.bits

    @property
    def is_empty(self) -> bool:
        """Whether there is no partition in the set."""
        return not self.bits

    @property
    def single_bits(self) -> FrozenBitMap:
        """The ordinals of a set that is not of multi partitions; raises PartitionError for one that is."""
        if isinstance(self.bits, FrozenBitMap):
            return self.bits
        raise PartitionError(
            f"partition set: expected one with a single dimension, got one of {_label(self.spec)}; map a dimension"
        )

    @property
    def multi_bits(self) -> FrozenBitMap64:
        """The packed ordinals of a set of multi partitions; raises PartitionError for any other."""
        if isinstance(self.bits, FrozenBitMap64):
            return self.bits
        raise PartitionError(
            f"partition set: expected one of multi partitions, got one of {_label(self.spec)}; map it first"
        )

    def is_subset_of(self, other: "PartitionSet") -> bool:
        """Whether each partition of this set is in the other."""
        self._require_same_spec(other)
        return self.bits.issubset(other.bits)  # type: ignore[arg-type]  # equal widths

    def overlaps(self, other: "PartitionSet") -> bool:
        """Whether the sets have a partition in common."""
        self._require_same_spec(other)
        return self.bits.intersect(other.bits)  # type: ignore[arg-type]  # equal widths

    def keys(self, view: PartitionView) -> Iterator[str]:
        """The keys in the order of their ordinals, made as they are taken; none if unpartitioned."""
        if self.spec is None:
            return iter(())
        spec = self.spec
        return (partition_keys.key_of(spec, ordinal, view) for ordinal in self.bits)

    def _require_same_spec(self, other: "PartitionSet") -> None:
        if self.spec is not other.spec and self.spec != other.spec:
            raise PartitionError(
                f"partition sets: expected two sets of {_label(self.spec)}, got one of {_label(other.spec)}; "
                "map one to the other's definition first"
            )


def nothing(spec: PartitionsSpec | None) -> PartitionSet:
    """The empty set."""
    if spec is None:
        return NOTHING_UNPARTITIONED
    return PartitionSet(spec, FrozenBitMap64() if isinstance(spec, MultiPartitions) else FrozenBitMap())


def everything(spec: PartitionsSpec | None, view: PartitionView) -> PartitionSet:
    """All partitions that exist in the view."""
    if spec is None:
        return EVERYTHING_UNPARTITIONED
    return PartitionSet(spec, partition_keys.existing_ordinals(spec, view))


def from_keys(spec: PartitionsSpec, keys: Iterable[str], view: PartitionView) -> PartitionSet:
    """The set of existing keys; raises UnknownPartitionError at the first that does not exist."""
    return from_ordinals(spec, (partition_keys.ordinal_of(spec, key, view) for key in keys))


def from_ordinals(spec: PartitionsSpec, ordinals: Iterable[int]) -> PartitionSet:
    """The set of partitions with these ordinals; a `range` is added as one piece."""
    bits = BitMap64(ordinals) if isinstance(spec, MultiPartitions) else BitMap(ordinals)
    bits.run_optimize()
    return PartitionSet(spec, FrozenBitMap64(bits) if isinstance(bits, BitMap64) else FrozenBitMap(bits))


def from_range(spec: PartitionsSpec, first: str, last: str, view: PartitionView) -> PartitionSet:
    """The existing partitions from key `first` to key `last`, both included; raises UnknownPartitionError."""
    return PartitionSet(spec, partition_keys.range_ordinals(spec, first, last, view))


def from_window(spec: TimeWindowPartitions, window: windows.Window, view: PartitionView) -> PartitionSet:
    """The existing partitions that lie in a time window as a whole."""
    inside = windows.ordinals_inside(spec, window)
    after = min(inside.stop, windows.bound(spec, view.now))
    return PartitionSet(spec, windows.without_excluded(spec, range(inside.start, after)))


def existing(partitions: PartitionSet, view: PartitionView) -> PartitionSet:
    """The partitions of a set that exist in the view."""
    return partitions & everything(partitions.spec, view)


def _label(spec: PartitionsSpec | None) -> str:
    return "an unpartitioned asset" if spec is None else partition_keys.label_of(spec)


EVERYTHING_UNPARTITIONED = PartitionSet(None, UNPARTITIONED)
NOTHING_UNPARTITIONED = PartitionSet(None, FrozenBitMap())
