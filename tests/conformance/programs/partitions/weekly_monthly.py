from datetime import datetime, timezone

from dagster import (
    Definitions,
    MonthlyPartitionsDefinition,
    WeeklyPartitionsDefinition,
    asset,
    build_schedule_from_partitioned_job,
    define_asset_job,
)

weekly = WeeklyPartitionsDefinition(start_date="2024-01-07")
mondays = WeeklyPartitionsDefinition(
    start_date="2024-01-01", day_offset=1, timezone="Europe/Paris", hour_offset=2, minute_offset=15
)
monthly = MonthlyPartitionsDefinition(start_date="2023-11-01", end_offset=1)
mid_month = MonthlyPartitionsDefinition(start_date="2023-11-15", day_offset=15, end_date="2024-03-01")
midweek_start = WeeklyPartitionsDefinition(start_date="2024-01-03", end_date="2024-02-01")


@asset(partitions_def=weekly)
def week(context):
    return context.partition_key


@asset(partitions_def=mondays)
def working_week(context):
    return [context.partition_key, context.partition_time_window.start.isoformat()]


@asset(partitions_def=monthly)
def month(context):
    window = context.partition_time_window
    return (window.end - window.start).days


week_job = define_asset_job("week_job", selection=[week])
monday_job = define_asset_job("monday_job", selection=[working_week])
month_job = define_asset_job("month_job", selection=[month])

schedules = [
    build_schedule_from_partitioned_job(week_job),
    build_schedule_from_partitioned_job(monday_job, day_of_week=3, hour_of_day=9),
    build_schedule_from_partitioned_job(month_job, day_of_month=5, tags={"cadence": "monthly"}),
]
defs = Definitions(
    assets=[week, working_week, month], jobs=[week_job, monday_job, month_job], schedules=schedules
)

NOW = datetime(2024, 3, 15, 3, 30, tzinfo=timezone.utc)


def observe():
    shown = {}
    for name, definition in dict(
        weekly=weekly, mondays=mondays, monthly=monthly, mid_month=mid_month, midweek_start=midweek_start
    ).items():
        keys = definition.get_partition_keys(current_time=NOW)
        last = definition.time_window_for_partition_key(keys[-1])
        shown[name] = [
            definition.cron_schedule,
            keys[:2],
            keys[-2:],
            len(keys),
            last.start.isoformat(),
            last.end.isoformat(),
        ]
    return shown
