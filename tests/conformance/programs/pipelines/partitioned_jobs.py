"""Jobs of ops with partitioned config, hourly to monthly, static and dynamic; schedules from them; context."""

from datetime import datetime

import pytest
from dagster import (
    DailyPartitionsDefinition,
    DynamicPartitionsDefinition,
    PartitionedConfig,
    RunRequest,
    ScheduleEvaluationContext,
    StaticPartitionsDefinition,
    build_schedule_from_partitioned_job,
    daily_partitioned_config,
    dynamic_partitioned_config,
    hourly_partitioned_config,
    job,
    monthly_partitioned_config,
    op,
    repository,
    schedule,
    static_partitioned_config,
    weekly_partitioned_config,
    build_schedule_context,
    instance_for_test,
    Definitions,
)


@op(config_schema={"date": str})
def process(context):
    return context.op_config["date"]


@op
def key_only(context):
    return context.partition_key


@daily_partitioned_config(start_date=datetime(2024, 1, 1))
def daily(start: datetime, end: datetime):
    return {"ops": {"process": {"config": {"date": start.strftime("%Y-%m-%d") + end.strftime("/%d")}}}}


@hourly_partitioned_config(
    start_date="2024-01-01-00:00", minute_offset=15, tags_for_partition_fn=lambda s, e: {"hour": str(s.hour)}
)
def hourly(start, _end):
    return {"ops": {"process": {"config": {"date": start.isoformat()}}}}


@weekly_partitioned_config(start_date="2024-01-01", day_offset=1)
def weekly(start, end):
    return {"ops": {"process": {"config": {"date": f"{start:%a %d}-{end:%a %d}"}}}}


@monthly_partitioned_config(start_date="2024-01-01")
def monthly(start, end):
    return {"ops": {"process": {"config": {"date": f"{start:%b}"}}}}


@static_partitioned_config(partition_keys=["africa", "asia", "europe"])
def continents(key):
    return {"ops": {"process": {"config": {"date": key}}}}


@dynamic_partitioned_config(partition_fn=lambda _=None: ["x", "y"])
def dynamic(key):
    return {"ops": {"process": {"config": {"date": key}}}}


@job(config=daily)
def daily_job():
    process()


@job(config=hourly)
def hourly_job():
    process()


@job(config=weekly)
def weekly_job():
    process()


@job(config=monthly)
def monthly_job():
    process()


@job(config=continents)
def continent_job():
    process()


@job(partitions_def=StaticPartitionsDefinition(["a", "b"]))
def plain_partitioned():
    key_only()


@schedule(cron_schedule="0 0 * * *", job=continent_job)
def continent_schedule():
    for key in continents.get_partition_keys():
        yield RunRequest(run_key=key, partition_key=key)


daily_schedule = build_schedule_from_partitioned_job(daily_job, hour_of_day=2, minute_of_hour=30)
hourly_schedule = build_schedule_from_partitioned_job(hourly_job)

defs = Definitions(
    jobs=[daily_job, hourly_job, weekly_job, monthly_job, continent_job, plain_partitioned],
    schedules=[continent_schedule, daily_schedule, hourly_schedule],
)


def test_config():
    assert daily(datetime(2024, 1, 5), datetime(2024, 1, 6)) == {
        "ops": {"process": {"config": {"date": "2024-01-05/06"}}}
    }
    assert (
        daily.get_run_config_for_partition_key("2024-01-02")["ops"]["process"]["config"]["date"]
        == "2024-01-02/03"
    )
    assert continents("asia")["ops"]["process"]["config"]["date"] == "asia"
    assert continents.get_partition_keys() == ["africa", "asia", "europe"]
    assert daily.partitions_def.get_partition_keys(current_time=datetime(2024, 1, 4))[-1] == "2024-01-03"


def test_runs():
    assert (
        daily_job.execute_in_process(partition_key="2024-01-03").output_for_node("process") == "2024-01-03/04"
    )
    assert hourly_job.execute_in_process(partition_key="2024-01-01-05:15").dagster_run.tags["hour"] == "5"
    assert (
        weekly_job.execute_in_process(partition_key="2024-01-01").output_for_node("process")
        == "Mon 01-Mon 08"
    )
    assert monthly_job.execute_in_process(partition_key="2024-03-01").output_for_node("process") == "Mar"
    assert plain_partitioned.execute_in_process(partition_key="b").output_for_node("key_only") == "b"
    with pytest.raises(Exception):
        plain_partitioned.execute_in_process(partition_key="z")


def test_schedule():
    run_requests = list(continent_schedule(build_schedule_context()))
    assert [r.partition_key for r in run_requests] == ["africa", "asia", "europe"]
    assert daily_schedule.cron_schedule == "30 2 * * *"
    assert hourly_schedule.cron_schedule == "15 * * * *"
    request = daily_job.run_request_for_partition("2024-01-02", run_key="k", tags={"a": "b"})
    assert request.run_config == daily.get_run_config_for_partition_key("2024-01-02")
    assert request.tags["dagster/partition"] == "2024-01-02"
    assert request.job_name == "daily_job" or request.job_name is None
