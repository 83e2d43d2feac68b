"""Counts and durations of a run and of its steps, from its log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Optional

import msgspec

from tidewheel.values import records
from tidewheel.values.events import Event, EventType


class RunStats(msgspec.Struct, frozen=True, kw_only=True):
    """How many steps and materialisations a run had, and when it was queued, launched, started and ended (seconds)."""

    run_id: str
    steps_succeeded: int = 0
    steps_failed: int = 0
    materializations: int = 0
    expectations: int = 0
    enqueued_time: Optional[float] = None
    launch_time: Optional[float] = None
    start_time: Optional[float] = None
    end_time: Optional[float] = None


class StepStatus(str, Enum):
    """How a step ended, or that it is in progress."""

    IN_PROGRESS = "IN_PROGRESS"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    SKIPPED = "SKIPPED"


class StepStats(msgspec.Struct, frozen=True, kw_only=True):
    """A step's end, times (seconds since the epoch) and number of attempts."""

    run_id: str
    step_key: str
    status: Optional[StepStatus] = None
    start_time: Optional[float] = None
    end_time: Optional[float] = None
    attempts: int = 0


_ENDS = {
    EventType.STEP_SUCCESS: StepStatus.SUCCESS,
    EventType.STEP_FAILURE: StepStatus.FAILURE,
    EventType.STEP_SKIPPED: StepStatus.SKIPPED,
}


def run_stats(run_id: str, record: records.RunRecord | None, events: Iterable[Event]) -> RunStats:
    """The counts of a run; all zero when nothing is known of it."""
    count = Counter(event.type for event in events)
    return RunStats(
        run_id=run_id,
        steps_succeeded=count[EventType.STEP_SUCCESS],
        steps_failed=count[EventType.STEP_FAILURE],
        materializations=count[EventType.ASSET_MATERIALIZATION],
        expectations=count[EventType.STEP_EXPECTATION_RESULT],
        enqueued_time=record.queued_at if record is not None else None,
        launch_time=record.launched_at if record is not None else None,
        start_time=record.started_at if record is not None else None,
        end_time=record.ended_at if record is not None else None,
    )


def step_stats(
    run_id: str, events: Iterable[Event], step_keys: Sequence[str] | None = None
) -> list[StepStats]:
    """The steps of a run in the order in which they started."""
    stats: dict[str, StepStats] = {}
    for event in events:
        key = event.step_key
        if key is None or (step_keys is not None and key not in step_keys):
            continue
        now = stats.get(key)
        if event.type in (EventType.STEP_START, EventType.STEP_RESTARTED):
            stats[key] = StepStats(
                run_id=run_id,
                step_key=key,
                status=StepStatus.IN_PROGRESS,
                start_time=now.start_time if now is not None else event.timestamp,
                attempts=(now.attempts if now is not None else 0) + 1,
            )
        elif event.type in _ENDS:
            started = now or StepStats(run_id=run_id, step_key=key)
            stats[key] = msgspec.structs.replace(started, status=_ENDS[event.type], end_time=event.timestamp)
    return list(stats.values())
