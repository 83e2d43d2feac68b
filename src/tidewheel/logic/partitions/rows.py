"""The bitmaps of two-dimensional partitions: packing, rows and rectangles.

A partition of a multi definition is one 64-bit ordinal, the first dimension's in the upper 32 bits. Such a
bitmap is a set of *rows*, one bitmap of second ordinals for each first ordinal. Most sets are a few
*rectangles*: all pairs of a set of first and a set of second ordinals. Mappings and the codec work on
rectangles.
"""

from collections.abc import Iterable, Iterator, Mapping
from struct import Struct

from pyroaring import BitMap, FrozenBitMap, FrozenBitMap64

SHIFT = 32
MASK = (1 << SHIFT) - 1

# The portable format of 64-bit roaring bitmaps: the number of rows, then for each its upper 32 bits and a
# 32-bit bitmap in its portable format. Going through it splits and joins without touching single ordinals.
_HEADER = Struct("<Q")
_ROW = Struct("<I")


def pack(first: int, second: int) -> int:
    """One 64-bit ordinal from the ordinals of the two dimensions."""
    return first << SHIFT | second


def unpack(ordinal: int) -> tuple[int, int]:
    """The ordinals of the two dimensions."""
    return ordinal >> SHIFT, ordinal & MASK


def rows_of(bits: FrozenBitMap64) -> dict[int, FrozenBitMap]:
    """The second ordinals by first ordinal; only rows that are not empty."""
    data = bits.serialize()
    (number,) = _HEADER.unpack_from(data)
    at, rows = _HEADER.size, {}
    for _ in range(number):
        (first,) = _ROW.unpack_from(data, at)
        row = FrozenBitMap.deserialize(data[at + _ROW.size :])
        at += _ROW.size + len(row.serialize())
        rows[first] = row
    return rows


def joined(rows: Mapping[int, BitMap | FrozenBitMap]) -> FrozenBitMap64:
    """The bitmap with these rows; empty ones are left out."""
    pieces = [(first, row.serialize()) for first, row in sorted(rows.items()) if row]
    body = b"".join(_ROW.pack(first) + data for first, data in pieces)
    return FrozenBitMap64.deserialize(_HEADER.pack(len(pieces)) + body)


def rectangle(firsts: FrozenBitMap, seconds: FrozenBitMap) -> FrozenBitMap64:
    """All pairs of two sets."""
    return joined(dict.fromkeys(firsts, seconds)) if seconds else FrozenBitMap64()


def rectangles_of(bits: FrozenBitMap64) -> list[tuple[FrozenBitMap, FrozenBitMap]]:
    """The set as disjoint rectangles with different second sets, in the order of their first rows."""
    grouped: dict[FrozenBitMap, BitMap] = {}
    for first, row in rows_of(bits).items():
        grouped.setdefault(row, BitMap()).add(first)
    return [(FrozenBitMap(firsts), row) for row, firsts in grouped.items()]


def union_of(rectangles: Iterable[tuple[FrozenBitMap, FrozenBitMap]]) -> FrozenBitMap64:
    """The union of rectangles, which may overlap."""
    rows: dict[int, FrozenBitMap] = {}
    for firsts, seconds in rectangles:
        for first in firsts:
            known = rows.get(first)
            rows[first] = seconds if known is None else known | seconds
    return joined(rows)


def runs_of(bits: FrozenBitMap) -> Iterator[tuple[int, int]]:
    """The maximal runs of consecutive ordinals as (start, stop), ascending; the cost follows their number."""
    if not bits:
        return
    start, end = bits.min(), bits.max() + 1
    holes = bits.flip(start, end)
    holes_left = len(holes)
    while holes_left:
        stop = holes.next_set_bit(start)
        yield start, stop
        start = bits.next_set_bit(stop)
        holes_left -= start - stop
    yield start, end


def bits_of_runs(runs: Iterable[tuple[int, int]]) -> FrozenBitMap:
    """The union of runs (start, stop), which may touch or overlap; parts below zero are dropped."""
    bits = BitMap()
    for start, stop in runs:
        if stop > max(start, 0):
            bits.add_range(max(start, 0), stop)
    return FrozenBitMap(bits)
