"""Which steps were being executed when events stop."""

from __future__ import annotations

import pytest

from tidewheel.logic.runs.open_steps import open_steps_of
from tidewheel.values.events import Event, EventType

S, OK, BAD, AGAIN, RE = (
    EventType.STEP_START,
    EventType.STEP_SUCCESS,
    EventType.STEP_FAILURE,
    EventType.STEP_UP_FOR_RETRY,
    EventType.STEP_RESTARTED,
)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([], []),
        ([(S, "a")], ["a"]),
        ([(S, "a"), (OK, "a")], []),
        ([(S, "a"), (S, "b"), (OK, "a")], ["b"]),
        ([(S, "a"), (BAD, "a"), (S, "b")], ["b"]),
        ([(S, "a"), (AGAIN, "a")], []),
        ([(S, "a"), (AGAIN, "a"), (RE, "a")], ["a"]),
        ([(EventType.RUN_START, None), (S, "b"), (S, "a")], ["b", "a"]),
    ],
)
def test_open_steps(told: list, expected: list[str]) -> None:
    events = [Event(type=kind, timestamp=0.0, run_id="r", job_name="j", step_key=step) for kind, step in told]
    assert open_steps_of(events) == expected
