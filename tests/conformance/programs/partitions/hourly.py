from datetime import datetime, timezone

from dagster import (
    DailyPartitionsDefinition,
    Definitions,
    HourlyPartitionsDefinition,
    asset,
    build_schedule_from_partitioned_job,
    define_asset_job,
    materialize,
)

hourly = HourlyPartitionsDefinition(start_date="2024-03-14-00:00")
offset = HourlyPartitionsDefinition(
    start_date="2024-03-15-00:00", minute_offset=20, timezone="America/New_York"
)
bounded = HourlyPartitionsDefinition(
    start_date=datetime(2024, 3, 10, 0),
    end_date=datetime(2024, 3, 10, 6),
    timezone="America/New_York",
    end_offset=0,
)
short_format = HourlyPartitionsDefinition(start_date="20240301T00", end_date="20240301T05", fmt="%Y%m%dT%H")


@asset(partitions_def=hourly)
def events(context):
    return [context.partition_key, context.partition_time_window.end.isoformat()]


@asset(partitions_def=DailyPartitionsDefinition("2024-03-14"))
def day_of_events(context, events):
    return len(events)


events_job = define_asset_job("events_job", [events])
defs = Definitions(
    assets=[events, day_of_events],
    jobs=[events_job],
    schedules=[
        build_schedule_from_partitioned_job(
            events_job, minute_of_hour=10, name="each_hour", description="ten past"
        )
    ],
)

NOW = datetime(2024, 3, 15, 3, 30, tzinfo=timezone.utc)


def observe():
    return {
        "count": len(hourly.get_partition_keys(current_time=NOW)),
        "offset": offset.get_partition_keys(current_time=NOW),
        "dst_day": bounded.get_partition_keys(current_time=NOW),
        "short": short_format.get_partition_keys(current_time=NOW),
        "crons": [hourly.cron_schedule, offset.cron_schedule],
    }


def test_hour():
    assert materialize([events], partition_key="2024-03-14-05:00").output_for_node("events") == [
        "2024-03-14-05:00",
        "2024-03-14T06:00:00+00:00",
    ]
