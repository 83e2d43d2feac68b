"""When a sensor is due."""

import pytest

from tidewheel.logic.planning.sensor_tick import (
    MAX_BACKOFF_S,
    SensorDecision,
    SensorFacts,
    decide_sensor_tick,
    failure_interval_s,
)


def decide(**fields):
    return decide_sensor_tick(
        SensorFacts(**{"is_running": True, "minimum_interval_s": 30.0, "now": 100.0, **fields})
    )


@pytest.mark.parametrize(
    ("name", "decision", "expected"),
    [
        ("a stopped sensor is never due", decide(is_running=False, woken=True), SensorDecision()),
        ("a new one is due at once (B2)", decide(), SensorDecision(evaluate=True)),
        ("one that is being evaluated waits for its end", decide(is_evaluating=True), SensorDecision()),
        (
            "the interval counts from the start of the last (B1)",
            decide(last_started_at=70.0),
            SensorDecision(evaluate=True),
        ),
        ("before that it waits", decide(last_started_at=71.0), SensorDecision(wake_at=101.0)),
        (
            "an event it listens to makes it due",
            decide(last_started_at=99.0, woken=True),
            SensorDecision(evaluate=True),
        ),
        (
            "an interval of nought is every tenth of a second",
            decide(last_started_at=100.0, minimum_interval_s=0.0),
            SensorDecision(wake_at=100.1),
        ),
        (
            "the first failure waits one interval (B4)",
            decide(last_started_at=70.0, failures_in_a_row=1),
            SensorDecision(evaluate=True),
        ),
        (
            "more failures wait longer",
            decide(last_started_at=70.0, failures_in_a_row=2),
            SensorDecision(wake_at=130.0),
        ),
        (
            "events do not shorten the wait of a failing one",
            decide(last_started_at=99.0, failures_in_a_row=1, woken=True),
            SensorDecision(wake_at=129.0),
        ),
    ],
)
def test_due(name, decision, expected):
    assert decision == expected, name


def test_the_wait_of_a_failing_sensor_has_a_limit_but_is_never_shorter_than_its_interval():
    assert failure_interval_s(1.0, 50) == MAX_BACKOFF_S
    assert failure_interval_s(3600.0, 5) == 3600.0
