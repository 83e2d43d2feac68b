"""A nightly job with config made at the tick, weekdays only, in New York."""

from datetime import timedelta

from dagster import (
    Config,
    DefaultScheduleStatus,
    Definitions,
    RunConfig,
    RunRequest,
    SkipReason,
    job,
    op,
    schedule,
    build_schedule_context,
)
from datetime import datetime


class ReportConfig(Config):
    day: str
    rows: int = 10


@op
def write_report(context, config: ReportConfig):
    context.log.info(f"report for {config.day}")
    return f"{config.day}:{config.rows}"


@job(tags={"team": "finance"})
def report_job():
    write_report()


@schedule(
    job=report_job,
    cron_schedule="0 7 * * 1-5",
    execution_timezone="America/New_York",
    default_status=DefaultScheduleStatus.RUNNING,
)
def report_schedule(context):
    """Every working day at seven."""
    yesterday = context.scheduled_execution_time - timedelta(days=1)
    if yesterday.weekday() >= 5:
        return SkipReason("weekend")
    return RunRequest(
        run_key=yesterday.strftime("%Y-%m-%d"),
        run_config=RunConfig(ops={"write_report": ReportConfig(day=yesterday.strftime("%Y-%m-%d"))}),
        tags={"day": yesterday.strftime("%Y-%m-%d")},
    )


defs = Definitions(jobs=[report_job], schedules=[report_schedule])


def test_tuesday():
    context = build_schedule_context(scheduled_execution_time=datetime(2024, 3, 5, 7, 0))
    request = report_schedule(context)
    assert request.run_key == "2024-03-04"
    assert report_job.execute_in_process(run_config=request.run_config).success


def test_monday_is_skipped():
    context = build_schedule_context(scheduled_execution_time=datetime(2024, 3, 4, 7, 0))
    assert isinstance(report_schedule(context), SkipReason)
