from dagster import (
    Definitions,
    GraphDefinition,
    In,
    Out,
    RunConfig,
    RunRequest,
    ScheduleDefinition,
    build_schedule_context,
    graph,
    op,
    schedule,
    sensor,
)


@op(config_schema={"rows": int}, out=Out(int))
def read(context):
    return context.op_config["rows"]


@op(ins={"rows": In(int)})
def write(rows):
    return rows * 2


@graph
def copy():
    write(read())


small = copy.to_job(name="small", config={"ops": {"read": {"config": {"rows": 1}}}})
big = copy.to_job(
    name="big",
    config=RunConfig(ops={"read": {"rows": 100}}) if False else {"ops": {"read": {"config": {"rows": 100}}}},
    tags={"size": "big"},
)
open_job = copy.to_job(name="open_job")


@schedule(job=open_job, cron_schedule="0 4 * * *")
def chosen_size(context):
    return {"ops": {"read": {"config": {"rows": context.scheduled_execution_time.day}}}}


@sensor(jobs=[small, big])
def sizes(context):
    yield RunRequest(run_key="s", job_name="small")
    yield RunRequest(run_key="b", job_name="big", tags={"extra": "1"})


defs = Definitions(
    jobs=[small, big, open_job],
    schedules=[chosen_size, ScheduleDefinition(job=big, cron_schedule="0 0 * * 1")],
    sensors=[sizes],
)


def test_sizes():
    from datetime import datetime

    config = chosen_size(build_schedule_context(scheduled_execution_time=datetime(2024, 1, 9)))
    assert open_job.execute_in_process(run_config=config).output_for_node("write") == 18
