"""Ops in a graph, two environments, hooks for alerts and a failure sensor."""

from dagster import (
    Definitions,
    Failure,
    Field,
    HookContext,
    In,
    Nothing,
    OpExecutionContext,
    Out,
    Output,
    ResourceDefinition,
    RetryPolicy,
    RunFailureSensorContext,
    String,
    failure_hook,
    graph,
    op,
    resource,
    run_failure_sensor,
    schedule,
    success_hook,
)

MESSAGES = []


@resource(config_schema={"channel": Field(String, default_value="#data")}, description="posts messages")
def messenger(context):
    channel = context.resource_config["channel"]

    class Messenger:
        def post(self, text):
            MESSAGES.append(f"{channel}: {text}")

    return Messenger()


@failure_hook(required_resource_keys={"messenger"})
def post_failure(context: HookContext):
    context.resources.messenger.post(f"{context.op.name} failed with {type(context.op_exception).__name__}")


@success_hook(required_resource_keys={"messenger"})
def post_success(context: HookContext):
    context.resources.messenger.post(f"{context.op.name} done")


@op(
    config_schema={
        "path": Field(str, description="file to read"),
        "skip_header": Field(bool, default_value=True),
    },
    out={"rows": Out(list), "rejected": Out(list, is_required=False)},
)
def extract(context: OpExecutionContext):
    path = context.op_config["path"]
    context.log.info(f"reading {path}")
    if path.endswith(".bad"):
        raise Failure(description=f"cannot read {path}", metadata={"path": path})
    rows = ["header", "1", "x", "3"]
    if context.op_config["skip_header"]:
        rows = rows[1:]
    good = [row for row in rows if row.isdigit()]
    yield Output(good, "rows")
    bad = [row for row in rows if not row.isdigit()]
    if bad:
        yield Output(bad, "rejected")


@op(retry_policy=RetryPolicy(max_retries=1))
def transform(rows: list) -> list:
    return [int(row) for row in rows]


@op
def report_rejected(context, rejected: list):
    context.log.warning(f"{len(rejected)} rows rejected")
    return len(rejected)


@op(ins={"numbers": In(list), "after": In(Nothing)})
def load(context, numbers):
    return sum(numbers)


@graph
def pipeline():
    rows, rejected = extract()
    load(numbers=transform(rows), after=report_rejected(rejected))


dev = pipeline.to_job(
    name="pipeline_dev",
    resource_defs={"messenger": ResourceDefinition.mock_resource()},
    config={"ops": {"extract": {"config": {"path": "dev.csv"}}}},
)
prod = pipeline.to_job(
    name="pipeline_prod",
    resource_defs={"messenger": messenger},
    hooks={post_failure, post_success},
    tags={"env": "prod", "dagster/max_retries": "2"},
    config={
        "ops": {"extract": {"config": {"path": "prod.bad"}}},
        "resources": {"messenger": {"config": {"channel": "#prod"}}},
    },
)


@schedule(cron_schedule="45 23 * * 1-5", job=prod, execution_timezone="Europe/London")
def end_of_day(context):
    day = context.scheduled_execution_time.strftime("%d.%m.%Y")
    return {
        "ops": {"extract": {"config": {"path": f"{day}.csv"}}},
        "resources": {"messenger": {"config": {}}},
    }


@run_failure_sensor(monitored_jobs=[prod])
def prod_failed(context: RunFailureSensorContext):
    MESSAGES.append(f"run of {context.dagster_run.job_name} failed")
    return f"{context.dagster_run.job_name}: {len(context.get_step_failure_events())}"


defs = Definitions(jobs=[dev, prod], schedules=[end_of_day], sensors=[prod_failed])


def test_dev():
    result = dev.execute_in_process()
    assert result.output_for_node("load") == 4
    assert result.output_for_node("report_rejected") == 1


def test_prod_posts():
    MESSAGES.clear()
    config = {
        "ops": {"extract": {"config": {"path": "ok.csv", "skip_header": False}}},
        "resources": {"messenger": {"config": {"channel": "#x"}}},
    }
    assert prod.execute_in_process(run_config=config).success
    assert sorted(MESSAGES) == [
        "#x: extract done",
        "#x: load done",
        "#x: report_rejected done",
        "#x: transform done",
    ]
