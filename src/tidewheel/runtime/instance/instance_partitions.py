"""The instance's methods about dynamic partitions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from tidewheel.errors import ParameterCheckError
from tidewheel.logic.partitions.validation import require_dynamic_keys
from tidewheel.runtime.instance.instance_parts import InstanceParts
from tidewheel.runtime.views.record_filters import cursor_id
from tidewheel.values.records import PartitionChange


class PartitionKeysPage(msgspec.Struct, frozen=True):
    """A page of partition keys; ``cursor`` asks for the next page, ``has_more`` says whether there is one."""

    results: list[str]
    cursor: str
    has_more: bool


class DynamicPartitionMethods(InstanceParts):
    """Reading and changing named sets of dynamic partitions."""

    def get_dynamic_partitions(self, partitions_def_name: str) -> Sequence[str]:
        """The keys of a set in the order of addition; empty for an unknown set."""
        return [key for key, _ in self._ledger.get_dynamic_partitions(_name(partitions_def_name))]

    def get_existing_dynamic_partitions(
        self, partitions_def_name: str, partition_keys: Iterable[str]
    ) -> set[str]:
        """Those of the keys that are in the set."""
        return set(partition_keys).intersection(self.get_dynamic_partitions(partitions_def_name))

    def get_paginated_dynamic_partitions(
        self, partitions_def_name: str, limit: int, ascending: bool, cursor: str | None = None
    ) -> PartitionKeysPage:
        """A page of a set's keys in the order of addition, or backwards."""
        stored = self._ledger.get_dynamic_partitions(_name(partitions_def_name))
        if not ascending:
            stored = stored[::-1]
        last = cursor_id(cursor)
        if last is not None:
            stored = [(key, n) for key, n in stored if (n > last if ascending else n < last)]
        page = stored[:limit]
        return PartitionKeysPage(
            [key for key, _ in page], str(page[-1][1]) if page else cursor or "", len(stored) > len(page)
        )

    def has_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> bool:
        """Whether a key is in the set."""
        return partition_key in self.get_dynamic_partitions(partitions_def_name)

    def add_dynamic_partitions(self, partitions_def_name: str, partition_keys: Sequence[str]) -> None:
        """Add keys to a set; those that it has already change nothing. Numbers become their texts.

        Raises:
            ParameterCheckError: when the keys are given as one string.
            PartitionError: when a key is empty or no text.
        """
        if isinstance(partition_keys, str):
            raise ParameterCheckError(
                f"expected 'partition_keys' to be a list of keys, got the string {partition_keys!r}; "
                f"write [{partition_keys!r}]"
            )
        keys = tuple(str(key) if type(key) in (int, float) else key for key in partition_keys)
        require_dynamic_keys(keys)
        self._change(PartitionChange(name=_name(partitions_def_name), add=keys))

    def delete_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> None:
        """Delete a key from a set; an unknown one changes nothing. What was made of the partition stays."""
        self._change(PartitionChange(name=_name(partitions_def_name), delete=(partition_key,)))

    def _change(self, change: PartitionChange) -> None:
        self._ledger.change_dynamic_partitions(change, now=self._clock())


def _name(name: str) -> str:
    if not isinstance(name, str) or not name:
        raise ParameterCheckError(
            f"expected the name of a DynamicPartitionsDefinition, got {name!r}; give its 'name'"
        )
    return name
