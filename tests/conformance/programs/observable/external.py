from dagster import (
    AssetKey,
    AssetMaterialization,
    AssetObservation,
    AssetSpec,
    DagsterInstance,
    DailyPartitionsDefinition,
    Definitions,
    MaterializeResult,
    asset,
    job,
    op,
    sensor,
    SensorResult,
)

lake = AssetSpec("lake_table", metadata={"bucket": "b"}, kinds={"iceberg"})
daily_lake = AssetSpec(
    "daily_lake", deps=[lake], partitions_def=DailyPartitionsDefinition("2024-01-01", end_date="2024-01-05")
)


@asset(deps=[daily_lake])
def copied(): ...


@op
def report(context):
    context.instance.report_runless_asset_event(AssetMaterialization("lake_table", metadata={"rows": 3}))
    context.instance.report_runless_asset_event(AssetObservation("lake_table", metadata={"rows": 4}))


@job
def reporting():
    report()


defs = Definitions(assets=[lake, daily_lake, copied], jobs=[reporting])


def test_runless_events():
    with DagsterInstance.ephemeral() as instance:
        instance.report_runless_asset_event(
            AssetMaterialization(asset_key="daily_lake", partition="2024-01-02")
        )
        assert instance.get_materialized_partitions(AssetKey("daily_lake")) == {"2024-01-02"}
        reporting.execute_in_process(instance=instance)
        event = instance.get_latest_materialization_event(AssetKey("lake_table"))
        assert event.asset_materialization.metadata["rows"].value == 3


def test_making_an_external_asset_does_nothing():
    from dagster import materialize

    assert materialize([lake]).get_asset_materialization_events() == []
