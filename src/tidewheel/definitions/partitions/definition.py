"""Partitions definitions as users write them: thin objects over the pure values of ``logic.partitions``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from tidewheel.definitions.partitions.partition_context import view_at
from tidewheel.definitions.partitions.partition_keys import PaginatedResults, Partition, PartitionKeyRange
from tidewheel.definitions.partitions.partition_subset import PartitionsSubset
from tidewheel.definitions.triggers.run_request import (
    AddDynamicPartitionsRequest,
    DeleteDynamicPartitionsRequest,
)
from tidewheel.errors import (
    CheckError,
    InvalidDefinitionError,
    InvalidInvocationError,
    ParameterCheckError,
    UnknownPartitionError,
)
from tidewheel.logic.partitions import keys as key_logic
from tidewheel.logic.partitions import sets
from tidewheel.logic.partitions.codec import fingerprint
from tidewheel.logic.partitions.definitions import (
    DynamicPartitions,
    PartitionsSpec,
    PartitionView,
    StaticPartitions,
)
from tidewheel.logic.partitions.errors import PartitionError
from tidewheel.logic.partitions.errors import UnknownPartitionError as UnknownKey
from tidewheel.logic.partitions.validation import require_spec
from tidewheel.values.pydantic_fields import usable_as_field
from tidewheel.values.tags import PARTITION


@usable_as_field
class PartitionsDefinition(ABC):
    """Which partitions there are. All kinds answer the same questions; ``spec`` is the value behind them.

    ``current_time`` and ``dynamic_partitions_store`` default to the surrounding ``partition_loading_context``, and to now
    and to nothing outside of one.
    """

    @property
    @abstractmethod
    def spec(self) -> PartitionsSpec:
        """The serialisable value that this definition is."""

    def get_partition_keys(
        self, current_time: datetime | None = None, dynamic_partitions_store: Any = None
    ) -> Sequence[str]:
        """All existing keys, in order."""
        return list(key_logic.all_keys(self.spec, view_at(current_time, dynamic_partitions_store)))

    def get_first_partition_key(
        self, current_time: datetime | None = None, dynamic_partitions_store: Any = None
    ) -> str | None:
        """The first existing key."""
        return key_logic.first_key(self.spec, view_at(current_time, dynamic_partitions_store))

    def get_last_partition_key(
        self, current_time: datetime | None = None, dynamic_partitions_store: Any = None
    ) -> str | None:
        """The last existing key."""
        return key_logic.last_key(self.spec, view_at(current_time, dynamic_partitions_store))

    def get_num_partitions(
        self, current_time: datetime | None = None, dynamic_partitions_store: Any = None
    ) -> int:
        """How many partitions exist."""
        return key_logic.count(self.spec, view_at(current_time, dynamic_partitions_store))

    def has_partition_key(
        self, partition_key: str, current_time: datetime | None = None, dynamic_partitions_store: Any = None
    ) -> bool:
        """Whether this is exactly the key of an existing partition."""
        view = view_at(current_time, dynamic_partitions_store)
        return key_logic.has_key(self.spec, partition_key, view)

    def validate_partition_key(
        self, partition_key: str, context: Any = None, dynamic_partitions_store: Any = None
    ) -> None:
        """Check a key.

        Raises:
            UnknownPartitionError: when there is no such partition; it names the nearest.
        """
        moment = context if isinstance(context, datetime) else getattr(context, "effective_dt", None)
        store = dynamic_partitions_store or getattr(context, "dynamic_partitions_store", None)
        require_key(self.spec, partition_key, view_at(moment, store))

    def get_partition_keys_in_range(
        self, partition_key_range: PartitionKeyRange, dynamic_partitions_store: Any = None
    ) -> Sequence[str]:
        """The existing keys of a range, both ends included.

        Raises:
            InvalidInvocationError: when an end is not a key.
        """
        view = view_at(None, dynamic_partitions_store)
        try:
            return key_logic.keys_in_range(
                self.spec, partition_key_range.start, partition_key_range.end, view
            )
        except UnknownKey as exc:
            raise InvalidInvocationError(str(exc)) from exc

    def get_tags_for_partition_key(self, partition_key: str) -> Mapping[str, str]:
        """The tags that a run of this partition carries."""
        return {PARTITION: partition_key}

    def get_paginated_partition_keys(
        self, context: Any, limit: int, ascending: bool, cursor: str | None = None
    ) -> PaginatedResults[str]:
        """One page of the keys."""
        moment = getattr(context, "effective_dt", None)
        store = getattr(context, "dynamic_partitions_store", None)
        return PaginatedResults.create_from_sequence(
            self.get_partition_keys(moment, store), limit, ascending, cursor
        )

    def get_serializable_unique_identifier(self, dynamic_partitions_store: Any = None) -> str:
        """A fingerprint that changes when ordinals change their meaning."""
        return fingerprint(self.spec)

    def empty_subset(self) -> PartitionsSubset:
        """No partitions."""
        return PartitionsSubset(self, sets.nothing(self.spec), view_at())

    def subset_with_partition_keys(self, partition_keys: Iterable[str]) -> PartitionsSubset:
        """These partitions."""
        return self.empty_subset().with_partition_keys(partition_keys)

    def subset_with_all_partitions(
        self, current_time: datetime | None = None, dynamic_partitions_store: Any = None
    ) -> PartitionsSubset:
        """All existing partitions."""
        view = view_at(current_time, dynamic_partitions_store)
        return PartitionsSubset(self, sets.everything(self.spec, view), view)

    def filter_valid_partition_keys(self, partition_keys: Collection[str]) -> set[str]:
        """Those of some texts that are keys of existing partitions."""
        view = view_at()
        return {key for key in partition_keys if key_logic.has_key(self.spec, key, view)}

    def validate_partition_definition(self) -> None:  # noqa: B027 - not abstract: there is nothing to do
        """Definitions are checked when they are made; nothing is left to check."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PartitionsDefinition) and self.spec == other.spec

    def __hash__(self) -> int:
        return hash(self.spec)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.spec!r})"


@lru_cache(maxsize=4096)
def checked(spec: PartitionsSpec) -> PartitionsSpec:
    """The spec.

    Raises:
        InvalidDefinitionError: when it cannot work.
    """
    try:
        require_spec(spec)
    except ValueError as exc:
        raise InvalidDefinitionError(str(exc)) from exc
    return spec


def require_key(spec: PartitionsSpec, key: str, view: PartitionView) -> int:
    """The ordinal of an existing partition.

    Raises:
        UnknownPartitionError: when there is none of this key.
    """
    if not isinstance(key, str):
        raise ParameterCheckError(
            f"expected a partition key as text, got {key!r} ({type(key).__name__}); use str()"
        )
    try:
        return key_logic.ordinal_of(spec, key, view)
    except PartitionError as exc:
        raise UnknownPartitionError(str(exc)) from exc


class StaticPartitionsDefinition(PartitionsDefinition):
    """A fixed list of keys."""

    def __init__(self, partition_keys: Sequence[str]) -> None:
        keys = tuple(partition_keys)
        for key in keys:
            if not isinstance(key, str):
                raise CheckError(
                    f"expected partition keys as texts, got {key!r} ({type(key).__name__}); use str()"
                )
        self._spec = checked(StaticPartitions(keys=keys))

    @property
    def spec(self) -> PartitionsSpec:
        """The serialisable value that this definition is."""
        return self._spec

    def get_partition_keys(
        self, current_time: datetime | None = None, dynamic_partitions_store: Any = None
    ) -> Sequence[str]:
        """All keys, in order."""
        return list(self._spec.keys)  # type: ignore[union-attr]

    def __str__(self) -> str:
        return ", ".join(repr(key) for key in self.get_partition_keys())

    def __repr__(self) -> str:
        return f"StaticPartitionsDefinition(partition_keys={self.get_partition_keys()!r})"


PartitionFunction = Callable[[Any], Sequence[Any]]


class DynamicPartitionsDefinition(PartitionsDefinition):
    """Keys that are added and removed while the system runs, known to the instance by ``name``.

    The older form with ``partition_fn`` computes its keys instead.
    """

    def __init__(self, partition_fn: PartitionFunction | None = None, name: str | None = None) -> None:
        if isinstance(partition_fn, str) and name is None:
            partition_fn, name = None, partition_fn
        if (partition_fn is None) == (name is None):
            got = "neither" if name is None else "both"
            raise InvalidDefinitionError(
                f"dynamic partitions: expected a name or a partition_fn, got {got}; pass name='...'"
            )
        self.partition_fn = partition_fn
        self.name = name
        self._spec = checked(DynamicPartitions(name=name)) if name is not None else None

    @property
    def spec(self) -> PartitionsSpec:
        """The serialisable value that this definition is; keys of a function are as of the moment of the question."""
        return self._spec or StaticPartitions(keys=tuple(self._computed(None)))

    def get_partition_keys(
        self, current_time: datetime | None = None, dynamic_partitions_store: Any = None
    ) -> Sequence[str]:
        """All keys, in the order of addition."""
        if self.partition_fn is not None:
            return self._computed(current_time)
        return super().get_partition_keys(current_time, dynamic_partitions_store)

    def _computed(self, current_time: datetime | None) -> list[str]:
        assert self.partition_fn is not None
        found = self.partition_fn(current_time)
        return [one.name if isinstance(one, Partition) else one for one in found]

    def build_add_request(self, partition_keys: Sequence[str]) -> AddDynamicPartitionsRequest:
        """What a sensor returns to add keys."""
        return AddDynamicPartitionsRequest(self._required_name(), partition_keys)

    def build_delete_request(self, partition_keys: Sequence[str]) -> DeleteDynamicPartitionsRequest:
        """What a sensor returns to delete keys."""
        return DeleteDynamicPartitionsRequest(self._required_name(), partition_keys)

    def _required_name(self) -> str:
        if self.name is None:
            raise InvalidDefinitionError(
                "dynamic partitions: expected a definition with a name, got one with a partition_fn; pass name='...'"
            )
        return self.name

    def __eq__(self, other: object) -> bool:
        if self.partition_fn is not None:
            return isinstance(other, DynamicPartitionsDefinition) and self.partition_fn is other.partition_fn
        return super().__eq__(other)

    def __hash__(self) -> int:
        return hash(self.partition_fn) if self.partition_fn is not None else super().__hash__()

    def __str__(self) -> str:
        return f'Dynamic partitions: "{self.name}"' if self.name else "Dynamic partitions by a function"

    def __repr__(self) -> str:
        return f"DynamicPartitionsDefinition(name={self.name!r})"
