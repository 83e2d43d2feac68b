from datetime import datetime

from dagster import (
    Definitions,
    RunRequest,
    ScheduleDefinition,
    asset,
    build_schedule_context,
    define_asset_job,
    schedule,
)


@asset
def ticked(): ...


tick_job = define_asset_job("tick_job", [ticked])

SCHEDULES = {
    "quarter_hours": dict(cron_schedule="*/15 * * * *"),
    "last_day": dict(cron_schedule="0 0 L * *"),
    "first_monday": dict(cron_schedule="0 9 * * 1#1"),
    "two": dict(cron_schedule=["0 8 * * 1-5", "0 10 * * 6,0"]),
    "new_york": dict(cron_schedule="30 2 * * *", execution_timezone="America/New_York"),
    "named_days": dict(cron_schedule="0 6 1-7 JAN,JUL mon"),
    "yearly": dict(cron_schedule="@yearly"),
}
schedules = [
    ScheduleDefinition(name=name, job=tick_job, **arguments) for name, arguments in SCHEDULES.items()
]


@schedule(job=tick_job, cron_schedule="0 7 * * *", execution_timezone="Australia/Sydney")
def local_time(context):
    moment = context.scheduled_execution_time
    return RunRequest(
        run_key=moment.isoformat(), tags={"hour": str(moment.hour), "date": moment.strftime("%Y/%m/%d")}
    )


defs = Definitions(assets=[ticked], jobs=[tick_job], schedules=[*schedules, local_time])
