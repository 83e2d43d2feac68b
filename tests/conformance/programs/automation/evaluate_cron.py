import datetime

from dagster import (
    AutomationCondition,
    DagsterInstance,
    Definitions,
    asset,
    evaluate_automation_conditions,
    materialize,
)


@asset
def base(): ...


@asset(automation_condition=AutomationCondition.cron_tick_passed("0 * * * *"))
def each_hour(): ...


@asset(deps=[base], automation_condition=AutomationCondition.on_cron("0 * * * *"))
def waits_for_base(): ...


@asset(automation_condition=AutomationCondition.on_cron("30 9 * * *", cron_timezone="Asia/Tokyo"))
def tokyo(): ...


defs = Definitions(assets=[base, each_hour, waits_for_base, tokyo])


def observe():
    instance = DagsterInstance.ephemeral()
    start = datetime.datetime(2035, 1, 1, 0, 5, tzinfo=datetime.timezone.utc)
    cursor, story = None, []

    def step(minutes):
        nonlocal cursor
        result = evaluate_automation_conditions(
            defs=defs,
            instance=instance,
            evaluation_time=start + datetime.timedelta(minutes=minutes),
            cursor=cursor,
        )
        cursor = result.cursor
        story.append([minutes, result.get_num_requested(each_hour.key), result.get_num_requested(tokyo.key)])

    for minutes in (0, 30, 56, 57, 120, 180, 24 * 60, 24 * 60 + 30):
        step(minutes)
    return {"story": story}
