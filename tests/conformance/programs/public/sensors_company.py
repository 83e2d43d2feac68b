"""Platform repo: failure alerts, asset sensors, multi-asset sensors, dynamic partitions from files."""

from datetime import datetime, timezone

import dagster as dg
import pytest

ALERTS: list = []
files = dg.DynamicPartitionsDefinition(name="files")


class Slack(dg.ConfigurableResource):
    channel: str

    def send(self, text: str) -> None:
        ALERTS.append((self.channel, text))


@dg.asset(partitions_def=files)
def file_rows(context: dg.AssetExecutionContext) -> list:
    return [context.partition_key] * 2


@dg.asset
def customers():
    return dg.MaterializeResult(
        metadata={
            "n": 3,
            "ratio": 0.5,
            "path": dg.MetadataValue.path("/tmp/x"),
            "ts": dg.MetadataValue.timestamp(1700000000.0),
            "t": dg.MetadataValue.table(
                records=[dg.TableRecord({"a": 1})], schema=dg.TableSchema([dg.TableColumn("a", "int")])
            ),
        }
    )


@dg.asset
def orders():
    yield dg.Output([1], metadata={"k": True})


@dg.op
def explode():
    raise dg.Failure("bang", metadata={"code": 7})


@dg.job(tags={"owner": "dw"})
def breaking():
    explode()


files_job = dg.define_asset_job("files_job", [file_rows])
core_job = dg.define_asset_job("core_job", selection=dg.AssetSelection.assets(customers, orders))


@dg.sensor(job=files_job, minimum_interval_seconds=15)
def new_files(context: dg.SensorEvaluationContext):
    names = [n for n in ("a.csv", "b.csv") if not context.instance.has_dynamic_partition("files", n)]
    if not names:
        return dg.SkipReason("nothing new")
    return dg.SensorResult(
        run_requests=[dg.RunRequest(partition_key=n, run_key=n) for n in names],
        dynamic_partitions_requests=[files.build_add_request(names)],
    )


@dg.asset_sensor(asset_key=dg.AssetKey("customers"), job=breaking)
def on_customers(context: dg.SensorEvaluationContext, asset_event: dg.EventLogEntry):
    assert asset_event.dagster_event and asset_event.dagster_event.asset_key
    n = asset_event.dagster_event.event_specific_data.materialization.metadata["n"].value
    yield dg.RunRequest(run_key=context.cursor, tags={"n": str(n)})


@dg.multi_asset_sensor(monitored_assets=[dg.AssetKey("customers"), dg.AssetKey("orders")], job=breaking)
def both(context: dg.MultiAssetSensorEvaluationContext):
    recs = context.latest_materialization_records_by_key()
    if all(recs.values()):
        context.advance_all_cursors()
        return dg.RunRequest()
    return dg.SkipReason(
        "waiting for " + ",".join(sorted(k.to_user_string() for k, v in recs.items() if not v))
    )


@dg.run_failure_sensor(monitor_all_code_locations=False, name="alerts")
def alert_on_failure(context: dg.RunFailureSensorContext, slack: Slack):
    slack.send(f"{context.dagster_run.job_name}: {context.failure_event.message != ''}")


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS, monitored_jobs=[core_job], request_job=files_job
)
def after_core(context: dg.RunStatusSensorContext):
    if context.dagster_run.tags.get("skip"):
        return dg.SkipReason("tag")
    return dg.RunRequest(run_key=None, partition_key="a.csv", tags={"from": context.dagster_run.job_name})


@dg.schedule(
    job=core_job,
    cron_schedule=["0 1 * * *", "30 13 * * *"],
    execution_timezone="America/New_York",
    description="twice",
)
def twice(context: dg.ScheduleEvaluationContext, slack: Slack):
    context.log.info("go")
    return [dg.RunRequest(run_key=context.scheduled_execution_time.isoformat(), tags={"c": slack.channel})]


defs = dg.Definitions(
    assets=[file_rows, customers, orders],
    jobs=[breaking, files_job, core_job],
    schedules=[twice],
    sensors=[new_files, on_customers, both, alert_on_failure, after_core],
    resources={"slack": Slack(channel="#data")},
)


def test_new_files():
    with dg.DagsterInstance.ephemeral() as instance:
        ctx = dg.build_sensor_context(instance=instance)
        result = new_files(ctx)
        assert [r.partition_key for r in result.run_requests] == ["a.csv", "b.csv"]
        instance.add_dynamic_partitions("files", ["a.csv", "b.csv"])
        assert new_files(ctx).skip_message == "nothing new"
        assert dg.materialize([file_rows], partition_key="a.csv", instance=instance).output_for_node(
            "file_rows"
        ) == ["a.csv", "a.csv"]


def test_failure_sensor():
    with dg.instance_for_test() as instance:
        result = breaking.execute_in_process(instance=instance, raise_on_error=False)
        assert not result.success
        assert result.failure_data_for_node("explode").user_failure_data.description == "bang"
        ctx = dg.build_run_status_sensor_context(
            sensor_name="alerts",
            dagster_event=result.get_run_failure_event(),
            dagster_instance=instance,
            dagster_run=result.dagster_run,
        ).for_run_failure()
        alert_on_failure(ctx, slack=Slack(channel="x"))
        assert ALERTS[-1] == ("x", "breaking: True")


def test_schedule():
    ctx = dg.build_schedule_context(
        scheduled_execution_time=datetime(2024, 1, 1, tzinfo=timezone.utc),
        resources={"slack": Slack(channel="y")},
    )
    data = twice.evaluate_tick(ctx)
    assert data.run_requests[0].tags["c"] == "y"
    assert twice(ctx)[0].run_key == "2024-01-01T00:00:00+00:00"


def test_multi_asset_sensor():
    with dg.instance_for_test() as instance:
        dg.materialize([customers], instance=instance)
        ctx = dg.build_multi_asset_sensor_context(
            monitored_assets=[customers.key, orders.key], instance=instance, definitions=defs
        )
        assert both(ctx).skip_message == "waiting for orders"
        dg.materialize([orders], instance=instance)
        ctx = dg.build_multi_asset_sensor_context(
            monitored_assets=[customers.key, orders.key], instance=instance, definitions=defs
        )
        assert isinstance(both(ctx), dg.RunRequest)


def test_failure():
    with pytest.raises(dg.Failure):
        breaking.execute_in_process()
