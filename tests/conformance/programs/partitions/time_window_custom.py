from datetime import datetime, timezone

from dagster import (
    Definitions,
    TimeWindowPartitionsDefinition,
    asset,
    build_schedule_from_partitioned_job,
    define_asset_job,
    materialize,
)

quarters = TimeWindowPartitionsDefinition(
    start="2023-01-01", cron_schedule="0 0 1 1,4,7,10 *", fmt="%Y-%m-%d"
)
every_four_hours = TimeWindowPartitionsDefinition(
    start=datetime(2024, 3, 14), cron_schedule="0 */4 * * *", fmt="%Y-%m-%dT%H", timezone="UTC"
)
weekdays = TimeWindowPartitionsDefinition(
    start="2024-03-01", cron_schedule="30 8 * * 1-5", fmt="%Y-%m-%d", end_offset=1
)
excluding = TimeWindowPartitionsDefinition(
    start="2024-03-01",
    cron_schedule="0 0 * * *",
    fmt="%Y-%m-%d",
    end="2024-03-08",
    exclusions=["0 0 * * 6", "0 0 * * 0", datetime(2024, 3, 5, tzinfo=timezone.utc)],
)
yearly = TimeWindowPartitionsDefinition(start="2020", cron_schedule="@yearly", fmt="%Y")


@asset(partitions_def=quarters)
def quarter_report(context):
    return [context.partition_key, str(context.partition_time_window.end.date())]


@asset(partitions_def=every_four_hours)
def blocks(context):
    return context.partition_key


@asset(partitions_def=weekdays)
def trading_day(context):
    return context.partition_key


quarter_job = define_asset_job("quarter_job", [quarter_report])
weekday_job = define_asset_job("weekday_job", [trading_day])
defs = Definitions(
    assets=[quarter_report, blocks, trading_day],
    jobs=[quarter_job, weekday_job],
    schedules=[
        build_schedule_from_partitioned_job(quarter_job, name="quarterly"),
        build_schedule_from_partitioned_job(weekday_job),
    ],
)

NOW = datetime(2024, 3, 15, 12, 30, tzinfo=timezone.utc)


def observe():
    shown = {}
    for name, definition in dict(
        quarters=quarters, four=every_four_hours, weekdays=weekdays, excluding=excluding, yearly=yearly
    ).items():
        keys = definition.get_partition_keys(current_time=NOW)
        shown[name] = [keys[:3], keys[-3:], len(keys), definition.cron_schedule]
    return shown
