"""Hands events to a sensor's function one after the other: what came of each, and how far it came in its time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, Optional

from tidewheel.definitions.triggers.trigger_results import SensorOutcome
from tidewheel.values.error_info import ErrorInfo, error_info


class HandedOver(NamedTuple):
    """Outcomes of the events that went well, the errors of those that did not, the last event that counts as handled."""

    outcomes: list[SensorOutcome]
    failed: list[tuple[int, ErrorInfo]]
    position: Optional[int]


class Budget:
    """The time after which no further event is begun; the first one always is."""

    def __init__(self, seconds: float | None, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until = None if seconds is None else clock() + seconds

    @property
    def is_spent(self) -> bool:
        """Whether the time is up."""
        return self._until is not None and self._clock() >= self._until


def hand_over(
    items: Iterable[tuple[int, Callable[[], SensorOutcome | None]]],
    *,
    budget: Budget,
    stops_at_failure: bool = False,
) -> HandedOver:
    """Call each item; one that raises is noted, and ends the round only where the order matters.

    An item that gives None does not concern the function (its run is gone).
    """
    outcomes: list[SensorOutcome] = []
    failed: list[tuple[int, ErrorInfo]] = []
    position: int | None = None
    for event_id, collect in items:
        if position is not None and budget.is_spent:
            break
        try:
            outcome = collect()
        except Exception as exc:  # noqa: BLE001 - a boundary: user code
            failed.append((event_id, error_info(exc)))
            if stops_at_failure:
                break
        else:
            if outcome is not None:
                outcomes.append(outcome)
        position = event_id
    return HandedOver(outcomes, failed, position)
