"""Some partitions of one definition, as user code handles them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tidewheel.definitions.partitions.partition_keys import PartitionKeyRange
from tidewheel.logic.partitions import keys as key_logic
from tidewheel.logic.partitions import sets
from tidewheel.logic.partitions.definitions import PartitionView


class PartitionsSubset:
    """A set of partitions, as of one moment; the usual set operators give new ones."""

    def __init__(
        self,
        partitions_def: Any,  # a PartitionsDefinition, whose module makes subsets
        members: sets.PartitionSet,
        view: PartitionView,
    ) -> None:
        self.partitions_def = partitions_def
        self.members = members
        self.view = view

    def get_partition_keys(self) -> Iterable[str]:
        """The keys, in order."""
        return list(self.members.keys(self.view))

    def get_partition_keys_not_in_subset(self, partitions_def: Any = None) -> Iterable[str]:
        """Existing keys that are not in the set, in order."""
        rest = sets.everything(self.members.spec, self.view) - self.members
        return list(rest.keys(self.view))

    def get_partition_key_ranges(self, partitions_def: Any = None, **_: Any) -> Sequence[PartitionKeyRange]:
        """The keys as runs of neighbours."""
        spec = self.members.spec
        assert spec is not None
        ranges: list[tuple[int, int]] = []
        for ordinal in self.members:
            if ranges and ordinal == ranges[-1][1] + 1:
                ranges[-1] = (ranges[-1][0], ordinal)
            else:
                ranges.append((ordinal, ordinal))
        return [
            PartitionKeyRange(
                key_logic.key_of(spec, first, self.view), key_logic.key_of(spec, last, self.view)
            )
            for first, last in ranges
        ]

    def with_partition_keys(self, partition_keys: Iterable[str]) -> PartitionsSubset:
        """The set with some more keys."""
        spec = self.members.spec
        assert spec is not None
        ordinals = []
        for key in partition_keys:
            ordinal = key_logic.nameable_ordinal(spec, key, self.view)
            ordinals.append(ordinal if ordinal is not None else key_logic.ordinal_of(spec, key, self.view))
        return self._with(self.members | sets.from_ordinals(spec, ordinals))

    def _with(self, members: sets.PartitionSet) -> PartitionsSubset:
        return PartitionsSubset(self.partitions_def, members, self.view)

    @property
    def is_empty(self) -> bool:
        """Whether there is no partition in it."""
        return self.members.is_empty

    def empty_subset(self) -> PartitionsSubset:
        """No partitions of the same definition."""
        return self._with(sets.nothing(self.members.spec))

    def __or__(self, other: PartitionsSubset) -> PartitionsSubset:
        return self._with(self.members | other.members)

    def __and__(self, other: PartitionsSubset) -> PartitionsSubset:
        return self._with(self.members & other.members)

    def __sub__(self, other: PartitionsSubset) -> PartitionsSubset:
        return self._with(self.members - other.members)

    def __contains__(self, key: object) -> bool:
        spec = self.members.spec
        if spec is None or not isinstance(key, str):
            return False
        ordinal = key_logic.nameable_ordinal(spec, key, self.view)
        return ordinal is not None and ordinal in self.members

    def __len__(self) -> int:
        return len(self.members)

    def __iter__(self) -> Iterator[str]:
        return iter(self.get_partition_keys())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, KeysSubset):
            return set(self.get_partition_keys()) == other.keys
        return isinstance(other, PartitionsSubset) and self.members == other.members

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"PartitionsSubset({list(self.get_partition_key_ranges())!r})"


class KeysSubset:
    """Some partitions by their keys alone, whatever their definition."""

    def __init__(self, subset: Iterable[str] = ()) -> None:
        self.keys = frozenset(subset)

    @property
    def subset(self) -> frozenset[str]:
        """The keys."""
        return self.keys

    @property
    def is_empty(self) -> bool:
        """Whether there is no partition in it."""
        return not self.keys

    def get_partition_keys(self) -> Iterable[str]:
        """The keys, sorted."""
        return sorted(self.keys)

    def with_partition_keys(self, partition_keys: Iterable[str]) -> KeysSubset:
        """The set with some more keys."""
        return KeysSubset({*self.keys, *partition_keys})

    def __contains__(self, key: object) -> bool:
        return key in self.keys

    def __len__(self) -> int:
        return len(self.keys)

    def __or__(self, other: KeysSubset) -> KeysSubset:
        return KeysSubset(self.keys | set(other.get_partition_keys()))

    def __and__(self, other: KeysSubset) -> KeysSubset:
        return KeysSubset(self.keys & set(other.get_partition_keys()))

    def __sub__(self, other: KeysSubset) -> KeysSubset:
        return KeysSubset(self.keys - set(other.get_partition_keys()))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, KeysSubset | PartitionsSubset):
            return NotImplemented
        return self.keys == set(other.get_partition_keys())

    def __hash__(self) -> int:
        return hash(self.keys)

    def __repr__(self) -> str:
        return f"KeysSubset({sorted(self.keys)!r})"
