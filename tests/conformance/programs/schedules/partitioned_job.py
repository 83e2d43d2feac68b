from dagster import (
    DailyPartitionsDefinition,
    DefaultScheduleStatus,
    Definitions,
    RunRequest,
    StaticPartitionsDefinition,
    asset,
    build_schedule_from_partitioned_job,
    define_asset_job,
    schedule,
)

days = DailyPartitionsDefinition(start_date="2024-02-01", timezone="America/Chicago")
brands = StaticPartitionsDefinition(["acme", "zeta"])


@asset(partitions_def=days)
def spend(): ...


@asset(partitions_def=brands)
def brand_report(): ...


spend_job = define_asset_job("spend_job", selection=[spend])
brand_job = define_asset_job("brand_job", selection=[brand_report], partitions_def=brands)

automatic = build_schedule_from_partitioned_job(spend_job)
tuned = build_schedule_from_partitioned_job(
    job=spend_job,
    name="tuned",
    description="late",
    hour_of_day=7,
    minute_of_hour=45,
    default_status=DefaultScheduleStatus.RUNNING,
    tags={"mode": "auto"},
)


@schedule(job=brand_job, cron_schedule="0 5 * * *")
def all_brands():
    for brand in brands.get_partition_keys():
        yield RunRequest(run_key=brand, partition_key=brand)


@schedule(job=spend_job, cron_schedule="0 12 * * *")
def explicit_day(context):
    return RunRequest(
        partition_key=context.scheduled_execution_time.strftime("%Y-%m-01"),
        tags={"why": "first of the month"},
    )


@schedule(job=brand_job, cron_schedule="0 5 * * *")
def by_helper(context):
    return [
        brand_job.run_request_for_partition(partition_key=brand, run_key=brand) for brand in ("acme", "zeta")
    ]


defs = Definitions(
    assets=[spend, brand_report],
    jobs=[spend_job, brand_job],
    schedules=[automatic, tuned, all_brands, explicit_day, by_helper],
)
