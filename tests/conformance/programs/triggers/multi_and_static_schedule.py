from dagster import (
    Definitions,
    DailyPartitionsDefinition,
    MultiPartitionsDefinition,
    RunRequest,
    StaticPartitionsDefinition,
    asset,
    build_schedule_from_partitioned_job,
    define_asset_job,
    job,
    op,
    schedule,
)

regions = StaticPartitionsDefinition(["eu", "us"])
by_day_and_region = MultiPartitionsDefinition(
    {"day": DailyPartitionsDefinition("2024-02-20"), "region": regions}
)


@asset(partitions_def=by_day_and_region)
def sales(context):
    return dict(context.partition_key.keys_by_dimension)


@op
def visit(context):
    return context.partition_key


@job(partitions_def=regions)
def visiting():
    visit()


sales_job = define_asset_job("sales_job", selection=[sales])
sales_schedule = build_schedule_from_partitioned_job(sales_job, hour_of_day=1)
visit_schedule = build_schedule_from_partitioned_job(visiting, cron_schedule="0 4 * * *")


@schedule(job=visiting, cron_schedule="0 5 * * *")
def one_by_one(context):
    for key in regions.get_partition_keys():
        yield RunRequest(run_key=f"{key}-{context.scheduled_execution_time:%Y%m%d}", partition_key=key)


defs = Definitions(
    assets=[sales], jobs=[sales_job, visiting], schedules=[sales_schedule, visit_schedule, one_by_one]
)


def test_wrong_parameters():
    import pytest

    with pytest.raises(Exception):
        build_schedule_from_partitioned_job(visiting)
    with pytest.raises(Exception):
        build_schedule_from_partitioned_job(visiting, cron_schedule="0 4 * * *", hour_of_day=3)
