from datetime import datetime
from dagster import (
    DefaultScheduleStatus,
    RunConfig,
    RunRequest,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    SkipReason,
    build_schedule_context,
    job,
    op,
    repository,
    schedule,
    Config,
    daily_partitioned_config,
    build_schedule_from_partitioned_job,
    Definitions,
)


class DayConfig(Config):
    day: str


@op
def work(context, config: DayConfig):
    context.log.info(config.day)


@job(tags={"owner": "me"})
def day_job():
    work()


@schedule(
    job=day_job,
    cron_schedule="0 6 * * 1-5",
    execution_timezone="Europe/Berlin",
    default_status=DefaultScheduleStatus.RUNNING,
)
def weekday_schedule(context: ScheduleEvaluationContext):
    d = context.scheduled_execution_time.strftime("%Y-%m-%d")
    return RunRequest(run_key=d, run_config=RunConfig(ops={"work": DayConfig(day=d)}), tags={"date": d})


@schedule(cron_schedule=["0 0 * * *", "30 12 * * 0"], job_name="day_job", description="either")
def maybe_schedule(context):
    if context.scheduled_execution_time.day % 2:
        return SkipReason("odd day")
    return {"ops": {"work": {"config": {"day": "even"}}}}


@schedule(
    job=day_job,
    cron_schedule="@daily",
    should_execute=lambda c: c.scheduled_execution_time.weekday() < 5,
    tags_fn=lambda c: {"k": "v"},
)
def old_style(context):
    return {"ops": {"work": {"config": {"day": "x"}}}}


@schedule(job=day_job, cron_schedule="@weekly")
def many(context):
    for i in range(3):
        yield RunRequest(run_key=str(i), run_config={"ops": {"work": {"config": {"day": str(i)}}}})


static = ScheduleDefinition(
    job=day_job,
    cron_schedule="*/15 * * * *",
    run_config={"ops": {"work": {"config": {"day": "s"}}}},
    name="static",
)


@daily_partitioned_config(start_date="2024-01-01")
def part_config(start: datetime, end: datetime):
    return {"ops": {"work": {"config": {"day": start.strftime("%m/%d")}}}}


@job(config=part_config)
def part_job():
    work()


part_schedule = build_schedule_from_partitioned_job(part_job, hour_of_day=3, minute_of_hour=15)
defs = Definitions(
    jobs=[day_job, part_job],
    schedules=[weekday_schedule, maybe_schedule, old_style, many, static, part_schedule],
)


def test_weekday():
    ctx = build_schedule_context(scheduled_execution_time=datetime(2024, 2, 1))
    req = weekday_schedule(ctx)
    assert req.run_key == "2024-02-01"
    assert req.run_config["ops"]["work"]["config"]["day"] == "2024-02-01"


def test_skip():
    assert isinstance(
        maybe_schedule(build_schedule_context(scheduled_execution_time=datetime(2024, 2, 1))), SkipReason
    )
