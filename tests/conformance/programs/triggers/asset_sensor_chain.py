"""An asset of one job starts another job; the event's metadata decides."""

from dagster import (
    AssetKey,
    AssetMaterialization,
    DagsterInstance,
    Definitions,
    EventLogEntry,
    MaterializeResult,
    RunConfig,
    RunRequest,
    SensorEvaluationContext,
    SkipReason,
    asset,
    asset_sensor,
    build_sensor_context,
    define_asset_job,
    materialize,
)


@asset
def raw() -> MaterializeResult:
    return MaterializeResult(metadata={"rows": 120, "path": "/data/raw"})


@asset
def small() -> MaterializeResult:
    return MaterializeResult(metadata={"rows": 3})


@asset(key=["reports", "summary"])
def summary(): ...


summary_job = define_asset_job("summary_job", selection=[summary])


def react(context, asset_event):
    assert asset_event.dagster_event and asset_event.dagster_event.asset_key
    materialization = asset_event.asset_materialization
    rows = materialization.metadata["rows"].value
    if rows < 100:
        return SkipReason(f"only {rows} rows")
    return RunRequest(
        run_key=f"{materialization.asset_key.to_user_string()}-{rows}",
        tags={"source": asset_event.dagster_event.asset_key.to_user_string()},
    )


@asset_sensor(asset_key=AssetKey("raw"), job=summary_job)
def raw_sensor(context: SensorEvaluationContext, asset_event: EventLogEntry):
    return react(context, asset_event)


@asset_sensor(
    asset_key=AssetKey("small"), job_name="summary_job", name="small_watch", minimum_interval_seconds=10
)
def small_sensor(context, asset_event):
    yield react(context, asset_event)


@asset_sensor(asset_key=AssetKey(["reports", "summary"]), job=summary_job)
def back(context, event):
    return None


defs = Definitions(assets=[raw, small, summary], jobs=[summary_job], sensors=[raw_sensor, small_sensor, back])


def test_with_recorded_event():
    with DagsterInstance.ephemeral() as instance:
        materialize([raw], instance=instance)
        event = instance.get_latest_materialization_event(AssetKey("raw"))
        assert react(build_sensor_context(instance=instance), event).run_key == "raw-120"
        assert event.dagster_event.materialization.metadata["path"].value == "/data/raw"


def test_nothing_new():
    with DagsterInstance.ephemeral() as instance:
        data = raw_sensor.evaluate_tick(build_sensor_context(instance=instance))
        assert not data.run_requests and data.skip_message
        instance.report_runless_asset_event(AssetMaterialization("raw", metadata={"rows": 500}))
        data = raw_sensor.evaluate_tick(
            build_sensor_context(instance=instance, repository_def=defs.get_repository_def())
        )
        assert [one.run_key for one in data.run_requests] == ["raw-500"]
        assert data.cursor
