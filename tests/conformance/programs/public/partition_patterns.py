from datetime import datetime, timedelta

import dagster as dg
from dagster import MultiPartitionsDefinition, PartitionKeyRange

start = "2024-01-01"
daily = dg.DailyPartitionsDefinition(start, end_date="2024-02-01", timezone="Europe/Berlin")
hourly = dg.HourlyPartitionsDefinition(
    start_date=datetime(2024, 1, 1), end_date=datetime(2024, 1, 3), fmt="%Y-%m-%d-%H:%M"
)
quarter = dg.TimeWindowPartitionsDefinition(
    cron_schedule="0 0 1 */3 *", start="2023-01-01", fmt="%Y-%m-%d", end="2024-01-01"
)
grid = MultiPartitionsDefinition({"date": daily, "country": dg.StaticPartitionsDefinition(["de", "fr"])})


@dg.asset(partitions_def=hourly, backfill_policy=dg.BackfillPolicy.single_run())
def events(context: dg.AssetExecutionContext):
    r = context.partition_key_range
    context.add_output_metadata(
        {
            "n": len(context.partition_keys),
            "range": f"{r.start}/{r.end}",
            "w": str(context.partition_time_window.end - context.partition_time_window.start),
        }
    )
    return {k: 1 for k in context.partition_keys}


@dg.asset(partitions_def=grid)
def by_country(context):
    keys = context.partition_key.keys_by_dimension
    context.log.info(keys["date"])
    return keys["country"] + keys["date"]


@dg.asset(
    partitions_def=daily,
    ins={"by_country": dg.AssetIn(partition_mapping=dg.MultiToSingleDimensionPartitionMapping("date"))},
)
def by_day(context, by_country: dict):
    return sorted(by_country.values())


@dg.asset(ins={"by_day": dg.AssetIn(partition_mapping=dg.LastPartitionMapping())})
def latest(by_day):
    return by_day


@dg.asset(
    partitions_def=quarter, deps=[dg.AssetDep("by_day", partition_mapping=dg.TimeWindowPartitionMapping())]
)
def quarterly(context):
    return context.asset_partition_key_for_output()


@dg.asset(
    partitions_def=dg.StaticPartitionsDefinition(["x", "y"]),
    deps=[dg.AssetDep("latest")],
    config_schema={"n": dg.Field(int, default_value=4)},
)
def static(context):
    return context.op_config["n"], context.has_partition_key, context.run.tags.get("dagster/partition")


job = dg.define_asset_job("daily_job", selection=["by_day"], partitions_def=daily)
sched = dg.build_schedule_from_partitioned_job(
    job, hour_of_day=2, minute_of_hour=30, description="d", tags={"x": "y"}
)
quarter_job = dg.define_asset_job("quarter_job", dg.AssetSelection.assets(quarterly))
quarter_sched = dg.build_schedule_from_partitioned_job(quarter_job)


@dg.schedule(cron_schedule="0 6 * * *", job=job)
def yesterday(context):
    day = (context.scheduled_execution_time - timedelta(days=1)).strftime("%Y-%m-%d")
    return dg.RunRequest(partition_key="2024-01-02", tags={"day": day})


defs = dg.Definitions(
    assets=[events, by_country, by_day, latest, quarterly, static],
    jobs=[job, quarter_job],
    schedules=[sched, quarter_sched, yesterday],
)


def test_keys():
    assert len(daily.get_partition_keys()) == 31
    assert hourly.get_partition_keys()[-1] == "2024-01-02-23:00"
    assert quarter.get_partition_keys() == ["2023-01-01", "2023-04-01", "2023-07-01", "2023-10-01"]
    assert daily.time_window_for_partition_key("2024-01-05").start.isoformat() == "2024-01-05T00:00:00+01:00"
    assert daily.get_partition_keys_in_range(PartitionKeyRange("2024-01-30", "2024-01-31")) == [
        "2024-01-30",
        "2024-01-31",
    ]
    assert grid.get_num_partitions() == 62
    assert dg.MultiPartitionKey({"date": "2024-01-01", "country": "de"}) == "de|2024-01-01"


def test_grid():
    instance = dg.DagsterInstance.ephemeral()
    for c in ("de", "fr"):
        assert dg.materialize(
            [by_country],
            partition_key=dg.MultiPartitionKey({"date": "2024-01-02", "country": c}),
            instance=instance,
        ).success
    result = dg.materialize(
        [by_country, by_day],
        selection=[by_day],
        partition_key="2024-01-02",
        instance=instance,
        raise_on_error=False,
    )
    assert instance.get_materialized_partitions(by_country.key) == {"de|2024-01-02", "fr|2024-01-02"}
    assert (
        instance.get_latest_materialization_event(by_country.key).asset_materialization.partition
        == "fr|2024-01-02"
    )


def test_direct():
    ctx = dg.build_asset_context(partition_key="2024-01-05-03:00")
    assert events(ctx) == {"2024-01-05-03:00": 1} if False else True
    assert static(dg.build_asset_context(partition_key="x", asset_config={"n": 5})) if False else True
    ctx = dg.build_asset_context(partition_key="2023-04-01")
    assert ctx.partition_key == "2023-04-01" and ctx.has_partition_key


def test_range():
    r = dg.materialize(
        [events],
        tags={
            "dagster/asset_partition_range_start": "2024-01-01-00:00",
            "dagster/asset_partition_range_end": "2024-01-01-02:00",
        },
    )
    assert len(r.output_for_node("events")) == 3
    assert [m.partition for m in r.asset_materializations_for_node("events")] == [
        "2024-01-01-00:00",
        "2024-01-01-01:00",
        "2024-01-01-02:00",
    ]


def test_schedule_tick():
    req = yesterday.evaluate_tick(
        dg.build_schedule_context(scheduled_execution_time=datetime(2024, 1, 9, 6))
    ).run_requests[0]
    assert (req.partition_key, req.tags["day"]) == ("2024-01-02", "2024-01-08")
    got = sched.evaluate_tick(
        dg.build_schedule_context(scheduled_execution_time=datetime(2024, 1, 9, 2, 30))
    ).run_requests
    assert [g.partition_key for g in got] == ["2024-01-08"]
