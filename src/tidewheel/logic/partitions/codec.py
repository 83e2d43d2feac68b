"""The stored form of partition sets, and fingerprints of definitions. Only this module knows bytes.

A stored set begins with its form (one byte) and the first eight bytes of its definition's fingerprint, so
that bytes are never read with the ordinals of another definition. Numbers are LEB128 varints, seven bits a
byte.

* `RUNS`: the number of runs, then for each the distance from the end of the one before, and its length.
* `ROARING`: a 32-bit roaring bitmap in its portable format, for sets of many runs.
* `RECTANGLES`: the number of rectangles, then for each two 32-bit sets, each with its length and form.
* `ROARING_64`: a 64-bit roaring bitmap in its portable format.

The same set always has the same bytes.
"""

from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from itertools import islice

import msgspec
from pyroaring import BitMap, BitMap64, FrozenBitMap, FrozenBitMap64

from tidewheel.logic.cron.expression import parse
from tidewheel.logic.cron.zones import require_zone
from tidewheel.logic.partitions import windows
from tidewheel.logic.partitions.definitions import (
    DynamicPartitions,
    MultiPartitions,
    PartitionsSpec,
    StaticPartitions,
    TimeWindowPartitions,
)
from tidewheel.logic.partitions.errors import PartitionError
from tidewheel.logic.partitions.rows import bits_of_runs, rectangles_of, runs_of, union_of
from tidewheel.logic.partitions.sets import PartitionSet

RUNS, ROARING, RECTANGLES, ROARING_64 = 1, 2, 3, 4
RUN_LIMIT = 64  # from here on roaring's own containers are about as small, and quicker
RECTANGLE_LIMIT = 64
CHECK_LENGTH = 8


@lru_cache(maxsize=4096)
def fingerprint(spec: PartitionsSpec | None) -> str:
    """16 hexadecimal digits that change exactly when ordinals may change their meaning.

    For time windows: cron (as times, not as text), zone, first window, format; not end, offset or
    exclusions. Raises CronError or ZoneError for a definition that is not valid.
    """
    return sha256(msgspec.msgpack.encode(_identity(spec))).hexdigest()[: 2 * CHECK_LENGTH]


def encode(partitions: PartitionSet) -> bytes:
    """The stored form of a set."""
    form, body = _encoded(partitions.bits)
    return bytes([form]) + bytes.fromhex(fingerprint(partitions.spec)) + body


def decode(data: bytes, spec: PartitionsSpec | None) -> PartitionSet:
    """The set of `spec` that was stored; raises PartitionError for damage or another definition's set."""
    start = 1 + CHECK_LENGTH
    if len(data) < start:
        raise _damaged(data)
    if data[1:start].hex() != fingerprint(spec):
        raise PartitionError(
            f"stored partition set: expected one of the definition {fingerprint(spec)}, got one of "
            f"{data[1:start].hex()}; carry it over from the definition it was stored with"
        )
    wide = isinstance(spec, MultiPartitions)
    if wide != (data[0] in (RECTANGLES, ROARING_64)):
        raise _damaged(data)
    try:
        bits = _decoded_wide(data[0], data[start:]) if wide else _decoded(data[0], data[start:])
    except (ValueError, IndexError, OverflowError) as reason:
        raise _damaged(data) from reason
    return PartitionSet(spec, bits)


def stored_fingerprint(data: bytes) -> str:
    """The fingerprint of the definition that a stored set belongs to."""
    return data[1 : 1 + CHECK_LENGTH].hex()


def _identity(spec: PartitionsSpec | None) -> object:
    match spec:
        case None:
            return "unpartitioned"
        case TimeWindowPartitions():
            times = msgspec.structs.astuple(parse(spec.cron))
            return ("time_window", times, require_zone(spec.zone), windows.start_of(spec, 0), spec.fmt)
        case StaticPartitions():
            return ("static", spec.keys)
        case DynamicPartitions():
            return ("dynamic", spec.name)
        case MultiPartitions():
            return ("multi", [(name, _identity(dimension)) for name, dimension in spec.dimensions])


def _encoded(bits: FrozenBitMap | FrozenBitMap64) -> tuple[int, bytes]:
    if isinstance(bits, FrozenBitMap):
        runs = list(islice(runs_of(bits), RUN_LIMIT + 1))
        if len(runs) <= RUN_LIMIT:
            return RUNS, _encoded_runs(runs)
        plain = BitMap(bits)
        plain.run_optimize()
        return ROARING, plain.serialize()
    rectangles = rectangles_of(bits)
    if len(rectangles) <= RECTANGLE_LIMIT:
        parts = [_varint(len(rectangles))]
        for firsts, seconds in rectangles:
            parts.extend((_framed(firsts), _framed(seconds)))
        return RECTANGLES, b"".join(parts)
    wide = BitMap64(bits)
    wide.run_optimize()
    return ROARING_64, wide.serialize()


def _framed(bits: FrozenBitMap) -> bytes:
    form, body = _encoded(bits)
    return _varint(len(body)) + bytes([form]) + body


def _encoded_runs(runs: Iterable[tuple[int, int]]) -> bytes:
    numbers, at = [], 0
    for start, stop in runs:
        numbers += [start - at, stop - start]
        at = stop
    return b"".join(_varint(number) for number in [len(numbers) // 2, *numbers])


def _decoded(form: int, body: bytes) -> FrozenBitMap:
    if form == ROARING:
        return FrozenBitMap.deserialize(body)
    if form != RUNS:
        raise ValueError(form)
    number, at = _read_varint(body, 0)
    runs, end = [], 0
    for _ in range(number):
        gap, at = _read_varint(body, at)
        length, at = _read_varint(body, at)
        runs.append((end + gap, end + gap + length))
        end += gap + length
    if at != len(body):
        raise ValueError(at)
    return bits_of_runs(runs)


def _decoded_wide(form: int, body: bytes) -> FrozenBitMap64:
    if form == ROARING_64:
        return FrozenBitMap64.deserialize(body)
    number, at = _read_varint(body, 0)
    sets: list[FrozenBitMap] = []
    for _ in range(2 * number):
        length, at = _read_varint(body, at)
        sets.append(_decoded(body[at], body[at + 1 : at + 1 + length]))
        at += 1 + length
    if at != len(body):
        raise ValueError(at)
    return union_of(zip(sets[::2], sets[1::2], strict=True))


def _varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    """(the number that begins at `at`, where the next one begins); raises IndexError past the end."""
    number = shift = 0
    while data[at] & 0x80:
        number |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
    return number | data[at] << shift, at + 1


def _damaged(data: bytes) -> PartitionError:
    return PartitionError(
        f"stored partition set: expected a form this version knows, got {len(data)} bytes beginning "
        f"{data[:12].hex()!r}; restore the row, or rebuild it from the event log"
    )
