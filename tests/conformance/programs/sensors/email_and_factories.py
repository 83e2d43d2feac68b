from typing import List

from dagster import (
    DefaultSensorStatus,
    Definitions,
    JobDefinition,
    RunRequest,
    SensorDefinition,
    asset,
    define_asset_job,
    make_email_on_run_failure_sensor,
    sensor,
)


@asset
def x(): ...


@asset
def y(): ...


jobs = [define_asset_job(f"{name}_job", selection=name) for name in ("x", "y")]


def make_sensor(one) -> SensorDefinition:
    @sensor(
        name=f"{one.name}_sensor",
        job=one,
        minimum_interval_seconds=45,
        default_status=DefaultSensorStatus.STOPPED,
    )
    def inner(context):
        if context.cursor == "sent":
            return None
        context.update_cursor("sent")
        return RunRequest(run_key=one.name)

    return inner


sensors: List[SensorDefinition] = [make_sensor(one) for one in jobs]
mail = make_email_on_run_failure_sensor(
    email_from="from@example.org", email_password="pw", email_to=["to@example.org"], monitored_jobs=jobs
)

defs = Definitions(assets=[x, y], jobs=jobs, sensors=[*sensors, mail])
