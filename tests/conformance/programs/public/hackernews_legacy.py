from datetime import datetime

from dagster import (
    DefaultScheduleStatus,
    DefaultSensorStatus,
    DynamicOut,
    DynamicOutput,
    Field,
    Int,
    List,
    Noneable,
    Out,
    In,
    Nothing,
    Output,
    RetryPolicy,
    RunRequest,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    SkipReason,
    String,
    Permissive,
    Shape,
    fs_io_manager,
    get_dagster_logger,
    graph,
    in_process_executor,
    job,
    make_values_resource,
    mem_io_manager,
    op,
    repository,
    resource,
    schedule,
    sensor,
    success_hook,
    failure_hook,
    HookContext,
    build_op_context,
    daily_partitioned_config,
    static_partitioned_config,
    dynamic_partitioned_config,
    DagsterInstance,
    build_schedule_from_partitioned_job,
    Enum,
    EnumValue,
    Selector,
    StringSource,
    IntSource,
    Bool,
    Array,
)


class HNClient:
    def __init__(self, limit):
        self.limit = limit

    def ids(self):
        return list(range(self.limit))


@resource(
    config_schema={"limit": Field(int, default_value=3, is_required=False), "token": Noneable(str)},
    description="HN",
)
def hn_client(init_context):
    init_context.log.info("starting")
    yield HNClient(init_context.resource_config["limit"])


@op(required_resource_keys={"hn"}, out=DynamicOut(int), tags={"kind": "api"})
def list_items(context):
    for i in context.resources.hn.ids():
        yield DynamicOutput(i, mapping_key=f"item_{i}")


@op(retry_policy=RetryPolicy(max_retries=2), ins={"item": In(int, description="id")}, out=Out(dict))
def fetch(context, item):
    context.log.debug("fetch %s", item)
    return {"id": item, "title": f"story {item}"}


@op(
    config_schema={
        "prefix": Field(String, default_value="x"),
        "opts": Permissive({"deep": Field(bool, is_required=False, default_value=True)}),
    }
)
def summarize(context, items: List[dict]) -> str:
    get_dagster_logger().info("summing")
    return (
        context.op_config["prefix"]
        + ",".join(i["title"] for i in items)
        + str(context.op_config["opts"]["deep"])
    )


@op(ins={"start": In(Nothing)})
def cleanup():
    return None


@success_hook(required_resource_keys={"hn"})
def say_ok(context: HookContext):
    context.log.info(f"{context.op.name} ok {context.step_key} {context.run_id[:1]}")


@failure_hook(name="custom_failure")
def say_bad(context):
    context.log.error(str(context.op_exception))


@graph(description="All stories")
def stories():
    cleanup(start=summarize(list_items().map(fetch).collect()))


local = stories.to_job(
    name="stories_local",
    resource_defs={"hn": hn_client, "io_manager": mem_io_manager},
    config={"resources": {"hn": {"config": {"token": None}}}},
    tags={"env": "local"},
    executor_def=in_process_executor,
    hooks={say_ok, say_bad},
)
prod = stories.to_job(
    name="stories_prod",
    resource_defs={
        "hn": hn_client.configured({"limit": 2, "token": "t"}),
        "io_manager": fs_io_manager.configured({"base_dir": "/tmp/stories_prod"}),
    },
)


@daily_partitioned_config(start_date=datetime(2024, 1, 1))
def per_day(start: datetime, _end: datetime):
    return {"ops": {"print_day": {"config": {"day": start.strftime("%Y-%m-%d")}}}}


@op(config_schema={"day": str})
def print_day(context):
    context.log.info(context.op_config["day"])
    return context.op_config["day"]


@job(config=per_day)
def daily_job():
    print_day()


daily_schedule = build_schedule_from_partitioned_job(daily_job, hour_of_day=3)


@static_partitioned_config(partition_keys=["eu", "us"])
def per_region(key: str):
    return {"ops": {"print_day": {"config": {"day": key}}}}


@job(config=per_region)
def region_job():
    print_day()


@schedule(
    cron_schedule="0 9 * * 1-5",
    job=daily_job,
    execution_timezone="US/Central",
    default_status=DefaultScheduleStatus.RUNNING,
)
def weekdays(context: ScheduleEvaluationContext):
    day = context.scheduled_execution_time.strftime("%Y-%m-%d")
    if day.endswith("13"):
        return SkipReason("unlucky")
    return RunRequest(
        run_key=day, run_config={"ops": {"print_day": {"config": {"day": day}}}}, tags={"date": day}
    )


@sensor(job=local, minimum_interval_seconds=60, default_status=DefaultSensorStatus.STOPPED)
def none_yet(context):
    if not context.cursor:
        context.update_cursor("1")
        yield SkipReason("first time")
        return
    yield RunRequest(run_key=context.cursor, run_config={})


@repository(description="hn")
def hn_repository():
    return [
        local,
        prod,
        daily_job,
        region_job,
        daily_schedule,
        weekdays,
        none_yet,
        ScheduleDefinition(job=prod, cron_schedule="@daily", name="nightly", tags={"a": "b"}),
    ]


def test_summarize():
    ctx = build_op_context(op_config={"prefix": "p:", "opts": {"more": 1}})
    assert summarize(ctx, [{"title": "a"}]) == "p:aTrue"


def test_list_items_direct():
    outs = list(list_items(build_op_context(resources={"hn": HNClient(2)})))
    assert [o.mapping_key for o in outs] == ["item_0", "item_1"]
    assert outs[1].value == 1


def test_job():
    result = local.execute_in_process()
    assert result.success
    assert result.output_for_node("summarize") == "xstory 0,story 1,story 2True"
    assert result.output_for_node("fetch") == {
        f"item_{i}": {"id": i, "title": f"story {i}"} for i in range(3)
    }
    assert len(result.events_for_node("cleanup")) > 0


def test_partition():
    result = daily_job.execute_in_process(partition_key="2024-01-05")
    assert result.output_for_node("print_day") == "2024-01-05"
    assert result.dagster_run.tags["dagster/partition"] == "2024-01-05"
    assert region_job.execute_in_process(partition_key="us").output_for_node("print_day") == "us"


def test_ephemeral():
    instance = DagsterInstance.ephemeral()
    run = daily_job.execute_in_process(partition_key="2024-01-06", instance=instance).dagster_run
    assert instance.get_run_by_id(run.run_id).is_success
    assert instance.get_runs_count() == 1
