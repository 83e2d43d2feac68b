"""Which upstream partitions a partition needs: the kinds of mapping, as serialisable values.

A mapping is named from the downstream side, as users write it. What it does to sets is in `projection.py`.
"""

from collections.abc import Iterable
from typing import Union, assert_never

import msgspec

from tidewheel.logic.partitions.codec import fingerprint
from tidewheel.logic.partitions.definitions import (
    MultiPartitions,
    PartitionsSpec,
    SinglePartitions,
    StaticPartitions,
    TimeWindowPartitions,
)
from tidewheel.logic.partitions.errors import PartitionError
from tidewheel.logic.partitions.keys import label_of


class Identity(msgspec.Struct, frozen=True, kw_only=True, tag="identity"):
    """A partition needs the one with the same key."""


class AllPartitions(msgspec.Struct, frozen=True, kw_only=True, tag="all"):
    """Each partition needs every upstream partition."""


class LastPartition(msgspec.Struct, frozen=True, kw_only=True, tag="last"):
    """Each partition needs the last existing upstream partition."""


class SpecificPartitions(msgspec.Struct, frozen=True, kw_only=True, tag="specific"):
    """Each partition needs the same fixed upstream keys."""

    keys: tuple[str, ...]


class StaticMapping(msgspec.Struct, frozen=True, kw_only=True, tag="static"):
    """Pairs (upstream key, downstream key); a partition without a pair needs nothing."""

    pairs: tuple[tuple[str, str], ...]


class TimeWindowMapping(msgspec.Struct, frozen=True, kw_only=True, tag="time_window"):
    """A window needs every upstream window that overlaps it.

    With offsets, it stands for the downstream windows from `start_offset` to `end_offset` after it, both
    included (-1 is the one before). Upstream windows that do not exist are required nevertheless, unless an
    offset leads there (before the first one with a negative `start_offset`, after the last one with a
    positive `end_offset`) or `allow_nonexistent` is true.
    """

    start_offset: int = 0
    end_offset: int = 0
    allow_nonexistent: bool = False


class MultiToSingle(msgspec.Struct, frozen=True, kw_only=True, tag="multi_to_single"):
    """Between multi partitions and one of their dimensions, in either direction.

    Without `dimension`, it is the one whose definition the other side has, or else the only time dimension
    where the other side has time windows too. The dimension and the other side are related as by default.
    """

    dimension: str | None = None


SingleMapping = Union[
    Identity, AllPartitions, LastPartition, SpecificPartitions, StaticMapping, TimeWindowMapping
]


class DimensionLink(msgspec.Struct, frozen=True, kw_only=True):
    """How one upstream dimension depends on one downstream dimension."""

    upstream: str
    downstream: str
    mapping: SingleMapping


class MultiMapping(msgspec.Struct, frozen=True, kw_only=True, tag="multi"):
    """A mapping for each upstream dimension, combined as a product; a dimension without a link is needed whole."""

    links: tuple[DimensionLink, ...]


PartitionMapping = Union[
    Identity,
    AllPartitions,
    LastPartition,
    SpecificPartitions,
    StaticMapping,
    TimeWindowMapping,
    MultiToSingle,
    MultiMapping,
]


def default_mapping(down_spec: PartitionsSpec | None, up_spec: PartitionsSpec | None) -> PartitionMapping:
    """The mapping that holds where the user names none.

    Time windows of any two cadences map by time; multi partitions and a dimension of theirs by that
    dimension; partitioned and unpartitioned assets as a whole; everything else by equal keys.
    """
    if (down_spec is None) != (up_spec is None):
        return AllPartitions()
    if isinstance(down_spec, TimeWindowPartitions) and isinstance(up_spec, TimeWindowPartitions):
        return TimeWindowMapping()
    for multi, single in ((down_spec, up_spec), (up_spec, down_spec)):
        if not isinstance(multi, MultiPartitions) or single is None or isinstance(single, MultiPartitions):
            continue
        if len(_candidates(multi, single)) == 1:
            return MultiToSingle()
    return Identity()


def default_single_mapping(down_spec: SinglePartitions, up_spec: SinglePartitions) -> SingleMapping:
    """`default_mapping` between definitions with one dimension."""
    if isinstance(down_spec, TimeWindowPartitions) and isinstance(up_spec, TimeWindowPartitions):
        return TimeWindowMapping()
    return Identity()


def linked_dimension(multi: MultiPartitions, single: SinglePartitions, name: str | None) -> int:
    """The position (0 or 1) of the dimension that MultiToSingle(dimension=name) means; raises PartitionError."""
    if name is not None:
        return multi.position_of(name)
    found = _candidates(multi, single)
    if len(found) == 1:
        return found[0]
    names = [dimension for dimension, _ in multi.dimensions]
    raise PartitionError(
        f"partition mapping: expected one dimension of {names!r} with the definition of {label_of(single)}, got "
        f"{len(found)}; give the name of the dimension, or another mapping"
    )


def require_mapping(
    mapping: PartitionMapping, down_spec: PartitionsSpec | None, up_spec: PartitionsSpec | None
) -> None:
    """Check that a mapping can relate two definitions; raises PartitionError."""
    match mapping:
        case AllPartitions() | LastPartition():
            return
        case Identity():
            if (down_spec is None) != (up_spec is None):
                raise _unfit("identity", "two partitioned assets", "use the mapping to all partitions")
        case SpecificPartitions(keys=keys):
            if up_spec is None:
                raise _unfit("specific", "a partitioned upstream asset", "remove the mapping")
            _require_known(keys, up_spec)
        case StaticMapping(pairs=pairs):
            if down_spec is None or up_spec is None:
                raise _unfit("static", "two partitioned assets", "remove the mapping")
            _require_known((upstream for upstream, _ in pairs), up_spec)
            _require_known((downstream for _, downstream in pairs), down_spec)
        case TimeWindowMapping():
            _require_time_windows(down_spec, up_spec)
        case MultiToSingle(dimension=name):
            if isinstance(down_spec, MultiPartitions):
                _require_dimension(down_spec, up_spec, name)
            else:
                _require_dimension(up_spec, down_spec, name)
        case MultiMapping(links=links):
            _require_links(links, down_spec, up_spec)
        case _:
            assert_never(mapping)


def _candidates(multi: MultiPartitions, single: SinglePartitions) -> list[int]:
    """The positions of the dimensions that `single` may be: equal ones, or else the only one of time windows."""
    wanted = fingerprint(single)
    equal = [at for at, (_, spec) in enumerate(multi.dimensions) if fingerprint(spec) == wanted]
    if equal or not isinstance(single, TimeWindowPartitions):
        return equal
    return [at for at, (_, spec) in enumerate(multi.dimensions) if isinstance(spec, TimeWindowPartitions)]


def _require_known(keys: Iterable[str], spec: PartitionsSpec) -> None:
    if not isinstance(spec, StaticPartitions):
        return  # which keys there are is only known at a moment
    for key in keys:
        if key not in spec.ordinals:
            raise PartitionError(
                f"partition mapping: expected a key of {label_of(spec)}, got {key!r}; correct or remove it"
            )


def _require_time_windows(down_spec: PartitionsSpec | None, up_spec: PartitionsSpec | None) -> None:
    if not isinstance(down_spec, TimeWindowPartitions) or not isinstance(up_spec, TimeWindowPartitions):
        raise _unfit("time window", "time windows on both sides", "use another mapping")


def _require_dimension(multi: PartitionsSpec | None, single: PartitionsSpec | None, name: str | None) -> None:
    if not isinstance(multi, MultiPartitions) or single is None or isinstance(single, MultiPartitions):
        raise _unfit(
            "multi-to-single", "multi partitions on one side and single ones on the other", "use another"
        )
    dimension = multi.dimensions[linked_dimension(multi, single, name)][1]
    require_mapping(default_single_mapping(dimension, single), dimension, single)


def _require_links(
    links: tuple[DimensionLink, ...], down_spec: PartitionsSpec | None, up_spec: PartitionsSpec | None
) -> None:
    if not isinstance(down_spec, MultiPartitions) or not isinstance(up_spec, MultiPartitions):
        raise _unfit("multi", "multi partitions on both sides", "use another mapping")
    positions = [up_spec.position_of(link.upstream) for link in links]
    if len(set(positions)) != len(positions):
        raise _unfit("multi", "one link for an upstream dimension", "remove one")
    for link in links:
        down = down_spec.dimensions[down_spec.position_of(link.downstream)][1]
        up = up_spec.dimensions[up_spec.position_of(link.upstream)][1]
        require_mapping(link.mapping, down, up)


def _unfit(kind: str, expected: str, do: str) -> PartitionError:
    return PartitionError(f"{kind} partition mapping: expected {expected}, got other definitions; {do}")
