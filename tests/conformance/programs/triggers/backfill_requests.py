"""Sensors over partitioned jobs: several keys, a range by tags, multi partitions."""

from dagster import (
    BackfillPolicy,
    DailyPartitionsDefinition,
    Definitions,
    MultiPartitionKey,
    MultiPartitionsDefinition,
    PartitionKeyRange,
    RunRequest,
    SensorResult,
    StaticPartitionsDefinition,
    asset,
    build_sensor_context,
    define_asset_job,
    sensor,
)

days = DailyPartitionsDefinition("2024-01-01", end_date="2024-01-11")
both = MultiPartitionsDefinition({"day": days, "shop": StaticPartitionsDefinition(["x", "y"])})


@asset(partitions_def=days, backfill_policy=BackfillPolicy.single_run())
def ranged(context):
    return [context.partition_key_range.start, context.partition_key_range.end]


@asset(partitions_def=both)
def crossed(context):
    return context.partition_key


ranged_job = define_asset_job("ranged_job", selection=[ranged], partitions_def=days)
crossed_job = define_asset_job("crossed_job", selection=[crossed])


@sensor(job=ranged_job)
def each_day(context):
    for key in days.get_partition_keys_in_range(PartitionKeyRange("2024-01-02", "2024-01-04")):
        yield RunRequest(run_key=key, partition_key=key)


@sensor(job=ranged_job)
def by_job(context):
    return ranged_job.run_request_for_partition(
        partition_key="2024-01-05", run_key="five", tags={"by": "job"}
    )


@sensor(job=crossed_job)
def cross(context):
    key = MultiPartitionKey({"day": "2024-01-02", "shop": "x"})
    return SensorResult(run_requests=[RunRequest(run_key=str(key), partition_key=key)])


@sensor(jobs=[ranged_job, crossed_job])
def several(context):
    return [
        RunRequest(run_key="a", job_name="ranged_job", partition_key="2024-01-07"),
        RunRequest(run_key="b", job_name="crossed_job", partition_key="2024-01-07|y"),
    ]


@sensor(job=ranged_job)
def unknown(context):
    return RunRequest(partition_key="2030-01-01")


defs = Definitions(
    assets=[ranged, crossed],
    jobs=[ranged_job, crossed_job],
    sensors=[each_day, by_job, cross, several, unknown],
)


def test_keys():
    assert [one.partition_key for one in each_day(build_sensor_context())] == [
        "2024-01-02",
        "2024-01-03",
        "2024-01-04",
    ]
    (request,) = cross(build_sensor_context()).run_requests
    assert request.partition_key == "2024-01-02|x"
