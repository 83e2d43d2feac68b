from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewheel.logic.freshness import (
    DeadlineFreshness,
    WindowFreshness,
    earliest_update_s,
    freshness_state,
    next_change_s,
    smallest_interval_s,
)

WINDOW = WindowFreshness(fail_window_s=7200, warn_window_s=3600)
DEADLINE = DeadlineFreshness(cron="0 10 * * *", lower_bound_s=3600)


def at(hour: int, minute: int = 0, day: int = 10) -> float:
    return datetime(2024, 1, day, hour, minute, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("rule", "updated", "now", "state"),
    [
        (WINDOW, None, at(8), None),
        (WINDOW, at(8, 5), at(8, 6), "passed"),
        (WINDOW, at(8, 5), at(9, 5), "passed"),
        (WINDOW, at(8, 5), at(9, 6), "warned"),
        (WINDOW, at(8, 5), at(10, 5), "warned"),
        (WINDOW, at(8, 5), at(10, 6), "failed"),
        (WindowFreshness(fail_window_s=7200), at(8, 5), at(10, 5), "passed"),
        (DEADLINE, None, at(8), None),
        (DEADLINE, at(8, 5), at(9, 59), "passed"),
        (DEADLINE, at(8, 5), at(10, 1), "failed"),
        (DEADLINE, at(10, 10), at(10, 11), "passed"),
        (DEADLINE, at(9, 0), at(10, 1), "passed"),
        (DEADLINE, at(9, 0), at(9, 59, day=11), "passed"),
        (DEADLINE, at(9, 0), at(10, 0, day=11), "failed"),
    ],
)
def test_states(
    rule: WindowFreshness | DeadlineFreshness, updated: float | None, now: float, state: str | None
) -> None:
    assert freshness_state(rule, updated, now) == state


def test_deadlines_are_in_their_zone() -> None:
    rule = DeadlineFreshness(cron="0 10 * * *", lower_bound_s=3600, zone="America/New_York")
    assert earliest_update_s(rule, at(15, 30)) == at(14)
    assert freshness_state(rule, at(13), at(14, 59)) == "passed"
    assert freshness_state(rule, at(13), at(15)) == "failed"


@pytest.mark.parametrize(
    ("cron", "seconds"),
    [
        ("0 10 * * *", 86_400),
        ("*/5 * * * *", 300),
        ("0 9,10 * * 1", 3_600),
        ("0 0 1 * *", 28 * 86_400),
        ("0 10 * * 1-5", 86_400),
    ],
)
def test_shortest_time_between_ticks(cron: str, seconds: int) -> None:
    assert smallest_interval_s(cron) == seconds


@given(
    st.sampled_from([WINDOW, DEADLINE]), st.integers(0, 200_000), st.integers(0, 200_000), st.integers(1, 100)
)
def test_the_state_stays_until_the_next_change(
    rule: WindowFreshness | DeadlineFreshness, age: int, start: int, percent: int
) -> None:
    now = at(0) + start
    updated = now - age
    change = next_change_s(rule, updated, now)
    end = change if change is not None else now + 10**7
    between = now + (end - now) * percent / 100
    if between < end:
        assert freshness_state(rule, updated, between) == freshness_state(rule, updated, now)


def test_a_failed_window_does_not_change_by_itself() -> None:
    assert next_change_s(WINDOW, at(8), at(20)) is None
    assert next_change_s(WINDOW, None, at(20)) is None
    assert next_change_s(WINDOW, at(8), at(8)) == at(9)
