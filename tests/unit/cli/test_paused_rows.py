"""Lists of triggers while they are paused."""

from tidewheel.cli.output import moment
from tidewheel.cli.triggers import _schedule_row
from tidewheel.runtime.control import TriggerView
from tidewheel.values.policies import PauseRecord, Selection


def shown(paused):
    view = TriggerView(
        name="nightly", kind="SCHEDULE", location="here", is_running=True, next_tick_at=60.0, paused=paused
    )
    row = _schedule_row(view)
    return row[1], row[-1]


def test_next_is_not_before_the_pause_ends():
    pause = PauseRecord(pause_id=1, selection=Selection(), created_at=0.0, expires_at=7200.0)
    assert shown(pause) == ("paused", f"after {moment(7200.0)}")


def test_a_pause_without_end():
    pause = PauseRecord(pause_id=1, selection=Selection(), created_at=0.0)
    assert shown(pause) == ("paused", "when resumed")


def test_without_a_pause():
    assert shown(None) == ("running", moment(60.0))
