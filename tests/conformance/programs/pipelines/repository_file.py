"""An older repository: several repositories, schedules, sensors, partition sets, presets as jobs, resources by mode."""

import datetime

from dagster import (
    DefaultScheduleStatus,
    InputContext,
    IOManager,
    OpExecutionContext,
    OutputContext,
    RunRequest,
    ScheduleDefinition,
    fs_io_manager,
    graph,
    in_process_executor,
    io_manager,
    job,
    logger,
    mem_io_manager,
    multiprocess_executor,
    op,
    repository,
    resource,
    schedule,
    sensor,
    with_resources,
    asset,
)


class MemoryManager(IOManager):
    def __init__(self):
        self.values = {}

    def handle_output(self, context: OutputContext, obj):
        context.add_output_metadata({"where": "/".join(context.get_identifier()[1:])})
        self.values[context.step_key, context.name] = obj

    def load_input(self, context: InputContext):
        up = context.upstream_output
        return self.values[up.step_key, up.name]


@io_manager
def memory_manager(_):
    return MemoryManager()


@io_manager(config_schema={"base": str}, required_resource_keys={"conn"})
def manager_with_needs(init_context):
    assert init_context.resources.conn
    return MemoryManager()


@resource(config_schema={"url": str}, description="A connection", required_resource_keys={"secrets"})
def conn(init_context):
    return init_context.resource_config["url"] + ":" + init_context.resources.secrets["password"]


@resource
def secrets(_):
    yield {"password": "x"}


@op(required_resource_keys={"conn"}, config_schema={"query": str})
def extract(context):
    return [context.resources.conn, context.op_config["query"]]


@op
def transform(context: OpExecutionContext, rows):
    return [row.upper() for row in rows]


@op
def load(context, rows):
    return len(rows)


@graph
def etl():
    load(transform(extract()))


local = etl.to_job(
    name="etl_local",
    resource_defs={"conn": conn, "secrets": secrets, "io_manager": memory_manager},
    config={
        "resources": {"conn": {"config": {"url": "local"}}},
        "ops": {"extract": {"config": {"query": "q"}}},
    },
    executor_def=in_process_executor,
)
prod = etl.to_job(
    name="etl_prod",
    resource_defs={
        "conn": conn.configured({"url": "prod"}),
        "secrets": secrets,
        "io_manager": manager_with_needs.configured({"base": "s3"}),
    },
    executor_def=multiprocess_executor.configured({"max_concurrent": 4}),
    tags={"dagster/priority": "3", "env": "prod"},
)


@schedule(
    job=local,
    cron_schedule="0 4 * * 1-5",
    execution_timezone="Europe/Berlin",
    default_status=DefaultScheduleStatus.RUNNING,
)
def weekday_schedule(context):
    day = context.scheduled_execution_time.strftime("%Y-%m-%d")
    return RunRequest(
        run_key=day,
        run_config={
            "ops": {"extract": {"config": {"query": day}}},
            "resources": {"conn": {"config": {"url": "s"}}},
        },
        tags={"date": day},
    )


@sensor(job=prod, minimum_interval_seconds=45)
def watcher(context):
    if not context.cursor:
        context.update_cursor("1")
        yield RunRequest(run_key="first", run_config={"ops": {"extract": {"config": {"query": "w"}}}})


@asset(required_resource_keys={"secrets"})
def table(context):
    return context.resources.secrets["password"]


@repository
def my_repository():
    """Everything."""
    return [
        local,
        prod,
        weekday_schedule,
        watcher,
        *with_resources([table], {"secrets": secrets}),
        ScheduleDefinition(
            job=prod, cron_schedule="@daily", run_config={"ops": {"extract": {"config": {"query": "d"}}}}
        ),
    ]


def test_graph():
    result = etl.execute_in_process(
        run_config={"ops": {"extract": {"config": {"query": "t"}}}}, resources={"conn": "here"}
    )
    assert result.output_for_node("transform") == ["HERE", "T"]
    assert result.output_for_node("load") == 2


def test_local():
    result = local.execute_in_process()
    assert result.success
    assert result.output_for_node("transform") == ["LOCAL:X", "Q"]
    handled = [e for e in result.all_events if e.event_type_value == "HANDLED_OUTPUT"]
    assert [e.event_specific_data.metadata["where"].value for e in handled] == [
        "extract/result",
        "transform/result",
        "load/result",
    ]


def observe():
    return {
        "name": my_repository.name,
        "description": my_repository.description,
        "jobs": sorted(my_repository.job_names),
        "schedules": sorted(s.name for s in my_repository.schedule_defs),
        "sensors": sorted(s.name for s in my_repository.sensor_defs),
        "has": my_repository.has_job("etl_prod"),
        "job": my_repository.get_job("etl_prod").tags,
        "executor": [prod.executor_def.name, local.executor_def.name],
    }
