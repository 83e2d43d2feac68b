"""A folder, a counter, assets and run statuses watched in the forms that an API reference of sensors shows."""

import json
import os
import tempfile
from datetime import datetime, timedelta

from dagster import (
    AssetKey,
    DagsterEventType,
    DagsterInstance,
    DagsterRunStatus,
    DefaultSensorStatus,
    Definitions,
    EventLogEntry,
    MaterializeResult,
    MultiAssetSensorEvaluationContext,
    RunFailureSensorContext,
    RunRequest,
    RunStatusSensorContext,
    SensorEvaluationContext,
    SkipReason,
    asset,
    asset_sensor,
    build_run_status_sensor_context,
    build_sensor_context,
    job,
    materialize,
    multi_asset_sensor,
    op,
    run_failure_sensor,
    run_status_sensor,
    sensor,
)

FOLDER = tempfile.mkdtemp()


@op(config_schema={"file": str})
def ingest(context):
    return context.op_config["file"]


@job
def ingesting():
    ingest()


@op
def fail_now():
    raise Exception("critical")


@job
def critical():
    fail_now()


@op
def tidy():
    return "tidied"


@job
def long_job():
    tidy()


@asset
def raw_orders():
    return MaterializeResult(metadata={"row_count": 150})


@asset
def raw_people():
    return MaterializeResult(metadata={"row_count": 20})


@sensor(job=ingesting, minimum_interval_seconds=30)
def folder_sensor(context: SensorEvaluationContext):
    last = float(context.cursor) if context.cursor else 0.0
    found = []
    for name in sorted(os.listdir(FOLDER)):
        changed = os.path.getmtime(os.path.join(FOLDER, name))
        if changed > last:
            found.append(
                RunRequest(
                    run_key=name,
                    run_config={"ops": {"ingest": {"config": {"file": name}}}},
                    tags={"name": name},
                )
            )
            last = max(last, changed)
    context.update_cursor(str(last))
    return found if found else SkipReason("the folder is empty")


@asset_sensor(asset_key=AssetKey("raw_orders"), job=long_job)
def orders_arrived(context, asset_event: EventLogEntry):
    materialization = asset_event.dagster_event.step_materialization_data.materialization
    rows = materialization.metadata["row_count"].value
    stamp = datetime.fromtimestamp(asset_event.timestamp)
    if rows < 100 or datetime.now() - stamp > timedelta(hours=1):
        return SkipReason("too few, or too old")
    return RunRequest(
        run_key="orders", tags={"rows": str(rows), "asset": str(asset_event.dagster_event.asset_key)}
    )


@multi_asset_sensor(
    monitored_assets=[AssetKey("raw_orders"), AssetKey("raw_people"), AssetKey("elsewhere")], job=long_job
)
def two_of_three(context: MultiAssetSensorEvaluationContext):
    records = context.latest_materialization_records_by_key()
    fresh = sorted(key.to_user_string() for key, record in records.items() if record is not None)
    if len(fresh) < 2:
        return SkipReason("not enough")
    context.advance_all_cursors()
    return RunRequest(run_key="+".join(fresh))


@multi_asset_sensor(monitored_assets=[AssetKey("raw_orders")], job=long_job)
def forgets_to_advance(context):
    if any(context.latest_materialization_records_by_key().values()):
        return RunRequest(run_key="x")


@run_failure_sensor(monitored_jobs=[critical], default_status=DefaultSensorStatus.RUNNING)
def alert(context: RunFailureSensorContext):
    context.log.error("%s failed", context.dagster_run.job_name)
    return [
        context.dagster_run.job_name,
        context.failure_event.is_failure,
        context.failure_event.job_failure_data.error is None,
    ]


@run_status_sensor(
    monitored_jobs=[long_job], run_status=DagsterRunStatus.SUCCESS, default_status=DefaultSensorStatus.RUNNING
)
def celebrate(context: RunStatusSensorContext):
    record = context.instance.get_run_record_by_id(context.dagster_run.run_id)
    return [
        context.dagster_run.job_name,
        record is None or record.end_time is None or record.end_time >= record.start_time,
    ]


@run_status_sensor(run_status=DagsterRunStatus.STARTED, monitored_jobs=[long_job])
def began(context):
    context.log.info("began %s", context.dagster_run.run_id)


defs = Definitions(
    assets=[raw_orders, raw_people],
    jobs=[ingesting, critical, long_job],
    sensors=[folder_sensor, orders_arrived, two_of_three, forgets_to_advance, alert, celebrate, began],
)


def test_folder():
    for name in ("one.csv", "two.csv"):
        open(os.path.join(FOLDER, name), "w").close()
    os.utime(os.path.join(FOLDER, "one.csv"), (1_700_000_000, 1_700_000_000))
    context = build_sensor_context(cursor="0.0", instance=DagsterInstance.ephemeral())
    found = folder_sensor(context)
    assert isinstance(found, list)
    assert [one.run_key for one in found] == ["one.csv", "two.csv"]
    assert all(isinstance(one, RunRequest) for one in found)
    for name in ("one.csv", "two.csv"):
        os.remove(os.path.join(FOLDER, name))


def test_alert():
    instance = DagsterInstance.ephemeral()
    result = critical.execute_in_process(instance=instance, raise_on_error=False)
    context = build_run_status_sensor_context(
        sensor_name="alert",
        dagster_run=result.dagster_run,
        dagster_event=result.get_run_failure_event(),
        dagster_instance=instance,
    )
    assert alert(context)[0] == "critical"


def test_wrong_arguments():
    import pytest

    with pytest.raises(TypeError):
        build_run_status_sensor_context(
            dagster_run=None, dagster_event=None, instance=DagsterInstance.ephemeral()
        )


def test_not_started_is_refused():
    import pytest

    with pytest.raises(KeyError):

        @run_status_sensor(run_status=DagsterRunStatus.NOT_STARTED)
        def never(context): ...
