import datetime

from dagster import (
    ConfigurableResource,
    Definitions,
    ResourceParam,
    RunRequest,
    ScheduleEvaluationContext,
    SensorEvaluationContext,
    SkipReason,
    asset,
    build_schedule_context,
    build_sensor_context,
    define_asset_job,
    schedule,
    sensor,
)


class Calendar(ConfigurableResource):
    holidays: list[str]

    def is_holiday(self, day: datetime.date) -> bool:
        return day.isoformat() in self.holidays


class Inbox(ConfigurableResource):
    names: list[str] = []


@asset
def trades():
    return 1


trading = define_asset_job("trading", [trades])


@schedule(job=trading, cron_schedule="0 0 * * *")
def business_days(context: ScheduleEvaluationContext, calendar: Calendar):
    day = context.scheduled_execution_time.date()
    if calendar.is_holiday(day):
        return SkipReason("a holiday")
    return RunRequest(run_key=day.isoformat(), tags={"day": day.isoformat()})


@sensor(job=trading, minimum_interval_seconds=60)
def inbox_sensor(context: SensorEvaluationContext, inbox: Inbox):
    last = context.cursor or ""
    for name in sorted(inbox.names):
        if name > last:
            yield RunRequest(run_key=name)
    if inbox.names:
        context.update_cursor(max(inbox.names))


@sensor(job=trading, required_resource_keys={"inbox"})
def old_key_sensor(context):
    return [RunRequest(run_key=name) for name in context.resources.inbox.names]


defs = Definitions(
    assets=[trades],
    jobs=[trading],
    schedules=[business_days],
    sensors=[inbox_sensor, old_key_sensor],
    resources={"calendar": Calendar(holidays=["2024-03-04"]), "inbox": Inbox(names=["b", "a"])},
)


def test_schedule():
    context = build_schedule_context(scheduled_execution_time=datetime.datetime(2024, 1, 2))
    assert business_days(context, calendar=Calendar(holidays=[])).run_key == "2024-01-02"
    skipped = business_days(
        build_schedule_context(
            scheduled_execution_time=datetime.datetime(2024, 1, 1),
            resources={"calendar": Calendar(holidays=["2024-01-01"])},
        )
    )
    assert isinstance(skipped, SkipReason)


def test_sensor():
    found = list(inbox_sensor(build_sensor_context(cursor="a", resources={"inbox": Inbox(names=["a", "c"])})))
    assert [one.run_key for one in found] == ["c"]
