"""Ticks of schedules as a test computes them."""

from datetime import datetime, timezone
from zoneinfo import ZoneInfo

from dagster import Definitions, ScheduleDefinition, job, op, schedule, RunRequest, build_schedule_context


@op
def o(): ...


@job
def j():
    o()


zones = ["UTC", "US/Pacific", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe"]
made = [
    ScheduleDefinition(
        name=f"in_{zone.split('/')[-1].lower()}", job=j, cron_schedule="30 2 * * *", execution_timezone=zone
    )
    for zone in zones
]


@schedule(job=j, cron_schedule=["0 8 * * *", "0 20 * * *"], execution_timezone="Asia/Tokyo")
def twice(context):
    return RunRequest(
        run_key=context.scheduled_execution_time.isoformat(),
        tags={"hour": str(context.scheduled_execution_time.hour)},
    )


defs = Definitions(jobs=[j], schedules=[*made, twice])


def test_twice():
    moment = datetime(2024, 3, 4, 8, tzinfo=ZoneInfo("Asia/Tokyo"))
    request = twice(build_schedule_context(scheduled_execution_time=moment))
    assert request.tags["hour"] == "8"
    assert request.run_key == "2024-03-04T08:00:00+09:00"


def observe():
    return {one.name: [one.execution_timezone, one.cron_schedule] for one in [*made, twice]}
