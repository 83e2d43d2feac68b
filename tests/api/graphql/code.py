"""The user's file that the GraphQL tests serve."""

import time

import tidewheel as tw


class Amount(tw.Config):
    n: int


@tw.op
def takes(config: Amount) -> int:
    return config.n


@tw.job(description="Needs a number.")
def configured():
    takes()


@tw.op
def first() -> int:
    return 1


@tw.op
def breaks(value: int) -> int:
    raise ValueError("this op always fails")


@tw.job
def broken():
    breaks(first())


@tw.op
def waits() -> None:
    time.sleep(60)


@tw.job
def endless():
    waits()


@tw.op(out=tw.Out(tw.Nothing))
def does():
    print("to standard output")
    yield tw.ExpectationResult(success=False, label="enough", description="too few", metadata={"rows": 2})
    yield tw.Output(None)


@tw.job(tags={"team": "x"})
def quick():
    does()


days = tw.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-03-01")
colours = tw.StaticPartitionsDefinition(["blue", "green", "red"])
customers = tw.DynamicPartitionsDefinition(name="customers")


@tw.job(resource_defs={"io_manager": tw.mem_io_manager})
def in_memory():
    takes()


@tw.asset(group_name="raw", kinds={"table"}, owners=["team:data", "me@example.com"], code_version="1")
def orders() -> tw.MaterializeResult:
    return tw.MaterializeResult(metadata={"rows": 3, "link": tw.MetadataValue.url("https://example.com")})


@tw.asset(deps=[orders], key_prefix="shop", description="Sums of the orders.")
def sums(context) -> None:
    context.log.info("adding up")


@tw.asset_check(asset=orders)
def not_empty() -> tw.AssetCheckResult:
    return tw.AssetCheckResult(passed=True, metadata={"rows": 3})


@tw.asset(partitions_def=days)
def daily(context) -> None:
    if context.partition_key == "2024-01-03":
        raise ValueError("a bad day")


@tw.asset(partitions_def=colours)
def by_colour() -> None: ...


@tw.asset(partitions_def=tw.MultiPartitionsDefinition({"day": days, "colour": colours}))
def by_both() -> None: ...


@tw.asset(partitions_def=customers)
def by_customer() -> None: ...


@tw.daily_partitioned_config(start_date="2024-01-01")
def number_of_the_day(start, end):
    return {"ops": {"takes": {"config": {"n": start.day}}}}


@tw.job(config=number_of_the_day, tags={"team": "x"})
def dated():
    takes()


daily_job = tw.define_asset_job("daily_job", selection=[daily])
orders_job = tw.define_asset_job("orders_job", selection=[orders, sums])


@tw.schedule(cron_schedule="0 6 * * *", job=quick, execution_timezone="UTC")
def mornings(context):
    return tw.RunRequest(run_key="once", tags={"why": "morning"})


@tw.sensor(job=configured, minimum_interval_seconds=600)
def asks(context):
    return tw.SensorResult(
        run_requests=[
            tw.RunRequest(run_key="1", run_config={"ops": {"takes": {"config": {"n": 5}}}}, tags={"a": "b"})
        ],
        cursor=f"after {context.cursor}",
        dynamic_partitions_requests=[customers.build_add_request(["acme"])],
    )


@tw.sensor(job=quick, minimum_interval_seconds=600)
def skips(context):
    return tw.SkipReason("nothing to do")


defs = tw.Definitions(
    assets=[orders, sums, daily, by_colour, by_both, by_customer],
    asset_checks=[not_empty],
    jobs=[configured, dated, in_memory, broken, endless, quick, daily_job, orders_job],
    schedules=[mornings],
    sensors=[asks, skips],
)
