"""The stored form of sets, fingerprints of definitions, and carrying sets over to changed definitions."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewheel.logic.partitions.carry_over import carried_over
from tidewheel.logic.partitions.codec import decode, encode, fingerprint, stored_fingerprint
from tidewheel.logic.partitions.definitions import (
    DynamicKeys,
    DynamicPartitions,
    MultiPartitions,
    PartitionsSpec,
    PartitionView,
    StaticPartitions,
    TimeWindowPartitions,
)
from tidewheel.logic.partitions.errors import PartitionError
from tidewheel.logic.partitions.mappings import (
    DimensionLink,
    Identity,
    MultiMapping,
    PartitionMapping,
    StaticMapping,
    TimeWindowMapping,
)
from tidewheel.logic.partitions.rows import pack
from tidewheel.logic.partitions.sets import PartitionSet, everything, from_keys, from_ordinals, nothing


def at(*parts):
    return datetime(*parts, tzinfo=UTC).timestamp()


STATIC = StaticPartitions(keys=("a", "b", "c"))
DYNAMIC = DynamicPartitions(name="files")
DAILY = TimeWindowPartitions(cron="0 0 * * *", start=at(2024, 1, 1), fmt="%Y-%m-%d")
MULTI = MultiPartitions(dimensions=(("day", DAILY), ("x", STATIC)))
VIEW = PartitionView(now=at(2024, 2, 1), dynamic_keys={"files": DynamicKeys().adding(["f", "g"])})
SPECS = [STATIC, DYNAMIC, DAILY, MULTI]

WIDE = st.builds(pack, st.integers(0, 2**20) | st.integers(0, 5), st.integers(0, 2**20) | st.integers(0, 5))
PARTITION_SETS = st.one_of(
    st.sampled_from([everything(None, VIEW), nothing(None)]),
    st.sets(st.integers(0, 2**32 - 1) | st.integers(0, 500)).map(lambda some: from_ordinals(DAILY, some)),
    st.sets(WIDE).map(lambda some: from_ordinals(MULTI, some)),
)


@given(PARTITION_SETS)
def test_round_trip(partitions):
    data = encode(partitions)
    back = decode(data, partitions.spec)
    assert back == partitions
    assert encode(back) == data


@pytest.mark.parametrize("step", [1, 2, 3, 1000])
@pytest.mark.parametrize("spec", [DAILY, MULTI])
def test_round_trip_of_large_sets(spec, step):
    partitions = from_ordinals(spec, range(0, 200_000, step))
    assert decode(encode(partitions), spec) == partitions
    rows = from_ordinals(MULTI, [pack(first, first % (step + 1)) for first in range(3000)])
    assert decode(encode(rows), MULTI) == rows


def test_the_same_set_has_the_same_bytes_however_it_was_made():
    at_once = from_ordinals(DAILY, range(1000))
    pieces = nothing(DAILY)
    for one in range(1000):
        pieces = pieces | from_ordinals(DAILY, [one])
    assert encode(at_once) == encode(pieces)
    odd = from_ordinals(DAILY, range(1, 1000, 2))
    assert encode(at_once - odd) == encode(from_ordinals(DAILY, range(0, 1000, 2)))


def test_a_million_consecutive_partitions_are_a_few_bytes():
    minutes = TimeWindowPartitions(cron="* * * * *", start=0.0, fmt="%Y-%m-%d-%H:%M")
    assert len(encode(everything(minutes, PartitionView(now=60.0 * 1_000_000)))) <= 16
    hours = TimeWindowPartitions(cron="0 * * * *", start=0.0, fmt="%Y-%m-%d-%H:%M")
    many = StaticPartitions(keys=tuple(f"customer {number}" for number in range(1000)))
    multi = MultiPartitions(dimensions=(("a", hours), ("b", many)))
    whole = everything(multi, PartitionView(now=3600.0 * 1000))
    assert len(whole) == 1_000_000
    assert len(encode(whole)) < 100


@pytest.mark.parametrize("spec", [None, *SPECS])
def test_sets_are_not_read_with_another_definition(spec):
    data = encode(nothing(spec))
    assert stored_fingerprint(data) == fingerprint(spec)
    for other in [None, *SPECS]:
        if other != spec:
            with pytest.raises(PartitionError, match="carry it over"):
                decode(data, other)


@pytest.mark.parametrize("spec", [DAILY, MULTI])
def test_damaged_bytes_are_refused(spec):
    data = encode(from_ordinals(spec, [1, 5, 6]))
    for broken in (
        b"",
        data[:5],
        data[:-1],
        b"\x09" + data[1:],
        data + b"\x00",
        b"\x02" + data[1:],
        b"\x04" + data[1:],
    ):
        with pytest.raises(PartitionError, match="expected"):
            decode(broken, spec)


def changed(spec, **fields):
    return msgspec.structs.replace(spec, **fields)


@pytest.mark.parametrize(
    "same",
    [
        changed(DAILY, end=at(2025, 1, 1)),
        changed(DAILY, end_offset=1),
        changed(DAILY, exclusions=("0 0 * * 6",)),
        changed(DAILY, cron="@daily"),
        changed(DAILY, cron="0 0 * * 0-6"),
        changed(DAILY, zone="utc"),
        changed(DAILY, start=at(2023, 12, 31, 1)),  # the first window is still that of January 1
    ],
)
def test_fingerprints_stay_while_ordinals_mean_the_same(same):
    assert fingerprint(same) == fingerprint(DAILY)


def test_fingerprints_change_when_ordinals_do():
    others = [
        changed(DAILY, cron="0 1 * * *"),
        changed(DAILY, zone="Europe/Berlin"),
        changed(DAILY, start=at(2024, 1, 2)),
        changed(DAILY, fmt="%Y%m%d"),
        *(
            STATIC,
            StaticPartitions(keys=("b", "a", "c")),
            DYNAMIC,
            DynamicPartitions(name="other"),
            MULTI,
            None,
        ),
        MultiPartitions(dimensions=(("day", DAILY), ("y", STATIC))),
        MultiPartitions(dimensions=(("day", changed(DAILY, cron="0 1 * * *")), ("x", STATIC))),
    ]
    found = [fingerprint(spec) for spec in [DAILY, *others]]
    assert len(set(found)) == len(found)
    assert all(len(one) == 16 for one in found)


def test_fingerprints_are_the_same_in_every_process():
    # stored sets name these: a change of them is a migration
    assert [fingerprint(spec) for spec in (None, STATIC, DYNAMIC, DAILY)] == [
        "12aee00dac39ab85",
        "60c0ed7bea13e162",
        "9360c14739ca5453",
        "7678795a4550a1c6",
    ]


@pytest.mark.parametrize("spec", SPECS)
def test_definitions_can_be_sent_and_stored(spec):
    for form in (msgspec.json, msgspec.msgpack):
        assert form.decode(form.encode(spec), type=PartitionsSpec) == spec
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(VIEW), type=PartitionView) == VIEW


@pytest.mark.parametrize(
    "mapping",
    [
        Identity(),
        TimeWindowMapping(start_offset=-1),
        StaticMapping(pairs=(("a", "b"),)),
        MultiMapping(
            links=(DimensionLink(upstream="a", downstream="b", mapping=TimeWindowMapping(end_offset=1)),)
        ),
    ],
)
def test_mappings_can_be_sent_and_stored(mapping):
    for form in (msgspec.json, msgspec.msgpack):
        assert form.decode(form.encode(mapping), type=PartitionMapping) == mapping


def carried(partitions, spec):
    return list(carried_over(partitions, spec, VIEW).keys(VIEW))


def test_sets_are_carried_over_by_their_keys():
    days = from_keys(DAILY, ["2024-01-01", "2024-01-05", "2024-01-06"], VIEW)
    assert carried(days, changed(DAILY, start=at(2023, 12, 1))) == ["2024-01-01", "2024-01-05", "2024-01-06"]
    assert carried(days, changed(DAILY, start=at(2024, 1, 5))) == ["2024-01-05", "2024-01-06"]
    assert carried(days, changed(DAILY, cron="0 6 * * *")) == ["2024-01-01", "2024-01-05", "2024-01-06"]
    assert carried(days, changed(DAILY, cron="0 0 * * 5")) == ["2024-01-05"]
    berlin = changed(DAILY, zone="Europe/Berlin", start=at(2023, 12, 31, 23))
    assert carried(days, berlin) == ["2024-01-01", "2024-01-05", "2024-01-06"]
    assert carried(days, StaticPartitions(keys=("2024-01-05", "x"))) == ["2024-01-05"]
    letters = from_keys(STATIC, ["a", "c"], VIEW)
    assert carried(letters, StaticPartitions(keys=("c", "b", "a", "z"))) == ["c", "a"]
    assert carried(letters, StaticPartitions(keys=("z",))) == []
    pairs = from_keys(MULTI, ["2024-01-01|a", "2024-01-02|c"], VIEW)
    renamed = MultiPartitions(dimensions=(("day", DAILY), ("x", StaticPartitions(keys=("c", "d")))))
    assert carried(pairs, renamed) == ["2024-01-02|c"]
    gone = PartitionSet(DYNAMIC, from_ordinals(DYNAMIC, [0, 7]).bits)
    assert carried(gone, StaticPartitions(keys=("g", "f"))) == ["f"]


def test_a_set_of_an_equal_definition_is_carried_over_as_it_is():
    million = from_ordinals(DAILY, range(1_000_000))
    longer = changed(DAILY, end=at(2030, 1, 1))
    assert carried_over(million, longer, VIEW) == PartitionSet(longer, million.bits)
    moved = carried_over(million, changed(DAILY, start=at(2023, 12, 1)), VIEW)
    assert (moved.bits.min(), len(moved)) == (31, 1_000_000)
