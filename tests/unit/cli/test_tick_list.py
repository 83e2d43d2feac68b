"""What the list of ticks tells of each."""

from tidewheel.cli.ticks import _row
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.inbox import Redelivery
from tidewheel.values.records import TickRecord
from tidewheel.values.status import TickStatus

ERROR = ErrorInfo(cls_name="ValueError", message="no such order\nand more of it")


def test_the_list_of_ticks_tells_why_an_event_failed():
    tick = TickRecord(
        tick_id=1,
        trigger_id="t",
        status=TickStatus.FAILURE,
        started_at=1.0,
        ended_at=2.0,
        failed_events=(Redelivery(trigger_id="t", event_id=7, error=ERROR),),
    )
    assert _row(tick)[-1] == "event 7: ValueError: no such order"
