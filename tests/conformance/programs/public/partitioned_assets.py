import pandas as pd
from dagster import (
    AssetIn,
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    LastPartitionMapping,
    MonthlyPartitionsDefinition,
    MultiPartitionsDefinition,
    StaticPartitionsDefinition,
    TimeWindowPartitionMapping,
    WeeklyPartitionsDefinition,
    asset,
    define_asset_job,
    build_schedule_from_partitioned_job,
    materialize,
    Definitions,
    DagsterInstance,
    build_asset_context,
    BackfillPolicy,
    MultiPartitionKey,
)

daily = DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-02-01")
regions = StaticPartitionsDefinition(["eu", "us"])
multi = MultiPartitionsDefinition({"date": daily, "region": regions})


@asset(partitions_def=daily)
def events(context) -> pd.DataFrame:
    start, end = context.partition_time_window
    context.add_output_metadata({"start": start.isoformat(), "key": context.partition_key})
    return pd.DataFrame({"day": [context.partition_key]})


@asset(
    partitions_def=WeeklyPartitionsDefinition(start_date="2024-01-01", end_date="2024-02-01"),
    ins={"events": AssetIn(partition_mapping=TimeWindowPartitionMapping())},
)
def weekly_report(context, events: dict):
    return sorted(events)


@asset(
    partitions_def=daily,
    ins={
        "yesterday": AssetIn(
            "events",
            partition_mapping=TimeWindowPartitionMapping(
                start_offset=-1, end_offset=-1, allow_nonexistent_upstream_partitions=True
            ),
        )
    },
)
def diff(context, yesterday):
    return None if yesterday is None else len(yesterday)


@asset(partitions_def=multi, backfill_policy=BackfillPolicy.single_run())
def by_region(context):
    keys = context.partition_key.keys_by_dimension
    return f"{keys['date']}/{keys['region']}"


@asset(ins={"events": AssetIn(partition_mapping=LastPartitionMapping())})
def latest(events):
    return len(events)


daily_job = define_asset_job("daily_job", selection=["events"], partitions_def=daily)
defs = Definitions(
    assets=[events, weekly_report, diff, by_region, latest],
    jobs=[daily_job],
    schedules=[build_schedule_from_partitioned_job(daily_job)],
)


def test_week():
    instance = DagsterInstance.ephemeral()
    from dagster import mem_io_manager, FilesystemIOManager
    import tempfile

    res = {"io_manager": FilesystemIOManager(base_dir=tempfile.mkdtemp())}
    for d in range(1, 8):
        assert materialize([events], partition_key=f"2024-01-0{d}", instance=instance, resources=res).success
    r = (
        materialize(
            [events.to_source_asset(), weekly_report],
            partition_key="2024-01-01",
            instance=instance,
            resources=res,
        )
        if False
        else materialize(
            [events, weekly_report],
            selection=[weekly_report],
            partition_key="2024-01-01",
            instance=instance,
            resources=res,
        )
    )
    assert r.success
    assert len(instance.get_materialized_partitions(events.key)) == 7


def test_multi():
    key = MultiPartitionKey({"region": "eu", "date": "2024-01-02"})
    assert str(key) == "2024-01-02|eu"
    r = materialize([by_region], partition_key=key)
    assert r.output_for_node("by_region") == "2024-01-02/eu"


def test_context():
    ctx = build_asset_context(partition_key="2024-01-05")
    assert ctx.partition_key == "2024-01-05"
    assert len(multi.get_partition_keys()) == 62
    assert daily.get_first_partition_key() == "2024-01-01" and daily.get_last_partition_key() == "2024-01-31"
