"""Ticks in zones: recorded tables, properties, and a naive minute walker around every clock change."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidewheel.logic.cron.errors import CronError
from tidewheel.logic.cron.expression import parse
from tidewheel.logic.cron.tick_index import tick_index
from tidewheel.logic.cron.ticks import (
    is_tick,
    iter_ticks,
    latest_ticks,
    next_after,
    next_after_any,
    next_at_or_after,
    previous_at_or_before,
    previous_at_or_before_any,
    previous_before,
    ticks_between,
)
from tidewheel.logic.cron.zones import stretch_at

MINUTE_S = 60
DAY_S = 86_400


def instant(text, zone="UTC"):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def shown(ticks, zone="UTC", form="%m-%d %H:%M%z"):
    return [datetime.fromtimestamp(tick, ZoneInfo(zone)).strftime(form) for tick in ticks]


def following(cron, start, count, zone="UTC", form="%Y-%m-%d"):
    ticks, at = [], instant(start, zone)
    for _ in range(count):
        at = next_after(parse(cron), at, zone)
        ticks.append(at)
    return shown(ticks, zone, form)


@pytest.mark.parametrize(
    ("cron", "start", "expected"),
    [
        ("0 0 29 2 *", "2023-01-01", ["2024-02-29", "2028-02-29", "2032-02-29"]),
        ("0 0 29 2 *", "2096-03-01", ["2104-02-29"]),  # 2100 is no leap year
        ("0 0 31 * *", "2024-01-01", ["2024-01-31", "2024-03-31", "2024-05-31", "2024-07-31", "2024-08-31"]),
        ("0 0 28-31 * *", "2025-02-01", ["2025-02-28", "2025-03-28", "2025-03-29"]),
        ("0 0 L * *", "2024-01-05", ["2024-01-31", "2024-02-29", "2024-03-31"]),
        ("0 0 1,L * *", "2024-01-05", ["2024-01-31", "2024-02-01", "2024-02-29"]),
        ("0 0 L 2 *", "2024-01-01", ["2024-02-29", "2025-02-28"]),
        ("0 0 * * L5", "2024-01-01", ["2024-01-26", "2024-02-23", "2024-03-29"]),
        ("0 0 * * 1#2", "2024-01-01", ["2024-01-08", "2024-02-12", "2024-03-11"]),
        ("0 0 * * 5#5", "2024-01-01", ["2024-03-29", "2024-05-31", "2024-08-30"]),
        ("0 0 * 2 4#5", "2024-03-01", ["2052-02-29"]),
        ("0 0 * * L5,1#1", "2024-01-02", ["2024-01-26", "2024-02-05", "2024-02-23"]),
        ("0 0 13 * 5", "2024-01-01", ["2024-01-05", "2024-01-12", "2024-01-13", "2024-01-19"]),
        ("0 0 */2 * 1", "2024-01-05", ["2024-01-07", "2024-01-08", "2024-01-09"]),
        ("@weekly", "2024-01-01", ["2024-01-07", "2024-01-14"]),
        ("@yearly", "2024-01-01", ["2025-01-01"]),
    ],
)
def test_dates(cron, start, expected):
    assert following(cron, start, len(expected)) == expected


@pytest.mark.parametrize(
    ("cron", "zone", "start", "expected"),
    [
        # daily class, skipped local times: the end of the gap, once
        ("0 2 * * *", "Europe/Berlin", "2024-03-30 12:00", ["03-31 03:00+0200", "04-01 02:00+0200"]),
        ("30 2 * * *", "Europe/Berlin", "2024-03-30 12:00", ["03-31 03:00+0200", "04-01 02:30+0200"]),
        ("15,45 2 * * *", "Europe/Berlin", "2024-03-30 12:00", ["03-31 03:00+0200", "04-01 02:15+0200"]),
        ("30 2 * * *", "America/New_York", "2024-03-09 12:00", ["03-10 03:00-0400", "03-11 02:30-0400"]),
        ("15 2 * * *", "Australia/Lord_Howe", "2024-10-05 12:00", ["10-06 02:30+1100", "10-07 02:15+1100"]),
        # daily class, repeated local times: the second occurrence only
        ("30 2 * * *", "Europe/Berlin", "2024-10-26 12:00", ["10-27 02:30+0100", "10-28 02:30+0100"]),
        ("30 1 * * *", "America/New_York", "2024-11-02 12:00", ["11-03 01:30-0500", "11-04 01:30-0500"]),
        ("45 1 * * *", "Australia/Lord_Howe", "2024-04-06 12:00", ["04-07 01:45+1030", "04-08 01:45+1030"]),
        # several hours, ranges of hours, weekly and monthly belong to the daily class
        ("0 */2 * * *", "Europe/Berlin", "2024-03-31 00:00", ["03-31 03:00+0200", "03-31 04:00+0200"]),
        ("0 1-4 * * *", "Europe/Berlin", "2024-10-27 01:30", ["10-27 02:00+0100", "10-27 03:00+0100"]),
        ("30 2 * * 0", "Europe/Berlin", "2024-03-24 12:00", ["03-31 03:00+0200", "04-07 02:30+0200"]),
        ("30 2 27 * *", "Europe/Berlin", "2024-10-20 12:00", ["10-27 02:30+0100", "11-27 02:30+0100"]),
        ("30 2 10 * *", "America/New_York", "2024-03-01 12:00", ["03-10 03:00-0400", "04-10 02:30-0400"]),
        # hourly class: elapsed time
        ("0 * * * *", "Europe/Berlin", "2024-03-31 00:30", ["03-31 01:00+0100", "03-31 03:00+0200"]),
        ("30 * * * *", "Europe/Berlin", "2024-03-31 00:45", ["03-31 01:30+0100", "03-31 03:30+0200"]),
        ("0 0-23 * * *", "Europe/Berlin", "2024-03-31 00:30", ["03-31 01:00+0100", "03-31 03:00+0200"]),
        ("0 * * * *", "Europe/Berlin", "2024-10-27 01:30", ["10-27 02:00+0200", "10-27 02:00+0100"]),
        ("0 * * * 0", "Europe/Berlin", "2024-10-27 01:30", ["10-27 02:00+0200", "10-27 02:00+0100"]),
        # clock changes at midnight, gaps that are not one hour, zones of half and quarter hours
        ("0 0 * * *", "America/Havana", "2024-03-09 12:00", ["03-10 01:00-0400", "03-11 00:00-0400"]),
        ("30 0 * * *", "America/Havana", "2024-03-09 12:00", ["03-10 01:00-0400", "03-11 00:30-0400"]),
        ("0 0 * * *", "America/Havana", "2024-11-02 12:00", ["11-03 00:00-0500", "11-04 00:00-0500"]),
        ("0 0 * * *", "Africa/Cairo", "2024-04-25 12:00", ["04-26 01:00+0300", "04-27 00:00+0300"]),
        ("0 0 * * *", "America/Santiago", "2024-09-07 12:00", ["09-08 01:00-0300", "09-09 00:00-0300"]),
        ("30 2 * * *", "Antarctica/Troll", "2024-03-30 12:00", ["03-31 03:00+0200", "04-01 02:30+0200"]),
        ("0 3 * * *", "Pacific/Chatham", "2024-09-28 12:00", ["09-29 03:45+1345", "09-30 03:00+1345"]),
        ("0 * * * *", "Australia/Lord_Howe", "2024-04-07 00:30", ["04-07 01:00+1100", "04-07 02:00+1030"]),
        ("45 * * * *", "Australia/Lord_Howe", "2024-04-07 01:00", ["04-07 01:45+1100", "04-07 01:45+1030"]),
        ("0 * * * *", "Asia/Kathmandu", "2024-05-01 00:30", ["05-01 01:00+0545", "05-01 02:00+0545"]),
        ("0 12 * * *", "Pacific/Apia", "2011-12-29 13:00", ["12-31 00:00+1400", "12-31 12:00+1400"]),
    ],
)
def test_clock_changes(cron, zone, start, expected):
    expression, at = parse(cron), instant(start, zone)
    ticks = ticks_between([expression], at + 1, at + 90 * DAY_S, zone, limit=len(expected))
    assert shown(ticks, zone) == expected
    assert following(cron, start, len(expected), zone, "%m-%d %H:%M%z") == expected


def test_every_quarter_hour_of_a_repeated_hour_ticks():
    start, end = instant("2024-10-27 00:00"), instant("2024-10-27 02:00")
    ticks = ticks_between([parse("*/15 * * * *")], start, end, "Europe/Berlin", limit=99)
    assert shown(ticks, "Europe/Berlin", "%H:%M%z") == [
        f"02:{minute:02}+0{hours}00" for hours in (2, 1) for minute in (0, 15, 30, 45)
    ]


def test_bounds_are_strict_or_not_as_named():
    daily, noon = parse("0 12 * * *"), instant("2024-05-01 12:00")
    assert next_after(daily, noon, "UTC") == noon + DAY_S
    assert next_after(daily, noon - 0.001, "UTC") == noon
    assert next_at_or_after(daily, noon, "UTC") == noon
    assert next_at_or_after(daily, noon + 0.001, "UTC") == noon + DAY_S
    assert previous_before(daily, noon, "UTC") == noon - DAY_S
    assert previous_before(daily, noon + 0.001, "UTC") == noon
    assert previous_at_or_before(daily, noon, "UTC") == noon
    assert previous_at_or_before(daily, noon - 0.001, "UTC") == noon - DAY_S
    assert is_tick(daily, noon, "UTC")
    assert not is_tick(daily, noon + 0.5, "UTC")


def test_a_union_ticks_once_where_its_members_coincide():
    crons = [parse(text) for text in ("0 0 * * *", "0 0 * * *", "0 */12 * * *")]
    start, end = instant("2024-05-01 00:00"), instant("2024-05-02 00:00")
    assert shown(ticks_between(crons, start, end, "UTC", limit=9), form="%d %H") == ["01 00", "01 12"]
    assert ticks_between(crons, start, end + 1, "UTC", limit=9)[-1] == end
    assert next_after_any(crons, start, "UTC") == instant("2024-05-01 12:00")
    assert previous_at_or_before_any(crons, end - 1, "UTC") == instant("2024-05-01 12:00")


def test_a_list_collapses_in_a_gap():
    crons = [parse("30 2 * * *"), parse("0 3 * * *")]
    ticks = ticks_between(
        crons, instant("2024-03-31 00:00"), instant("2024-03-31 12:00"), "Europe/Berlin", limit=9
    )
    assert shown(ticks, "Europe/Berlin") == ["03-31 03:00+0200"]


def test_limits_keep_the_earliest_or_the_latest():
    hourly, start = [parse("0 * * * *"), parse("30 6 * * *")], instant("2024-05-01 00:00")
    end = start + DAY_S
    everything = ticks_between(hourly, start, end, "UTC", limit=1000)
    assert len(everything) == 25
    assert ticks_between(hourly, start, end, "UTC", limit=3) == everything[:3]
    assert latest_ticks(hourly, start, end, "UTC", limit=3) == everything[-3:]
    assert latest_ticks(hourly, start, end, "UTC", limit=1000) == everything
    assert (
        ticks_between(hourly, start, end, "UTC", limit=0)
        == latest_ticks(hourly, start, end, "UTC", limit=0)
        == []
    )
    assert ticks_between([], start, end, "UTC", limit=5) == latest_ticks([], start, end, "UTC", limit=5) == []
    assert ticks_between(hourly, end, start, "UTC", limit=5) == []


def test_the_end_of_the_calendar_is_an_error():
    daily = parse("0 0 * * *")
    for at in (3e11, -1e11, 1e20):
        with pytest.raises(CronError, match="years 2 to 9997"):
            next_after(daily, at, "UTC")
        with pytest.raises(CronError, match="years 2 to 9997"):
            previous_before(daily, at, "UTC")
        with pytest.raises(CronError, match="years 2 to 9997"):
            tick_index("0 0 * * *", "UTC").count_before(at)
    with pytest.raises(CronError, match="before the year 9998"):
        tick_index("0 0 * * *", "UTC").instant_of(10_000_000)


# The naive walker: looks at every minute, knows nothing of stretches.

ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Havana",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "Pacific/Chatham",
    "America/Santiago",
    "Atlantic/Azores",
]
CRONS = [
    *("0 * * * *", "*/7 * * * *", "45 * * * 0,6", "30 0-23 * * *"),  # hourly class
    *(
        "0 0 * * *",
        "30 0 * * *",
        "59 23 * * *",
        "*/15 1-3 * * *",
        "0 */2 * * *",
        "45 3 * * 6-1",
        "0 3 1,L * *",
    ),
    *("30 2 28-3 * *", "15,45 2,23 * * 0"),
]


def names(expression, local):
    weekday = (local.weekday() + 1) % 7
    last = (local.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    day = (
        expression.days >> local.day & 1
        or (expression.last_day and local.day == last.day)
        or expression.weekdays >> weekday & 1
        or expression.nth_weekdays >> (5 * weekday + (local.day - 1) // 7) & 1
        or (expression.last_weekdays >> weekday & 1 and local.day + 7 > last.day)
    )
    at = expression.minutes >> local.minute & 1 and expression.hours >> local.hour & 1
    return bool(day and at and expression.months >> local.month & 1)


@lru_cache
def local_minutes(zone, start, end):
    """(instants by local minute, every instant with its local minute) of the UTC minutes in [start, end)."""
    by_local, in_order = {}, []
    for at in range(start, end, MINUTE_S):
        local = datetime.fromtimestamp(at, ZoneInfo(zone)).replace(tzinfo=None)
        by_local.setdefault(local, []).append(at)
        in_order.append((at, local))
    return by_local, in_order


def naive_ticks(expression, zone, start, end):
    by_local, in_order = local_minutes(zone, start, end)
    if expression.is_hourly:
        return [at for at, local in in_order if names(expression, local)]
    ticks, local, last = set(), min(by_local), max(by_local)
    waiting = False
    while local <= last:
        occurrences = by_local.get(local)
        if occurrences and (waiting or names(expression, local)):
            # after a gap the waiting tick is at the first existing minute; a repeated minute counts the second time
            ticks.add(occurrences[0] if waiting else occurrences[-1])
            waiting = False
        elif not occurrences and names(expression, local):
            waiting = True
        local += timedelta(minutes=1)
    return sorted(ticks)


def changes_of(zone, first_year, years):
    at, end = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (first_year, first_year + years))
    found = []
    while at < end:
        stretch = stretch_at(zone, at)
        if stretch.offset != stretch.after:
            found.append(stretch.end)
        at = stretch.end
    return found


@pytest.mark.parametrize("zone", ZONES)
def test_every_clock_change_of_five_years_agrees_with_the_naive_walker(zone):
    changes = changes_of(zone, 2021, 5)
    assert len(changes) >= 5
    for change in changes:
        start, end = change - 9 * 3600, change + 9 * 3600
        for cron in CRONS:
            expression = parse(cron)
            # three hours at each side are walked but not compared: nothing there may be cut in two
            expected = [t for t in naive_ticks(expression, zone, start, end) if abs(t - change) < 6 * 3600]
            low, high = change - 6 * 3600 + 1, change + 6 * 3600
            assert list(iter_ticks(expression, low, high, zone)) == expected, (cron, change)
            index = tick_index(cron, zone)
            first, stop = index.count_before(low), index.count_before(high)
            assert list(index.instants(first, stop)) == expected, (cron, change)
            assert [index.instant_of(number) for number in range(first, stop)] == expected, (cron, change)
            assert [index.count_before(tick) for tick in expected] == list(range(first, stop))


# Properties.


def field(low, high):
    number = st.integers(low, high)
    item = st.one_of(
        st.just("*"),
        number.map(str),
        st.tuples(number, number).map(lambda pair: f"{pair[0]}-{pair[1]}"),
        st.integers(1, high - low + 1).map(lambda step: f"*/{step}"),
    )
    return st.lists(item, min_size=1, max_size=2).map(",".join)


@st.composite
def crons(draw):
    days = draw(st.one_of(field(1, 28), st.sampled_from(["*", "L", "1,L", "29-31", "*/9"])))
    weekdays = draw(st.one_of(field(0, 6), st.just("*")))
    special = draw(st.sampled_from(["", "", "1#2", "5#5,0#1", "L3", "L5,2#2"]))
    if special:
        days, weekdays = "*", special
    return f"{draw(field(0, 59))} {draw(field(0, 23))} {days} {draw(st.one_of(st.just('*'), field(1, 12)))} {weekdays}"


INSTANTS = st.floats(0, 4_000_000_000, allow_nan=False)


@settings(max_examples=300, deadline=None)
@given(crons(), INSTANTS, st.sampled_from(ZONES))
def test_next_and_previous_are_inverse(cron, at, zone):
    expression = parse(cron)
    tick = next_after(expression, at, zone)
    assert tick > at
    assert is_tick(expression, tick, zone)
    assert next_at_or_after(expression, tick, zone) == tick
    assert previous_at_or_before(expression, tick, zone) == tick
    assert previous_before(expression, tick, zone) <= at
    assert next_after(expression, previous_before(expression, tick, zone), zone) == tick


@settings(max_examples=60, deadline=None)
@given(crons(), st.integers(0, 4_000_000_000 // DAY_S), st.sampled_from(ZONES))
def test_nothing_is_missed_in_any_three_days(cron, day, zone):
    expression, start = parse(cron), day * DAY_S
    low, high = start + DAY_S, start + 2 * DAY_S
    expected = [
        tick for tick in naive_ticks(expression, zone, start, start + 3 * DAY_S) if low <= tick < high
    ]
    assert list(iter_ticks(expression, low, high, zone)) == expected


@settings(max_examples=150, deadline=None)
@given(crons(), INSTANTS, st.sampled_from(ZONES), st.integers(-300, 300))
def test_numbers_and_instants_are_inverse(cron, at, zone, steps):
    index, expression = tick_index(cron, zone), parse(cron)
    number = index.count_before(at)
    assert index.instant_of(number) == next_at_or_after(expression, at, zone)
    assert index.instant_of(number - 1) == previous_before(expression, at, zone)
    other = index.instant_of(number + steps)
    assert index.count_before(other) == number + steps
    assert index.count_before(other + 1) == number + steps + 1


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("zone", ["America/New_York", "Australia/Lord_Howe"])
def test_instants_that_end_where_the_clocks_change(zone, size):
    index = tick_index("15 2 * * *", zone)  # a tick that a change of clocks moves
    first = index.count_before(instant("2024-01-01"))
    for number in range(first, first + 366):
        assert list(index.instants(number, number + size)) == [
            index.instant_of(number + n) for n in range(size)
        ]


def test_a_far_number_agrees_with_walking():
    index = tick_index("*/10 * * * *", "Europe/Berlin")
    first = index.count_before(instant("2024-01-01"))
    walked = list(
        iter_ticks(parse("*/10 * * * *"), instant("2024-01-01"), instant("2026-01-01"), "Europe/Berlin")
    )
    assert list(index.instants(first, first + len(walked))) == walked
    assert index.instant_of(first + len(walked) - 1) == walked[-1]


def test_numbers_go_back_before_1970():
    index = tick_index("0 0 1 1 *", "UTC")
    number = index.count_before(instant("2000-01-01"))
    assert shown([index.instant_of(number - 150)], form="%Y-%m-%d") == ["1850-01-01"]
    assert index.count_before(instant("1850-01-01")) == number - 150
