from dagster import (
    DagsterType,
    In,
    Out,
    String,
    job,
    op,
    repository,
    resource,
    schedule,
    sensor,
    RunRequest,
    ScheduleDefinition,
    fs_io_manager,
    mem_io_manager,
    graph,
    asset,
    with_resources,
    SourceAsset,
    AssetKey,
    define_asset_job,
    file_relative_path,
    config_from_files,
    ResourceDefinition,
    in_process_executor,
    multi_or_in_process_executor,
)

EvenType = DagsterType(name="Even", type_check_fn=lambda _, v: v % 2 == 0)


@resource(config_schema={"host": String})
def warehouse(context):
    conn = {"host": context.resource_config["host"]}
    try:
        yield conn
    finally:
        conn.clear()


@op(required_resource_keys={"warehouse"}, out=Out(EvenType))
def pull(context):
    return len(context.resources.warehouse["host"]) * 2


@op(ins={"n": In(EvenType)})
def push(context, n):
    context.log.info(str(n))
    return n + 1


@graph
def pipeline():
    push(pull())


dev = pipeline.to_job(
    "pipeline_dev",
    resource_defs={"warehouse": warehouse.configured({"host": "dev"}), "io_manager": mem_io_manager},
)
prod = pipeline.to_job(
    "pipeline_prod",
    resource_defs={"warehouse": warehouse},
    config={"resources": {"warehouse": {"config": {"host": "prod"}}}},
    executor_def=in_process_executor,
)


@op(ins={"n": In(EvenType)})
def odd(n):
    return n


@op
def three() -> int:
    return 3


@job
def bad_types():
    odd(three())


src = SourceAsset(key=AssetKey(["s3", "logs"]), description="logs", group_name="src")


@asset(required_resource_keys={"warehouse"}, deps=[src])
def parsed(context):
    return context.resources.warehouse["host"]


assets = with_resources(
    [parsed, src], {"warehouse": warehouse}, resource_config_by_key={"warehouse": {"config": {"host": "w"}}}
)


@schedule(cron_schedule="0 2 * * *", job=prod)
def nightly():
    return {"resources": {"warehouse": {"config": {"host": "night"}}}}


@sensor(jobs=[dev, prod])
def either():
    yield RunRequest(run_key="1", job_name="pipeline_dev")


@repository(description="old style")
def my_repo():
    return [dev, prod, bad_types, nightly, either, *assets, define_asset_job("parse", selection="parsed")]


def test_repo():
    assert my_repo.name == "my_repo"
    assert sorted(my_repo.job_names)[0].startswith("__ASSET") or "pipeline_dev" in my_repo.job_names
    r = my_repo.get_job("pipeline_dev").execute_in_process()
    assert r.output_for_node("pull") == 6
    assert (
        my_repo.has_job("pipeline_prod")
        and my_repo.has_schedule_def("nightly")
        and my_repo.has_sensor_def("either")
    )
    assert my_repo.load_asset_value is not None
