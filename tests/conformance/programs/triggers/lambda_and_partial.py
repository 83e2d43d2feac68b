"""Sensors and schedules made by factories."""

import functools

from dagster import (
    Definitions,
    RunRequest,
    ScheduleDefinition,
    SensorDefinition,
    SkipReason,
    build_sensor_context,
    define_asset_job,
    asset,
    job,
    op,
    schedule,
    sensor,
)


def make_asset(name):
    @asset(name=name, group_name="made")
    def _made():
        return name

    return _made


def make_job(name):
    return define_asset_job(f"{name}_job", selection=[name])


def make_sensor(job_def, bucket):
    @sensor(
        name=f"{bucket}_sensor", job=job_def, minimum_interval_seconds=120, description=f"watches {bucket}"
    )
    def _sensor(context):
        last = int(context.cursor or 0)
        if last >= 2:
            return SkipReason(f"{bucket} is empty")
        context.update_cursor(str(last + 1))
        return RunRequest(run_key=f"{bucket}-{last}", tags={"bucket": bucket})

    return _sensor


def make_schedule(job_def, hour):
    @schedule(name=f"{job_def.name}_at_{hour}", job=job_def, cron_schedule=f"0 {hour} * * *")
    def _schedule(context):
        return RunRequest(
            run_key=context.scheduled_execution_time.strftime("%Y%m%d"), tags={"hour": str(hour)}
        )

    return _schedule


names = ["one", "two"]
assets = [make_asset(name) for name in names]
jobs = [make_job(name) for name in names]
sensors = [make_sensor(job_def, name) for job_def, name in zip(jobs, names)]
schedules = [make_schedule(job_def, hour) for job_def, hour in zip(jobs, (3, 4))]


def ask(context, prefix="p"):
    return RunRequest(run_key=f"{prefix}-{context.sensor_name}")


by_class = SensorDefinition(
    name="by_class", evaluation_fn=lambda context: RunRequest(run_key="l"), job=jobs[0]
)
with_partial = SensorDefinition(
    name="with_partial", evaluation_fn=functools.partial(ask, prefix="q"), job=jobs[1]
)
by_lambda = ScheduleDefinition(
    name="by_lambda",
    job=jobs[0],
    cron_schedule="0 0 * * *",
    execution_fn=lambda context: RunRequest(run_key="x"),
)

defs = Definitions(
    assets=assets, jobs=jobs, sensors=[*sensors, by_class, with_partial], schedules=[*schedules, by_lambda]
)


def test_factory():
    context = build_sensor_context(cursor="1")
    assert sensors[0](context).run_key == "one-1"
    assert context.cursor == "2"
    assert isinstance(sensors[0](build_sensor_context(cursor="2")), SkipReason)
