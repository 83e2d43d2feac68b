"""What is said of a failed run, besides that it failed."""

from tidewheel.cli.failures import STEPS_SHOWN, failures
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.events import Event, EventType, Failure, StoredEvent


def stored(kind, step=None, message="", error=None):
    payload = None if error is None else Failure(error=ErrorInfo(cls_name="ValueError", message=error))
    event = Event(type=kind, timestamp=0.0, run_id="r", step_key=step, message=message, payload=payload)
    return StoredEvent(id=1, event=event)


def test_failed_steps_have_their_errors_and_the_end_is_not_repeated():
    log = [
        stored(EventType.STEP_START, "a"),
        stored(EventType.STEP_FAILURE, "a", error="no such customer\nsecond line"),
        stored(EventType.RUN_FAILURE, message="a step failed", error="no such customer"),
    ]
    assert list(failures(log)) == ["a: ValueError: no such customer"]


def test_where_no_step_failed_the_end_says_why():
    log = [stored(EventType.RUN_FAILURE, message="The worker was lost.")]
    assert list(failures(log)) == ["The worker was lost."]


def test_many_failed_steps_are_counted():
    log = [stored(EventType.STEP_FAILURE, f"s{n}", error="no") for n in range(STEPS_SHOWN + 2)]
    assert list(failures(log))[-1] == "and 2 more"
