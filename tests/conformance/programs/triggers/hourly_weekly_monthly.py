from dagster import (
    DefaultScheduleStatus,
    Definitions,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    WeeklyPartitionsDefinition,
    TimeWindowPartitionsDefinition,
    asset,
    build_schedule_from_partitioned_job,
    define_asset_job,
    job,
    op,
)

hours = HourlyPartitionsDefinition(start_date="2024-03-01-00:00")
weeks = WeeklyPartitionsDefinition(start_date="2024-01-07", day_offset=1)
months = MonthlyPartitionsDefinition(start_date="2023-11-01", hour_offset=2)
quarters = TimeWindowPartitionsDefinition(start="2023-01-01", fmt="%Y-%m-%d", cron_schedule="0 0 1 */3 *")


@asset(partitions_def=hours)
def clicks(context):
    return context.partition_key


@asset(partitions_def=weeks)
def weekly(context):
    return context.partition_key


@asset(partitions_def=months)
def monthly(context):
    return context.partition_key


@asset(partitions_def=quarters)
def quarterly(context):
    return context.partition_key


@op
def say(context):
    return context.partition_key


@job(partitions_def=hours)
def saying():
    say()


jobs = {
    name: define_asset_job(f"{name}_job", selection=name)
    for name in ("clicks", "weekly", "monthly", "quarterly")
}
schedules = [
    build_schedule_from_partitioned_job(jobs["clicks"], minute_of_hour=20),
    build_schedule_from_partitioned_job(jobs["weekly"], day_of_week=3, hour_of_day=4),
    build_schedule_from_partitioned_job(
        jobs["monthly"], day_of_month=2, hour_of_day=5, minute_of_hour=30, name="second"
    ),
    build_schedule_from_partitioned_job(jobs["quarterly"], default_status=DefaultScheduleStatus.RUNNING),
    build_schedule_from_partitioned_job(saying),
]
defs = Definitions(
    assets=[clicks, weekly, monthly, quarterly], jobs=[*jobs.values(), saying], schedules=schedules
)


def observe():
    return {
        one.name: [one.cron_schedule, one.execution_timezone]
        for one in defs.get_repository_def().schedule_defs
    }
