"""A project as `dg scaffold` users write it: `dg.` everywhere, `@dg.definitions`."""

import dagster as dg


class Store(dg.ConfigurableResource):
    path: str = "memory"

    def read(self) -> int:
        return len(self.path)


@dg.asset(kinds={"python"}, owners=["team:data"], tags={"domain": "orders"})
def orders(store: Store) -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"n": store.read()})


@dg.asset(deps=[orders], automation_condition=dg.AutomationCondition.eager())
def orders_by_day(context: dg.AssetExecutionContext) -> None:
    context.log.info("by day")


orders_job = dg.define_asset_job("orders_job", selection="+orders_by_day")


@dg.schedule(cron_schedule="0 6 * * *", target="tag:domain=orders", execution_timezone="UTC")
def orders_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    return dg.RunRequest(tags={"day": context.scheduled_execution_time.strftime("%A")})


@dg.sensor(job=orders_job, default_status=dg.DefaultSensorStatus.RUNNING)
def orders_sensor(context: dg.SensorEvaluationContext, store: Store) -> dg.SensorResult:
    count = int(context.cursor or 0)
    new = store.read()
    if new > count:
        return dg.SensorResult(run_requests=[dg.RunRequest(run_key=str(new))], cursor=str(new))
    return dg.SensorResult(skip_reason="no orders")


@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions(
        assets=[orders, orders_by_day],
        jobs=[orders_job],
        schedules=[orders_schedule],
        sensors=[orders_sensor],
        resources={"store": Store(path="abc")},
    )


def test_sensor():
    context = dg.build_sensor_context(cursor="2", resources={"store": Store(path="abcd")})
    result = orders_sensor(context)
    assert result.cursor == "4" and result.run_requests[0].run_key == "4"
