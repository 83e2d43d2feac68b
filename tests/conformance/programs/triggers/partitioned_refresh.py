"""A daily partitioned table, scheduled by the helper and by hand; the last seven days are made again on Sundays."""

from datetime import datetime, timedelta

from dagster import (
    AssetExecutionContext,
    DailyPartitionsDefinition,
    Definitions,
    RunRequest,
    ScheduleEvaluationContext,
    asset,
    build_schedule_context,
    build_schedule_from_partitioned_job,
    define_asset_job,
    schedule,
)

days = DailyPartitionsDefinition(start_date="2024-02-01", timezone="Europe/Paris")


@asset(partitions_def=days)
def events(context: AssetExecutionContext) -> None:
    window = context.partition_time_window
    context.add_output_metadata({"hours": (window.end - window.start).total_seconds() / 3600})


events_job = define_asset_job("events_job", selection=[events])

nightly = build_schedule_from_partitioned_job(
    events_job, hour_of_day=3, minute_of_hour=15, tags={"by": "helper"}
)


@schedule(job=events_job, cron_schedule="0 6 * * 0", execution_timezone="Europe/Paris")
def again(context: ScheduleEvaluationContext):
    end = context.scheduled_execution_time.date()
    for back in range(7, 0, -1):
        key = (end - timedelta(days=back)).isoformat()
        yield RunRequest(run_key=key, partition_key=key)


@schedule(job=events_job, cron_schedule="0 8 * * *")
def latest(context):
    key = days.get_last_partition_key(context.scheduled_execution_time)
    return events_job.run_request_for_partition(partition_key=key, run_key=key)


defs = Definitions(assets=[events], jobs=[events_job], schedules=[nightly, again])


def test_again():
    context = build_schedule_context(scheduled_execution_time=datetime(2024, 3, 10, 6))
    keys = [request.partition_key for request in again(context)]
    assert keys == [f"2024-03-0{n}" for n in range(3, 10)]


def test_nightly_by_evaluation():
    repo = defs.get_repository_def()
    context = build_schedule_context(
        scheduled_execution_time=datetime(2024, 3, 10, 3, 15), repository_def=repo
    )
    data = repo.get_schedule_def("events_job_schedule").evaluate_tick(context)
    assert [request.partition_key for request in data.run_requests] == ["2024-03-09"]


def observe():
    made = defs.get_repository_def().get_schedule_def("events_job_schedule")
    return [made.cron_schedule, made.execution_timezone]
