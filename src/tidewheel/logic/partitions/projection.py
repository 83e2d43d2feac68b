"""What mappings do to sets: which upstream partitions are needed, which downstream partitions are fed.

Both directions answer with partitions that exist. What is required although it does not exist is told apart, with
the downstream partitions that must not run for it. Time windows are mapped run by run; key texts are compared only
between definitions whose ordinals have nothing in common. Multi mappings are in `multi_projection.py`, which calls
back for each dimension.
"""

from collections.abc import Iterable
from itertools import chain, islice
from typing import assert_never

import msgspec

from tidewheel.logic.partitions import keys, windows
from tidewheel.logic.partitions.carry_over import windows_moved_by
from tidewheel.logic.partitions.codec import fingerprint
from tidewheel.logic.partitions.definitions import (
    MultiPartitions,
    PartitionsSpec,
    PartitionView,
    TimeWindowPartitions,
)
from tidewheel.logic.partitions.mappings import (
    AllPartitions,
    Identity,
    LastPartition,
    SingleMapping,
    SpecificPartitions,
    StaticMapping,
    TimeWindowMapping,
    require_mapping,
)
from tidewheel.logic.partitions.rows import runs_of
from tidewheel.logic.partitions.sets import PartitionSet, everything, existing, from_ordinals, nothing
from tidewheel.logic.partitions.time_projection import windows_fed, windows_needed

SAMPLE_LIMIT = 20


class UpstreamResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a downstream set needs.

    `existing`: the upstream partitions that exist. `nonexistent`: keys of required ones that do not, at most
    SAMPLE_LIMIT of them; `has_more_nonexistent` says that there are others. `blocked`: the downstream partitions
    that require at least one that does not exist.
    """

    existing: PartitionSet
    blocked: PartitionSet
    nonexistent: tuple[str, ...] = ()
    has_more_nonexistent: bool = False


def single_upstream(
    mapping: SingleMapping, down: PartitionSet, up_spec: PartitionsSpec | None, view: PartitionView
) -> UpstreamResult:
    """`upstream` for all mappings but those of multi partitions."""
    if down.is_empty:
        return UpstreamResult(existing=nothing(up_spec), blocked=down)
    match mapping:
        case Identity():
            return _same_keys_upstream(down, up_spec, view)
        case AllPartitions():
            return UpstreamResult(existing=everything(up_spec, view), blocked=nothing(down.spec))
        case LastPartition():
            return UpstreamResult(existing=_last(up_spec, view), blocked=nothing(down.spec))
        case SpecificPartitions():
            return _specific_upstream(mapping, down, up_spec, view)
        case StaticMapping():
            return _static_upstream(mapping, down, up_spec, view)
        case TimeWindowMapping():
            return _windows_upstream(mapping, down, up_spec, view)
        case _:
            assert_never(mapping)


def single_downstream(
    mapping: SingleMapping, up: PartitionSet, down_spec: PartitionsSpec | None, view: PartitionView
) -> PartitionSet:
    """`downstream` for all mappings but those of multi partitions."""
    if up.is_empty:
        return nothing(down_spec)
    match mapping:
        case Identity():
            return same_keys(up, down_spec, view)[0]
        case AllPartitions():
            return everything(down_spec, view)
        case LastPartition():
            return everything(down_spec, view) if up.overlaps(_last(up.spec, view)) else nothing(down_spec)
        case SpecificPartitions():
            if up.spec is None:
                raise _unfit(mapping, down_spec, None)
            found = (keys.find_ordinal(up.spec, key, view) for key in mapping.keys)
            return everything(down_spec, view) if any(one in up for one in found if one is not None) else nothing(down_spec)
        case StaticMapping():
            return _static_downstream(mapping, up, down_spec, view)
        case TimeWindowMapping():
            if not isinstance(up.spec, TimeWindowPartitions) or not isinstance(down_spec, TimeWindowPartitions):
                raise _unfit(mapping, down_spec, up.spec)
            return PartitionSet(down_spec, windows_fed(mapping, runs_of(up.bits), up.spec, down_spec, view.now))
        case _:
            assert_never(mapping)
