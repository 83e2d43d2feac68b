import datetime

import pytest
from dagster import (
    DagsterInstance,
    DagsterInvalidInvocationError,
    DagsterInvariantViolationError,
    Definitions,
    RunRequest,
    SkipReason,
    build_schedule_context,
    build_sensor_context,
    instance_for_test,
    job,
    op,
    schedule,
    sensor,
    validate_run_config,
)


@op(config_schema={"when": str})
def act(context): ...


@job
def acting():
    act()


@schedule(job=acting, cron_schedule="0 0 * * *")
def timed(context):
    return RunRequest(
        run_config={"ops": {"act": {"config": {"when": context.scheduled_execution_time.isoformat()}}}}
    )


@schedule(job=acting, cron_schedule="0 0 * * *")
def without_context():
    return {"ops": {"act": {"config": {"when": "x"}}}}


@sensor(job=acting)
def bare_sensor():
    yield RunRequest(run_key="x")


@sensor(job=acting)
def instance_sensor(context):
    return SkipReason(str(context.instance.get_runs_count()))


defs = Definitions(jobs=[acting], schedules=[timed, without_context], sensors=[bare_sensor, instance_sensor])


def test_times():
    aware = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
    request = timed(build_schedule_context(scheduled_execution_time=aware))
    assert validate_run_config(acting, request.run_config)
    assert request.run_config["ops"]["act"]["config"]["when"] == "2024-01-01T00:00:00+00:00"
    naive = build_schedule_context(scheduled_execution_time=datetime.datetime(2024, 1, 1))
    assert naive.scheduled_execution_time == datetime.datetime(2024, 1, 1)


def test_no_context_given():
    assert without_context() == {"ops": {"act": {"config": {"when": "x"}}}}
    assert [one.run_key for one in bare_sensor()] == ["x"]
    with pytest.raises(DagsterInvalidInvocationError):
        timed()
    with pytest.raises(DagsterInvalidInvocationError):
        instance_sensor()


def test_no_instance():
    with pytest.raises(DagsterInvariantViolationError):
        instance_sensor(build_sensor_context())


def test_missing_time():
    with pytest.raises(Exception):
        build_schedule_context().scheduled_execution_time


def test_instance():
    with DagsterInstance.ephemeral() as instance:
        assert instance_sensor(build_sensor_context(instance=instance)).skip_message == "0"
    with instance_for_test() as instance:
        assert build_schedule_context(instance).instance is not None
        assert build_sensor_context(instance=instance, repository_name="r").repository_name == "r"


def test_log_and_cursor():
    context = build_sensor_context(cursor="c")
    assert context.cursor == "c"
    context.update_cursor("d")
    assert context.cursor == "d"
    context.log.info("x")
    assert build_sensor_context().cursor is None
    assert build_sensor_context().last_run_key is None
