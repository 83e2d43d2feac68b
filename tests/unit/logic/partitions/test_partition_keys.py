"""Keys of static, dynamic and multi definitions, and what is rejected when they are made."""

from datetime import UTC, datetime

import pytest

from tidewheel.logic.partitions import keys
from tidewheel.logic.partitions.definitions import (
    DynamicKeys,
    DynamicPartitions,
    MultiPartitions,
    PartitionView,
    StaticPartitions,
    TimeWindowPartitions,
)
from tidewheel.logic.partitions.errors import PartitionError, UnknownPartitionError
from tidewheel.logic.partitions.rows import pack
from tidewheel.logic.partitions.validation import require_dynamic_keys, require_spec

STATIC = StaticPartitions(keys=("x", "y", "z"))
NUMBERS = StaticPartitions(keys=("1", "2", "3"))
DYNAMIC = DynamicPartitions(name="files")
DAILY = TimeWindowPartitions(
    cron="0 0 * * *", start=datetime(2024, 1, 1, tzinfo=UTC).timestamp(), fmt="%Y-%m-%d"
)
NOW = datetime(2024, 1, 4, tzinfo=UTC).timestamp()
FILES = DynamicKeys().adding(["a.csv", "b.csv", "c.csv"]).removing(["b.csv"]).adding(["d|e"])
VIEW = PartitionView(now=NOW, dynamic_keys={"files": FILES})
MULTI = MultiPartitions(dimensions=(("b", STATIC), ("a", NUMBERS)))


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (STATIC, ["x", "y", "z"]),
        (DYNAMIC, ["a.csv", "c.csv", "d|e"]),
        (DynamicPartitions(name="unheard of"), []),
        (DAILY, ["2024-01-01", "2024-01-02", "2024-01-03"]),
        (MULTI, ["1|x", "1|y", "1|z", "2|x", "2|y", "2|z", "3|x", "3|y", "3|z"]),
        (
            MultiPartitions(dimensions=(("z", StaticPartitions(keys=("p", "q"))), ("day", DAILY))),
            ["2024-01-01|p", "2024-01-01|q", "2024-01-02|p", "2024-01-02|q", "2024-01-03|p", "2024-01-03|q"],
        ),
        (
            MultiPartitions(dimensions=(("files", DYNAMIC), ("z", StaticPartitions(keys=("p", "q"))))),
            ["a.csv|p", "a.csv|q", "c.csv|p", "c.csv|q", "d|e|p", "d|e|q"],
        ),
        (MultiPartitions(dimensions=(("a", StaticPartitions(keys=())), ("b", STATIC))), []),
    ],
)
def test_keys_in_the_order_of_their_ordinals(spec, expected):
    assert list(keys.all_keys(spec, VIEW)) == expected
    assert keys.count(spec, VIEW) == len(expected)
    ordinals = list(keys.existing_ordinals(spec, VIEW))
    assert ordinals == sorted(ordinals)
    assert [keys.key_of(spec, ordinal, VIEW) for ordinal in ordinals] == expected
    assert [keys.ordinal_of(spec, key, VIEW) for key in expected] == ordinals
    assert keys.first_key(spec, VIEW) == (expected[0] if expected else None)
    assert keys.last_key(spec, VIEW) == (expected[-1] if expected else None)
    assert all(keys.has_key(spec, key, VIEW) for key in expected)


def test_removed_dynamic_keys_never_give_their_ordinal_away():
    assert FILES.ordinals == (0, 2, 3)
    again = FILES.adding(["b.csv", "b.csv", "a.csv"])
    assert again.by_key["b.csv"] == 4
    assert again.removing(["b.csv"]).adding(["n"]).by_key["n"] == 5
    with pytest.raises(UnknownPartitionError, match="was removed"):
        keys.key_of(DYNAMIC, 1, VIEW)


def test_multi_ordinals_are_packed():
    assert keys.ordinal_of(MULTI, "2|z", VIEW) == pack(1, 2)
    assert keys.key_parts(MULTI, "2|z", VIEW) == ("2", "z")
    written_in_order = MultiPartitions(dimensions=(("a", NUMBERS), ("b", STATIC)))
    assert written_in_order == MULTI  # the order is that of names, not of writing


@pytest.mark.parametrize(
    ("spec", "key", "words"),
    [
        (STATIC, "X", "did you mean 'x'"),
        (STATIC, "x ", "did you mean 'x'"),
        (STATIC, "quite different", "choose one of 3"),
        (DYNAMIC, "b.csv", "did you mean"),
        (DynamicPartitions(name="unheard of"), "k", "no keys yet"),
        (MULTI, "x|1", "keys of 'a' and 'b', joined by '|' in this order"),
        (MULTI, "1", "in this order"),
        (MULTI, "1|x|", "in this order"),
        (DAILY, "2024-01-04", "exist"),
    ],
)
def test_unknown_keys(spec, key, words):
    assert not keys.has_key(spec, key, VIEW)
    with pytest.raises(UnknownPartitionError) as caught:
        keys.ordinal_of(spec, key, VIEW)
    assert words in str(caught.value)
    assert repr(key) in str(caught.value)


def test_windows_that_have_not_ended_can_be_named():
    assert keys.find_ordinal(DAILY, "2024-01-09", VIEW) is None
    assert keys.nameable_ordinal(DAILY, "2024-01-09", VIEW) == 8


@pytest.mark.parametrize(
    ("spec", "first", "last", "expected"),
    [
        (STATIC, "x", "y", ["x", "y"]),
        (STATIC, "y", "x", []),
        (DYNAMIC, "a.csv", "d|e", ["a.csv", "c.csv", "d|e"]),
        (DAILY, "2024-01-02", "2024-02-01", ["2024-01-02", "2024-01-03"]),
        (MULTI, "2|x", "3|y", ["2|x", "2|y", "3|x", "3|y"]),  # the product of the dimensions' ranges
        (MULTI, "1|y", "3|x", []),
        (MULTI, "3|x", "1|x", []),
    ],
)
def test_ranges(spec, first, last, expected):
    assert keys.keys_in_range(spec, first, last, VIEW) == expected


@pytest.mark.parametrize(
    ("spec", "first", "last"), [(STATIC, "x", "q"), (MULTI, "1|x", "9|x"), (DAILY, "x", "y")]
)
def test_ranges_need_keys_at_both_ends(spec, first, last):
    with pytest.raises(UnknownPartitionError):
        keys.keys_in_range(spec, first, last, VIEW)


@pytest.mark.parametrize(
    "spec",
    [
        StaticPartitions(keys=("a", "a")),
        StaticPartitions(keys=("a...b",)),
        StaticPartitions(keys=("a\nb",)),
        StaticPartitions(keys=("a\x00b",)),
        StaticPartitions(keys=("a\tb",)),
        StaticPartitions(keys=(1,)),
        DynamicPartitions(name=""),
        MultiPartitions(dimensions=(("a", StaticPartitions(keys=("p|q",))), ("b", STATIC))),
        MultiPartitions(dimensions=(("a", MULTI), ("b", STATIC))),
        MultiPartitions(dimensions=(("a|b", STATIC), ("b", STATIC))),
        MultiPartitions(dimensions=(("", STATIC), ("b", STATIC))),
        MultiPartitions(
            dimensions=(
                ("a", TimeWindowPartitions(cron="0 0 * * *", start=0.0, fmt="%Y|%m|%d")),
                ("b", STATIC),
            )
        ),
    ],
)
def test_rejected_definitions(spec):
    with pytest.raises(PartitionError, match="expected .+, got .+; .+"):
        require_spec(spec)


@pytest.mark.parametrize(
    "spec",
    [
        StaticPartitions(keys=()),
        StaticPartitions(keys=("", "a,b", "a|b", "*", "[a]", "a b", "ü", "..")),
        DYNAMIC,
        MULTI,
        MultiPartitions(dimensions=(("a b", DAILY), ("c/d", DAILY))),
    ],
)
def test_accepted_definitions(spec):
    require_spec(spec)


@pytest.mark.parametrize("names", [(), ("a",), ("a", "a"), ("a", "b", "c")])
def test_multi_partitions_have_two_different_dimensions(names):
    with pytest.raises(PartitionError, match="two dimensions"):
        MultiPartitions(dimensions=tuple((name, STATIC) for name in names))


@pytest.mark.parametrize("key", ["", "a...b", "a\nb", 5])
def test_dynamic_keys_are_checked_when_added(key):
    with pytest.raises(PartitionError, match="expected .+, got .+; .+"):
        require_dynamic_keys(["fine", key])
    require_dynamic_keys(["fine", "s3://bucket/a,b|c [1].csv"])
