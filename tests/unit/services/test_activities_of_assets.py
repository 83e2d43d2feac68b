"""Runs of assets are shown by their assets; the name of the job behind them is nobody's business."""

from tidewheel.services.activity import describe_event
from tidewheel.values.events import Event, EventType


def test_a_run_of_assets_is_told_by_its_message():
    event = Event(
        type=EventType.RUN_START,
        timestamp=0.0,
        run_id="r",
        job_name="__ASSET_JOB",
        message="Run of clean started.",
    )
    shown = describe_event(event)
    assert (shown.name, shown.text) == ("assets", "Run of clean started.")


def test_a_run_of_a_job_is_told_by_the_jobs_name():
    event = Event(type=EventType.RUN_START, timestamp=0.0, run_id="r", job_name="daily", message="started")
    shown = describe_event(event)
    assert (shown.name, shown.text) == ("daily", "")
