"""A repository of some years ago: resources by hand, config schemas, source assets, auto-materialize policies."""

from datetime import datetime

from dagster import (
    AssetKey,
    AssetMaterialization,
    AutoMaterializePolicy,
    DailyPartitionsDefinition,
    Field,
    In,
    Int,
    Noneable,
    Nothing,
    Out,
    Output,
    RunRequest,
    ScheduleEvaluationContext,
    SourceAsset,
    StringSource,
    asset,
    build_op_context,
    daily_partitioned_config,
    define_asset_job,
    get_dagster_logger,
    job,
    load_assets_from_current_module,
    op,
    repository,
    resource,
    schedule,
    with_resources,
)

raw_events = SourceAsset(
    key=AssetKey(["s3", "events"]), description="written by others", group_name="outside"
)


@resource(
    config_schema={
        "user": Field(StringSource, default_value="reader"),
        "retries": Field(Noneable(int), default_value=None),
    },
    description="a database",
)
def database(init_context):
    logger = get_dagster_logger()
    logger.info("connecting")
    try:
        yield {"user": init_context.resource_config["user"], "rows": []}
    finally:
        logger.info("closing")


@asset(
    deps=[raw_events],
    required_resource_keys={"database"},
    compute_kind="sql",
    auto_materialize_policy=AutoMaterializePolicy.eager(),
    config_schema={"limit": Field(Int, default_value=5, is_required=False)},
)
def events_table(context):
    context.resources.database["rows"].append(1)
    return context.op_config["limit"]


@asset(
    group_name="reports", io_manager_key="io_manager", auto_materialize_policy=AutoMaterializePolicy.lazy()
)
def events_report(context, events_table):
    context.log.info(context.asset_key_for_output().to_user_string())
    return events_table * 2


@op(
    config_schema={"date": str},
    required_resource_keys={"database"},
    out={"rows": Out(Int, is_required=False), "done": Out(Nothing)},
    tags={"kind": "export"},
)
def export_day(context):
    day = context.op_config["date"]
    context.log_event(AssetMaterialization(asset_key="exported", metadata={"day": day}, partition=day))
    yield Output(3, "rows")
    yield Output(None, "done")


@op(ins={"start": In(Nothing)})
def notify():
    return "sent"


@op
def double(rows: int) -> int:
    return rows * 2


@daily_partitioned_config(start_date=datetime(2024, 1, 1))
def by_day(start: datetime, _end: datetime):
    return {"ops": {"export_day": {"config": {"date": start.strftime("%Y-%m-%d")}}}}


@job(config=by_day, resource_defs={"database": database}, tags={"team": "export"})
def exporting():
    rows, done = export_day()
    notify(start=done)
    double(rows)


@schedule(cron_schedule="0 3 * * *", job=exporting, execution_timezone="UTC")
def nightly(context: ScheduleEvaluationContext):
    day = context.scheduled_execution_time.strftime("%Y-%m-%d")
    return RunRequest(
        run_key=day,
        run_config={"ops": {"export_day": {"config": {"date": day}}}},
        tags={"date": day},
    )


everything = define_asset_job("everything", selection="*")


@repository
def warehouse():
    """Everything there is."""
    return [
        *with_resources(load_assets_from_current_module(), {"database": database}),
        everything,
        exporting,
        nightly,
    ]


def test_op_alone():
    context = build_op_context(config={"date": "2024-01-01"}, resources={"database": {}})
    assert [one.value for one in export_day(context) if isinstance(one, Output)] == [3, None]


def test_job_for_a_day():
    result = exporting.execute_in_process(partition_key="2024-03-05")
    assert result.output_for_node("double") == 6
    assert result.output_for_node("notify") == "sent"
    assert result.asset_materializations_for_node("export_day")[0].partition == "2024-03-05"


def test_repository():
    assert sorted(one.name for one in warehouse.get_all_jobs() if not one.name.startswith("__")) == [
        "everything",
        "exporting",
    ]
    assert warehouse.name == "warehouse"
    assert warehouse.has_job("everything")
    assert warehouse.get_job("everything").execute_in_process().output_for_node("events_report") == 10
