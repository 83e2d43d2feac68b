"""Several assets in one sensor: all, any, and partitions that are complete."""

from dagster import (
    AssetKey,
    AssetSelection,
    DailyPartitionsDefinition,
    Definitions,
    MultiAssetSensorEvaluationContext,
    RunRequest,
    SkipReason,
    StaticPartitionsDefinition,
    asset,
    build_multi_asset_sensor_context,
    define_asset_job,
    instance_for_test,
    materialize,
    multi_asset_sensor,
)

letters = StaticPartitionsDefinition(["a", "b"])


@asset
def left(): ...


@asset
def right(): ...


@asset(partitions_def=letters)
def up(): ...


@asset(partitions_def=letters)
def down(): ...


@asset
def joined(): ...


joined_job = define_asset_job("joined_job", selection="joined")
down_job = define_asset_job("down_job", selection="down")


@multi_asset_sensor(monitored_assets=[AssetKey("left"), AssetKey("right")], job=joined_job)
def all_of_them(context: MultiAssetSensorEvaluationContext):
    records = context.latest_materialization_records_by_key()
    if not all(records.values()):
        return SkipReason("one is missing")
    context.advance_all_cursors()
    return RunRequest()


@multi_asset_sensor(
    monitored_assets=AssetSelection.assets(left, right), request_assets=AssetSelection.assets(joined)
)
def any_of_them(context):
    found = {key: record for key, record in context.latest_materialization_records_by_key().items() if record}
    if not found:
        return None
    context.advance_cursor(found)
    return RunRequest(run_key="+".join(sorted(key.to_user_string() for key in found)))


@multi_asset_sensor(monitored_assets=[up.key], job=down_job)
def per_partition(context):
    for partition, records in context.latest_materialization_records_by_partition_and_asset().items():
        if set(records) == {up.key}:
            context.advance_cursor(records)
            yield RunRequest(run_key=partition, partition_key=partition)


defs = Definitions(
    assets=[left, right, up, down, joined],
    jobs=[joined_job, down_job],
    sensors=[all_of_them, any_of_them, per_partition],
)


def test_context():
    with instance_for_test() as instance:
        context = build_multi_asset_sensor_context(
            monitored_assets=[left.key, right.key], instance=instance, definitions=defs
        )
        assert isinstance(all_of_them(context), SkipReason)
        materialize([left, right], instance=instance)
        assert isinstance(all_of_them(context), RunRequest)
        assert context.asset_keys == [left.key, right.key]


def test_partitions():
    with instance_for_test() as instance:
        materialize([up], instance=instance, partition_key="b")
        context = build_multi_asset_sensor_context(
            monitored_assets=[up.key], instance=instance, repository_def=defs.get_repository_def()
        )
        assert [one.partition_key for one in per_partition(context)] == ["b"]
        assert context.all_partitions_materialized(up.key) is False
        assert context.all_partitions_materialized(up.key, ["b"]) is True
