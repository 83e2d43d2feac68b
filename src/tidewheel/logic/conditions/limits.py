"""Cuts a set of partitions to its last few."""

from __future__ import annotations

from itertools import islice

from tidewheel.logic.partitions.sets import PartitionSet, from_ordinals


def last_partitions(partitions: PartitionSet, limit: int) -> PartitionSet:
    """The `limit` partitions with the highest ordinals; all, if there are no more."""
    if len(partitions) <= limit or partitions.spec is None:
        return partitions
    return from_ordinals(partitions.spec, islice(reversed(list(partitions)), limit))
