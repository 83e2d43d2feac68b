"""What the mappings of multi partitions do to sets: dimension by dimension, rectangle by rectangle.

A set of multi partitions is a union of rectangles (a set of first keys times a set of second keys). A
mapping of each dimension turns a rectangle into a rectangle, so that no pair of keys is ever looked at by
itself, save where both upstream dimensions depend on the same downstream dimension.
"""

from collections.abc import Iterator
from itertools import chain

import msgspec
from pyroaring import BitMap, FrozenBitMap

from tidewheel.logic.partitions import keys
from tidewheel.logic.partitions.definitions import MultiPartitions, PartitionsSpec, PartitionView
from tidewheel.logic.partitions.errors import PartitionError
from tidewheel.logic.partitions.keys import SEPARATOR
from tidewheel.logic.partitions.mappings import (
    AllPartitions,
    DimensionLink,
    MultiMapping,
    MultiToSingle,
    default_single_mapping,
    linked_dimension,
    require_mapping,
)
from tidewheel.logic.partitions.needs import UpstreamResult, with_sample
from tidewheel.logic.partitions.rows import rectangles_of, union_of
from tidewheel.logic.partitions.sets import PartitionSet, everything, nothing
from tidewheel.logic.partitions.single_projection import single_downstream, single_upstream

Rectangle = tuple[FrozenBitMap, FrozenBitMap]


def dimension_upstream(
    mapping: MultiToSingle, down: PartitionSet, up_spec: PartitionsSpec | None, view: PartitionView
) -> UpstreamResult:
    """What `down` needs where one side is multi partitions and the other one dimension of them."""
    down_spec = down.spec
    if (
        isinstance(down_spec, MultiPartitions)
        and not isinstance(up_spec, MultiPartitions)
        and up_spec is not None
    ):
        at = linked_dimension(down_spec, up_spec, mapping.dimension)
        dimension = down_spec.dimensions[at][1]
        found = single_upstream(
            default_single_mapping(dimension, up_spec), _along(down, down_spec, at), up_spec, view
        )
        blocked = _where(down, down_spec, at, found.blocked.single_bits)
        return msgspec.structs.replace(found, blocked=blocked)
    if (
        isinstance(up_spec, MultiPartitions)
        and not isinstance(down_spec, MultiPartitions)
        and down_spec is not None
    ):
        at = linked_dimension(up_spec, down_spec, mapping.dimension)
        dimension = up_spec.dimensions[at][1]
        found = single_upstream(default_single_mapping(down_spec, dimension), down, dimension, view)
        other = up_spec.dimensions[1 - at][1]
        named = (
            _joined_key(at, key, beside) for key in found.nonexistent for beside in keys.all_keys(other, view)
        )
        return with_sample(_across(found.existing, up_spec, at, view), found.blocked, named)
    raise _unfit(mapping, down_spec, up_spec)


def dimension_downstream(
    mapping: MultiToSingle, up: PartitionSet, down_spec: PartitionsSpec | None, view: PartitionView
) -> PartitionSet:
    """What `up` feeds where one side is multi partitions and the other one dimension of them."""
    up_spec = up.spec
    if (
        isinstance(up_spec, MultiPartitions)
        and not isinstance(down_spec, MultiPartitions)
        and down_spec is not None
    ):
        at = linked_dimension(up_spec, down_spec, mapping.dimension)
        dimension = up_spec.dimensions[at][1]
        inner = default_single_mapping(down_spec, dimension)
        return single_downstream(inner, _along(up, up_spec, at), down_spec, view)
    if (
        isinstance(down_spec, MultiPartitions)
        and not isinstance(up_spec, MultiPartitions)
        and up_spec is not None
    ):
        at = linked_dimension(down_spec, up_spec, mapping.dimension)
        dimension = down_spec.dimensions[at][1]
        fed = single_downstream(default_single_mapping(dimension, up_spec), up, dimension, view)
        return _across(fed, down_spec, at, view)
    raise _unfit(mapping, down_spec, up_spec)


def links_upstream(
    mapping: MultiMapping, down: PartitionSet, up_spec: PartitionsSpec | None, view: PartitionView
) -> UpstreamResult:
    """What `down` needs where each upstream dimension has a mapping of its own."""
    down_spec = down.spec
    if not isinstance(down_spec, MultiPartitions) or not isinstance(up_spec, MultiPartitions):
        raise _unfit(mapping, down_spec, up_spec)
    links = _links_of(mapping, up_spec)
    needed: list[Rectangle] = []
    blocked: list[Rectangle] = []
    samples: list[Iterator[str]] = []
    for sides in _independent_pieces(links, rectangles_of(down.multi_bits), down_spec):
        results = [_side_needs(links[at], sides, down_spec, up_spec.dimensions[at][1], view) for at in (0, 1)]
        needed.append((results[0].existing.single_bits, results[1].existing.single_bits))
        for link, result in zip(links, results, strict=True):
            if link is not None and not result.blocked.is_empty:
                at = down_spec.position_of(link.downstream)
                bits = result.blocked.single_bits
                blocked.append((bits, sides[1]) if at == 0 else (sides[0], bits))
        if any(result.nonexistent for result in results):
            samples.append(_missing_pairs(results[0], results[1], view))
    return with_sample(
        PartitionSet(up_spec, union_of(needed)),
        PartitionSet(down_spec, union_of(blocked)),
        dict.fromkeys(chain.from_iterable(samples)),
    )


def links_downstream(
    mapping: MultiMapping, up: PartitionSet, down_spec: PartitionsSpec | None, view: PartitionView
) -> PartitionSet:
    """What `up` feeds where each upstream dimension has a mapping of its own."""
    up_spec = up.spec
    if not isinstance(down_spec, MultiPartitions) or not isinstance(up_spec, MultiPartitions):
        raise _unfit(mapping, down_spec, up_spec)
    links = _links_of(mapping, up_spec)
    fed: list[Rectangle] = []
    for sides in rectangles_of(up.multi_bits):
        found = [everything(spec, view).single_bits for _, spec in down_spec.dimensions]
        for at, link in enumerate(links):
            if link is not None:
                side = PartitionSet(up_spec.dimensions[at][1], sides[at])
                to = down_spec.position_of(link.downstream)
                reached = single_downstream(link.mapping, side, down_spec.dimensions[to][1], view)
                found[to] = found[to] & reached.single_bits
        fed.append((found[0], found[1]))
    return PartitionSet(down_spec, union_of(fed))


def _links_of(
    mapping: MultiMapping, up_spec: MultiPartitions
) -> tuple[DimensionLink | None, DimensionLink | None]:
    """The link of the first and of the second upstream dimension."""
    found: list[DimensionLink | None] = [None, None]
    for link in mapping.links:
        found[up_spec.position_of(link.upstream)] = link
    return found[0], found[1]


def _independent_pieces(
    links: tuple[DimensionLink | None, DimensionLink | None],
    rectangles: list[Rectangle],
    down_spec: MultiPartitions,
) -> Iterator[Rectangle]:
    """The rectangles, in pieces for which the needs of the two upstream dimensions do not depend on each other.

    If both depend on the same downstream dimension, a piece has a single key of it.
    """
    first, second = links
    if first is None or second is None or first.downstream != second.downstream:
        yield from rectangles
        return
    at = down_spec.position_of(first.downstream)
    for sides in rectangles:
        for one in sides[at]:
            alone = FrozenBitMap([one])
            yield (alone, sides[1]) if at == 0 else (sides[0], alone)


def _side_needs(
    link: DimensionLink | None,
    sides: Rectangle,
    down_spec: MultiPartitions,
    up_dimension: PartitionsSpec,
    view: PartitionView,
) -> UpstreamResult:
    """What a piece needs of one upstream dimension; all of it without a link."""
    at = 0 if link is None else down_spec.position_of(link.downstream)
    mapping = AllPartitions() if link is None else link.mapping
    return single_upstream(mapping, PartitionSet(down_spec.dimensions[at][1], sides[at]), up_dimension, view)


def _missing_pairs(first: UpstreamResult, second: UpstreamResult, view: PartitionView) -> Iterator[str]:
    """Keys of the pairs of which at least one half is required and does not exist."""
    for key in first.nonexistent:
        for beside in chain(second.existing.keys(view), second.nonexistent):
            yield key + SEPARATOR + beside
    for key in first.existing.keys(view):
        for beside in second.nonexistent:
            yield key + SEPARATOR + beside


def _along(partitions: PartitionSet, spec: MultiPartitions, at: int) -> PartitionSet:
    """The keys of one dimension that occur in a set."""
    found = BitMap()
    for sides in rectangles_of(partitions.multi_bits):
        found |= sides[at]
    return PartitionSet(spec.dimensions[at][1], FrozenBitMap(found))


def _across(side: PartitionSet, spec: MultiPartitions, at: int, view: PartitionView) -> PartitionSet:
    """All existing multi partitions that have one of these keys in one dimension."""
    if side.is_empty:
        return nothing(spec)
    other = everything(spec.dimensions[1 - at][1], view).single_bits
    bits = side.single_bits
    return PartitionSet(spec, union_of([(bits, other) if at == 0 else (other, bits)]))


def _where(partitions: PartitionSet, spec: MultiPartitions, at: int, wanted: FrozenBitMap) -> PartitionSet:
    """The partitions of a set that have one of these keys in one dimension."""
    if not wanted:
        return nothing(spec)
    pieces = rectangles_of(partitions.multi_bits)
    cut = [(a & wanted, b) if at == 0 else (a, b & wanted) for a, b in pieces]
    return PartitionSet(spec, union_of(cut))


def _joined_key(at: int, key: str, beside: str) -> str:
    return key + SEPARATOR + beside if at == 0 else beside + SEPARATOR + key


def _unfit(
    mapping: MultiToSingle | MultiMapping, down_spec: PartitionsSpec | None, up_spec: PartitionsSpec | None
) -> PartitionError:
    try:
        require_mapping(mapping, down_spec, up_spec)
    except PartitionError as reason:
        return reason
    return PartitionError(
        f"partition mapping: expected multi partitions, got others; do not use {mapping!r} here"
    )
