"""What triggers do when user code is wrong."""

from dagster import (
    DagsterInvalidInvocationError,
    Definitions,
    RunRequest,
    SensorResult,
    SkipReason,
    build_schedule_context,
    build_sensor_context,
    job,
    op,
    schedule,
    sensor,
)


@op
def o(): ...


@job
def j():
    o()


@sensor(job=j)
def raises(context):
    raise ValueError("broken")


@sensor(job=j)
def returns_text(context):
    return "text"


@sensor(job=j)
def mixes(context):
    yield RunRequest(run_key="a")
    yield SkipReason("b")


@sensor(job=j)
def sets_twice(context):
    context.update_cursor("x")
    return SensorResult(cursor="y")


@sensor(job=j)
def wrong_job(context):
    return RunRequest(job_name="other")


@sensor(job=j)
def number_cursor(context):
    context.update_cursor(5)


@sensor(job=j)
def late_error(context):
    yield RunRequest(run_key="a")
    raise KeyError("late")


@sensor(job=j)
def partition_on_plain(context):
    return RunRequest(partition_key="x")


@schedule(job=j, cron_schedule="0 0 * * *")
def schedule_raises(context):
    raise TimeoutError("slow")


@schedule(job=j, cron_schedule="0 0 * * *")
def schedule_number(context):
    return 5


@schedule(job=j, cron_schedule="0 0 * * *")
def schedule_no_keys(context):
    return [RunRequest(), RunRequest()]


@schedule(job=j, cron_schedule="0 0 * * *")
def schedule_mix(context):
    yield RunRequest(run_key="a")
    yield SkipReason("b")


defs = Definitions(
    jobs=[j],
    sensors=[
        raises,
        returns_text,
        mixes,
        sets_twice,
        wrong_job,
        number_cursor,
        late_error,
        partition_on_plain,
    ],
    schedules=[schedule_raises, schedule_number, schedule_no_keys, schedule_mix],
)


def test_direct_calls_raise_the_users_error():
    import pytest

    with pytest.raises(ValueError, match="broken"):
        raises(build_sensor_context())
    with pytest.raises(TimeoutError):
        schedule_raises(build_schedule_context())
    with pytest.raises(DagsterInvalidInvocationError):
        raises()
    with pytest.raises(DagsterInvalidInvocationError):
        raises(build_sensor_context(), 5)
