"""An older file: a repository that returns jobs, schedules and sensors."""

from dagster import (
    RunRequest,
    ScheduleDefinition,
    SkipReason,
    build_schedule_context,
    daily_partitioned_config,
    build_schedule_from_partitioned_job,
    job,
    op,
    repository,
    schedule,
    sensor,
)
from datetime import datetime


@op(config_schema={"date": str})
def process_data_for_date(context):
    return context.op_config["date"]


@daily_partitioned_config(start_date=datetime(2024, 1, 1))
def my_partitioned_config(start: datetime, _end: datetime):
    return {"ops": {"process_data_for_date": {"config": {"date": start.strftime("%Y-%m-%d")}}}}


@job(config=my_partitioned_config)
def do_stuff_partitioned():
    process_data_for_date()


do_stuff_schedule = build_schedule_from_partitioned_job(do_stuff_partitioned)


@op(config_schema={"scheduled_date": str})
def configurable_op(context):
    context.log.info(context.op_config["scheduled_date"])


@job
def configurable_job():
    configurable_op()


@schedule(job=configurable_job, cron_schedule="0 0 * * *")
def configurable_job_schedule(context):
    scheduled_date = context.scheduled_execution_time.strftime("%Y-%m-%d")
    return RunRequest(
        run_key=None,
        run_config={"ops": {"configurable_op": {"config": {"scheduled_date": scheduled_date}}}},
        tags={"date": scheduled_date},
    )


@sensor(job=configurable_job)
def nothing_sensor(_context):
    yield SkipReason("nothing to do")


basic = ScheduleDefinition(
    job=configurable_job,
    cron_schedule="0 1 * * *",
    name="basic",
    run_config={"ops": {"configurable_op": {"config": {"scheduled_date": "x"}}}},
)


@repository
def my_repository():
    return [
        do_stuff_partitioned,
        do_stuff_schedule,
        configurable_job,
        configurable_job_schedule,
        nothing_sensor,
        basic,
    ]


def test_configurable_job_schedule():
    from dagster import validate_run_config

    context = build_schedule_context(scheduled_execution_time=datetime(2020, 1, 1))
    request = configurable_job_schedule(context)
    assert validate_run_config(configurable_job, request.run_config)


def test_partitioned():
    result = do_stuff_partitioned.execute_in_process(partition_key="2024-01-02")
    assert result.output_for_node("process_data_for_date") == "2024-01-02"


def observe():
    repo = my_repository
    return [
        repo.has_schedule_def("basic"),
        repo.get_schedule_def("basic").cron_schedule,
        repo.has_sensor_def("nothing_sensor"),
        sorted(one.name for one in repo.schedule_defs),
    ]
