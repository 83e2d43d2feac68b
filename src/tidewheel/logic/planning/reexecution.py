"""The request that runs a past run again by hand."""

from __future__ import annotations

from tidewheel.logic.planning.retries import NOT_INHERITED
from tidewheel.values.launch import LaunchRequest
from tidewheel.values.records import RunRecord
from tidewheel.values.tags import IS_RESUME_RETRY, PARENT_RUN_ID, RETRY_NUMBER, ROOT_RUN_ID, SERVER_STOPS

OF_ONE_ATTEMPT = NOT_INHERITED | {PARENT_RUN_ID, ROOT_RUN_ID, RETRY_NUMBER, SERVER_STOPS}


def build_retry_request(run: RunRecord, *, from_failure: bool) -> LaunchRequest:
    """The same job, selection, partition, config and tags once more, linked to the run that it repeats.

    ``from_failure``: what has succeeded is not executed again.
    """
    tags = {name: value for name, value in run.tags.items() if name not in OF_ONE_ATTEMPT}
    tags |= {PARENT_RUN_ID: run.run_id, ROOT_RUN_ID: run.root_run_id or run.run_id}
    if from_failure:
        tags[IS_RESUME_RETRY] = "true"
    return LaunchRequest(
        job_name=run.job_name,
        location=run.location or None,
        assets=run.assets,
        checks=run.checks,
        ops=run.steps if run.assets is None else None,
        partition=run.partition,
        run_config=run.run_config,
        tags=tags,
        parent_run_id=run.run_id,
    )
