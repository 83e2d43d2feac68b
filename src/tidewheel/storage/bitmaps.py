"""Sets of partition ordinals as stored bytes: one form for all partitions definitions.

The bytes are a 64-bit roaring bitmap in its portable format, because the ordinals of two-dimensional partitions need
64 bits. A set whose ordinals all fit into 32 bits holds the 32-bit bitmap's portable bytes unchanged behind a fixed
head, so that readers of one-dimensional partitions get their kind of bitmap without touching the elements.
"""

from __future__ import annotations

from collections.abc import Iterable

from pyroaring import BitMap, BitMap64

EMPTY = b""
_HEAD = (1).to_bytes(8, "little") + (0).to_bytes(4, "little")
"""One part, whose upper 32 bits are zero."""


def load_ordinals(data: bytes) -> BitMap64:
    """The stored set; empty bytes are the empty set."""
    return BitMap64.deserialize(data) if data else BitMap64()


def load_narrow_ordinals(data: bytes) -> BitMap:
    """The stored set of ordinals below 2**32.

    Raises:
        ValueError: when there are larger ones.
    """
    if not data:
        return BitMap()
    if data.startswith(_HEAD):
        return BitMap.deserialize(data[len(_HEAD) :])
    wide = BitMap64.deserialize(data)
    if wide and wide.max() >= 1 << 32:
        raise ValueError(
            f"expected ordinals below 2**32, got {wide.max()}; read two-dimensional partitions with load_ordinals"
        )
    return BitMap(wide)


def dump_ordinals(ordinals: BitMap64 | Iterable[int]) -> bytes:
    """The stored form of a set."""
    bits = ordinals if isinstance(ordinals, BitMap64) else BitMap64(ordinals)
    if not bits:
        return EMPTY
    bits.run_optimize()
    return bits.serialize()
