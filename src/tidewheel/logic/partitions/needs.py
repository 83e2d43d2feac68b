"""What a set of downstream partitions needs from one upstream asset, as a value."""

from collections.abc import Iterable
from itertools import islice

import msgspec

from tidewheel.logic.partitions.definitions import PartitionsSpec
from tidewheel.logic.partitions.sets import PartitionSet, nothing

SAMPLE_LIMIT = 20


class UpstreamResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a downstream set needs.

    `existing`: the upstream partitions that exist. `nonexistent`: keys of required ones that do not, at
    most SAMPLE_LIMIT of them; `has_more_nonexistent` says that there are others. `blocked`: the downstream
    partitions of the set that require at least one that does not exist, and so must not run.
    """

    existing: PartitionSet
    blocked: PartitionSet
    nonexistent: tuple[str, ...] = ()
    has_more_nonexistent: bool = False


def satisfied(needed: PartitionSet, down_spec: PartitionsSpec | None) -> UpstreamResult:
    """The result where everything that is required exists."""
    return UpstreamResult(existing=needed, blocked=nothing(down_spec))


def with_sample(needed: PartitionSet, blocked: PartitionSet, nonexistent: Iterable[str]) -> UpstreamResult:
    """The result with the first SAMPLE_LIMIT of the nonexistent keys, which may be endless."""
    sample = tuple(islice(nonexistent, SAMPLE_LIMIT + 1))
    return UpstreamResult(
        existing=needed,
        blocked=blocked,
        nonexistent=sample[:SAMPLE_LIMIT],
        has_more_nonexistent=len(sample) > SAMPLE_LIMIT,
    )
