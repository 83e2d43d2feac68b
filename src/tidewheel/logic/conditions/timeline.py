"""When partitions were last touched, so kept that one more costs next to nothing however many there are.

A timeline is a short row of balanced trees over blocks of (moment, ordinal), in the order of moments. A node knows which
ordinals are below it, so that "which since then" joins a few bitmaps and opens one block. A newer entry of an ordinal
leaves the older one where it is: it changes no answer. Now and then those are thrown out.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Optional

from tidewheel.logic.partitions.definitions import MultiPartitions, PartitionsSpec
from tidewheel.logic.partitions.sets import PartitionSet, from_ordinals, nothing

BLOCK = 128
Entry = tuple[float, int]
"""A moment (seconds since the epoch) and an ordinal."""


class _Node(NamedTuple):
    """Entries from `first` to `last`: a block (with `times` and `ordinals`), or the join of two nodes."""

    first: float
    last: float
    bits: Any
    size: int
    rank: int
    below: tuple[_Node, ...] = ()
    times: Any = None
    ordinals: Any = None


class Timeline:
    """The latest moment of each partition that has one; a value that is never changed.

    `within`: only these partitions count (None: all). Two timelines are equal only if they are one and the same;
    `latest_moments` compares.
    """

    __slots__ = ("_spec", "_trees", "within")

    def __init__(
        self,
        spec: PartitionsSpec | None,
        trees: tuple[_Node, ...] = (),
        within: Optional[PartitionSet] = None,
    ) -> None:
        self._spec = spec
        self._trees = trees
        self.within = within

    @classmethod
    def of(cls, spec: PartitionsSpec | None, moments: Iterable[tuple[float, PartitionSet]]) -> Timeline:
        """The timeline of some partitions' latest moments."""
        return cls(spec).adding((at, ordinal) for at, partitions in moments for ordinal in partitions)

    def adding(self, entries: Iterable[Entry]) -> Timeline:
        """With other latest moments of some ordinals, mostly later ones than all before."""
        new = sorted(entries)
        if not new:
            return self
        earliest = new[0][0]
        kept: list[_Node] = []
        open_: list[Entry] = []
        for tree in self._trees:
            _split(tree, earliest, kept, open_)
        if open_:
            changed = {ordinal for _, ordinal in new}
            new = sorted([one for one in open_ if one[1] not in changed] + new)
        if kept and kept[-1].rank == 0 and kept[-1].size < BLOCK:
            new = [*_entries(kept.pop()), *new]
        _append(kept, new, self._spec)
        found = Timeline(self._spec, tuple(kept), self.within)
        return found._compacted()

    def limited_to(self, within: PartitionSet) -> Timeline:
        """The same, counting these partitions only."""
        if self.within is not None and self.within == within:
            return self
        return Timeline(self._spec, self._trees, within)

    def since(self, moment: float) -> PartitionSet:
        """The partitions whose latest moment is this one or a later one."""
        found = nothing(self._spec).bits
        for tree in reversed(self._trees):
            if tree.last < moment:
                break
            found = found | _since(tree, moment, self._spec)
        partitions = PartitionSet(self._spec, found)
        return partitions if self.within is None else partitions & self.within

    def next_from(self, moment: float) -> float | None:
        """The first moment from this one on that is the latest of a partition."""
        for at, ordinal in self._from(moment):
            if (self.within is None or ordinal in self.within) and self._latest_of(ordinal) == at:
                return at
        return None

    def latest(self, partitions: PartitionSet | None = None) -> float | None:
        """The newest moment of any of these partitions, or of all."""
        if self.within is not None:
            partitions = self.within if partitions is None else partitions & self.within
        if partitions is None:
            return self._trees[-1].last if self._trees else None
        return next(
            (at for tree in reversed(self._trees) if (at := _latest(tree, partitions)) is not None), None
        )

    def latest_moments(self) -> dict[int, float]:
        """The latest moment by ordinal."""
        found = {ordinal: at for tree in self._trees for at, ordinal in _entries(tree)}
        if self.within is None:
            return found
        return {ordinal: at for ordinal, at in found.items() if ordinal in self.within}

    def __bool__(self) -> bool:
        return bool(self._trees)

    def __repr__(self) -> str:
        return f"Timeline({self.latest_moments()})"

    def _latest_of(self, ordinal: int) -> float | None:
        return self.latest(from_ordinals(self._spec, [ordinal]) if self._spec is not None else None)

    def _from(self, moment: float) -> Iterator[Entry]:
        for tree in self._trees:
            yield from _entries_from(tree, moment)

    def _compacted(self) -> Timeline:
        count = sum(tree.size for tree in self._trees)
        if count <= 4 * BLOCK:
            return self
        distinct = nothing(self._spec).bits
        for tree in self._trees:
            distinct = distinct | tree.bits
        if count <= 2 * len(distinct) + BLOCK:
            return self
        latest = {ordinal: at for tree in self._trees for at, ordinal in _entries(tree)}
        trees: list[_Node] = []
        _append(trees, sorted((at, ordinal) for ordinal, at in latest.items()), self._spec)
        return Timeline(self._spec, tuple(trees), self.within)


def _append(trees: list[_Node], entries: list[Entry], spec: PartitionsSpec | None) -> None:
    """Add blocks of entries that are not earlier than any before; equally high trees are joined."""
    for start in range(0, len(entries), BLOCK):
        trees.append(_block(entries[start : start + BLOCK], spec))
        while (
            len(trees) > 1 and trees[-1].size >= BLOCK and trees[-2].rank <= trees[-1].rank
        ):  # an open block is not joined yet
            right, left = trees.pop(), trees.pop()
            trees.append(
                _Node(
                    left.first,
                    right.last,
                    left.bits | right.bits,
                    left.size + right.size,
                    max(left.rank, right.rank) + 1,
                    (left, right),
                )
            )


def _block(entries: list[Entry], spec: PartitionsSpec | None) -> _Node:
    width = "Q" if isinstance(spec, MultiPartitions) else "I"
    ordinals = array(width, [ordinal for _, ordinal in entries])
    return _Node(
        entries[0][0],
        entries[-1][0],
        type(nothing(spec).bits)(ordinals),
        len(entries),
        0,
        (),
        array("d", [at for at, _ in entries]),
        ordinals,
    )


def _split(node: _Node, moment: float, kept: list[_Node], open_: list[Entry]) -> None:
    """Keep what is not later than a moment as it is, and take the rest apart."""
    if node.last <= moment:
        kept.append(node)
    elif node.below:
        for one in node.below:
            _split(one, moment, kept, open_)
    else:
        open_.extend(_entries(node))


def _entries(node: _Node) -> Iterator[Entry]:
    if node.below:
        for one in node.below:
            yield from _entries(one)
    else:
        yield from zip(node.times, node.ordinals, strict=True)


def _entries_from(node: _Node, moment: float) -> Iterator[Entry]:
    if node.last < moment:
        return
    if node.below:
        for one in node.below:
            yield from _entries_from(one, moment)
    else:
        start = bisect_left(node.times, moment)
        yield from zip(node.times[start:], node.ordinals[start:], strict=True)


def _since(node: _Node, moment: float, spec: PartitionsSpec | None) -> Any:
    if node.first >= moment:
        return node.bits
    if node.below:
        left, right = node.below
        newer = _since(right, moment, spec)
        return newer if left.last < moment else newer | _since(left, moment, spec)
    return type(node.bits)(node.ordinals[bisect_left(node.times, moment) :])


def _latest(node: _Node, partitions: PartitionSet) -> float | None:
    if not node.bits.intersect(partitions.bits):
        return None
    if node.below:
        left, right = node.below
        found = _latest(right, partitions)
        return _latest(left, partitions) if found is None else found
    return next(
        at
        for at, ordinal in zip(reversed(node.times), reversed(node.ordinals), strict=True)
        if ordinal in partitions
    )
