"""What the activity of a tick tells."""

from tidewheel.services.triggers.tick_writer import describe_tick
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.inbox import Redelivery, told_of_failed
from tidewheel.values.records import TickCommit, TickOutcome
from tidewheel.values.status import TickStatus

ERROR = ErrorInfo(cls_name="ValueError", message="no such order\nand more of it")
FAILED = Redelivery(trigger_id="t", event_id=7, error=ERROR)


def test_a_tick_whose_event_failed_tells_why():
    commit = TickCommit(
        trigger_id="t",
        expected_version=0,
        status=TickStatus.FAILURE,
        started_at=1.0,
        ended_at=2.0,
        failed_events=(FAILED,),
    )
    assert (
        describe_tick(commit, TickOutcome(tick_id=1), "on_push").text == "event 7: ValueError: no such order"
    )
    assert told_of_failed([FAILED, FAILED]).startswith("2 events failed, first event 7: ")
