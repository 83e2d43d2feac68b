from __future__ import annotations

from tidewheel.runtime.views.run_stats import RunStats, StepStats, StepStatus, run_stats, step_stats
from tidewheel.values.events import Event, EventType
from tidewheel.values.records import RunRecord
from tidewheel.values.status import RunStatus


def step(kind: str, key: str, at: float) -> Event:
    return Event(type=EventType[kind], timestamp=at, run_id="r", step_key=key)


LOG = [
    step("STEP_START", "a", 1),
    step("STEP_START", "b", 2),
    step("ASSET_MATERIALIZATION", "a", 3),
    step("STEP_SUCCESS", "a", 4),
    step("STEP_UP_FOR_RETRY", "b", 5),
    step("STEP_RESTARTED", "b", 6),
    step("STEP_FAILURE", "b", 7),
    step("STEP_SKIPPED", "c", 8),
    step("STEP_START", "d", 9),
]


def stats(key: str, status: StepStatus, start: float | None, end: float | None, attempts: int) -> StepStats:
    return StepStats(
        run_id="r", step_key=key, status=status, start_time=start, end_time=end, attempts=attempts
    )


def test_steps() -> None:
    assert step_stats("r", LOG) == [
        stats("a", StepStatus.SUCCESS, 1, 4, 1),
        stats("b", StepStatus.FAILURE, 2, 7, 2),
        stats("c", StepStatus.SKIPPED, None, 8, 0),
        stats("d", StepStatus.IN_PROGRESS, 9, None, 1),
    ]
    assert [s.step_key for s in step_stats("r", LOG, ["d"])] == ["d"]


def test_run() -> None:
    record = RunRecord(
        run_id="r",
        job_name="j",
        location="l",
        status=RunStatus.FAILURE,
        created_at=0,
        updated_at=9,
        queued_at=0.1,
        launched_at=0.2,
        started_at=0.3,
        ended_at=9,
    )
    assert run_stats("r", record, LOG) == RunStats(
        run_id="r",
        steps_succeeded=1,
        steps_failed=1,
        materializations=1,
        enqueued_time=0.1,
        launch_time=0.2,
        start_time=0.3,
        end_time=9,
    )


def test_unknown_run() -> None:
    assert run_stats("zz", None, []) == RunStats(run_id="zz")
