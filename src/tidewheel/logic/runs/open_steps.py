"""Which steps of a run were being executed when its events stop."""

from __future__ import annotations

from collections.abc import Iterable

from tidewheel.values.events import Event, EventType

_BEGINS = frozenset({EventType.STEP_START, EventType.STEP_RESTARTED})
_ENDS = frozenset(
    {
        EventType.STEP_SUCCESS,
        EventType.STEP_FAILURE,
        EventType.STEP_SKIPPED,
        EventType.STEP_UP_FOR_RETRY,
    }
)


def open_steps_of(events: Iterable[Event]) -> list[str]:
    """Keys of the steps that have begun and not ended, in the order in which they began."""
    found: dict[str, None] = {}
    for event in events:
        if event.step_key is None:
            continue
        if event.type in _BEGINS:
            found[event.step_key] = None
        elif event.type in _ENDS:
            found.pop(event.step_key, None)
    return list(found)
