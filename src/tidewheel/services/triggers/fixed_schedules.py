"""What a schedule without any function asks for: known from its definition, without asking user code."""

from __future__ import annotations

import datetime

from tidewheel.logic.graph.specs import ScheduleNode
from tidewheel.services.code.catalog import Catalog
from tidewheel.values.evaluation import EvaluationResult, RequestedRun
from tidewheel.values.records import RequestError
from tidewheel.values.tags import CODE_LOCATION, SCHEDULE_NAME, SCHEDULED_EXECUTION_TIME


def fixed_result(
    catalog: Catalog, location: str, schedule: ScheduleNode, scheduled_for: float
) -> EvaluationResult:
    """The one request of the schedule's tick at ``scheduled_for`` (seconds since the epoch)."""
    fixed = schedule.fixed
    job = catalog.job(location, schedule.job_name or "")
    if fixed is None or job is None:
        message = (
            f"expected schedule {schedule.name!r} to name a job of {location!r}, got {schedule.job_name!r}"
        )
        return EvaluationResult(request_errors=(RequestError(index=0, message=message),))
    moment = datetime.datetime.fromtimestamp(scheduled_for, datetime.UTC).isoformat()
    tags = {
        **job.tags,
        **job.run_tags,
        **schedule.tags,
        **fixed.tags,
        SCHEDULE_NAME: schedule.name,
        SCHEDULED_EXECUTION_TIME: moment,
        CODE_LOCATION: location,
    }
    return EvaluationResult(
        requests=(
            RequestedRun(
                job_name=job.name,
                run_config=fixed.run_config,
                tags=tags,
                planned_assets=job.assets,
                planned_checks=job.checks,
            ),
        )
    )
