"""Cuts sets of partitions into runs: one for each, or stretches of neighbours of a limited length.

A stretch is named by its first and last key, so it may hold neither a partition that is not wanted, nor two parts with a
wanted one between them. Partitions that do not exist (excluded windows, removed keys) do not break a stretch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

import msgspec
from pyroaring import FrozenBitMap

from tidewheel.logic.partitions.definitions import MultiPartitions, PartitionsSpec, PartitionView
from tidewheel.logic.partitions.keys import key_of, single_ordinals
from tidewheel.logic.partitions.rows import pack, rectangle, rectangles_of, runs_of
from tidewheel.logic.partitions.sets import PartitionSet, from_ordinals

ALL_IN_ONE = 0
"""A limit of partitions per run that means: all neighbours in one run."""


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """The partitions of one run: a single key, or the keys from the first to the last, or (None) no partition at all."""

    partitions: PartitionSet
    first: Optional[str] = None
    last: Optional[str] = None

    @property
    def key(self) -> str | None:
        """The key of a run for exactly one partition."""
        return self.first if self.first == self.last else None


def stretches(partitions: PartitionSet, limit: int, view: PartitionView) -> Iterator[Stretch]:
    """The runs for a set, in the order of its ordinals, made as they are taken.

    ``limit``: partitions per run at most; ``ALL_IN_ONE`` puts all neighbours into one.
    """
    spec = partitions.spec
    if spec is None:
        if not partitions.is_empty:
            yield Stretch(partitions=partitions)
    elif limit == 1:
        for ordinal in partitions:
            key = key_of(spec, ordinal, view)
            yield Stretch(partitions=from_ordinals(spec, [ordinal]), first=key, last=key)
    elif isinstance(spec, MultiPartitions):
        yield from _rectangles(partitions, spec, limit, view)
    else:
        for piece in _pieces(partitions.single_bits, single_ordinals(spec, view), limit):
            first, last = piece.min(), piece.max()
            yield Stretch(
                partitions=PartitionSet(spec, piece),
                first=key_of(spec, first, view),
                last=key_of(spec, last, view),
            )


def _rectangles(
    partitions: PartitionSet, spec: MultiPartitions, limit: int, view: PartitionView
) -> Iterator[Stretch]:
    for firsts, seconds in rectangles_of(partitions.multi_bits):
        # a limited run holds parts of one row, an unlimited one whole neighbouring rows
        rows = _pieces(firsts, single_ordinals(spec.first, view), limit if limit == ALL_IN_ONE else 1)
        for row in rows:
            for piece in _pieces(seconds, single_ordinals(spec.second, view), limit):
                yield Stretch(
                    partitions=PartitionSet(spec, rectangle(row, piece)),
                    first=key_of(spec, pack(row.min(), piece.min()), view),
                    last=key_of(spec, pack(row.max(), piece.max()), view),
                )


def _pieces(bits: FrozenBitMap, existing: FrozenBitMap, limit: int) -> Iterator[FrozenBitMap]:
    """Maximal sets of neighbours among what exists, cut to the limit."""
    for start, stop in _neighbours(bits, existing):
        piece = bits & FrozenBitMap(range(start, stop))
        if limit == ALL_IN_ONE:
            yield piece
            continue
        for at in range(0, len(piece), limit):
            low = piece[at]
            high = piece[min(at + limit, len(piece)) - 1]
            yield piece & FrozenBitMap(range(low, high + 1))


def _neighbours(bits: FrozenBitMap, existing: FrozenBitMap) -> Iterator[tuple[int, int]]:
    """Runs of ordinals, joined where nothing that exists lies between them."""
    held: tuple[int, int] | None = None
    for start, stop in runs_of(bits):
        if held is None:
            held = (start, stop)
        elif existing.range_cardinality(held[1], start) == 0:
            held = (held[0], stop)
        else:
            yield held
            held = (start, stop)
    if held is not None:
        yield held


def is_one_spec(one: PartitionsSpec | None, other: PartitionsSpec | None) -> bool:
    """Whether two definitions have the same partitions at every moment."""
    return one is other or one == other
