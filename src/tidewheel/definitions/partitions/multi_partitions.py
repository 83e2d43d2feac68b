"""Partitions of two dimensions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from tidewheel.definitions.partitions.definition import (
    DynamicPartitionsDefinition,
    PartitionsDefinition,
    checked,
)
from tidewheel.definitions.partitions.partition_context import view_at
from tidewheel.definitions.partitions.partition_keys import MultiPartitionKey, PartitionKeyRange, TimeWindow
from tidewheel.definitions.partitions.time_partitions import TimeWindowPartitionsDefinition
from tidewheel.errors import CheckError, InvalidDefinitionError, InvalidInvocationError, UnknownPartitionError
from tidewheel.logic.partitions import keys as key_logic
from tidewheel.logic.partitions.definitions import MultiPartitions
from tidewheel.logic.partitions.errors import UnknownPartitionError as UnknownKey
from tidewheel.values.tags import PARTITION, PARTITION_DIMENSION_PREFIX


class PartitionDimensionDefinition(NamedTuple):
    """One dimension: its name and its definition."""

    name: str
    partitions_def: PartitionsDefinition


class MultiPartitionsDefinition(PartitionsDefinition):
    """Every combination of the keys of two named dimensions."""

    def __init__(self, partitions_defs: Mapping[str, PartitionsDefinition]) -> None:
        if len(partitions_defs) != 2:
            raise InvalidInvocationError(
                f"multi partitions: expected two dimensions, got {len(partitions_defs)} ({sorted(partitions_defs)}); "
                "split or join dimensions until there are two"
            )
        for name, definition in partitions_defs.items():
            if not isinstance(definition, PartitionsDefinition) or isinstance(
                definition, MultiPartitionsDefinition
            ):
                raise InvalidDefinitionError(
                    f"multi partitions: expected dimension {name!r} as time windows, static or dynamic partitions, "
                    f"got {definition!r}; nest none"
                )
            if isinstance(definition, DynamicPartitionsDefinition) and definition.name is None:
                raise InvalidDefinitionError(
                    f"multi partitions: expected dimension {name!r} with a name, got a partition_fn; pass name='...'"
                )
        self._definitions = dict(sorted(partitions_defs.items()))
        dimensions = tuple((name, one.spec) for name, one in self._definitions.items())
        self._spec = MultiPartitions(dimensions=dimensions)  # type: ignore[arg-type]  # none is multi itself
        checked(self._spec)

    @property
    def spec(self) -> MultiPartitions:
        """The serialisable value that this definition is."""
        return self._spec

    @property
    def partitions_defs(self) -> Sequence[PartitionDimensionDefinition]:
        """The dimensions in the alphabetical order of their names."""
        return [PartitionDimensionDefinition(name, one) for name, one in self._definitions.items()]

    @property
    def partition_dimension_names(self) -> list[str]:
        """The dimensions' names, in alphabetical order."""
        return list(self._definitions)

    def get_partitions_def_for_dimension(self, dimension_name: str) -> PartitionsDefinition:
        """The definition of one dimension.

        Raises:
            CheckError: when there is no such dimension.
        """
        found = self._definitions.get(dimension_name)
        if found is None:
            raise CheckError(
                f"expected one of the dimensions {self.partition_dimension_names}, got {dimension_name!r}"
            )
        return found

    @property
    def primary_dimension(self) -> PartitionDimensionDefinition:
        """The time dimension if there is one, else the first."""
        return self.time_window_dimension_or_none or self.partitions_defs[0]

    @property
    def secondary_dimension(self) -> PartitionDimensionDefinition:
        """The other dimension."""
        return next(one for one in self.partitions_defs if one.name != self.primary_dimension.name)

    @property
    def time_window_dimension_or_none(self) -> PartitionDimensionDefinition | None:
        """The first dimension of time windows, if there is one."""
        for one in self.partitions_defs:
            if isinstance(one.partitions_def, TimeWindowPartitionsDefinition):
                return one
        return None

    @property
    def has_time_window_dimension(self) -> bool:
        """Whether exactly one dimension is time windows."""
        found = [one for one in self._definitions.values() if isinstance(one, TimeWindowPartitionsDefinition)]
        return len(found) == 1

    @property
    def time_window_dimension(self) -> PartitionDimensionDefinition:
        """The dimension of time windows.

        Raises:
            CheckError: when there is none, or two.
        """
        found = self.time_window_dimension_or_none
        if found is None or not self.has_time_window_dimension:
            raise CheckError(
                f"expected exactly one dimension of time windows, got {self.partition_dimension_names}; "
                "ask a dimension by name instead"
            )
        return found

    @property
    def time_window_partitions_def(self) -> TimeWindowPartitionsDefinition:
        """The definition of the time dimension."""
        definition = self.time_window_dimension.partitions_def
        assert isinstance(definition, TimeWindowPartitionsDefinition)
        return definition

    def time_window_for_partition_key(self, partition_key: str) -> TimeWindow:
        """The window of a key's time dimension."""
        key = self.get_partition_key_from_str(partition_key)
        dimension = self.time_window_dimension
        return self.time_window_partitions_def.time_window_for_partition_key(
            key.keys_by_dimension[dimension.name]
        )

    def get_partition_keys(
        self, current_time: datetime | None = None, dynamic_partitions_store: Any = None
    ) -> Sequence[MultiPartitionKey]:
        """All keys, the first dimension major."""
        (first_name, first), (second_name, second) = self._definitions.items()
        seconds = second.get_partition_keys(current_time, dynamic_partitions_store)
        return [
            MultiPartitionKey({first_name: a, second_name: b})
            for a in first.get_partition_keys(current_time, dynamic_partitions_store)
            for b in seconds
        ]

    def get_partition_key_from_str(self, partition_key_str: str) -> MultiPartitionKey:
        """A text as a key with its dimensions.

        Raises:
            UnknownPartitionError: when it is no key of this definition.
        """
        if isinstance(partition_key_str, MultiPartitionKey):
            return partition_key_str
        parts = partition_key_str.split("|")
        if len(parts) != 2:
            try:
                parts = list(key_logic.key_parts(self._spec, partition_key_str, view_at()))
            except UnknownKey as exc:
                raise UnknownPartitionError(str(exc)) from exc
        return MultiPartitionKey(dict(zip(self._definitions, parts, strict=True)))

    def is_valid_key_format(self, partition_key: str) -> bool:
        """Whether a text is two parts joined by ``|``."""
        return len(partition_key.split("|")) == 2

    def get_multipartition_keys_with_dimension_value(
        self, dimension_name: str, dimension_partition_key: str, dynamic_partitions_store: Any = None
    ) -> Sequence[MultiPartitionKey]:
        """All keys with this part in one dimension."""
        self.get_partitions_def_for_dimension(dimension_name)
        other = next(name for name in self._definitions if name != dimension_name)
        keys = self._definitions[other].get_partition_keys(None, dynamic_partitions_store)
        return [MultiPartitionKey({dimension_name: dimension_partition_key, other: key}) for key in keys]

    def get_multipartition_keys_with_dimension_values(
        self, partition_keys_by_dimension: Mapping[str, Sequence[str]]
    ) -> Sequence[MultiPartitionKey]:
        """All combinations of these parts."""
        (first, second) = self._definitions
        return [
            MultiPartitionKey({first: a, second: b})
            for a in partition_keys_by_dimension[first]
            for b in partition_keys_by_dimension[second]
        ]

    def get_partition_keys_in_range(
        self, partition_key_range: PartitionKeyRange, dynamic_partitions_store: Any = None
    ) -> Sequence[MultiPartitionKey]:
        """The existing keys of a range: the product of the dimensions' ranges."""
        found = super().get_partition_keys_in_range(partition_key_range, dynamic_partitions_store)
        return [self.get_partition_key_from_str(key) for key in found]

    def get_tags_for_partition_key(self, partition_key: str) -> Mapping[str, str]:
        """The tags that a run of this partition carries: the key and its part in each dimension."""
        key = self.get_partition_key_from_str(partition_key)
        tags = {PARTITION_DIMENSION_PREFIX + name: part for name, part in key.keys_by_dimension.items()}
        return {PARTITION: str(key), **tags}

    def __str__(self) -> str:
        lines = [f"{name.capitalize()}: {one}" for name, one in self._definitions.items()]
        return "Multi-partitioned, with dimensions: \n" + " \n".join(lines)

    def __repr__(self) -> str:
        return f"MultiPartitionsDefinition({self._definitions!r})"
