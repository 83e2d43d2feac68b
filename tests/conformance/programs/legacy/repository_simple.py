from dagster import (
    AssetSelection,
    RunRequest,
    ScheduleDefinition,
    SkipReason,
    asset,
    define_asset_job,
    graph,
    in_process_executor,
    job,
    op,
    repository,
    resource,
    schedule,
    sensor,
    with_resources,
)


@resource(config_schema={"dialect": str})
def engine(context):
    return context.resource_config["dialect"]


@asset(required_resource_keys={"engine"}, compute_kind="sql")
def customers(context):
    return f"select in {context.resources.engine}"


@asset(non_argument_deps={"customers"}, group_name="marts")
def customer_mart():
    return 2


@op
def hello():
    return "hello"


@graph
def greeting():
    hello()


@job
def hello_job():
    hello()


greeting_job = greeting.to_job(name="greeting_job")
marts_job = define_asset_job("marts_job", selection=AssetSelection.groups("marts"))


@schedule(cron_schedule="0 1 * * *", job=hello_job, execution_timezone="US/Central")
def hello_schedule(_context):
    return {}


@sensor(job=hello_job)
def hello_sensor(_context):
    should_run = False
    if should_run:
        yield RunRequest(run_key=None, run_config={})
    else:
        yield SkipReason("nothing to do")


@repository(description="An older project.", metadata={"since": "2021"})
def warehouse():
    assets = with_resources([customers, customer_mart], {"engine": engine.configured({"dialect": "sqlite"})})
    return [
        assets,
        hello_job,
        greeting_job,
        marts_job,
        hello_schedule,
        ScheduleDefinition(job=marts_job, cron_schedule="@daily"),
        hello_sensor,
    ]


def observe():
    return {
        "name": warehouse.name,
        "description": warehouse.description,
        "jobs": sorted(name for name in warehouse.job_names if not name.startswith("__")),
        "has": [warehouse.has_job("hello_job"), warehouse.has_job("nope")],
        "schedule": warehouse.get_schedule_def("hello_schedule").cron_schedule,
        "sensor": warehouse.get_sensor_def("hello_sensor").name,
        "run": warehouse.get_job("hello_job").execute_in_process().output_for_node("hello"),
        "all_jobs": len(warehouse.get_all_jobs()),
    }
