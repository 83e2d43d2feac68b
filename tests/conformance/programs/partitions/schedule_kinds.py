from dagster import (
    DailyPartitionsDefinition,
    Definitions,
    HourlyPartitionsDefinition,
    MultiPartitionsDefinition,
    StaticPartitionsDefinition,
    asset,
    build_schedule_from_partitioned_job,
    define_asset_job,
    job,
    op,
)


def make(name, definition):
    @asset(name=name, partitions_def=definition)
    def made(context):
        return str(context.partition_key)

    return made


DEFINITIONS = {
    "utc_daily": DailyPartitionsDefinition("2024-01-01"),
    "tokyo_daily": DailyPartitionsDefinition("2024-01-01", timezone="Asia/Tokyo"),
    "offset_daily": DailyPartitionsDefinition("2024-01-01", hour_offset=5, minute_offset=10),
    "future_daily": DailyPartitionsDefinition("2024-01-01", end_offset=1),
    "ended_daily": DailyPartitionsDefinition("2024-01-01", end_date="2024-02-01"),
    "half_hourly": HourlyPartitionsDefinition("2024-03-01-00:00", minute_offset=30),
    "crossed": MultiPartitionsDefinition(
        {"day": DailyPartitionsDefinition("2024-01-01"), "kind": StaticPartitionsDefinition(["a", "b"])}
    ),
}
assets = [make(name, definition) for name, definition in DEFINITIONS.items()]
jobs = [define_asset_job(f"{one.key.path[-1]}_job", selection=[one]) for one in assets]
schedules = [build_schedule_from_partitioned_job(one) for one in jobs]


@op
def o(context):
    return context.partition_key


@job(partitions_def=StaticPartitionsDefinition(["x", "y"]))
def static_op_job():
    o()


schedules.append(build_schedule_from_partitioned_job(static_op_job, cron_schedule="0 0 * * *"))
defs = Definitions(assets=assets, jobs=[*jobs, static_op_job], schedules=schedules)
