"""What people are told of a run that failed: which steps, with what, and where to look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tidewheel.values.events import EventType, Failure, StoredEvent

STEPS_SHOWN = 5


def failures(log: Iterable[StoredEvent]) -> Iterator[str]:
    """Of each failed step its name and the error's headline; of a run in which none failed, what ended it."""
    ended, shown = "", 0
    for stored in log:
        event = stored.event
        error = event.payload.error if isinstance(event.payload, Failure) else None
        said = error.headline if error is not None else event.message
        if event.type is EventType.STEP_FAILURE:
            shown += 1
            if shown <= STEPS_SHOWN:
                yield f"{event.step_key}: {said}"
        elif event.type is EventType.RUN_FAILURE:
            ended = said
    if shown > STEPS_SHOWN:
        yield f"and {shown - STEPS_SHOWN} more"
    elif not shown and ended:
        yield ended
