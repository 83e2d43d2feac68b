"""Cron ticks as users' files import them from Dagster's private modules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from tidewheel.dagster.cron_functions import (
    cron_string_iterator,
    get_latest_completed_cron_tick,
    get_next_cron_tick,
    get_smallest_cron_interval,
    is_valid_cron_schedule,
    is_valid_cron_string,
    reverse_cron_string_iterator,
    schedule_execution_time_iterator,
)
from tidewheel.errors import CheckError

NOON = datetime(2024, 1, 6, 12, tzinfo=UTC)


def test_the_moment_itself_is_a_completed_tick_and_no_next_one() -> None:
    assert get_latest_completed_cron_tick("0 * * * *", NOON, "UTC") == NOON
    assert get_next_cron_tick("0 * * * *", NOON, None) == NOON + timedelta(hours=1)


def test_ticks_are_told_in_the_zone() -> None:
    tick = get_next_cron_tick("0 2 * * *", NOON, "Asia/Tokyo")
    assert tick.isoformat() == "2024-01-07T02:00:00+09:00"


def test_iterators_go_on_from_a_moment_both_ways_and_over_several() -> None:
    daily = "0 2 * * *"
    assert [tick.day for tick in islice(cron_string_iterator(NOON.timestamp(), daily, None), 2)] == [7, 8]
    assert [tick.day for tick in islice(cron_string_iterator(NOON.timestamp(), daily, None, -1), 2)] == [6, 7]
    assert [tick.day for tick in islice(reverse_cron_string_iterator(NOON.timestamp(), daily, None), 2)] == [
        6,
        5,
    ]
    both = schedule_execution_time_iterator(NOON.timestamp(), [daily, "0 3 * * *"], None)
    assert [(tick.day, tick.hour) for tick in islice(both, 3)] == [(7, 2), (7, 3), (8, 2)]


@pytest.mark.parametrize(
    ("cron", "gap"),
    [("*/7 3 * * 1", timedelta(minutes=7)), ("@daily", timedelta(days=1)), ("0 0 1 * *", timedelta(days=28))],
)
def test_the_smallest_gap_between_ticks(cron: str, gap: timedelta) -> None:
    assert get_smallest_cron_interval(cron) == gap


def test_what_is_no_cron_string_is_told() -> None:
    assert is_valid_cron_string("@hourly")
    assert not is_valid_cron_string("0 0 * *")
    assert is_valid_cron_schedule(["0 0 * * *", "@daily"])
    assert not is_valid_cron_schedule(["0 0 * * *", "never"])
    with pytest.raises(CheckError, match="never"):
        get_smallest_cron_interval("never")
