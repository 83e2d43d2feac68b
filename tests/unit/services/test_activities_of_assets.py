"""What watchers are told: runs of assets by their assets (the job behind them is nobody's business), in short texts."""

from tidewheel.runtime.protocol import Activity
from tidewheel.services.activity import ActivityFeed, describe_event
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


def test_of_a_very_long_text_watchers_get_the_beginning():
    feed, seen = ActivityFeed(), []
    feed.listen(seen.append)
    for text in ("short", "x" * 5_000):
        feed.publish(Activity(kind="tick", timestamp=0.0, name="s", status="FAILURE", text=text))
    assert [one.text for one in seen] == ["short", "x" * 1_000 + "…"]
