from datetime import timedelta

from dagster import (
    AssetCheckSeverity,
    DefaultSensorStatus,
    Definitions,
    asset,
    build_last_update_freshness_checks,
    build_sensor_for_freshness_checks,
    define_asset_job,
    ScheduleDefinition,
    AssetSelection,
)


@asset
def prices(): ...


@asset
def rates(): ...


checks = build_last_update_freshness_checks(
    assets=[prices, rates], lower_bound_delta=timedelta(hours=3), severity=AssetCheckSeverity.ERROR
)
watch = build_sensor_for_freshness_checks(freshness_checks=checks, default_status=DefaultSensorStatus.RUNNING)
check_job = define_asset_job("check_job", selection=AssetSelection.checks(*checks))
check_schedule = ScheduleDefinition(job=check_job, cron_schedule="0 * * * *")

defs = Definitions(
    assets=[prices, rates], asset_checks=checks, sensors=[watch], jobs=[check_job], schedules=[check_schedule]
)


def observe():
    return [watch.name, watch.minimum_interval_seconds, watch.default_status.name]
