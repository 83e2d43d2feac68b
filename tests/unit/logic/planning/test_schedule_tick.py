"""Which nominal times are owed: one row per branch, then properties."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewheel.logic.cron.expression import parse
from tidewheel.logic.planning.schedule_tick import (
    ScheduleFacts,
    decide_schedule_tick,
    frontier_after,
)

HOUR = 3600.0
DAY = 24 * HOUR
T0 = 1_704_067_200.0  # 2024-01-01 00:00 UTC


def facts(**changes):
    base = ScheduleFacts(
        crons=(parse("0 * * * *"),), zone="UTC", is_running=True, frontier=T0 + 1, now=T0 + HOUR
    )
    return msgspec.structs.replace(base, **changes)


def owed(decision):
    return [(tick.scheduled_for - T0, tick.attempt, tick.cause) for tick in decision.owed]


@pytest.mark.parametrize(
    ("name", "given_facts", "expected"),
    [
        ("a stopped schedule owes nothing", facts(is_running=False), []),
        ("before the tick nothing is owed", facts(now=T0 + HOUR - 0.001), []),
        ("exactly at the tick it is owed (A31)", facts(), [(HOUR, 1, "on_time")]),
        (
            "started exactly on a tick: that tick is owed (A32)",
            facts(frontier=T0 + HOUR),
            [(HOUR, 1, "on_time")],
        ),
        ("a minute late counts as caught up", facts(now=T0 + HOUR + 60), [(HOUR, 1, "caught_up")]),
        ("after downtime only the latest (A34)", facts(now=T0 + 8 * HOUR), [(8 * HOUR, 1, "on_time")]),
        (
            "a catch-up of three takes the newest three (F12)",
            facts(now=T0 + 8 * HOUR, max_catchup=3),
            [(6 * HOUR, 1, "caught_up"), (7 * HOUR, 1, "caught_up"), (8 * HOUR, 1, "on_time")],
        ),
        ("no catch-up drops what was missed", facts(now=T0 + 8 * HOUR + 60, max_catchup=0), []),
        (
            "no catch-up still runs what is due just now",
            facts(now=T0 + 8 * HOUR + 59, max_catchup=0),
            [(8 * HOUR, 1, "on_time")],
        ),
        (
            "of missed ticks those that are too old are dropped",
            facts(now=T0 + 8 * HOUR + 60, max_catchup=9, window_s=2 * HOUR),
            [(7 * HOUR, 1, "caught_up"), (8 * HOUR, 1, "caught_up")],
        ),
        (
            "ticks of a pause that are to be skipped are, earlier ones are not",
            facts(
                now=T0 + 8 * HOUR + 60,
                max_catchup=9,
                skipped_spans=((T0 + 3 * HOUR, T0 + 8 * HOUR),),
            ),
            [(HOUR, 1, "caught_up"), (2 * HOUR, 1, "caught_up"), (8 * HOUR, 1, "caught_up")],
        ),
        (
            "a union counts coinciding times once (A1)",
            facts(crons=(parse("0 * * * *"), parse("*/30 * * * *")), max_catchup=9),
            [(HOUR / 2, 1, "caught_up"), (HOUR, 1, "on_time")],
        ),
        (
            "a failed tick with retries left is owed again after its back-off, even when a later one is due (F13)",
            facts(
                frontier=T0 + HOUR,
                now=T0 + 2 * HOUR,
                failures=1,
                max_tick_retries=2,
                last_attempt_at=T0 + HOUR,
            ),
            [(HOUR, 2, "retry")],
        ),
        (
            "before its back-off has passed it waits",
            facts(
                frontier=T0 + HOUR,
                now=T0 + HOUR + 0.5,
                failures=1,
                max_tick_retries=2,
                last_attempt_at=T0 + HOUR,
            ),
            [],
        ),
        (
            "retries used up: the tick is behind",
            facts(frontier=T0 + HOUR + 1, now=T0 + HOUR + 5, failures=3, max_tick_retries=2),
            [],
        ),
    ],
)
def test_owed_ticks(name, given_facts, expected):
    assert owed(decide_schedule_tick(given_facts)) == expected, name


def test_dropped_ticks_are_reported():
    decision = decide_schedule_tick(facts(now=T0 + 8 * HOUR))
    assert decision.dropped_until == T0 + 7 * HOUR


def test_a_waiting_retry_says_when_to_look_again():
    decision = decide_schedule_tick(
        facts(frontier=T0 + HOUR, now=T0 + HOUR, failures=2, max_tick_retries=5, last_attempt_at=T0 + HOUR)
    )
    assert decision.wake_at == T0 + HOUR + 5.0


def test_frontier_moves_behind_a_decided_tick_and_stays_on_one_to_retry():
    assert frontier_after(T0, failed=False, attempt=1, max_tick_retries=0) > T0
    assert frontier_after(T0, failed=True, attempt=1, max_tick_retries=0) > T0
    assert frontier_after(T0, failed=True, attempt=1, max_tick_retries=1) == T0
    assert frontier_after(T0, failed=True, attempt=2, max_tick_retries=1) > T0


crons = st.sampled_from(["0 * * * *", "*/15 * * * *", "30 2 * * *", "0 0 * * 0", "5 4 1 * *"])
zones = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])


@given(crons, zones, st.integers(0, 400 * 24), st.integers(0, 40 * 24), st.integers(0, 5))
def test_deciding_and_moving_the_frontier_leaves_nothing_owed(cron, zone, start_h, wait_h, catchup):
    frontier = T0 + start_h * HOUR
    now = frontier + wait_h * HOUR
    base = facts(crons=(parse(cron),), zone=zone, frontier=frontier, now=now, max_catchup=catchup)
    first = decide_schedule_tick(base)
    assert decide_schedule_tick(base) == first, "the same facts give the same decision"
    missed = [tick for tick in first.owed if tick.cause == "caught_up"]
    assert len(missed) <= catchup
    for tick in first.owed:
        assert frontier <= tick.scheduled_for <= now
    if first.owed:
        moved = frontier_after(first.owed[-1].scheduled_for, failed=False, attempt=1, max_tick_retries=0)
        again = decide_schedule_tick(msgspec.structs.replace(base, frontier=moved))
        assert again.owed == ()
        assert again.wake_at is not None and again.wake_at > now
