"""Mappings: recorded tables, and agreement with naive ones that go key by key."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidewheel.logic.partitions import keys, windows
from tidewheel.logic.partitions.definitions import (
    DynamicKeys,
    DynamicPartitions,
    MultiPartitions,
    PartitionView,
    StaticPartitions,
    TimeWindowPartitions,
)
from tidewheel.logic.partitions.errors import PartitionError
from tidewheel.logic.partitions.mappings import (
    AllPartitions,
    DimensionLink,
    Identity,
    LastPartition,
    MultiMapping,
    MultiToSingle,
    SpecificPartitions,
    StaticMapping,
    TimeWindowMapping,
    default_mapping,
    require_mapping,
)
from tidewheel.logic.partitions.needs import SAMPLE_LIMIT
from tidewheel.logic.partitions.projection import downstream, upstream
from tidewheel.logic.partitions.rows import runs_of
from tidewheel.logic.partitions.sets import PartitionSet, everything, from_ordinals, nothing

HOURLY_FORMAT = "%Y-%m-%d-%H:%M"


def at(text, zone="UTC"):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def spec_of(cron, start, zone="UTC", fmt="%Y-%m-%d", end=None, **rest):
    end = None if end is None else at(end, zone)
    return TimeWindowPartitions(cron=cron, zone=zone, start=at(start, zone), fmt=fmt, end=end, **rest)


def daily(start="2024-01-01", **rest):
    return spec_of("0 0 * * *", start, **rest)


def hourly(start="2024-01-01", **rest):
    return spec_of("0 * * * *", start, fmt=HOURLY_FORMAT, **rest)


def weekly(start="2023-12-01", **rest):
    return spec_of("0 0 * * 0", start, **rest)


def monthly(start="2024-01-01", **rest):
    return spec_of("0 0 1 * *", start, **rest)


FEBRUARY = "2024-02-01"
STATIC = StaticPartitions(keys=("a", "b", "c"))
OTHER = StaticPartitions(keys=("c", "b", "q"))
DYNAMIC = DynamicPartitions(name="files")
FILES = {"files": DynamicKeys().adding(["b", "f", "a"]).removing(["f"])}


def view_at(text=FEBRUARY):
    return PartitionView(now=at(text), dynamic_keys=FILES)


def named(spec, some, view):
    """The set of these keys, whether they exist or not."""
    return from_ordinals(spec, [keys.nameable_ordinal(spec, key, view) for key in some])


def needs(mapping, down_spec, up_spec, some, now=FEBRUARY):
    view = view_at(now)
    result = upstream(mapping, named(down_spec, some, view), up_spec, view)
    assert not result.has_more_nonexistent
    return list(result.existing.keys(view)), list(result.nonexistent), list(result.blocked.keys(view))


def feeds(mapping, up_spec, down_spec, some, now=FEBRUARY):
    view = view_at(now)
    return list(downstream(mapping, named(up_spec, some, view), down_spec, view).keys(view))


def days(first, last, month="2024-01"):
    return [f"{month}-{day:02}" for day in range(first, last + 1)]


def shifted(start=0, end=0, allow=False):
    return TimeWindowMapping(start_offset=start, end_offset=end, allow_nonexistent=allow)


@pytest.mark.parametrize(
    ("mapping", "down_spec", "up_spec", "some", "existing", "nonexistent"),
    [
        # overlap across cadences
        (shifted(), weekly(), daily(), ["2024-01-07"], days(7, 13), []),
        (shifted(), monthly(), daily(), ["2024-01-01"], days(1, 31), []),
        (shifted(), daily(), weekly(), ["2024-01-10"], ["2024-01-07"], []),
        (shifted(), weekly(), monthly(), ["2024-01-14"], ["2024-01-01"], []),
        (shifted(), monthly(), weekly(), ["2024-01-01"], ["2023-12-31", "2024-01-07", "2024-01-14", "2024-01-21"], ["2024-01-28"]),
        (shifted(), daily(), spec_of("0 6 * * *", "2024-01-01"), ["2024-01-10"], days(9, 10), []),
        (shifted(), daily(), daily(), ["2024-01-10", "2024-01-12"], ["2024-01-10", "2024-01-12"], []),
        # ... and across zones
        (shifted(), daily(), daily(zone="Europe/Berlin"), ["2024-01-10"], days(10, 11), []),
        (shifted(), daily(zone="Europe/Berlin"), daily(), ["2024-01-10"], days(9, 10), []),
        (shifted(-1, -1), daily(), daily(zone="Europe/Berlin"), ["2024-01-11"], days(10, 11), []),
        (shifted(), hourly(), daily(), ["2024-01-10-05:00"], ["2024-01-10"], []),
        # offsets count the downstream windows
        (shifted(-1, -1), weekly(), daily(), ["2024-01-14"], days(7, 13), []),
        (shifted(-1, -1), hourly(), daily(), ["2024-01-10-05:00", "2024-01-11-00:00"], ["2024-01-10"], []),
        (shifted(-2, 0), daily(), daily(), ["2024-01-10"], days(8, 10), []),
        (shifted(0, 1), daily(), daily(), ["2024-01-10"], days(10, 11), []),
        (shifted(1, 0), daily(), daily(), ["2024-01-10"], [], []),
        (shifted(-2, -1), daily("2024-01-05"), daily(), ["2024-01-05"], days(3, 4), []),
        # before the upstream start: required, unless an offset leads there
        (shifted(), daily(), daily("2024-01-05"), ["2024-01-03"], [], ["2024-01-03"]),
        (shifted(-1, -1), daily(), daily(), ["2024-01-01"], [], []),
        (shifted(-1, 0), daily(), daily(), ["2024-01-01"], ["2024-01-01"], []),
        (shifted(-3, -1), daily(), daily("2024-01-05"), ["2024-01-06"], ["2024-01-05"], []),
        (shifted(), weekly(), daily(), ["2023-12-31"], days(1, 6), ["2023-12-31"]),
        (shifted(-1, -1), weekly(), daily(), ["2024-01-07"], days(1, 6), []),
        # after the last upstream window: required, unless an offset leads there
        (shifted(), daily(end_offset=3), daily(), ["2024-02-01"], [], ["2024-02-01"]),
        (shifted(-1, 0), daily(end_offset=3), daily(), ["2024-02-01", "2024-02-02"], ["2024-01-31"], ["2024-02-01", "2024-02-02"]),
        (shifted(-1, -1), daily(end_offset=3), daily(), ["2024-02-02"], [], ["2024-02-01"]),
        (shifted(0, 1), daily(), daily(), ["2024-01-31"], ["2024-01-31"], []),
        (shifted(1, 1), daily(), daily(), ["2024-01-31"], [], []),
        (shifted(), daily(), daily(end="2024-01-10"), ["2024-01-12"], [], ["2024-01-12"]),
        (shifted(), weekly(), daily(end="2024-01-10"), ["2024-01-07"], days(7, 9), days(10, 13)),
        # nonexistent ones may be allowed
        (shifted(allow=True), weekly(), daily(), ["2023-12-31"], days(1, 6), []),
        (shifted(allow=True), daily(end_offset=3), daily(), ["2024-02-01"], [], []),
        # excluded windows are not required, and offsets pass over them
        (shifted(), weekly(), daily(exclusions=("0 0 * * 6",)), ["2024-01-07"], days(7, 12), []),
        (shifted(), daily(), daily(exclusions=("0 0 * * 6",)), ["2024-01-06"], [], []),
        (shifted(-1, -1), daily(exclusions=("0 0 * * 6",)), daily(), ["2024-01-07"], ["2024-01-05"], []),
        (shifted(-2, -1), daily(exclusions=("0 0 * * 6",)), daily(), ["2024-01-07", "2024-01-08"], ["2024-01-04", "2024-01-05", "2024-01-07"], []),
    ],
)  # fmt: skip
def test_time_windows_needed(mapping, down_spec, up_spec, some, existing, nonexistent):
    found = needs(mapping, down_spec, up_spec, some)
    assert found[:2] == (existing, nonexistent)
    assert bool(found[2]) == bool(nonexistent)


@pytest.mark.parametrize(
    ("day", "number", "key"),
    [("2024-03-10", 23, None), ("2024-11-03", 25, "2024-11-03-01:00-0500"), ("2024-06-01", 24, None)],
)
def test_hours_of_a_day_where_clocks_change(day, number, key):
    zone = "America/New_York"
    found, missing, _ = needs(shifted(), daily(zone=zone), hourly(zone=zone), [day], "2024-12-01")
    assert len(found) == number
    assert missing == []
    assert key is None or key in found


def test_weeks_of_a_month():
    found, _, _ = needs(shifted(), weekly(), monthly(), ["2024-01-28"], "2024-03-05")
    assert found == ["2024-01-01", "2024-02-01"]


@pytest.mark.parametrize(
    ("mapping", "up_spec", "down_spec", "some", "expected"),
    [
        (shifted(), daily(), weekly(), ["2024-01-08"], ["2024-01-07"]),
        (shifted(), daily(), weekly(), ["2024-01-30"], []),  # the week has not ended
        (shifted(), weekly(), daily(), ["2024-01-07"], days(7, 13)),
        (shifted(), weekly(), daily(), ["2024-01-28"], days(28, 31)),
        (shifted(-1, -1), daily(), daily(), ["2024-01-08"], ["2024-01-09"]),
        (shifted(-2, 0), daily(), daily(), ["2024-01-08"], days(8, 10)),
        (shifted(), daily(zone="Europe/Berlin"), daily(), ["2024-01-08"], days(7, 8)),
        (shifted(0, 1), daily(), daily(), ["2024-01-08"], days(7, 8)),
        (shifted(-1, -1), daily(), daily(), ["2024-01-31"], []),
        (shifted(1, 0), daily(), daily(), ["2024-01-08"], []),
        (shifted(-1, -1), daily("2023-12-01"), daily(), ["2023-12-31", "2023-12-05"], ["2024-01-01"]),
        (shifted(-1, -1), daily(exclusions=("0 0 * * 6",)), daily(exclusions=("0 0 * * 6",)), ["2024-01-05"], ["2024-01-07"]),
        (shifted(), daily(), daily(exclusions=("0 0 * * 6",)), days(5, 7), ["2024-01-05", "2024-01-07"]),
    ],
)  # fmt: skip
def test_time_windows_fed(mapping, up_spec, down_spec, some, expected):
    assert feeds(mapping, up_spec, down_spec, some) == expected


def test_only_the_windows_that_need_what_does_not_exist_are_blocked():
    found = needs(shifted(), weekly(), daily(end="2024-01-10"), ["2023-12-31", "2024-01-07", "2023-12-17"])
    assert found[2] == ["2023-12-17", "2023-12-31", "2024-01-07"]
    found = needs(shifted(), weekly(), daily("2024-01-05"), ["2024-01-07", "2023-12-31"])
    assert found[2] == ["2023-12-31"]
    found = needs(shifted(-1, -1), daily(end_offset=3), daily(), ["2024-02-01", "2024-02-02"])
    assert found == (["2024-01-31"], ["2024-02-01"], ["2024-02-02"])


def test_only_a_sample_of_what_is_missing_is_named():
    view = view_at()
    years = everything(daily("2004-01-01"), view)
    result = upstream(shifted(), years, daily(), view)
    assert len(result.nonexistent) == SAMPLE_LIMIT
    assert result.has_more_nonexistent
    assert result.nonexistent[0] == "2004-01-01"
    assert len(result.blocked) == 20 * 365 + 5


STATIC_MAP = StaticMapping(pairs=(("a", "c"), ("b", "b"), ("b", "q")))


@pytest.mark.parametrize(
    ("mapping", "down_spec", "up_spec", "some", "expected"),
    [
        (Identity(), STATIC, OTHER, ["a", "b"], (["b"], ["a"], ["a"])),
        (Identity(), STATIC, DYNAMIC, ["a", "b", "c"], (["b", "a"], ["c"], ["c"])),
        (Identity(), DYNAMIC, DYNAMIC, ["b"], (["b"], [], [])),
        (Identity(), daily(), daily("2024-01-05"), ["2024-01-03", "2024-01-06"], (["2024-01-06"], ["2024-01-03"], ["2024-01-03"])),
        (Identity(), daily(end_offset=2), daily(), ["2024-01-31", "2024-02-01"], (["2024-01-31"], ["2024-02-01"], ["2024-02-01"])),
        (Identity(), daily("2024-01-05"), daily(), ["2024-01-06"], (["2024-01-06"], [], [])),
        (Identity(), daily(), weekly(), ["2024-01-07", "2024-01-08"], (["2024-01-07"], ["2024-01-08"], ["2024-01-08"])),
        (AllPartitions(), STATIC, OTHER, ["a"], (["c", "b", "q"], [], [])),
        (AllPartitions(), STATIC, daily(end="2024-01-04"), ["a"], (days(1, 3), [], [])),
        (LastPartition(), STATIC, daily(), ["a", "b"], (["2024-01-31"], [], [])),
        (LastPartition(), STATIC, DYNAMIC, ["a"], (["a"], [], [])),
        (LastPartition(), STATIC, daily("2025-01-01"), ["a"], ([], [], [])),
        (SpecificPartitions(keys=("a",)), daily(), STATIC, ["2024-01-03"], (["a"], [], [])),
        (SpecificPartitions(keys=("a", "zz")), daily(), DYNAMIC, ["2024-01-03"], (["a"], ["zz"], ["2024-01-03"])),
        (STATIC_MAP, OTHER, STATIC, ["c", "b", "q"], (["a", "b"], [], [])),
        (STATIC_MAP, OTHER, STATIC, ["q"], (["b"], [], [])),
        (StaticMapping(pairs=(("b", "b"),)), OTHER, STATIC, ["q"], ([], [], [])),
        (StaticMapping(pairs=(("zz", "b"), ("a", "q"))), OTHER, DYNAMIC, ["b", "q"], (["a"], ["zz"], ["b"])),
    ],
)  # fmt: skip
def test_other_mappings_need(mapping, down_spec, up_spec, some, expected):
    assert needs(mapping, down_spec, up_spec, some) == expected


@pytest.mark.parametrize(
    ("mapping", "up_spec", "down_spec", "some", "expected"),
    [
        (Identity(), OTHER, STATIC, ["q", "b"], ["b"]),
        (Identity(), daily(), daily("2024-01-30"), days(28, 31), days(30, 31)),
        (Identity(), daily("2024-01-30"), daily(), days(30, 31), days(30, 31)),
        (AllPartitions(), STATIC, OTHER, ["a"], ["c", "b", "q"]),
        (LastPartition(), daily(), STATIC, ["2024-01-31"], ["a", "b", "c"]),
        (LastPartition(), daily(), STATIC, ["2024-01-30"], []),
        (SpecificPartitions(keys=("a",)), STATIC, daily(end="2024-01-04"), ["a", "b"], days(1, 3)),
        (SpecificPartitions(keys=("a",)), STATIC, daily(end="2024-01-04"), ["b"], []),
        (STATIC_MAP, STATIC, OTHER, ["b"], ["b", "q"]),
        (STATIC_MAP, STATIC, OTHER, ["c"], []),
    ],
)
def test_other_mappings_feed(mapping, up_spec, down_spec, some, expected):
    assert feeds(mapping, up_spec, down_spec, some) == expected


def test_unpartitioned_assets():
    view = view_at()
    whole, letters = everything(None, view), everything(STATIC, view)
    assert upstream(AllPartitions(), whole, STATIC, view).existing == letters
    assert upstream(LastPartition(), whole, daily(), view).existing == from_ordinals(daily(), [30])
    assert upstream(AllPartitions(), from_ordinals(STATIC, [1]), None, view).existing == whole
    assert upstream(Identity(), whole, None, view).existing == whole
    assert upstream(SpecificPartitions(keys=("b",)), whole, STATIC, view).existing == from_ordinals(
        STATIC, [1]
    )
    assert downstream(AllPartitions(), from_ordinals(STATIC, [1]), None, view) == whole
    assert downstream(AllPartitions(), whole, STATIC, view) == letters
    assert downstream(Identity(), whole, None, view) == whole
    assert downstream(LastPartition(), from_ordinals(STATIC, [2]), None, view) == whole
    assert downstream(LastPartition(), from_ordinals(STATIC, [0, 1]), None, view) == nothing(None)


JANUARY = daily(end="2024-01-04")
MULTI = MultiPartitions(dimensions=(("z", STATIC), ("a", JANUARY)))
OTHER_MULTI = MultiPartitions(dimensions=(("y", OTHER), ("w", daily("2024-01-02"))))
BEFORE = DimensionLink(upstream="a", downstream="a", mapping=shifted(-1, -1))
SAME_Z = DimensionLink(upstream="z", downstream="z", mapping=Identity())


@pytest.mark.parametrize(
    ("mapping", "down_spec", "up_spec", "some", "expected"),
    [
        (MultiToSingle(), MULTI, STATIC, ["2024-01-02|b", "2024-01-03|b"], (["b"], [], [])),
        (MultiToSingle(), MULTI, JANUARY, ["2024-01-02|b"], (["2024-01-02"], [], [])),
        (MultiToSingle(), JANUARY, MULTI, ["2024-01-02"], (["2024-01-02|a", "2024-01-02|b", "2024-01-02|c"], [], [])),
        (MultiToSingle(), STATIC, MULTI, ["b"], (["2024-01-01|b", "2024-01-02|b", "2024-01-03|b"], [], [])),
        (MultiToSingle(dimension="a"), MULTI, daily("2024-01-03"), ["2024-01-02|b", "2024-01-03|b"], (["2024-01-03"], ["2024-01-02"], ["2024-01-02|b"])),
        (MultiToSingle(), MULTI, weekly(), ["2024-01-02|b"], (["2023-12-31"], [], [])),
        (MultiToSingle(), weekly(), MULTI, ["2023-12-31"], (
            [f"2024-01-0{day}|{letter}" for day in (1, 2, 3) for letter in "abc"],
            [f"{day}|{letter}" for day in ("2023-12-31", "2024-01-04", "2024-01-05", "2024-01-06") for letter in "abc"],
            ["2023-12-31"],
        )),
        (MultiToSingle(dimension="z"), OTHER, MULTI, ["b", "q"], (
            ["2024-01-01|b", "2024-01-02|b", "2024-01-03|b"],
            ["2024-01-01|q", "2024-01-02|q", "2024-01-03|q"],
            ["q"],
        )),
        (MultiMapping(links=(BEFORE, SAME_Z)), MULTI, MULTI, ["2024-01-03|b"], (["2024-01-02|b"], [], [])),
        (MultiMapping(links=(BEFORE, SAME_Z)), MULTI, MULTI, ["2024-01-01|b"], ([], [], [])),
        (MultiMapping(links=(BEFORE,)), MULTI, MULTI, ["2024-01-03|b"], (["2024-01-02|a", "2024-01-02|b", "2024-01-02|c"], [], [])),
        (MultiMapping(links=()), MULTI, MULTI, ["2024-01-03|b"], ([f"2024-01-0{day}|{letter}" for day in (1, 2, 3) for letter in "abc"], [], [])),
        (
            MultiMapping(links=(
                DimensionLink(upstream="a", downstream="w", mapping=shifted()),
                DimensionLink(upstream="z", downstream="y", mapping=Identity()),
            )),
            OTHER_MULTI, MULTI, ["2024-01-03|b", "2024-01-03|q", "2024-01-05|b"],
            (["2024-01-03|b"], ["2024-01-03|q", "2024-01-05|b"], ["2024-01-03|q", "2024-01-05|b"]),
        ),
        (  # both upstream dimensions depend on the same downstream one
            MultiMapping(links=(
                DimensionLink(upstream="a", downstream="x", mapping=Identity()),
                DimensionLink(upstream="b", downstream="x", mapping=Identity()),
            )),
            MultiPartitions(dimensions=(("x", STATIC), ("y", STATIC))),
            MultiPartitions(dimensions=(("a", STATIC), ("b", STATIC))),
            ["a|b", "c|b"],
            (["a|a", "c|c"], [], []),
        ),
        (Identity(), MULTI, MULTI, ["2024-01-03|b"], (["2024-01-03|b"], [], [])),
        (LastPartition(), STATIC, MULTI, ["a"], (["2024-01-03|c"], [], [])),
        (SpecificPartitions(keys=("2024-01-03|b",)), STATIC, MULTI, ["a"], (["2024-01-03|b"], [], [])),
    ],
)  # fmt: skip
def test_multi_mappings_need(mapping, down_spec, up_spec, some, expected):
    assert needs(mapping, down_spec, up_spec, some) == expected


@pytest.mark.parametrize(
    ("mapping", "up_spec", "down_spec", "some", "expected"),
    [
        (MultiToSingle(), STATIC, MULTI, ["b"], ["2024-01-01|b", "2024-01-02|b", "2024-01-03|b"]),
        (MultiToSingle(), MULTI, STATIC, ["2024-01-01|c", "2024-01-02|a"], ["a", "c"]),
        (MultiToSingle(), weekly(), MULTI, ["2023-12-31"], [f"2024-01-0{day}|{letter}" for day in (1, 2, 3) for letter in "abc"]),
        (MultiToSingle(), MULTI, weekly(), ["2024-01-02|a"], ["2023-12-31"]),
        (MultiMapping(links=(BEFORE, SAME_Z)), MULTI, MULTI, ["2024-01-02|b"], ["2024-01-03|b"]),
        (MultiMapping(links=(BEFORE,)), MULTI, MULTI, ["2024-01-02|b"], ["2024-01-03|a", "2024-01-03|b", "2024-01-03|c"]),
        (MultiMapping(links=()), MULTI, JANUARY and MULTI, ["2024-01-02|b"], [f"2024-01-0{day}|{letter}" for day in (1, 2, 3) for letter in "abc"]),
    ],
)  # fmt: skip
def test_multi_mappings_feed(mapping, up_spec, down_spec, some, expected):
    assert feeds(mapping, up_spec, down_spec, some) == expected


def test_an_ambiguous_dimension_must_be_named():
    both = MultiPartitions(dimensions=(("p", STATIC), ("q", STATIC)))
    with pytest.raises(PartitionError, match="give the name of the dimension"):
        needs(MultiToSingle(), both, STATIC, ["a|b"])
    assert needs(MultiToSingle(dimension="p"), both, STATIC, ["a|b"])[0] == ["a"]
    assert needs(MultiToSingle(dimension="q"), both, STATIC, ["a|b"])[0] == ["b"]


@pytest.mark.parametrize(
    ("down_spec", "up_spec", "expected"),
    [
        (daily(), weekly(), TimeWindowMapping()),
        (daily(), daily(), TimeWindowMapping()),
        (daily(), daily(zone="Europe/Berlin"), TimeWindowMapping()),
        (MULTI, STATIC, MultiToSingle()),
        (JANUARY, MULTI, MultiToSingle()),
        (MULTI, weekly(), MultiToSingle()),
        (MULTI, OTHER, Identity()),
        (MULTI, DYNAMIC, Identity()),
        (MultiPartitions(dimensions=(("p", STATIC), ("q", STATIC))), STATIC, Identity()),
        (MULTI, OTHER_MULTI, Identity()),
        (STATIC, None, AllPartitions()),
        (None, STATIC, AllPartitions()),
        (None, None, Identity()),
        (STATIC, OTHER, Identity()),
        (STATIC, daily(), Identity()),
    ],
)
def test_defaults(down_spec, up_spec, expected):
    assert default_mapping(down_spec, up_spec) == expected


@pytest.mark.parametrize(
    ("mapping", "down_spec", "up_spec"),
    [
        (TimeWindowMapping(), daily(), daily(zone="Europe/Berlin")),
        (MultiToSingle(), MULTI, weekly(zone="Europe/Berlin")),
    ],
)
def test_time_windows_of_two_zones_may_be_mapped(mapping, down_spec, up_spec):
    require_mapping(mapping, down_spec, up_spec)


@pytest.mark.parametrize(
    ("mapping", "down_spec", "up_spec"),
    [
        (TimeWindowMapping(), daily(), STATIC),
        (TimeWindowMapping(), None, daily()),
        (Identity(), None, STATIC),
        (Identity(), STATIC, None),
        (SpecificPartitions(keys=("a",)), STATIC, None),
        (SpecificPartitions(keys=("zz",)), OTHER, STATIC),
        (StaticMapping(pairs=(("zz", "b"),)), OTHER, STATIC),
        (StaticMapping(pairs=(("a", "zz"),)), OTHER, STATIC),
        (StaticMapping(pairs=()), None, STATIC),
        (MultiToSingle(), STATIC, STATIC),
        (MultiToSingle(), MULTI, MULTI),
        (MultiToSingle(), MULTI, None),
        (MultiToSingle(), MULTI, OTHER),
        (MultiToSingle(dimension="nope"), MULTI, STATIC),
        (MultiMapping(links=()), MULTI, STATIC),
        (MultiMapping(links=(SAME_Z, SAME_Z)), MULTI, MULTI),
        (MultiMapping(links=(SAME_Z,)), MULTI, OTHER_MULTI),
        (MultiMapping(links=(DimensionLink(upstream="z", downstream="z", mapping=shifted()),)), MULTI, MULTI),
    ],
)
def test_mappings_that_do_not_fit_are_rejected(mapping, down_spec, up_spec):
    with pytest.raises(PartitionError, match="expected .+, got .+; .+"):
        require_mapping(mapping, down_spec, up_spec)


@pytest.mark.parametrize(
    ("mapping", "down_spec", "up_spec"),
    [
        (TimeWindowMapping(), daily(), STATIC),
        (Identity(), None, STATIC),
        (StaticMapping(pairs=()), STATIC, None),
        (MultiToSingle(), STATIC, STATIC),
        (MultiMapping(links=()), STATIC, MULTI),
    ],
)
def test_mappings_that_do_not_fit_are_not_applied(mapping, down_spec, up_spec):
    view = view_at()
    with pytest.raises(PartitionError):
        upstream(mapping, everything(down_spec, view), up_spec, view)
    with pytest.raises(PartitionError):
        downstream(mapping, everything(up_spec, view), down_spec, view)


def test_the_empty_set_needs_and_feeds_nothing():
    view = view_at()
    for mapping in (
        Identity(),
        AllPartitions(),
        LastPartition(),
        shifted(),
        MultiToSingle(),
        MultiMapping(links=()),
    ):
        result = upstream(mapping, nothing(daily()), weekly(), view)
        assert result.existing == nothing(weekly())
        assert result.blocked == nothing(daily())
        assert result.nonexistent == ()
        assert downstream(mapping, nothing(daily()), weekly(), view) == nothing(weekly())


def test_a_million_windows_are_mapped_as_one_run():
    minutes = spec_of("* * * * *", "2022-01-01", fmt=HOURLY_FORMAT)
    view = view_at()
    whole = everything(minutes, view)
    assert len(whole) > 1_000_000
    yesterday = upstream(shifted(-1440, -1440), whole, minutes, view).existing
    assert list(runs_of(yesterday.bits)) == [(0, len(whole) - 1440)]
    hours = downstream(shifted(), whole, hourly("2022-01-01"), view)
    assert list(runs_of(hours.bits)) == [(0, len(whole) // 60)]
    longer = msgspec.structs.replace(minutes, end=at("2030-01-01"))
    assert len(upstream(Identity(), whole, longer, view).existing) == len(whole)


def test_offsets_pass_over_many_excluded_windows():
    spec = hourly("2020-01-01", exclusions=("* 0-21 * * *",))
    found = needs(shifted(-1, -1), spec, spec, ["2024-01-10-22:00"])
    assert found == (["2024-01-09-23:00"], [], [])
    assert feeds(shifted(-1, -1), spec, spec, ["2024-01-09-23:00"]) == ["2024-01-10-22:00"]


# Against naive mappings, key by key.

TIME_SPECS = st.builds(
    spec_of,
    cron=st.sampled_from(["0 */6 * * *", "0 0 * * *", "0 3 * * *", "0 0 * * 0", "0 0 1 * *", "30 2 */3 * *"]),
    start=st.dates(datetime(2024, 2, 20).date(), datetime(2024, 3, 10).date()).map(str),
    zone=st.just("Europe/Berlin"),
    fmt=st.just(HOURLY_FORMAT),
    end=st.none() | st.dates(datetime(2024, 3, 20).date(), datetime(2024, 4, 9).date()).map(str),
    end_offset=st.integers(0, 2),
    exclusions=st.sampled_from([(), (), (), ("0 0 * * 6",), ("* * * * 1", "0 6-18 * * *")]),
)
MOMENTS = st.floats(
    datetime(2024, 3, 1, tzinfo=UTC).timestamp(), datetime(2024, 4, 10, tzinfo=UTC).timestamp()
)


def naive_needs(mapping, ordinal, down_spec, up_spec, now):
    """(existing, nonexistent) upstream ordinals that one downstream window needs."""
    if mapping.start_offset > mapping.end_offset:
        return set(), set()
    steps = range(mapping.start_offset, mapping.end_offset + 1)
    asked = []
    for step in steps:
        found = ordinal
        while step:
            found += 1 if step > 0 else -1
            if found < 0 or not windows.is_excluded(down_spec, found):
                step += -1 if step > 0 else 1
        asked.append(windows.window_of(down_spec, found))
    low = windows.ordinal_at(up_spec, min(one.start_s for one in asked)) - 1
    high = windows.ordinal_at(up_spec, max(one.end_s for one in asked)) + 2
    existing, nonexistent = set(), set()
    for other in range(low, high):
        window = windows.window_of(up_spec, other)
        if not any(window.start_s < one.end_s and window.end_s > one.start_s for one in asked):
            continue
        if windows.exists(up_spec, other, now):
            existing.add(other)
        elif other < 0:
            nonexistent |= {other} if mapping.start_offset >= 0 else set()
        elif not windows.is_excluded(up_spec, other) and mapping.end_offset <= 0:
            nonexistent.add(other)
    return existing, set() if mapping.allow_nonexistent else nonexistent


OFFSETS = st.builds(
    TimeWindowMapping,
    start_offset=st.integers(-3, 2),
    end_offset=st.integers(-3, 2),
    allow_nonexistent=st.booleans(),
)


@settings(max_examples=150, deadline=None)
@given(
    OFFSETS, TIME_SPECS, TIME_SPECS, MOMENTS, st.sets(st.integers(0, 40), min_size=1, max_size=6), st.data()
)
def test_time_windows_agree_with_the_naive_mapping(mapping, down_spec, up_spec, now, some, data):
    view = PartitionView(now=now)
    whole = everything(down_spec, view)
    down = whole & from_ordinals(down_spec, some)
    by_window = {one: naive_needs(mapping, one, down_spec, up_spec, now) for one in down}
    result = upstream(mapping, down, up_spec, view)
    assert set(result.existing) == set().union(*(existing for existing, _ in by_window.values()))
    missing = sorted(set().union(*(nonexistent for _, nonexistent in by_window.values())))
    assert list(result.nonexistent) == [windows.key_of(up_spec, one) for one in missing[:SAMPLE_LIMIT]]
    assert result.has_more_nonexistent == (len(missing) > SAMPLE_LIMIT)
    assert set(result.blocked) == {one for one, (_, nonexistent) in by_window.items() if nonexistent}
    given_up = everything(up_spec, view)
    if given_up.is_empty:
        return
    up = from_ordinals(up_spec, data.draw(st.sets(st.sampled_from(list(given_up)), max_size=4)))
    fed = {one for one in whole if naive_needs(mapping, one, down_spec, up_spec, now)[0] & set(up)}
    assert set(downstream(mapping, up, down_spec, view)) == fed


LETTERS = st.lists(st.sampled_from("abcdef"), max_size=5, unique=True).map(
    lambda some: StaticPartitions(keys=tuple(some))
)
SINGLE_MAPPINGS = st.one_of(
    st.just(Identity()),
    st.just(AllPartitions()),
    st.just(LastPartition()),
    st.lists(st.sampled_from("abcdef"), max_size=3, unique=True).map(
        lambda some: SpecificPartitions(keys=tuple(some))
    ),
    st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef")), max_size=6).map(
        lambda some: StaticMapping(pairs=tuple(some))
    ),
)


def naive_single(mapping, key, up_keys):
    """(existing, nonexistent) upstream keys that one downstream key needs."""
    match mapping:
        case Identity():
            wanted = {key}
        case AllPartitions():
            wanted = set(up_keys)
        case LastPartition():
            wanted = set(up_keys[-1:])
        case SpecificPartitions():
            wanted = set(mapping.keys)
        case StaticMapping():
            wanted = {up for up, down in mapping.pairs if down == key}
    return wanted & set(up_keys), wanted - set(up_keys)


@settings(max_examples=200, deadline=None)
@given(SINGLE_MAPPINGS, LETTERS, LETTERS, st.data())
def test_key_mappings_agree_with_the_naive_mapping(mapping, down_spec, up_spec, data):
    view = view_at()
    some = data.draw(st.sets(st.sampled_from(down_spec.keys))) if down_spec.keys else set()
    result = upstream(mapping, named(down_spec, some, view), up_spec, view)
    by_key = {key: naive_single(mapping, key, up_spec.keys) for key in down_spec.keys}
    assert set(result.existing.keys(view)) == set().union(*(by_key[key][0] for key in some))
    assert set(result.nonexistent) == set().union(*(by_key[key][1] for key in some))
    assert set(result.blocked.keys(view)) == {key for key in some if by_key[key][1]}
    given_up = data.draw(st.sets(st.sampled_from(up_spec.keys))) if up_spec.keys else set()
    fed = downstream(mapping, named(up_spec, given_up, view), down_spec, view)
    assert set(fed.keys(view)) == {key for key, (existing, _) in by_key.items() if existing & given_up}


@st.composite
def links(draw):
    chosen = draw(st.lists(st.sampled_from(["p", "q"]), unique=True, max_size=2))
    return MultiMapping(
        links=tuple(
            DimensionLink(
                upstream=one, downstream=draw(st.sampled_from(["v", "w"])), mapping=draw(SINGLE_MAPPINGS)
            )
            for one in chosen
        )
    )


@settings(max_examples=200, deadline=None)
@given(links(), st.tuples(LETTERS, LETTERS), st.tuples(LETTERS, LETTERS), st.data())
def test_multi_mappings_agree_with_the_naive_mapping(mapping, downs, ups, data):
    view = view_at()
    down_spec = MultiPartitions(dimensions=(("v", downs[0]), ("w", downs[1])))
    up_spec = MultiPartitions(dimensions=(("p", ups[0]), ("q", ups[1])))
    pairs = [(v, w) for v in downs[0].keys for w in downs[1].keys]
    up_pairs = [(p, q) for p in ups[0].keys for q in ups[1].keys]
    by_name = {link.upstream: link for link in mapping.links}

    def needed(pair):
        sides = []
        for name, up in zip("pq", ups):
            link = by_name.get(name)
            if link is None:
                sides.append((set(up.keys), set()))
            else:
                sides.append(naive_single(link.mapping, pair["vw".index(link.downstream)], up.keys))
        wanted = {(p, q) for p in set().union(*sides[0]) for q in set().union(*sides[1])}
        return wanted & set(up_pairs), wanted - set(up_pairs), any(side[1] for side in sides)

    by_pair = {pair: needed(pair) for pair in pairs}
    some = data.draw(st.sets(st.sampled_from(pairs))) if pairs else set()
    result = upstream(mapping, named(down_spec, ["|".join(pair) for pair in some], view), up_spec, view)
    assert {tuple(key.split("|")) for key in result.existing.keys(view)} == set().union(
        *(by_pair[one][0] for one in some)
    )
    assert {tuple(key.split("|")) for key in result.blocked.keys(view)} == {
        one for one in some if by_pair[one][2]
    }
    missing = set().union(*(by_pair[one][1] for one in some))
    assert {tuple(key.split("|")) for key in result.nonexistent} <= missing
    assert len(result.nonexistent) == min(len(missing), SAMPLE_LIMIT)
    given_up = data.draw(st.sets(st.sampled_from(up_pairs))) if up_pairs else set()
    fed = downstream(mapping, named(up_spec, ["|".join(pair) for pair in given_up], view), down_spec, view)
    assert {tuple(key.split("|")) for key in fed.keys(view)} == {
        one for one in pairs if by_pair[one][0] & given_up
    }
    assert isinstance(fed, PartitionSet)
