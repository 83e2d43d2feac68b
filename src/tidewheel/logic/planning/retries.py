"""The run that tries a failed run again (semantics D17, D18)."""

from __future__ import annotations

from tidewheel.logic.planning.recovery import RetryRun
from tidewheel.values.records import NewRun, RunRecord
from tidewheel.values.tags import (
    AUTO_RETRY_RUN_ID,
    FAILURE_REASON,
    IS_RESUME_RETRY,
    PARENT_RUN_ID,
    RETRY_NUMBER,
    ROOT_RUN_ID,
    RUN_KEY,
    SERVER_STOPS,
    WILL_RETRY,
)

NOT_INHERITED = frozenset({FAILURE_REASON, WILL_RETRY, AUTO_RETRY_RUN_ID, IS_RESUME_RETRY, RUN_KEY})


def build_retry_run(
    run: RunRecord,
    retry: RetryRun,
    *,
    run_id: str,
    planned: tuple[tuple[str, ...], tuple[str, ...]],
    now: float,
) -> NewRun:
    """A new run with the failed one's target, config and tags, linked to it. ``planned``: assets and checks."""
    root = run.root_run_id or run.run_id
    tags = {name: value for name, value in run.tags.items() if name not in NOT_INHERITED}
    tags |= {PARENT_RUN_ID: run.run_id, ROOT_RUN_ID: root, RETRY_NUMBER: str(retry.retry_number)}
    if retry.server_stops:
        tags[SERVER_STOPS] = str(retry.server_stops)
    if retry.strategy == "FROM_FAILURE":
        tags[IS_RESUME_RETRY] = "true"
    return NewRun(
        run_id=run_id,
        job_name=run.job_name,
        location=run.location,
        priority=run.priority,
        partition=run.partition,
        assets=run.assets,
        checks=run.checks,
        steps=run.steps,
        run_config=run.run_config,
        tags=tags,
        parent_run_id=run.run_id,
        root_run_id=root,
        retry_number=retry.retry_number,
        planned_assets=planned[0],
        planned_checks=planned[1],
        origin=run.origin,
    )
