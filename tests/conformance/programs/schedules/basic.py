from datetime import datetime

from dagster import (
    DefaultScheduleStatus,
    Definitions,
    RunRequest,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    SkipReason,
    asset,
    build_schedule_context,
    define_asset_job,
    job,
    op,
    schedule,
)


@op(config_schema={"date": str})
def load(context):
    return context.op_config["date"]


@job
def loading():
    load()


@asset
def table(): ...


table_job = define_asset_job("table_job", selection="table")

hourly = ScheduleDefinition(job=table_job, cron_schedule="0 * * * *")
named = ScheduleDefinition(
    name="named_schedule",
    job=table_job,
    cron_schedule="30 5 * * 1-5",
    execution_timezone="America/Los_Angeles",
    default_status=DefaultScheduleStatus.RUNNING,
    description="weekday mornings",
    tags={"owner": "ops"},
    metadata={"team": "blue"},
)
with_config = ScheduleDefinition(
    job=loading,
    cron_schedule="@daily",
    run_config={"ops": {"load": {"config": {"date": "fixed"}}}},
    name="with_config",
)
with_config_fn = ScheduleDefinition(
    job=loading,
    cron_schedule="@weekly",
    name="with_config_fn",
    run_config_fn=lambda context: {
        "ops": {"load": {"config": {"date": context.scheduled_execution_time.strftime("%Y-%m-%d")}}}
    },
    tags_fn=lambda context: {"weekday": context.scheduled_execution_time.strftime("%a")},
    should_execute=lambda context: context.scheduled_execution_time.month == 3,
)
many_crons = ScheduleDefinition(job=table_job, cron_schedule=["0 9 * * *", "30 17 * * 5"], name="many_crons")
by_target = ScheduleDefinition(name="by_target", target=[table], cron_schedule="@monthly")
by_job_name = ScheduleDefinition(
    name="by_job_name",
    job_name="loading",
    cron_schedule="@hourly",
    run_config={"ops": {"load": {"config": {"date": "n"}}}},
)


@schedule(job=loading, cron_schedule="0 0 * * *", execution_timezone="Europe/Madrid")
def daily_load(context: ScheduleEvaluationContext):
    date = context.scheduled_execution_time.strftime("%Y-%m-%d")
    return RunRequest(
        run_key=date, run_config={"ops": {"load": {"config": {"date": date}}}}, tags={"date": date}
    )


@schedule(job=loading, cron_schedule="0 6 * * *", name="returns_dict", tags={"fixed": "tag"})
def dict_schedule():
    return {"ops": {"load": {"config": {"date": "today"}}}}


@schedule(target="table", cron_schedule="15 * * * *")
def skips(context):
    if context.scheduled_execution_time.weekday() == 0:
        return SkipReason("not on Mondays")
    return RunRequest()


@schedule(
    job=loading,
    cron_schedule="*/10 * * * *",
    should_execute=lambda context: context.scheduled_execution_time.hour == 0,
)
def yields_many(context):
    for number in range(2):
        yield RunRequest(
            run_key=f"part-{number}", run_config={"ops": {"load": {"config": {"date": str(number)}}}}
        )


@schedule(job_name="loading", cron_schedule="0 0 1 * *")
def returns_nothing(_context):
    return None


defs = Definitions(
    assets=[table],
    jobs=[loading, table_job],
    schedules=[
        hourly,
        named,
        with_config,
        with_config_fn,
        many_crons,
        by_target,
        by_job_name,
        daily_load,
        dict_schedule,
        skips,
        yields_many,
        returns_nothing,
    ],
)


def test_direct():
    request = daily_load(build_schedule_context(scheduled_execution_time=datetime(2024, 5, 6)))
    assert request.run_key == "2024-05-06"
    assert request.tags["date"] == "2024-05-06"
    assert dict_schedule() == {"ops": {"load": {"config": {"date": "today"}}}}
    assert isinstance(
        skips(build_schedule_context(scheduled_execution_time=datetime(2024, 5, 6))), SkipReason
    )


def test_evaluate_tick():
    data = daily_load.evaluate_tick(build_schedule_context(scheduled_execution_time=datetime(2024, 5, 6)))
    assert len(data.run_requests) == 1
    assert data.run_requests[0].tags["dagster/schedule_name"] == "daily_load"


def observe():
    return {
        "names": [hourly.name, with_config_fn.name],
        "cron": [hourly.cron_schedule, many_crons.cron_schedule],
        "job": [named.job_name, by_target.job_name, named.job.name],
        "status": str(named.default_status.value),
    }
