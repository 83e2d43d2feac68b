"""Sensors and schedules of older tutorials: loaders, `Output`, `context.op_config`, `required_resource_keys`."""

import sys

from dagster import (
    AssetSelection,
    Definitions,
    Out,
    Output,
    RunRequest,
    ScheduleDefinition,
    asset,
    asset_sensor,
    AssetKey,
    AssetMaterialization,
    define_asset_job,
    job,
    load_assets_from_modules,
    op,
    sensor,
)


@asset(compute_kind="sql", group_name="nightly")
def table_a(context):
    context.add_output_metadata({"rows": 5})
    return 5


@asset(non_argument_deps={"table_a"}) if False else asset(deps=["table_a"], group_name="nightly")
def table_b():
    return 6


@op(out=Out(int))
def emits(context):
    context.log_event(AssetMaterialization(asset_key="from_op", metadata={"n": 1}))
    yield Output(1)


@job
def emitting():
    emits()


@op
def reacts():
    return "reacted"


@job
def reacting():
    reacts()


all_job = define_asset_job(name="all_job", selection=AssetSelection.all())
nightly_job = define_asset_job("nightly_job", AssetSelection.groups("nightly"), description="every night")


@asset_sensor(asset_key=AssetKey("from_op"), job=reacting)
def from_op_sensor(context, asset_event):
    yield RunRequest(
        run_key=None,
        tags={"n": str(asset_event.dagster_event.event_specific_data.materialization.metadata["n"].value)},
    )


@sensor(job=all_job, minimum_interval_seconds=3600)
def hourly(context):
    yield RunRequest()


defs = Definitions(
    assets=load_assets_from_modules([sys.modules[__name__]]),
    jobs=[all_job, nightly_job, emitting, reacting],
    schedules=[
        ScheduleDefinition(job=nightly_job, cron_schedule="0 0 * * *"),
        ScheduleDefinition(job=all_job, cron_schedule="0 0 * * 0", name="weekly"),
    ],
    sensors=[from_op_sensor, hourly],
)
