"""Two assets of different groups, a job, a schedule, a sensor, a webhook."""

import tidewheel as tw


@tw.asset(group_name="raw")
def orders(context):
    return 1


@tw.asset(group_name="mart")
def report(orders):
    return 2


@tw.asset(group_name="raw", partitions_def=tw.StaticPartitionsDefinition(["a", "b"]))
def daily():
    return 3


@tw.asset_check(asset=report)
def is_positive(report):
    return tw.AssetCheckResult(passed=report > 0)


both = tw.define_asset_job("both", [orders, report])


@tw.op
def hello(context):
    context.log.info("hello postgres://u:pw@h/x")
    print("connecting to postgres://u:pw@h/x")


@tw.job
def greet():
    hello()


@tw.schedule(job=greet, cron_schedule="0 0 1 1 *")
def yearly(context):
    return {}


@tw.sensor(job=greet)
def skips(context):
    return tw.SkipReason("no")


@tw.webhook_sensor(
    auth=tw.HookAuth.open(), hook="pushed", job=greet, default_status=tw.DefaultSensorStatus.STOPPED
)
def pushed(context):
    return tw.SkipReason("no")


@tw.webhook_sensor(
    auth=tw.HookAuth.shared_secret(tw.EnvVar("HOOK_SECRET"), header="x-secret"),
    hook="signed",
    job=greet,
    default_status=tw.DefaultSensorStatus.STOPPED,
)
def signed(context):
    return tw.SkipReason("no")


defs = tw.Definitions(
    assets=[orders, report, daily],
    asset_checks=[is_positive],
    jobs=[greet, both],
    schedules=[yearly],
    sensors=[skips, pushed, signed],
)
