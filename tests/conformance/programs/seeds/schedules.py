"""Nightly extraction in the forms that an API reference of schedules shows."""

from datetime import datetime

from dagster import (
    Config,
    DagsterInstance,
    DailyPartitionsDefinition,
    DefaultScheduleStatus,
    Definitions,
    RunRequest,
    RunsFilter,
    ScheduleEvaluationContext,
    SkipReason,
    WeeklyPartitionsDefinition,
    asset,
    build_schedule_context,
    build_schedule_from_partitioned_job,
    define_asset_job,
    instance_for_test,
    job,
    op,
    schedule,
)


class PullConfig(Config):
    source: str
    full: bool = False


@op
def pull(config: PullConfig):
    return f"{config.source}-{config.full}"


@op
def write_out(text):
    return len(text)


@job
def nightly_pull():
    write_out(pull())


@schedule(job=nightly_pull, cron_schedule="0 2 * * *")
def simple():
    return {}


@schedule(
    job=nightly_pull,
    cron_schedule="0 8 * * 1-5",
    execution_timezone="America/New_York",
    description="weekdays",
    default_status=DefaultScheduleStatus.RUNNING,
)
def weekdays(context: ScheduleEvaluationContext):
    moment = context.scheduled_execution_time
    if moment.weekday() == 4:
        return SkipReason("never on a Friday")
    return RunRequest(
        run_key=f"pull_{moment.strftime('%Y_%m_%d')}",
        run_config={"ops": {"pull": {"config": {"source": "crm", "full": moment.weekday() == 0}}}},
        tags={"weekday": moment.strftime("%A"), "date": str(moment.date())},
    )


@schedule(job=nightly_pull, cron_schedule="0 */4 * * *", tags={"team": "etl"})
def only_if_idle(context):
    runs = context.instance.get_runs(
        filters=RunsFilter(job_name="nightly_pull", created_after=datetime(2020, 1, 1)), limit=5
    )
    if runs:
        return SkipReason("seen lately")
    return RunRequest(
        run_key=f"hour_{context.scheduled_execution_time.hour}",
        run_config={"ops": {"pull": {"config": {"source": "x"}}}},
    )


@schedule(job=nightly_pull, cron_schedule="0 6 * * 1")
def several(context):
    return [
        RunRequest(
            run_key=f"{name}_{context.scheduled_execution_time.isoformat()}",
            run_config={"ops": {"pull": {"config": {"source": name}}}},
        )
        for name in ("a", "b")
    ]


daily = DailyPartitionsDefinition(start_date="2024-01-01")


@job(partitions_def=daily)
def partitioned_job():
    @op
    def which(context):
        return context.partition_key

    which()


@asset(partitions_def=WeeklyPartitionsDefinition(start_date="2024-01-01"))
def weekly_sums(context):
    return context.partition_key


weekly_job = define_asset_job("weekly_job", selection=[weekly_sums])
partition_schedule = build_schedule_from_partitioned_job(
    job=partitioned_job, name="daily_partitions", description="each day", hour_of_day=2, minute_of_hour=0
)
weekly_schedule = build_schedule_from_partitioned_job(weekly_job)


@schedule(job=partitioned_job, cron_schedule="0 3 * * *")
def refill(context):
    return [RunRequest(run_key=f"refill_{day}", partition_key=day) for day in ("2024-01-02", "2024-01-03")]


defs = Definitions(
    assets=[weekly_sums],
    jobs=[nightly_pull, partitioned_job, weekly_job],
    schedules=[simple, weekdays, only_if_idle, several, partition_schedule, weekly_schedule, refill],
)


def test_weekday():
    monday = weekdays(build_schedule_context(scheduled_execution_time=datetime(2023, 1, 16, 8, 0)))
    assert monday.run_config["ops"]["pull"]["config"]["full"] is True
    assert monday.tags["weekday"] == "Monday"
    friday = weekdays(build_schedule_context(scheduled_execution_time=datetime(2023, 1, 20, 8, 0)))
    assert isinstance(friday, SkipReason)


def test_idle():
    with instance_for_test() as instance:
        context = build_schedule_context(
            scheduled_execution_time=datetime(2023, 1, 16, 8, 0), instance=instance
        )
        assert only_if_idle(context).run_key == "hour_8"
        nightly_pull.execute_in_process(
            instance=instance, run_config={"ops": {"pull": {"config": {"source": "t"}}}}
        )
        assert isinstance(
            only_if_idle(
                build_schedule_context(
                    instance=instance, scheduled_execution_time=datetime(2023, 1, 16, 8, 0)
                )
            ),
            SkipReason,
        )
