"""An older repository: solids became ops, resources by key, a sensor with a cursor, a partitioned job."""

import datetime
import os

from dagster import (
    AssetMaterialization,
    Field,
    In,
    Int,
    Nothing,
    Out,
    Output,
    RunRequest,
    SkipReason,
    String,
    build_schedule_from_partitioned_job,
    daily_partitioned_config,
    fs_io_manager,
    get_dagster_logger,
    graph,
    job,
    make_values_resource,
    op,
    repository,
    schedule,
    sensor,
)

FILES = [("2024-03-01.csv", 100), ("2024-03-02.csv", 200)]


@op(required_resource_keys={"globals"}, config_schema={"date": String})
def fetch(context) -> str:
    logger = get_dagster_logger()
    logger.info("fetching into %s", context.resources.globals["folder"])
    return f"{context.resources.globals['folder']}/{context.op_config['date']}.csv"


@op(ins={"path": In(str)}, out={"count": Out(Int), "log": Out(is_required=False)})
def parse(context, path):
    yield AssetMaterialization(
        asset_key=["files", os.path.basename(path)],
        description="parsed",
        metadata={"path": path, "length": len(path)},
    )
    yield Output(len(path), "count")


@op(ins={"ready": In(Nothing)})
def notify(context):
    context.log.info(f"run {context.run_id is not None}")


@daily_partitioned_config(start_date=datetime.datetime(2024, 3, 1), end_offset=1)
def by_day(start, _end):
    return {
        "ops": {"fetch": {"config": {"date": start.strftime("%Y-%m-%d")}}},
        "resources": {"globals": {"config": {"folder": "/data"}}},
    }


@job(
    config=by_day,
    resource_defs={"globals": make_values_resource(folder=Field(String, default_value="/tmp"))},
    tags={"source": "files"},
)
def ingest_files():
    count, _ = parse(fetch())
    notify(count)


@sensor(job=ingest_files)
def files_sensor(context):
    last = int(context.cursor) if context.cursor else 0
    for name, modified in FILES:
        if modified > last:
            yield RunRequest(
                run_key=f"{name}:{modified}",
                run_config={
                    "ops": {"fetch": {"config": {"date": name[:-4]}}},
                    "resources": {"globals": {"config": {"folder": "/sensed"}}},
                },
            )
            last = modified
    context.update_cursor(str(last))


@repository
def ingestion():
    return [ingest_files, build_schedule_from_partitioned_job(ingest_files), files_sensor]
