"""The state machine of runs: which event moves a run from which status to which.

A status that ends a run is final (F23): nothing leads out of it, so a late event of a worker that was already given up
is kept as a log entry and changes nothing.
"""

from __future__ import annotations

from tidewheel.values.events import EventType
from tidewheel.values.status import RunStatus

_BEFORE_START = (RunStatus.NOT_STARTED, RunStatus.MANAGED, RunStatus.QUEUED, RunStatus.STARTING)
_ALIVE = (*_BEFORE_START, RunStatus.STARTED, RunStatus.SUSPENDED, RunStatus.CANCELING)

SOURCES: dict[EventType, tuple[RunStatus, ...]] = {
    EventType.RUN_ENQUEUED: (RunStatus.NOT_STARTED, RunStatus.MANAGED),
    EventType.RUN_DEQUEUED: (RunStatus.QUEUED,),
    EventType.RUN_STARTING: (RunStatus.NOT_STARTED, RunStatus.MANAGED, RunStatus.QUEUED),
    EventType.RUN_START: _BEFORE_START,
    EventType.RUN_CANCELING: (*_BEFORE_START, RunStatus.STARTED, RunStatus.SUSPENDED),
    EventType.RUN_CANCELED: _ALIVE,
    EventType.RUN_SUCCESS: _ALIVE,
    EventType.RUN_FAILURE: _ALIVE,
}
"""The statuses in which an event counts; in any other one it changes nothing."""

TARGETS: dict[EventType, RunStatus] = {
    EventType.RUN_ENQUEUED: RunStatus.QUEUED,
    EventType.RUN_DEQUEUED: RunStatus.STARTING,
    EventType.RUN_STARTING: RunStatus.STARTING,
    EventType.RUN_START: RunStatus.STARTED,
    EventType.RUN_CANCELING: RunStatus.CANCELING,
    EventType.RUN_CANCELED: RunStatus.CANCELED,
    EventType.RUN_SUCCESS: RunStatus.SUCCESS,
    EventType.RUN_FAILURE: RunStatus.FAILURE,
}


def next_status(status: RunStatus, event: EventType) -> RunStatus:
    """The status after an event; the same one when the event does not count in it."""
    if status in SOURCES.get(event, ()):
        return TARGETS[event]
    return status
