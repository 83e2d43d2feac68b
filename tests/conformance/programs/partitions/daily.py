from datetime import datetime, timezone

from dagster import (
    AssetExecutionContext,
    DailyPartitionsDefinition,
    Definitions,
    PartitionKeyRange,
    TimeWindow,
    asset,
    build_schedule_from_partitioned_job,
    define_asset_job,
    materialize,
)

daily = DailyPartitionsDefinition(start_date="2024-01-01", end_offset=0)
berlin = DailyPartitionsDefinition(start_date="2024-03-28", end_date="2024-04-03", timezone="Europe/Berlin")
from_datetime = DailyPartitionsDefinition(start_date=datetime(2024, 2, 27), minute_offset=30, hour_offset=6)
other_format = DailyPartitionsDefinition(start_date="2024/02/01", fmt="%Y/%m/%d", end_date="2024/02/10")


@asset(partitions_def=daily, group_name="daily")
def visits(context: AssetExecutionContext) -> str:
    window = context.partition_time_window
    context.log.info("from %s to %s", window.start, window.end)
    return f"{context.partition_key} {window.start.strftime('%Y%m%d')}-{window.end.strftime('%Y%m%d')}"


@asset(partitions_def=daily)
def visits_per_user(context: AssetExecutionContext, visits: str):
    context.add_output_metadata({"partition": context.partition_key, "keys": list(context.partition_keys)})
    return [visits, context.asset_partition_key_for_input("visits")]


@asset(partitions_def=berlin)
def local_day(context):
    return [context.partition_time_window.start.isoformat(), context.partition_time_window.end.isoformat()]


@asset(partitions_def=from_datetime)
def shifted_day(context):
    return context.partition_time_window.start.isoformat()


daily_job = define_asset_job("daily_job", selection=[visits, visits_per_user], partitions_def=daily)
daily_schedule = build_schedule_from_partitioned_job(daily_job, hour_of_day=4, minute_of_hour=15)

defs = Definitions(
    assets=[visits, visits_per_user, local_day, shifted_day], jobs=[daily_job], schedules=[daily_schedule]
)

NOW = datetime(2024, 1, 4, 5, tzinfo=timezone.utc)


def observe():
    window = daily.time_window_for_partition_key("2024-01-03")
    return {
        "keys": list(daily.get_partition_keys(current_time=NOW)),
        "first_last": [daily.get_first_partition_key(), daily.get_last_partition_key() > "2024-06-01"],
        "window": [window.start.isoformat(), window.end.isoformat()],
        "berlin": list(berlin.get_partition_keys(current_time=datetime(2024, 5, 1, tzinfo=timezone.utc))),
        "berlin_hours": [
            (
                berlin.time_window_for_partition_key(key).end.timestamp()
                - berlin.time_window_for_partition_key(key).start.timestamp()
            )
            / 3600
            for key in ("2024-03-30", "2024-03-31")
        ],
        "formatted": other_format.get_partition_keys(current_time=datetime(2024, 5, 1, tzinfo=timezone.utc))[
            :2
        ],
        "crons": [daily.cron_schedule, from_datetime.cron_schedule, berlin.timezone],
        "schedule_cron": [daily.get_cron_schedule(hour_of_day=3, minute_of_hour=1)],
        "in_range": list(daily.get_partition_keys_in_range(PartitionKeyRange("2024-01-02", "2024-01-04"))),
        "in_window": list(
            daily.get_partition_keys_in_time_window(
                TimeWindow(
                    datetime(2024, 1, 2, tzinfo=timezone.utc), datetime(2024, 1, 4, tzinfo=timezone.utc)
                )
            )
        ),
        "has": [
            daily.has_partition_key("2024-01-02"),
            daily.has_partition_key("2023-12-31"),
            daily.has_partition_key("nonsense"),
        ],
        "equal": [daily == DailyPartitionsDefinition("2024-01-01"), daily == berlin],
        "next": [
            str(daily.get_next_partition_key("2024-01-02")),
            str(daily.get_next_partition_key("2024-01-03")),
        ],
        "count": daily.get_num_partitions() > 100,
    }


def test_one_day():
    result = materialize([visits, visits_per_user], partition_key="2024-02-03")
    assert result.output_for_node("visits") == "2024-02-03 20240203-20240204"
    assert result.output_for_node("visits_per_user")[1] == "2024-02-03"
