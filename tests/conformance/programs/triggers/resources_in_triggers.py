from dagster import (
    ConfigurableResource,
    Definitions,
    EnvVar,
    ResourceParam,
    RunRequest,
    ScheduleEvaluationContext,
    SensorEvaluationContext,
    SkipReason,
    build_schedule_context,
    build_sensor_context,
    job,
    op,
    resource,
    schedule,
    sensor,
)


class Calendar(ConfigurableResource):
    holidays: list[str] = []

    def is_holiday(self, day: str) -> bool:
        return day in self.holidays


class Queue(ConfigurableResource):
    name: str
    size: int = 2

    def messages(self):
        return [f"{self.name}-{number}" for number in range(self.size)]


@resource(config_schema={"limit": int})
def limiter(context):
    return context.resource_config["limit"]


@op
def work():
    return 1


@job
def working():
    work()


@schedule(job=working, cron_schedule="0 9 * * *")
def not_on_holidays(context: ScheduleEvaluationContext, calendar: Calendar):
    day = context.scheduled_execution_time.strftime("%Y-%m-%d")
    if calendar.is_holiday(day):
        return SkipReason("holiday")
    return RunRequest(tags={"day": day})


@schedule(job=working, cron_schedule="0 10 * * *", required_resource_keys={"limiter"})
def old_style(context):
    return RunRequest(tags={"limit": str(context.resources.limiter)})


@sensor(job=working)
def from_queue(context: SensorEvaluationContext, queue: Queue):
    for message in queue.messages():
        yield RunRequest(run_key=message)


@sensor(job=working)
def untyped(context, plain: ResourceParam[dict]):
    return RunRequest(run_key=str(plain["key"]))


@sensor(job=working, required_resource_keys={"queue"})
def by_key(context):
    return [RunRequest(run_key=f"k-{message}") for message in context.resources.queue.messages()]


defs = Definitions(
    jobs=[working],
    schedules=[not_on_holidays, old_style],
    sensors=[from_queue, untyped, by_key],
    resources={
        "calendar": Calendar(holidays=["2024-03-04"]),
        "queue": Queue(name="q"),
        "limiter": limiter.configured({"limit": 4}),
        "plain": {"key": 7},
    },
)


def test_direct():
    from datetime import datetime

    context = build_schedule_context(
        scheduled_execution_time=datetime(2024, 3, 4),
        resources={"calendar": Calendar(holidays=["2024-03-04"])},
    )
    assert isinstance(not_on_holidays(context), SkipReason)
    plain = build_schedule_context(scheduled_execution_time=datetime(2024, 3, 4))
    assert isinstance(not_on_holidays(plain, calendar=Calendar()), RunRequest)


def test_sensor_with_resources():
    context = build_sensor_context(resources={"queue": Queue(name="t", size=1)})
    assert [one.run_key for one in from_queue(context)] == ["t-0"]


def observe():
    return {
        one.name: sorted(one.required_resource_keys)
        for one in [not_on_holidays, old_style, from_queue, untyped, by_key]
    }
