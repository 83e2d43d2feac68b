"""What a user's own automation condition is given (`AutomationContext`) and gives back (`AutomationResult`)."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tidewheel.errors import CheckError, ParameterCheckError
from tidewheel.logic.partitions import keys, sets
from tidewheel.logic.partitions.definitions import PartitionView
from tidewheel.values.keys import AssetCheckKey, AssetKey
from tidewheel.values.shown_members import shows

if TYPE_CHECKING:
    from tidewheel.definitions.automation.automation_condition import AutomationCondition
    from tidewheel.definitions.partitions.definition import PartitionsDefinition

T_EntityKey = TypeVar("T_EntityKey")


class EntitySubset(Generic[T_EntityKey]):
    """Some partitions of one asset or check, or all of it or nothing if it is not partitioned. Immutable."""

    def __init__(
        self,
        key: Any,
        members: sets.PartitionSet,
        view: PartitionView,
        partitions_def: PartitionsDefinition | None = None,
    ) -> None:
        self.key = key
        self.members = members
        self.view = view
        self.partitions_def = partitions_def

    @property
    def is_partitioned(self) -> bool:
        """Whether there are partitions."""
        return self.members.spec is not None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is in it."""
        return self.members.is_empty

    @property
    def size(self) -> int:
        """How many partitions; 1 or 0 if it is not partitioned."""
        return len(self.members)

    def expensively_compute_partition_keys(self) -> AbstractSet[str]:
        """The keys of its partitions.

        Raises:
            CheckError: when it is not partitioned.
        """
        if self.members.spec is None:
            raise CheckError(f"expected a partitioned asset, got {self.key!r}; ask is_empty instead")
        return set(self.members.keys(self.view))

    def expensively_compute_asset_partitions(self) -> AbstractSet[tuple[Any, str | None]]:
        """Pairs of the key and each partition key (None if it is not partitioned)."""
        if self.members.spec is None:
            return {(self.key, None)} if self.members else set()
        return {(self.key, key) for key in self.members.keys(self.view)}

    def compute_difference(self, other: EntitySubset) -> EntitySubset:
        """What is in this one only."""
        return self._with(self.members - other.members)

    def compute_union(self, other: EntitySubset) -> EntitySubset:
        """What is in either."""
        return self._with(self.members | other.members)

    def compute_intersection(self, other: EntitySubset) -> EntitySubset:
        """What is in both."""
        return self._with(self.members & other.members)

    def compute_intersection_with_partition_keys(self, partition_keys: AbstractSet[str]) -> EntitySubset:
        """The partitions of it with these keys; keys that do not exist are left out."""
        return self._with(self.members & _existing(self.members, partition_keys, self.view))

    def _with(self, members: sets.PartitionSet) -> EntitySubset:
        return EntitySubset(self.key, members, self.view, self.partitions_def)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EntitySubset) and (self.key, self.members) == (other.key, other.members)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        what = sorted(self.members.keys(self.view)) if self.is_partitioned else not self.is_empty
        return f"EntitySubset({self.key!r}, {what!r})"


@shows("cursor", "evaluation_time")
class AutomationContext(Generic[T_EntityKey]):
    """One question to a condition of the user's: for which of the candidates is it true now?

    ``cursor`` is what the condition returned as its cursor last time. All partitions of the target are candidates.
    """

    def __init__(
        self,
        *,
        condition: AutomationCondition,
        key: AssetKey | AssetCheckKey,
        candidate_subset: EntitySubset,
        evaluation_time: datetime.datetime,
        root_key: Any = None,
        cursor: str | None = None,
        previous_evaluation_time: datetime.datetime | None = None,
        previous_requested: EntitySubset | None = None,
        max_storage_id: int | None = None,
        asset_graph: Any = None,
        instance: Any = None,
    ) -> None:
        self.condition = condition
        self.key = key
        self.root_key = key if root_key is None else root_key
        self.candidate_subset = candidate_subset
        self.evaluation_time = evaluation_time
        self.cursor = cursor
        self.previous_evaluation_time = previous_evaluation_time
        self.previous_requested_subset = previous_requested
        self.max_storage_id = max_storage_id
        self.asset_graph = asset_graph
        self.instance = instance

    @property
    def partitions_def(self) -> PartitionsDefinition | None:
        """The partitions of what is asked about, or None."""
        return self.candidate_subset.partitions_def

    @property
    def log(self) -> logging.Logger:
        """A logger for the condition's own remarks."""
        return logging.getLogger(f"tidewheel.conditions.{type(self.condition).__name__}")

    def get_empty_subset(self) -> EntitySubset:
        """Nothing of what is asked about."""
        one = self.candidate_subset
        return EntitySubset(self.key, sets.nothing(one.members.spec), one.view, one.partitions_def)

    def get_previous_requested_subset(self, key: Any) -> EntitySubset | None:
        """What the previous evaluation of the target requested; None for another key or before the first."""
        return self.previous_requested_subset if key == self.root_key else None

    def get_subset_with_partition_keys(self, partition_keys: Iterable[str]) -> EntitySubset:
        """The partitions with these keys; keys that do not exist are left out."""
        return self.candidate_subset.compute_intersection_with_partition_keys(set(partition_keys))


class AutomationResult(Generic[T_EntityKey]):
    """For which of the candidates a condition is true; ``cursor`` is a text to be given back next time."""

    def __init__(
        self,
        context: AutomationContext | None = None,
        true_subset: EntitySubset | None = None,
        cursor: str | None = None,
        child_results: Sequence[AutomationResult] | None = None,
        **_: Any,
    ) -> None:
        if not isinstance(true_subset, EntitySubset):
            raise ParameterCheckError(
                f"AutomationResult: expected true_subset to be a subset, got {true_subset!r}; "
                "return context.candidate_subset or context.get_empty_subset()"
            )
        if cursor is not None and not isinstance(cursor, str):
            raise ParameterCheckError(f"AutomationResult: expected cursor to be a text, got {cursor!r}")
        self.context = context
        self.true_subset = true_subset
        self.cursor = cursor
        self._child_results = list(child_results or ())

    @property
    def key(self) -> Any:
        """What was asked about."""
        return self.true_subset.key

    @property
    def child_results(self) -> Sequence[AutomationResult]:
        """The results of the conditions inside."""
        return self._child_results

    @property
    def condition(self) -> AutomationCondition | None:
        """The condition that was asked."""
        return self.context.condition if self.context is not None else None

    def __repr__(self) -> str:
        return f"AutomationResult({self.true_subset!r})"


def _existing(
    members: sets.PartitionSet, partition_keys: Iterable[str], view: PartitionView
) -> sets.PartitionSet:
    if members.spec is None:
        return sets.nothing(None)
    found = (keys.find_ordinal(members.spec, key, view) for key in partition_keys)
    return sets.from_ordinals(members.spec, [ordinal for ordinal in found if ordinal is not None])
