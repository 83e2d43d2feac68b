import json

from dagster import (
    AssetKey,
    AssetMaterialization,
    AssetSelection,
    DagsterInstance,
    DefaultSensorStatus,
    Definitions,
    EventLogEntry,
    MaterializeResult,
    MultiAssetSensorEvaluationContext,
    RunRequest,
    SensorEvaluationContext,
    SkipReason,
    asset,
    asset_sensor,
    build_multi_asset_sensor_context,
    build_sensor_context,
    define_asset_job,
    job,
    materialize,
    multi_asset_sensor,
    op,
)


@asset
def sales():
    return MaterializeResult(metadata={"rows": 12, "store": "north"})


@asset(key_prefix="raw")
def stock():
    return 1


@op
def tell(context): ...


@job
def telling():
    tell()


@asset
def dashboard(): ...


refresh = define_asset_job("refresh", [dashboard])


@asset_sensor(
    asset_key=AssetKey("sales"),
    job=telling,
    minimum_interval_seconds=15,
    default_status=DefaultSensorStatus.RUNNING,
)
def sales_sensor(context: SensorEvaluationContext, asset_event: EventLogEntry):
    assert asset_event.dagster_event and asset_event.dagster_event.asset_key
    materialization = asset_event.dagster_event.event_specific_data.materialization
    rows = materialization.metadata["rows"].value
    return RunRequest(
        run_key=f"rows-{rows}",
        tags={
            "asset": asset_event.dagster_event.asset_key.to_user_string(),
            "store": materialization.metadata["store"].value,
        },
    )


@asset_sensor(asset_key=AssetKey(["raw", "stock"]), job_name="refresh", name="stock_watch")
def stock_sensor(context, asset_event):
    if asset_event.asset_materialization.partition is None:
        yield RunRequest(run_key=context.cursor)


@asset_sensor(asset_key=AssetKey("never_made"), job=telling)
def waits(context, asset_event):
    return RunRequest()


@asset_sensor(asset_key=AssetKey("sales"), job=telling)
def says_no(context, asset_event):
    return SkipReason("not interesting")


@multi_asset_sensor(
    monitored_assets=[AssetKey("sales"), AssetKey(["raw", "stock"])], job=telling, name="both_made"
)
def both(context: MultiAssetSensorEvaluationContext):
    events = context.latest_materialization_records_by_key()
    if all(events.values()):
        context.advance_all_cursors()
        return RunRequest(
            run_key="both", tags={"seen": ",".join(sorted(key.to_user_string() for key in events))}
        )
    return SkipReason("waiting for both")


@multi_asset_sensor(monitored_assets=AssetSelection.assets(sales), job=refresh)
def advance_some(context):
    for key, record in context.latest_materialization_records_by_key([AssetKey("sales")]).items():
        if record:
            context.advance_cursor({key: record})
            yield RunRequest(run_key=key.to_user_string())


defs = Definitions(
    assets=[sales, stock, dashboard],
    jobs=[telling, refresh],
    sensors=[sales_sensor, stock_sensor, waits, says_no, both, advance_some],
)


def test_multi_asset_context():
    with DagsterInstance.ephemeral() as instance:
        context = build_multi_asset_sensor_context(
            monitored_assets=[sales.key, stock.key], instance=instance, definitions=defs
        )
        assert isinstance(both(context), SkipReason)
        materialize([sales, stock], instance=instance)
        context = build_multi_asset_sensor_context(
            monitored_assets=[sales.key, stock.key], instance=instance, definitions=defs
        )
        assert both(context).run_key == "both"
