"""Partition sets obey the laws of sets and have one form."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import FrozenBitMap, FrozenBitMap64

from tidewheel.logic.partitions.definitions import (
    MultiPartitions,
    PartitionView,
    StaticPartitions,
    TimeWindowPartitions,
)
from tidewheel.logic.partitions.errors import PartitionError, UnknownPartitionError
from tidewheel.logic.partitions.rows import (
    bits_of_runs,
    joined,
    pack,
    rectangle,
    rectangles_of,
    rows_of,
    runs_of,
    union_of,
    unpack,
)
from tidewheel.logic.partitions.sets import (
    EVERYTHING_UNPARTITIONED,
    NOTHING_UNPARTITIONED,
    PartitionSet,
    everything,
    existing,
    from_keys,
    from_ordinals,
    from_range,
    from_window,
    nothing,
)
from tidewheel.logic.partitions.windows import Window

STATIC = StaticPartitions(keys=tuple("abcdefgh"))
MULTI = MultiPartitions(dimensions=(("p", StaticPartitions(keys=tuple("123"))), ("q", STATIC)))
DAILY = TimeWindowPartitions(
    cron="0 0 * * *", start=datetime(2024, 1, 1, tzinfo=UTC).timestamp(), fmt="%Y-%m-%d"
)
VIEW = PartitionView(now=datetime(2024, 2, 1, tzinfo=UTC).timestamp())

ORDINALS = st.sets(st.integers(0, 7))
PAIRS = st.sets(st.builds(pack, st.integers(0, 2), st.integers(0, 7)))
SETS = st.one_of(
    st.tuples(*[ORDINALS.map(lambda one: (STATIC, one))] * 3),
    st.tuples(*[PAIRS.map(lambda one: (MULTI, one))] * 3),
)


@given(SETS)
def test_set_laws_and_agreement_with_python_sets(three):
    (spec, a), (_, b), (_, c) = three
    x, y, z = (from_ordinals(spec, one) for one in (a, b, c))
    assert set(x | y) == a | b
    assert set(x & y) == a & b
    assert set(x - y) == a - b
    assert x | y == y | x
    assert x & (y | z) == (x & y) | (x & z)
    assert x - (y | z) == (x - y) & (x - z)
    assert x | (x & y) == x == x & (x | y)
    whole = everything(spec, VIEW)
    assert whole - (whole - x) == x
    assert (x == y) == (a == b)
    if x == y:
        assert hash(x) == hash(y)
    assert len(x) == len(a)
    assert x.is_empty == (not a)
    assert x.is_subset_of(y) == (a <= b)
    assert x.overlaps(y) == bool(a & b)
    assert list(x) == sorted(a)
    assert all((ordinal in x) == (ordinal in a) for ordinal in [*a, *b, *c])
    assert from_keys(spec, x.keys(VIEW), VIEW) == x


def test_the_same_set_is_equal_however_it_was_made():
    by_range = from_range(STATIC, "b", "e", VIEW)
    assert by_range == from_keys(STATIC, ["e", "b", "c", "d", "b"], VIEW)
    assert by_range == from_ordinals(STATIC, range(1, 5))
    long = from_ordinals(STATIC, range(100_000))
    pieces = nothing(STATIC)
    for start in range(0, 100_000, 1000):
        pieces = pieces | from_ordinals(STATIC, list(range(start, start + 1000)))
    assert long == pieces
    assert hash(long) == hash(pieces)


def test_unpartitioned_assets_have_everything_or_nothing():
    assert everything(None, VIEW) is EVERYTHING_UNPARTITIONED
    assert nothing(None) is NOTHING_UNPARTITIONED
    whole, empty = everything(None, VIEW), nothing(None)
    assert len(whole) == 1
    assert not whole.is_empty
    assert empty.is_empty
    assert whole - whole == empty == whole & empty
    assert whole | empty == whole
    assert list(whole.keys(VIEW)) == []


def test_sets_of_different_definitions_do_not_mix():
    other = nothing(StaticPartitions(keys=("a",)))
    for operation in (PartitionSet.__or__, PartitionSet.__and__, PartitionSet.__sub__, PartitionSet.overlaps):
        with pytest.raises(PartitionError, match="8 static partitions, got one of the 1 static"):
            operation(nothing(STATIC), other)
    assert nothing(STATIC) != other
    with pytest.raises(PartitionError, match="an unpartitioned asset"):
        nothing(None) | other
    assert nothing(STATIC) | nothing(StaticPartitions(keys=tuple("abcdefgh"))) == nothing(STATIC)


def test_sets_cannot_be_changed():
    whole = everything(STATIC, VIEW)
    with pytest.raises(AttributeError):
        whole.spec = None
    assert not hasattr(whole.bits, "add")


def test_unknown_keys_are_refused():
    with pytest.raises(UnknownPartitionError):
        from_keys(STATIC, ["a", "nope"], VIEW)
    with pytest.raises(UnknownPartitionError):
        from_keys(DAILY, ["2024-02-01"], VIEW)


def test_time_ranges():
    january = from_window(DAILY, Window(VIEW.now - 5.5 * 86_400, VIEW.now + 9 * 86_400), VIEW)
    assert list(january.keys(VIEW)) == ["2024-01-27", "2024-01-28", "2024-01-29", "2024-01-30", "2024-01-31"]
    assert from_range(DAILY, "2024-01-27", "2024-05-01", VIEW) == january
    ahead = from_ordinals(DAILY, range(29, 40))
    assert list(existing(ahead, VIEW).keys(VIEW)) == ["2024-01-30", "2024-01-31"]


def test_single_and_multi_bits_are_not_confused():
    assert isinstance(everything(MULTI, VIEW).multi_bits, FrozenBitMap64)
    assert isinstance(everything(STATIC, VIEW).single_bits, FrozenBitMap)
    with pytest.raises(PartitionError):
        everything(MULTI, VIEW).single_bits
    with pytest.raises(PartitionError):
        everything(STATIC, VIEW).multi_bits


def test_a_million_consecutive_partitions_are_small():
    spec = TimeWindowPartitions(cron="* * * * *", start=0.0, fmt="%Y-%m-%d-%H:%M")
    view = PartitionView(now=60.0 * 1_000_000)
    whole = everything(spec, view)
    assert len(whole) == 1_000_000
    assert len(whole.bits.serialize()) < 300
    assert list(runs_of(whole.bits)) == [(0, 1_000_000)]
    half = from_range(spec, "1970-01-01-00:00", "1970-12-14-05:19", view)
    assert len(half) == 500_000
    assert len((whole - half).bits.serialize()) < 300


@given(st.sets(st.integers(0, 200)))
def test_runs_are_maximal_and_complete(ordinals):
    runs = list(runs_of(FrozenBitMap(ordinals)))
    assert {one for start, stop in runs for one in range(start, stop)} == ordinals
    assert all(start < stop for start, stop in runs)
    assert all(before[1] < after[0] for before, after in zip(runs, runs[1:]))
    assert bits_of_runs(runs) == FrozenBitMap(ordinals)


def test_runs_below_zero_are_cut():
    assert list(bits_of_runs([(-5, 2), (-9, -1), (1, 3), (7, 7)])) == [0, 1, 2]


WIDE = st.sets(
    st.builds(pack, st.sampled_from([0, 1, 5, 70_000, 2**32 - 1]), st.integers(0, 3) | st.just(2**32 - 1))
)


@settings(max_examples=200)
@given(WIDE)
def test_rows_and_rectangles_rebuild_the_set(ordinals):
    bits = FrozenBitMap64(ordinals)
    rows = rows_of(bits)
    assert {pack(first, second) for first, row in rows.items() for second in row} == ordinals
    assert joined(rows) == bits
    rectangles = rectangles_of(bits)
    assert union_of(rectangles) == bits
    assert sum(len(a) * len(b) for a, b in rectangles) == len(ordinals)
    assert len({b for _, b in rectangles}) == len(rectangles)
    assert [pack(*unpack(one)) for one in ordinals] == list(ordinals)


def test_rows_of_large_sets():
    seconds = FrozenBitMap(range(0, 300_000, 2)) | FrozenBitMap(range(500_000, 900_000))
    bits = rectangle(FrozenBitMap(range(40)), seconds)
    assert len(bits) == 40 * len(seconds)
    assert rectangles_of(bits) == [(FrozenBitMap(range(40)), seconds)]
    assert (
        rectangle(FrozenBitMap(), seconds) == rectangle(FrozenBitMap([1]), FrozenBitMap()) == FrozenBitMap64()
    )
    overlapping = union_of(
        [(FrozenBitMap([1, 2]), FrozenBitMap([0])), (FrozenBitMap([2]), FrozenBitMap([0, 5]))]
    )
    assert set(overlapping) == {pack(1, 0), pack(2, 0), pack(2, 5)}
