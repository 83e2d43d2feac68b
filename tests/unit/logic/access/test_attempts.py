"""Waiting after failed logins."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tidewheel.logic.access.attempts import LONGEST_WAIT_S, WINDOW_S, wait_after_failures


def test_a_few_failures_cost_nothing_and_more_cost_ever_more():
    waits = [wait_after_failures([100.0] * count, 100.0) for count in range(9)]
    assert waits == [0, 0, 0, 0, 0, 5, 10, 20, 40]


def test_old_failures_are_forgotten():
    assert wait_after_failures([0.0] * 50, WINDOW_S + 1) == 0


@given(st.lists(st.floats(0, 1000)), st.floats(0, 3000))
def test_the_wait_has_an_end(failures, now):
    assert 0 <= wait_after_failures(failures, max([now, *failures])) <= LONGEST_WAIT_S
