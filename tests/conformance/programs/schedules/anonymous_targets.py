import dagster as dg


@dg.asset(group_name="nightly")
def a(): ...


@dg.asset(group_name="nightly", deps=[a])
def b(): ...


@dg.asset
def c(): ...


@dg.op
def o(): ...


@dg.job
def op_job():
    o()


groups = dg.ScheduleDefinition(
    "groups", target=dg.AssetSelection.groups("nightly"), cron_schedule="0 1 * * *"
)
strings = dg.ScheduleDefinition(name="strings", target="key:a+", cron_schedule="0 2 * * *", tags={"x": "y"})
keys = (
    dg.ScheduleDefinition(name="keys", target=[dg.AssetKey("c")], cron_schedule="0 3 * * *")
    if False
    else dg.ScheduleDefinition(name="keys", target=dg.AssetSelection.keys("c"), cron_schedule="0 3 * * *")
)
job_target = dg.ScheduleDefinition(name="job_target", target=op_job, cron_schedule="0 4 * * *")


@dg.schedule(target=[a, c], cron_schedule="0 5 * * *")
def decorated(context: dg.ScheduleEvaluationContext):
    return dg.RunRequest(asset_selection=[dg.AssetKey("c")], run_key="only c")


defs = dg.Definitions(assets=[a, b, c], schedules=[groups, strings, keys, job_target, decorated])
