import os
from datetime import datetime, timezone

from dagster import (
    AssetKey,
    DagsterEventType,
    DagsterInstance,
    DagsterRunStatus,
    Definitions,
    EventRecordsFilter,
    RunRequest,
    RunsFilter,
    SensorEvaluationContext,
    SkipReason,
    asset,
    build_sensor_context,
    define_asset_job,
    materialize,
    sensor,
)


@asset
def clicks():
    return 3


@asset(deps=[clicks])
def sessions(): ...


sessions_job = define_asset_job("sessions_job", selection=[sessions])


@sensor(job=sessions_job)
def new_clicks(context: SensorEvaluationContext):
    records = context.instance.get_event_records(
        EventRecordsFilter(
            event_type=DagsterEventType.ASSET_MATERIALIZATION,
            asset_key=AssetKey("clicks"),
            after_cursor=int(context.cursor) if context.cursor else None,
        ),
        limit=1,
        ascending=False,
    )
    if not records:
        return SkipReason("no clicks")
    context.update_cursor(str(records[0].storage_id))
    return RunRequest(run_key="clicks", tags={"key": records[0].asset_key.to_user_string()})


@sensor(job=sessions_job)
def not_while_running(context):
    running = context.instance.get_runs(
        filters=RunsFilter(
            job_name="sessions_job", statuses=[DagsterRunStatus.STARTED, DagsterRunStatus.QUEUED]
        )
    )
    if running:
        return SkipReason(f"{len(running)} still going")
    return RunRequest(run_key="free")


@sensor(job=sessions_job)
def looks_at_latest(context):
    event = context.instance.get_latest_materialization_event(AssetKey("clicks"))
    return (
        SkipReason("none yet")
        if event is None
        else RunRequest(run_key=event.asset_materialization.asset_key.to_user_string())
    )


defs = Definitions(
    assets=[clicks, sessions], jobs=[sessions_job], sensors=[new_clicks, not_while_running, looks_at_latest]
)


def test_after_materializing():
    with DagsterInstance.ephemeral() as instance:
        assert isinstance(new_clicks(build_sensor_context(instance=instance)), SkipReason)
        materialize([clicks], instance=instance)
        context = build_sensor_context(instance=instance)
        assert new_clicks(context).run_key == "clicks"
        again = build_sensor_context(instance=instance, cursor=context.cursor)
        assert isinstance(new_clicks(again), SkipReason)
        assert looks_at_latest(build_sensor_context(instance=instance)).run_key == "clicks"
        assert not_while_running(build_sensor_context(instance=instance)).run_key == "free"
