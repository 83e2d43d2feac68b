from dagster import (
    AssetSelection,
    DefaultScheduleStatus,
    Definitions,
    ScheduleDefinition,
    asset,
    define_asset_job,
    job,
    op,
)


@asset(group_name="core")
def customers():
    return 1


@asset(group_name="core", deps=[customers])
def orders():
    return 2


@asset(group_name="marts", deps=[orders])
def revenue():
    return 3


@op(config_schema={"n": int})
def count(context):
    return context.op_config["n"]


@job
def counting():
    count()


core_job = define_asset_job("core_job", selection=AssetSelection.groups("core"), tags={"kind": "core"})

schedules = [
    ScheduleDefinition(job=core_job, cron_schedule="@daily"),
    ScheduleDefinition(
        name="hourly_marts", target=AssetSelection.groups("marts").upstream(), cron_schedule="@hourly"
    ),
    ScheduleDefinition(name="by_string", target="group:core", cron_schedule=["0 9 * * *", "0 18 * * *"]),
    ScheduleDefinition(
        name="listed",
        target=["customers", "revenue"],
        cron_schedule="15 4 * * *",
        execution_timezone="Europe/London",
    ),
    ScheduleDefinition(
        name="with_config",
        job=counting,
        cron_schedule="*/30 * * * *",
        run_config={"ops": {"count": {"config": {"n": 3}}}},
        tags={"a": "1"},
        default_status=DefaultScheduleStatus.RUNNING,
        description="thrice",
    ),
    ScheduleDefinition(
        name="with_functions",
        job=counting,
        cron_schedule="0 0 1 * *",
        run_config_fn=lambda context: {
            "ops": {"count": {"config": {"n": context.scheduled_execution_time.day}}}
        },
        tags_fn=lambda context: {"month": context.scheduled_execution_time.strftime("%Y-%m")},
        should_execute=lambda context: context.scheduled_execution_time.day < 10,
    ),
    ScheduleDefinition(
        name="by_name",
        job_name="counting",
        cron_schedule="0 5 * * 0",
        run_config={"ops": {"count": {"config": {"n": 1}}}},
    ),
]

defs = Definitions(assets=[customers, orders, revenue], jobs=[core_job, counting], schedules=schedules)


def observe():
    repo = defs.get_repository_def()
    found = {}
    for one in repo.schedule_defs:
        found[one.name] = [
            one.cron_schedule,
            one.execution_timezone,
            one.job_name,
            one.default_status.name,
            one.description,
        ]
    return found
