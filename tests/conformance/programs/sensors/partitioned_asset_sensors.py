from dagster import (
    AssetKey,
    DagsterInstance,
    DailyPartitionsDefinition,
    Definitions,
    RunRequest,
    WeeklyPartitionsDefinition,
    asset,
    asset_sensor,
    build_multi_asset_sensor_context,
    define_asset_job,
    materialize,
    multi_asset_sensor,
)

days = DailyPartitionsDefinition("2024-01-01", end_date="2024-02-01")
weeks = WeeklyPartitionsDefinition("2024-01-07", end_date="2024-02-04")


@asset(partitions_def=days)
def up(context):
    return 1


@asset(partitions_def=weeks)
def down():
    return 2


@asset(partitions_def=days)
def beside(): ...


weekly_job = define_asset_job("weekly_job", [down], partitions_def=weeks)
beside_job = define_asset_job("beside_job", [beside], partitions_def=days)


@asset_sensor(asset_key=up.key, job=beside_job)
def same_partition(context, asset_event):
    yield RunRequest(run_key=context.cursor, partition_key=asset_event.dagster_event.partition)


@multi_asset_sensor(monitored_assets=[up.key], job=weekly_job)
def weekly_from_daily(context):
    for partition, record in context.latest_materialization_records_by_partition(up.key).items():
        mapped = context.get_downstream_partition_keys(
            partition, from_asset_key=up.key, to_asset_key=down.key
        )
        for week in mapped:
            yield weekly_job.run_request_for_partition(partition_key=week, run_key=f"{partition}->{week}")
        context.advance_cursor({up.key: record})


@multi_asset_sensor(monitored_assets=[up.key, AssetKey("beside")], job=beside_job)
def when_both(context):
    for partition, found in context.latest_materialization_records_by_partition_and_asset().items():
        if len(found) == 2:
            context.advance_cursor(found)
            yield RunRequest(run_key=partition, partition_key=partition)


@multi_asset_sensor(monitored_assets=[up.key], job=beside_job)
def when_all(context):
    if context.all_partitions_materialized(up.key, ["2024-01-01", "2024-01-02"]):
        context.advance_all_cursors()
        yield RunRequest(run_key="all", partition_key="2024-01-02")


defs = Definitions(
    assets=[up, down, beside],
    jobs=[weekly_job, beside_job],
    sensors=[same_partition, weekly_from_daily, when_both, when_all],
)


def test_weekly():
    with DagsterInstance.ephemeral() as instance:
        for key in ("2024-01-09", "2024-01-10"):
            materialize([up], partition_key=key, instance=instance)
        context = build_multi_asset_sensor_context(
            monitored_assets=[up.key], instance=instance, repository_def=defs.get_repository_def()
        )
        assert [one.run_key for one in weekly_from_daily(context)] == [
            "2024-01-09->2024-01-07",
            "2024-01-10->2024-01-07",
        ]


def test_multi_asset_records():
    with DagsterInstance.ephemeral() as instance:
        materialize([up, beside], partition_key="2024-01-05", instance=instance)
        materialize([up], partition_key="2024-01-06", instance=instance)
        context = build_multi_asset_sensor_context(
            monitored_assets=[up.key, beside.key], instance=instance, definitions=defs
        )
        assert [one.run_key for one in when_both(context)] == ["2024-01-05"]
