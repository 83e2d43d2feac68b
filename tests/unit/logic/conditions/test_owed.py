"""What is owed after a request (see logic/conditions/owed.py)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewheel.logic.conditions.owed import (
    Attempt,
    Due,
    OwedFacts,
    RetryPolicy,
    Running,
    Settled,
    Stopped,
    Waiting,
    decide_owed,
    equal_failures,
    is_allowed,
    retry_at,
)

POLICY = RetryPolicy(max_failures=3, backoff_s=10.0, backoff_max_s=25.0)


def failed(at: float, error: str = "E") -> Attempt:
    return Attempt(outcome="failed", ended_at=at, error=error)


OK, CANCELED, RUNNING = (Attempt(outcome=one) for one in ("succeeded", "canceled", "in_progress"))


@pytest.mark.parametrize(
    ("attempts", "more", "decision"),
    [
        ((), {}, Due(attempt=1)),
        ((), {"waived": True}, Settled(reason="waived")),
        ((), {"replaced": True}, Settled(reason="replaced")),
        ((OK,), {}, Settled(reason="succeeded")),
        ((failed(90.0), OK), {}, Settled(reason="succeeded")),
        ((failed(90.0), RUNNING), {}, Running()),
        ((CANCELED,), {}, Due(attempt=1)),
        ((failed(95.0),), {}, Waiting(until=105.0, failures=1)),
        ((failed(90.0),), {}, Due(attempt=2)),
        ((failed(60.0), failed(85.0)), {}, Waiting(until=105.0, failures=2)),
        ((failed(60.0), failed(80.0)), {}, Due(attempt=3)),
        ((failed(60.0), failed(70.0), failed(80.0)), {}, Stopped(failures=3, since=80.0, error="E")),
        ((failed(60.0), failed(70.0), failed(80.0)), {"changed_at": 85.0}, Due(attempt=1)),
        ((failed(60.0), failed(70.0, "F"), failed(95.0)), {}, Waiting(until=105.0, failures=1)),
        ((failed(60.0), CANCELED, failed(80.0)), {}, Due(attempt=3)),
        ((failed(60.0), failed(70.0), failed(80.0)), {"waived": True}, Settled(reason="waived")),
    ],
)
def test_decisions(attempts, more, decision):
    facts = OwedFacts(requested_at=50.0, attempts=attempts, now=100.0, policy=POLICY, **more)
    assert decide_owed(facts) == decision


def test_waits_double_up_to_a_limit():
    waits = [retry_at(POLICY, failures, 0.0) for failures in range(6)]
    assert waits == [0.0, 10.0, 20.0, 25.0, 25.0, 25.0]
    assert retry_at(RetryPolicy(backoff_max_s=1e6), 10_000, 0.0) == 1e6


attempts = st.lists(
    st.builds(
        Attempt,
        outcome=st.sampled_from(["failed", "canceled"]),
        ended_at=st.floats(0, 100),
        error=st.sampled_from(["E", "F"]),
    ),
    max_size=6,
).map(lambda found: tuple(sorted(found, key=lambda one: one.ended_at)))


@given(attempts, st.floats(100, 1000))
def test_deciding_and_the_operand_agree(history, now):
    failures, last = equal_failures(history, None)
    decision = decide_owed(OwedFacts(requested_at=0.0, attempts=history, now=now, policy=POLICY))
    allowed = last is None or is_allowed(POLICY, failures, last.ended_at, now)
    assert isinstance(decision, Due) is allowed


@given(attempts, st.floats(100, 1000), st.floats(0, 1000))
def test_time_alone_only_ends_waiting(history, now, later):
    before = decide_owed(OwedFacts(requested_at=0.0, attempts=history, now=now, policy=POLICY))
    after = decide_owed(OwedFacts(requested_at=0.0, attempts=history, now=now + later, policy=POLICY))
    if not isinstance(before, Waiting):
        assert after == before
    elif now + later >= before.until:
        assert isinstance(after, Due)
    else:
        assert after == before
