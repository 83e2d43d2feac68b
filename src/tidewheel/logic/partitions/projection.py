"""The two questions asked of a mapping: what does this set need, and what does that set feed.

Both are functions from bitmap to bitmap and answer with partitions that exist. What is required although it
does not exist is told apart, with the downstream partitions that must not run for it.
"""

from tidewheel.logic.partitions.definitions import PartitionsSpec, PartitionView
from tidewheel.logic.partitions.mappings import MultiMapping, MultiToSingle, PartitionMapping
from tidewheel.logic.partitions.multi_projection import (
    dimension_downstream,
    dimension_upstream,
    links_downstream,
    links_upstream,
)
from tidewheel.logic.partitions.needs import UpstreamResult, satisfied
from tidewheel.logic.partitions.sets import PartitionSet, nothing
from tidewheel.logic.partitions.single_projection import single_downstream, single_upstream


def upstream(
    mapping: PartitionMapping, down: PartitionSet, up_spec: PartitionsSpec | None, view: PartitionView
) -> UpstreamResult:
    """The upstream partitions that the partitions `down` need; raises PartitionError if the mapping does not fit."""
    if down.is_empty:
        return satisfied(nothing(up_spec), down.spec)
    if isinstance(mapping, MultiToSingle):
        return dimension_upstream(mapping, down, up_spec, view)
    if isinstance(mapping, MultiMapping):
        return links_upstream(mapping, down, up_spec, view)
    return single_upstream(mapping, down, up_spec, view)


def downstream(
    mapping: PartitionMapping, up: PartitionSet, down_spec: PartitionsSpec | None, view: PartitionView
) -> PartitionSet:
    """The existing partitions of `down_spec` that need one of `up`; raises PartitionError as `upstream`."""
    if up.is_empty:
        return nothing(down_spec)
    if isinstance(mapping, MultiToSingle):
        return dimension_downstream(mapping, up, down_spec, view)
    if isinstance(mapping, MultiMapping):
        return links_downstream(mapping, up, down_spec, view)
    return single_downstream(mapping, up, down_spec, view)
