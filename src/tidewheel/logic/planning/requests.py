"""From what a trigger asked for to the rows that one tick commits.

The rules are the same for every kind of trigger: an evaluation that raised fails the tick and keeps the old cursor;
requests that cannot become runs are recorded on the tick one by one while the others are made (F15); the cursor moves
whenever the evaluation itself succeeded. A tick is SUCCESS when it asks for at least one run, FAILURE when it asked for
runs and none of them can be made, SKIPPED otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence

from tidewheel.values.evaluation import EvaluationResult, RequestedRun
from tidewheel.values.ids import derived_run_id
from tidewheel.values.policies import TriggerPolicy
from tidewheel.values.records import NewRun, TickCommit, TriggerRecord
from tidewheel.values.status import TickStatus
from tidewheel.values.tags import PRIORITY

GENERIC_SKIP = {
    "schedule": "The schedule's function asked for nothing.",
    "sensor": "The sensor's function asked for nothing.",
}


def build_new_run(
    request: RequestedRun, *, location: str, trigger_id: str, tick_identity: str, index: int, now: float
) -> NewRun:
    """The run of one request, with an id derived from the tick, so that a repeated evaluation makes the same rows."""
    return NewRun(
        run_id=derived_run_id(trigger_id, tick_identity, index, now),
        job_name=request.job_name,
        location=location,
        priority=run_priority(request.tags.get(PRIORITY)),
        run_key=request.run_key,
        partition=request.partition,
        assets=request.assets,
        checks=request.checks,
        run_config=request.run_config,
        tags=request.tags,
        planned_assets=request.planned_assets,
        planned_checks=request.planned_checks,
    )


def run_priority(tag: str | None) -> int:
    """The priority that a tag's text means: whole numbers, anything else counts as 0 (semantics D7)."""
    try:
        return int(tag) if tag is not None else 0
    except ValueError:
        return 0


def build_tick_commit(
    trigger: TriggerRecord,
    result: EvaluationResult,
    *,
    tick_identity: str,
    started_at: float,
    ended_at: float,
    scheduled_for: float | None = None,
    attempt: int = 1,
    frontier: float | None = None,
    record_uneventful: bool = True,
    policy: TriggerPolicy | None = None,
    notes: tuple[str, ...] = (),
) -> TickCommit:
    """The rows of one evaluated tick."""
    status = _status(result)
    runs = _runs(trigger, result.requests, tick_identity, started_at) if result.error is None else ()
    failed = result.error is not None
    eventful = (
        status is not TickStatus.SKIPPED
        or bool(result.partition_changes or result.events or result.cursor_changed or result.log)
        or result.skip_reason is not None
    )
    return TickCommit(
        trigger_id=trigger.trigger_id,
        expected_version=trigger.version,
        status=status,
        started_at=started_at,
        ended_at=ended_at,
        scheduled_for=scheduled_for,
        attempt=attempt,
        frontier=frontier,
        cursor=None if failed else result.cursor,
        cursor_changed=not failed and result.cursor_changed,
        position=result.position,
        runs=runs,
        partition_changes=() if failed else result.partition_changes,
        events=() if failed else result.events,
        skip_reason=_skip_reason(trigger, result, status),
        error=result.error,
        request_errors=result.request_errors,
        log=result.log,
        record_tick=record_uneventful or eventful,
        policy=policy,
        notes=notes,
    )


def build_unasked_tick(
    trigger: TriggerRecord, *, now: float, scheduled_for: float, frontier: float, reason: str
) -> TickCommit:
    """A nominal time that is passed over without asking the schedule, and why."""
    return TickCommit(
        trigger_id=trigger.trigger_id,
        expected_version=trigger.version,
        status=TickStatus.SKIPPED,
        started_at=now,
        ended_at=now,
        scheduled_for=scheduled_for,
        frontier=frontier,
        skip_reason=reason,
        is_unasked=True,
    )


def _status(result: EvaluationResult) -> TickStatus:
    if result.error is not None:
        return TickStatus.FAILURE
    if result.requests:
        return TickStatus.SUCCESS
    if result.request_errors or result.failed_events:
        return TickStatus.FAILURE
    return TickStatus.SKIPPED


def _skip_reason(trigger: TriggerRecord, result: EvaluationResult, status: TickStatus) -> str | None:
    if status is not TickStatus.SKIPPED:
        return None
    return result.skip_reason if result.skip_reason is not None else GENERIC_SKIP[trigger.kind.value.lower()]


def _runs(
    trigger: TriggerRecord, requests: Sequence[RequestedRun], tick_identity: str, now: float
) -> tuple[NewRun, ...]:
    return tuple(
        build_new_run(
            request,
            location=trigger.location,
            trigger_id=trigger.trigger_id,
            tick_identity=tick_identity,
            index=index,
            now=now,
        )
        for index, request in enumerate(requests)
    )
