from dagster import (
    AssetKey,
    DagsterInstance,
    Definitions,
    RunRequest,
    asset,
    build_schedule_context,
    build_sensor_context,
    define_asset_job,
    instance_for_test,
    materialize,
    schedule,
    sensor,
)
import datetime


@asset
def kept():
    return [1, 2]


kept_job = define_asset_job("kept_job", [kept])


@schedule(job=kept_job, cron_schedule="@hourly")
def only_if_missing(context):
    if context.instance.get_latest_materialization_event(AssetKey("kept")) is None:
        return RunRequest(run_key="missing")


defs = Definitions(assets=[kept], jobs=[kept_job], schedules=[only_if_missing])


def test_schedule_with_instance():
    with instance_for_test() as instance:
        now = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
        context = build_schedule_context(instance=instance, scheduled_execution_time=now)
        assert only_if_missing(context).run_key == "missing"
        materialize([kept], instance=instance)
        assert (
            only_if_missing(build_schedule_context(instance=instance, scheduled_execution_time=now)) is None
        )


def test_values_persist():
    with instance_for_test() as instance:
        materialize([kept], instance=instance)
        assert defs.load_asset_value("kept", instance=instance) == [1, 2]
        assert DagsterInstance.get() is not None
        assert not instance.is_ephemeral


def test_ephemeral_is_apart():
    one, two = DagsterInstance.ephemeral(), DagsterInstance.ephemeral()
    materialize([kept], instance=one)
    assert one.get_runs_count() == 1
    assert two.get_runs_count() == 0
