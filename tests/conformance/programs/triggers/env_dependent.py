"""Triggers that differ by environment."""

import os

from dagster import (
    DefaultScheduleStatus,
    DefaultSensorStatus,
    Definitions,
    EnvVar,
    ConfigurableResource,
    RunRequest,
    ScheduleDefinition,
    SkipReason,
    asset,
    define_asset_job,
    sensor,
)

ENVIRONMENT = os.getenv("DEPLOYMENT_NAME_THAT_IS_NOT_SET", "local")


class Bucket(ConfigurableResource):
    name: str


@asset
def data(bucket: Bucket):
    return bucket.name


data_job = define_asset_job("data_job", selection=[data])
resources = {
    "local": {"bucket": Bucket(name="local-bucket")},
    "prod": {"bucket": Bucket(name=EnvVar("BUCKET_NAME_THAT_IS_NOT_SET"))},
}
status = DefaultScheduleStatus.RUNNING if ENVIRONMENT == "prod" else DefaultScheduleStatus.STOPPED


@sensor(
    job=data_job,
    default_status=DefaultSensorStatus.RUNNING if ENVIRONMENT == "prod" else DefaultSensorStatus.STOPPED,
)
def data_sensor(context, bucket: Bucket):
    if ENVIRONMENT != "prod":
        return SkipReason(f"not in {ENVIRONMENT} ({bucket.name})")
    return RunRequest()


defs = Definitions(
    assets=[data],
    jobs=[data_job],
    schedules=[ScheduleDefinition(job=data_job, cron_schedule="0 3 * * *", default_status=status)],
    sensors=[data_sensor],
    resources=resources[ENVIRONMENT],
)
