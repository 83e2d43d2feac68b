"""Time windows: keys, bounds, exclusions, clock changes, and arithmetic against enumeration."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidewheel.logic.cron.errors import CronError, ZoneError
from tidewheel.logic.cron.expression import parse
from tidewheel.logic.cron.ticks import iter_ticks
from tidewheel.logic.partitions import windows
from tidewheel.logic.partitions.definitions import TimeWindowPartitions
from tidewheel.logic.partitions.errors import PartitionError, UnknownPartitionError
from tidewheel.logic.partitions.validation import require_spec

HOURLY = "%Y-%m-%d-%H:%M"


def at(text, zone="UTC"):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def windows_from(start, cron="0 0 * * *", zone="UTC", fmt="%Y-%m-%d", end=None, **rest):
    return TimeWindowPartitions(
        cron=cron,
        zone=zone,
        start=at(start, zone),
        fmt=fmt,
        end=None if end is None else at(end, zone),
        **rest,
    )


def keys(spec, now):
    return [windows.key_of(spec, one) for one in windows.existing_ordinals(spec, at(now, spec.zone))]


@pytest.mark.parametrize(
    ("spec", "now", "expected"),
    [
        (windows_from("2024-01-01"), "2024-01-04", ["2024-01-01", "2024-01-02", "2024-01-03"]),
        (windows_from("2024-01-01"), "2024-01-03 23:59:59", ["2024-01-01", "2024-01-02"]),
        (windows_from("2024-01-01 05:00"), "2024-01-04", ["2024-01-02", "2024-01-03"]),  # next boundary
        (windows_from("2024-01-01", cron="0 6 * * *"), "2024-01-03 06:00", ["2024-01-01", "2024-01-02"]),
        (windows_from("2023-12-20", cron="0 0 * * 0"), "2024-01-08", ["2023-12-24", "2023-12-31"]),
        (windows_from("2023-12-20", cron="0 0 * * 1"), "2024-01-08", ["2023-12-25", "2024-01-01"]),
        (windows_from("2024-01-01", cron="0 0 1 * *"), "2024-03-01", ["2024-01-01", "2024-02-01"]),
        (windows_from("2024-01-01", cron="0 0 1 * *", fmt="%Y-%m"), "2024-03-01", ["2024-01", "2024-02"]),
        (windows_from("2024-01-01", cron="0 0 1 1 *", fmt="%Y"), "2026-05-01", ["2024", "2025"]),
        (windows_from("2024-01-01", cron="0 0 L * *"), "2024-04-01", ["2024-01-31", "2024-02-29"]),
        (
            windows_from("2024-01-01", cron="0 0,12 * * *", fmt=HOURLY),
            "2024-01-02 12:30",
            ["2024-01-01-00:00", "2024-01-01-12:00", "2024-01-02-00:00"],
        ),
        (windows_from("2024-01-01"), "2023-06-01", []),
        (windows_from("2024-01-01"), "2024-01-01 12:00", []),
        # the end is exclusive, cuts windows it splits, and wins over the offset
        (windows_from("2024-01-01", end="2024-01-03"), "2024-06-01", ["2024-01-01", "2024-01-02"]),
        (windows_from("2024-01-01", end="2024-01-03 12:00"), "2024-06-01", ["2024-01-01", "2024-01-02"]),
        (windows_from("2024-01-01", end="2024-01-03", end_offset=5), "2024-06-01", ["2024-01-01", "2024-01-02"]),
        (windows_from("2024-01-01", end="2023-01-01"), "2024-06-01", []),
        (windows_from("2024-01-01", end="2024-01-05", end_offset=-2), "2024-01-06", ["2024-01-01", "2024-01-02", "2024-01-03"]),
        # offsets
        (windows_from("2024-01-01", end_offset=1), "2024-01-02 12:00", ["2024-01-01", "2024-01-02"]),
        (windows_from("2024-01-01", end_offset=-1), "2024-01-04", ["2024-01-01", "2024-01-02"]),
        (windows_from("2024-01-01", end_offset=-9), "2024-01-04", []),
        # the zone decides
        (windows_from("2024-01-01", zone="America/New_York"), "2024-01-02 00:00", ["2024-01-01"]),
        # exclusions: by cron, by window start; other times exclude nothing
        (
            windows_from("2024-01-04", exclusions=("0 0 * * 6",)),
            "2024-01-08",
            ["2024-01-04", "2024-01-05", "2024-01-07"],
        ),
        (
            windows_from("2024-01-01", exclusions=(at("2024-01-02"), at("2024-01-03 05:00"))),
            "2024-01-04",
            ["2024-01-01", "2024-01-03"],
        ),
        (
            windows_from("2024-01-01", cron="0 * * * *", fmt=HOURLY, exclusions=("* 0-21 * * *",)),
            "2024-01-02",
            ["2024-01-01-22:00", "2024-01-01-23:00"],
        ),
        # offsets count the windows that are not excluded
        (windows_from("2024-01-04", end_offset=1, exclusions=("0 0 * * 6",)), "2024-01-06 12:00", ["2024-01-04", "2024-01-05", "2024-01-07"]),
        (windows_from("2024-01-03", end_offset=-1, exclusions=("0 0 * * 6",)), "2024-01-07 12:00", ["2024-01-03", "2024-01-04"]),
    ],
)  # fmt: skip
def test_existing_keys(spec, now, expected):
    moment = at(now, spec.zone)
    assert keys(spec, now) == expected
    assert windows.count(spec, moment) == len(expected)
    for key in expected:
        assert windows.key_of(spec, windows.ordinal_of(spec, key, moment)) == key
    last = windows.last_complete_ordinal(spec, moment)
    assert (None if last is None else windows.key_of(spec, last)) == (expected[-1] if expected else None)
    first = windows.first_ordinal(spec, moment)
    assert (None if first is None else windows.key_of(spec, first)) == (expected[0] if expected else None)


@pytest.mark.parametrize(
    ("offset", "bounds"),
    [(1, [0, 0, 0, 0, 1, 1, 1, 1, 2]), (2, [0, 0, 1, 1, 1, 1, 2, 2, 3]), (3, [1, 1, 1, 2, 2, 2, 3, 3, 4])],
)
def test_a_positive_offset_shows_windows_before_the_start(offset, bounds):
    spec = windows_from("2024-01-01", end_offset=offset)
    moments = ["2023-12-29 12:00", "2023-12-30", "2023-12-30 12:00", "2023-12-31", "2023-12-31 00:01"]
    moments += ["2023-12-31 12:00", "2024-01-01", "2024-01-01 12:00", "2024-01-02"]
    assert [windows.bound(spec, at(moment)) for moment in moments] == bounds


def around(zone, day, cron, fmt=HOURLY):
    spec = windows_from(day, cron=cron, zone=zone, fmt=fmt)
    after = windows.ordinal_from(spec, at(day, zone) + 86_400)
    return [windows.key_of(spec, one) for one in range(after)], spec


@pytest.mark.parametrize(
    ("zone", "day", "cron", "fmt", "some", "number"),
    [
        ("Europe/Berlin", "2024-03-31", "0 * * * *", HOURLY, ["2024-03-31-01:00", "2024-03-31-03:00"], 24),
        (
            "Europe/Berlin",
            "2024-10-27",
            "0 * * * *",
            HOURLY,
            ["2024-10-27-02:00", "2024-10-27-02:00+0100", "2024-10-27-03:00"],
            24,
        ),
        (
            "Europe/Berlin",
            "2024-10-27",
            "*/30 * * * *",
            "%Y%m%d%H%M",
            ["202410270230", "202410270200+0100", "202410270230+0100", "202410270300"],
            48,
        ),
        (
            "America/New_York",
            "2024-11-03",
            "0 0-23 * * *",
            HOURLY,
            ["2024-11-03-01:00", "2024-11-03-01:00-0500"],
            24,
        ),
        (
            "Europe/Berlin",
            "2024-10-27",
            "0 * * * *",
            "%Y-%m-%dT%H:%M%z",
            ["2024-10-27T02:00+0200", "2024-10-27T02:00+0100"],
            24,
        ),
        ("Europe/Berlin", "2024-03-31", "0 */2 * * *", HOURLY, ["2024-03-31-00:00", "2024-03-31-03:00"], 13),
        ("Europe/Berlin", "2024-10-27", "0 */2 * * *", HOURLY, ["2024-10-27-00:00", "2024-10-27-02:00"], 12),
        ("Europe/Berlin", "2024-03-31", "30 2 * * *", HOURLY, ["2024-03-31-03:00"], 1),
        ("Europe/Berlin", "2024-10-27", "30 2 * * *", HOURLY, ["2024-10-27-02:30"], 1),
        ("America/Havana", "2024-03-10", "0 0 * * *", "%Y-%m-%d", ["2024-03-10", "2024-03-11"], 2),
        ("America/Havana", "2024-11-03", "0 0 * * *", "%Y-%m-%d", ["2024-11-03"], 1),
        (
            "Australia/Lord_Howe",
            "2024-04-07",
            "0 * * * *",
            HOURLY,
            ["2024-04-07-01:00", "2024-04-07-02:00"],
            24,
        ),
    ],
)
def test_keys_where_clocks_change(zone, day, cron, fmt, some, number):
    found, spec = around(zone, day, cron, fmt)
    start = found.index(some[0])
    assert found[start : start + len(some)] == some
    assert len(found) == number
    assert [windows.find_ordinal(spec, key) for key in found] == list(range(len(found)))


def test_windows_where_clocks_change():
    spec = windows_from("2024-03-10", zone="America/New_York")
    assert (windows.window_of(spec, 0).end_s - windows.window_of(spec, 0).start_s) / 3600 == 23
    hourly = windows_from("2024-03-31", cron="0 * * * *", zone="Europe/Berlin", fmt=HOURLY)
    window = windows.window_of(hourly, windows.find_ordinal(hourly, "2024-03-31-01:00"))
    assert window == (at("2024-03-31 00:00"), at("2024-03-31 01:00"))


@pytest.mark.parametrize(
    "key",
    ["2024-1-3", "2024-01-03 ", " 2024-01-03", "2024-01-03-00:00", "20240103", "", "x", "2024-01-32", "2023-12-31",
     "9999-12-31", "0001-01-01", "2024-01-03+0100", "２024-01-03"],
)  # fmt: skip
def test_only_the_exact_text_of_an_existing_window_is_a_key(key):
    spec = windows_from("2024-01-01")
    with pytest.raises(UnknownPartitionError, match="expected .+, got"):
        windows.ordinal_of(spec, key, at("2024-02-01"))


def test_other_texts_that_are_no_keys():
    weekly = windows_from("2024-01-01", cron="0 0 * * 0")
    assert windows.find_ordinal(weekly, "2024-01-08") is None
    hourly = windows_from("2024-10-27", cron="0 * * * *", zone="Europe/Berlin", fmt=HOURLY)
    assert windows.find_ordinal(hourly, "2024-10-27-02:00+0200") is None  # the first occurrence has no suffix
    assert windows.find_ordinal(hourly, "2024-10-27-01:00+0200") is None
    assert windows.find_ordinal(hourly, "2024-10-27-02:00+0100") == 3
    spring = windows_from("2024-03-31", cron="0 * * * *", zone="Europe/Berlin", fmt=HOURLY)
    assert windows.find_ordinal(spring, "2024-03-31-02:00") is None


def test_messages_say_why_a_key_is_unknown():
    spec = windows_from("2024-01-01", exclusions=(at("2024-01-02"),))
    for key, words in [
        ("2024-01-02", "it is excluded"),
        ("2024-01-09", "'2024-01-01' to '2024-01-04' exist"),
        ("tomorrow", "a key such as '2024-01-01', got 'tomorrow'"),
    ]:
        with pytest.raises(UnknownPartitionError) as caught:
            windows.ordinal_of(spec, key, at("2024-01-05"))
        assert words in str(caught.value)


def test_neighbours_skip_excluded_windows():
    spec = windows_from("2024-01-04", exclusions=("0 0 * * 6",))
    assert windows.next_ordinal(spec, 1) == 3
    assert windows.previous_ordinal(spec, 3) == 1
    assert windows.previous_ordinal(spec, 0) == -1
    assert windows.is_excluded(spec, 2)


def test_neighbours_skip_long_exclusions():
    spec = windows_from("2024-01-01", cron="* * * * *", fmt=HOURLY, exclusions=("* * 10-16 1 *",))
    before, after = (
        windows.find_ordinal(spec, "2024-01-09-23:59"),
        windows.find_ordinal(spec, "2024-01-17-00:00"),
    )
    assert windows.next_ordinal(spec, before) == after
    assert windows.previous_ordinal(spec, after) == before
    assert windows.last_complete_ordinal(spec, at("2024-01-15")) == before
    first = windows_from("2024-01-10", cron="* * * * *", fmt=HOURLY, exclusions=("* * 10-16 1 *",))
    assert windows.previous_ordinal(first, 7 * 1440) == -1
    assert windows.key_of(first, windows.first_ordinal(first, at("2024-02-01"))) == "2024-01-17-00:00"


def test_a_definition_that_excludes_everything_has_no_keys():
    spec = windows_from("2024-01-01", exclusions=("0 0 * * *",))
    assert keys(spec, "2024-03-01") == []
    assert windows.first_ordinal(spec, at("2024-03-01")) is None
    assert windows.last_complete_ordinal(spec, at("2024-03-01")) is None
    assert windows.count(spec, at("2024-03-01")) == 0


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("2024-01-02", "2024-01-04", ["2024-01-02", "2024-01-03", "2024-01-04"]),
        ("2024-01-04", "2024-01-04", ["2024-01-04"]),
        ("2024-01-04", "2024-01-02", []),
        ("2024-01-04", "2024-03-01", ["2024-01-04", "2024-01-05"]),
        ("2023-12-30", "2024-01-01", ["2024-01-01"]),
        ("2024-03-01", "2024-04-01", []),
    ],
)
def test_ranges_are_inclusive_and_cut_to_what_exists(first, last, expected):
    spec = windows_from("2024-01-01")
    assert windows.keys_in_range(spec, first, last, at("2024-01-06")) == expected


def test_ranges_leave_excluded_windows_out():
    spec = windows_from("2024-01-01", exclusions=("0 0 * * 6",))
    found = windows.keys_in_range(spec, "2024-01-05", "2024-01-08", at("2024-02-01"))
    assert found == ["2024-01-05", "2024-01-07", "2024-01-08"]
    assert windows.keys_in_range(spec, "2024-01-06", "2024-01-07", at("2024-02-01")) == ["2024-01-07"]
    with pytest.raises(UnknownPartitionError):
        windows.keys_in_range(spec, "2024-1-5", "2024-01-08", at("2024-02-01"))


def test_windows_by_time():
    spec = windows_from("2024-01-01")
    assert windows.ordinal_at(spec, at("2024-01-03 12:00")) == 2
    assert windows.ordinal_at(spec, at("2024-01-03")) == 2
    assert windows.ordinal_at(spec, at("2023-12-31 12:00")) == -1
    assert windows.ordinal_from(spec, at("2024-01-03")) == 2
    assert windows.ordinal_from(spec, at("2024-01-03 00:00:01")) == 3
    day_and_half = windows.Window(at("2024-01-02 12:00"), at("2024-01-04"))
    assert windows.ordinals_overlapping(spec, day_and_half) == range(1, 3)
    assert windows.ordinals_inside(spec, day_and_half) == range(2, 3)
    assert (
        list(windows.ordinals_inside(spec, windows.Window(at("2024-01-02 01:00"), at("2024-01-02 05:00"))))
        == []
    )


def test_a_million_windows_cost_nothing_until_a_key_is_asked_for():
    spec = windows_from("2020-01-01", cron="* * * * *", zone="Europe/Berlin", fmt=HOURLY)
    now = at("2024-01-01", "Europe/Berlin")
    assert windows.count(spec, now) == 1461 * 24 * 60
    assert len(windows.existing_ordinals(spec, now).serialize()) < 1000
    far = windows.ordinal_of(spec, "2023-12-31-23:59", now)
    assert far == 1461 * 24 * 60 - 1
    assert windows.key_of(spec, far) == "2023-12-31-23:59"


@pytest.mark.parametrize(
    ("cron", "fmt"),
    [
        ("0 0 * * *", "%m-%d"),
        ("0 0 * * 1", "%G-W%V"),
        ("0 * * * *", "%Y-%m-%d-%H:%M %Z"),
    ],
)
def test_formats_that_cannot_be_read_back_are_rejected(cron, fmt):
    with pytest.raises(PartitionError, match="expected a format"):
        require_spec(windows_from("2024-01-01", cron=cron, fmt=fmt, zone="Europe/Berlin"))


@pytest.mark.parametrize(
    ("cron", "fmt", "start", "shared"),
    [
        ("0 * * * *", "%Y-%m-%d", "2024-01-01", "2024-01-01"),
        ("0 0,12 * * *", "%Y-%m-%d", "2024-01-01", "2024-01-01"),
        ("0 0 * * *", "%Y-%m", "2024-01-15", "2024-01"),
        ("0 0 1 * *", "%Y", "2024-03-01", "2024"),
        ("0 0 * * *", "day", "2024-01-01", "day"),
    ],
)
def test_a_key_that_windows_share_means_the_first_of_them(cron, fmt, start, shared):
    spec = windows_from(start, cron=cron, fmt=fmt, zone="Europe/Berlin")
    require_spec(spec)
    assert windows.shared_key(spec) == shared
    assert windows.key_of(spec, 1) == shared
    assert windows.find_ordinal(spec, shared) == 0


def test_a_format_that_tells_windows_apart_shares_no_key():
    assert windows.shared_key(windows_from("2024-01-01", cron="0 * * * *", fmt=HOURLY)) is None


@pytest.mark.parametrize(
    ("cron", "fmt"),
    [
        ("0 * * * *", HOURLY),
        ("0 6 * * *", "%Y-%m-%d"),
        ("30 2 * * *", "%Y-%m-%d"),
        ("*/5 * * * *", "%Y-%m-%dT%H:%M:%S%z"),
        ("0 0 * * *", "%d/%m/%y"),
        ("0 0 * * 1", "%Y-%W-%w"),
        ("0 0 1 */3 *", "%Y-%m"),
        ("0 0 1 1 *", "%Y"),
        ("0 0 29 2 *", "%Y"),
        ("0 0 * * *", "run-%Y%m%d"),
    ],
)
def test_formats_that_do_are_accepted(cron, fmt):
    for zone in ("UTC", "Europe/Berlin", "America/Havana"):
        require_spec(windows_from("2024-01-01", cron=cron, fmt=fmt, zone=zone))


def test_bad_cron_zone_and_exclusions_are_rejected():
    with pytest.raises(CronError):
        require_spec(windows_from("2024-01-01", cron="0 25 * * *"))
    with pytest.raises(ZoneError):
        require_spec(TimeWindowPartitions(cron="0 0 * * *", zone="Mars", start=0.0, fmt="%Y-%m-%d"))
    with pytest.raises(CronError):
        require_spec(windows_from("2024-01-01", exclusions=("0 25 * * *",)))


# Against enumeration: the slow way is to list ticks from the start.

SPECS = st.builds(
    TimeWindowPartitions,
    cron=st.sampled_from(["0 * * * *", "*/20 * * * *", "0 0 * * *", "30 2 * * *", "0 */5 * * *", "0 0 * * 0",
                          "0 0 1 * *", "0 0 L * *", "15 1 13 * 5", "0 0 * * 1#2"]),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Africa/Casablanca"]),
    start=st.integers(1_600_000_000, 1_750_000_000).map(float),
    fmt=st.just(HOURLY),
    end=st.none() | st.integers(1_650_000_000, 1_760_000_000).map(float),
    end_offset=st.integers(-3, 3),
    exclusions=st.sampled_from([(), (), ("0 6-12 * * *",), ("0 0 * * 6,0", "0 * * * 3")]),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(SPECS, st.integers(0, 40))
def test_arithmetic_agrees_with_enumeration(spec, periods):
    period = 86_400 if " * * *" in spec.cron and "0 0 " not in spec.cron else 20 * 86_400
    now = spec.start + periods * period / 20
    horizon = now + 30 * period
    ticks = list(iter_ticks(parse(spec.cron), spec.start, horizon, spec.zone))
    excluded = {
        at for rule in spec.exclusions for at in iter_ticks(parse(rule), spec.start, horizon, spec.zone)
    }
    free = [n for n, tick in enumerate(ticks) if tick not in excluded]
    complete = [n for n in free if n + 1 < len(ticks) and ticks[n + 1] <= now]
    exist = free[: max(len(complete) + spec.end_offset, 0)]
    exist = [n for n in exist if spec.end is None or ticks[n + 1] <= spec.end]
    if ticks[0] <= now or spec.end_offset <= 0:  # what is shown before the start has a table of its own
        assert list(windows.existing_ordinals(spec, now)) == exist
        assert windows.count(spec, now) == len(exist)
        assert windows.last_complete_ordinal(spec, now) == (exist[-1] if exist else None)
    moments = [datetime.fromtimestamp(tick, UTC).astimezone(ZoneInfo(spec.zone)) for tick in ticks[:60]]
    for ordinal, moment in enumerate(moments):
        key = windows.key_of(spec, ordinal)
        assert key.startswith(moment.strftime(HOURLY))
        assert windows.find_ordinal(spec, key) == ordinal
        assert windows.window_of(spec, ordinal) == (ticks[ordinal], windows.start_of(spec, ordinal + 1))
        assert windows.is_excluded(spec, ordinal) == (ticks[ordinal] in excluded)
    assert [windows.start_of(spec, n) for n in range(len(ticks))] == ticks
    assert list(windows.keys_of(spec, range(len(moments)))) == [
        windows.key_of(spec, n) for n in range(len(moments))
    ]


SPANS = st.sampled_from(
    [
        windows_from("2024-01-01"),
        windows_from("2024-10-20", zone="America/New_York", cron="0 * * * *", fmt=HOURLY),
        windows_from("2024-10-20", zone="America/New_York", cron="*/30 * * * *", fmt="%Y-%m-%d-%H"),
        windows_from(
            "2024-10-20", zone="America/New_York", cron="0 * * * *", fmt="%Y-%m-%d"
        ),  # keys are shared
        windows_from("2024-01-01", cron="0 0,12 * * *", fmt="%Y-%m-%d"),
        windows_from("2024-01-01", cron="0 0 1 * *", fmt="%Y-%m"),
        windows_from("2024-01-01", fmt="%d"),
        windows_from("9996-12-20"),
    ]
)
LAST_OF_THE_CALENDAR = 376  # days from 9996-12-20 to the last of the year 9997, where the calendar ends


@given(st.data())
def test_many_keys_are_found_as_each_of_them_is(data):
    spec = data.draw(SPANS)
    first = data.draw(st.integers(0, 400))
    behind = first + data.draw(st.integers(0, 80))
    if spec == windows_from("9996-12-20"):
        behind = min(behind, LAST_OF_THE_CALENDAR)
    found = [windows.key_of(spec, one) for one in range(first, behind)]
    for place in data.draw(st.lists(st.integers(0, len(found)), max_size=6)):
        found.insert(place, data.draw(st.sampled_from([*found, "nothing", "2024-01-05", "9997-12-31"])))
    found = data.draw(st.sampled_from([found, found[::-1], sorted(found), list(dict.fromkeys(found))]))
    assert list(windows.find_ordinals(spec, found)) == [windows.find_ordinal(spec, key) for key in found]
