"""Which partitions a step makes and reads: from the run's tags, the assets' definitions and the mappings between them."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from tidewheel.definitions.partitions.multi_partitions import MultiPartitionKey, MultiPartitionsDefinition
from tidewheel.definitions.partitions.partition_context import partition_loading_context
from tidewheel.definitions.partitions.partition_keys import PartitionKeyRange, TimeWindow
from tidewheel.definitions.partitions.partition_mappings import infer_partition_mapping
from tidewheel.errors import InvariantViolationError
from tidewheel.values.keys import AssetKey
from tidewheel.values.tags import PARTITION_DIMENSION_PREFIX
from tidewheel.worker.environment.run_environment import RunEnvironment

Path = tuple[str, ...]


class PartitionAccess:
    """Answers for one run. Keys are computed when they are asked for."""

    def __init__(self, env: RunEnvironment) -> None:
        self._env = env
        self._output_keys: dict[AssetKey, list[str]] = {}
        self._input_keys: dict[tuple[AssetKey | None, AssetKey], tuple[list[str], list[str]]] = {}

    # -- the run ------------------------------------------------------------------------------------------

    @property
    def has_key(self) -> bool:
        """Whether the run is for one partition."""
        return self._env.partition_key is not None

    @property
    def has_range(self) -> bool:
        """Whether the run is for a range of partitions."""
        return self._env.partition_range is not None

    def key(self, partitions_def: Any) -> str:
        """The run's partition key, as a multi-partition key where the definition is one.

        Without a definition, as of a check that is not partitioned itself, the run's tags say whether the key has dimensions.

        Raises:
            InvariantViolationError: when the run is not for one partition.
        """
        key = self._env.partition_key
        if key is None:
            if self._env.partition_range is not None:
                raise InvariantViolationError(
                    f"expected a run for one partition, got one for the range {self._env.partition_range}; use "
                    "partition_key_range or partition_keys"
                )
            raise InvariantViolationError(
                "expected a run with a partition key, got one without; launch it for a partition, or "
                "ask has_partition_key"
            )
        if isinstance(partitions_def, MultiPartitionsDefinition):
            return partitions_def.get_partition_key_from_str(key)
        if partitions_def is None and (parts := self._dimensions()):
            return MultiPartitionKey(parts)
        return key

    def _dimensions(self) -> dict[str, str]:
        return {
            tag.removeprefix(PARTITION_DIMENSION_PREFIX): value
            for tag, value in self._env.tags.items()
            if tag.startswith(PARTITION_DIMENSION_PREFIX)
        }

    def key_range(self, partitions_def: Any) -> PartitionKeyRange:
        """The run's first and last partition key.

        Raises:
            InvariantViolationError: when the run has no partition.
        """
        if self._env.partition_range is not None:
            start, end = self._env.partition_range
            return PartitionKeyRange(start, end)
        key = self.key(partitions_def)
        return PartitionKeyRange(key, key)

    def keys(self, partitions_def: Any) -> list[str]:
        """All the run's partition keys."""
        if self._env.partition_range is None:
            return [self.key(partitions_def)]
        if partitions_def is None:
            start, end = self._env.partition_range
            return [start] if start == end else [start, end]
        return list(
            partitions_def.get_partition_keys_in_range(
                self.key_range(partitions_def), dynamic_partitions_store=self._store(partitions_def)
            )
        )

    def time_window(self, partitions_def: Any) -> TimeWindow:
        """From the start of the run's first partition to the end of its last.

        Raises:
            InvariantViolationError: when partitions are not time windows.
        """
        window_of = getattr(partitions_def, "time_window_for_partition_key", None)
        if window_of is None:
            raise InvariantViolationError(
                f"expected partitions that are time windows, got {type(partitions_def).__name__}; use partition_key"
            )
        both = self.key_range(partitions_def)
        return TimeWindow(window_of(both.start).start, window_of(both.end).end)

    # -- assets -------------------------------------------------------------------------------------------

    def definition(self, key: AssetKey | None) -> Any:
        """How an asset is partitioned; None when it is not."""
        if key is None:
            return self._env.job.partitions_def
        return self._env.layer.partitions_defs.get(key)

    def output_keys(self, key: AssetKey) -> list[str]:
        """Partitions of an asset that the run makes; empty when the asset or the run is not partitioned."""
        found = self._output_keys.get(key)
        if found is None:
            definition = self.definition(key)
            has_partition = self.has_key or self.has_range
            found = self._output_keys[key] = (
                self.keys(definition) if definition is not None and has_partition else []
            )
        return found

    def input_keys(self, downstream: AssetKey | None, upstream: AssetKey) -> list[str]:
        """Partitions of an upstream asset that the run's partitions of a downstream asset need.

        Raises:
            InvariantViolationError: when some of them do not exist.
        """
        keys, missing = self._needed(downstream, upstream)
        if missing:
            raise InvariantViolationError(
                f"expected the partitions of {upstream.to_user_string()!r} that are needed to exist, "
                f"got {missing[:10]} which do "
                "not; change the partition mapping or allow_nonexistent_upstream_partitions"
            )
        return keys

    def existing_input_keys(self, downstream: AssetKey | None, upstream: AssetKey) -> list[str]:
        """As `input_keys`, without those that do not exist."""
        return self._needed(downstream, upstream)[0]

    def _needed(self, downstream: AssetKey | None, upstream: AssetKey) -> tuple[list[str], list[str]]:
        """The needed partitions that exist, and those that do not."""
        found = self._input_keys.get((downstream, upstream))
        if found is None:
            found = self._input_keys[(downstream, upstream)] = self._mapped(downstream, upstream)
        return found

    def _mapped(self, downstream: AssetKey | None, upstream: AssetKey) -> tuple[list[str], list[str]]:
        upstream_def = self.definition(upstream)
        if upstream_def is None:
            return [], []
        downstream_def = self.definition(downstream)
        given = self._env.layer.mappings.get((downstream, upstream)) if downstream is not None else None
        has_partition = self.has_key or self.has_range
        if given is None and has_partition and downstream_def is not None and downstream_def == upstream_def:
            return self.keys(downstream_def), []
        mapping = infer_partition_mapping(
            given,
            downstream_def,
            upstream_def,
        )
        now = datetime.datetime.fromtimestamp(self._env.clock(), datetime.UTC)
        store = self._store(downstream_def) or self._store(upstream_def)
        subset = None
        with partition_loading_context(now, store):
            if downstream_def is not None and has_partition:
                subset = downstream_def.subset_with_partition_keys(self.keys(downstream_def))
            result = mapping.get_upstream_mapped_partitions_result_for_partitions(
                subset, downstream_def, upstream_def, current_time=now, dynamic_partitions_store=store
            )
        missing = list(result.required_but_nonexistent_partition_keys)
        keys = [str(key) for key in result.partitions_subset.get_partition_keys()]
        if isinstance(upstream_def, MultiPartitionsDefinition):
            return [upstream_def.get_partition_key_from_str(key) for key in keys], missing
        return keys, missing

    def _store(self, definition: Any) -> Any:
        needs_store = type(definition).__name__ in (
            "DynamicPartitionsDefinition",
            "MultiPartitionsDefinition",
        )
        return self._env.instance if needs_store else None


def range_of(keys: Sequence[str]) -> PartitionKeyRange:
    """First and last of some keys.

    Raises:
        InvariantViolationError: when there are none.
    """
    if not keys:
        raise InvariantViolationError("expected partitions, got none")
    return PartitionKeyRange(keys[0], keys[-1])


def window_of(definition: Any, keys: Sequence[str]) -> TimeWindow:
    """From the start of the first partition to the end of the last.

    Raises:
        InvariantViolationError: when partitions are not time windows.
    """
    both = range_of(keys)
    find = getattr(definition, "time_window_for_partition_key", None)
    if find is None:
        raise InvariantViolationError(
            f"expected partitions that are time windows, got {type(definition).__name__}"
        )
    return TimeWindow(find(both.start).start, find(both.end).end)
