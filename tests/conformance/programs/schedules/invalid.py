import pytest
from dagster import (
    DagsterInvalidDefinitionError,
    Definitions,
    ScheduleDefinition,
    asset,
    define_asset_job,
    job,
    op,
    schedule,
)
from dagster._check import CheckError


@op
def nothing():
    pass


@job
def empty():
    nothing()


fine = ScheduleDefinition(job=empty, cron_schedule="0 0 29 2 *")
defs = Definitions(jobs=[empty], schedules=[fine])


@pytest.mark.parametrize("cron", [])
def helper(cron):
    pass


def refused(**kwargs):
    try:
        ScheduleDefinition(job=empty, **kwargs)
        return "accepted"
    except Exception as error:
        return type(error).__name__.removeprefix("Dagster")


def observe():
    crons = [
        "* * * *",
        "61 * * * *",
        "0 24 * * *",
        "0 0 31 2 *",
        "@reboot",
        "0 0 * * mon",
        "0 0 * * MON-FRI",
        "0 0 L * *",
        "0 0 * * 1#2",
        "* * * * * *",
        "a b c d e",
        "",
        " 0 0 * * * ",
        "0 0 ? * *",
        "5/15 * * * *",
        "22-2 * * * *",
    ]
    zones = ["Europe/Berlin", "utc", "US/Pacific", "Nowhere/Land", "+02:00"]
    return {
        "crons": {cron: refused(cron_schedule=cron) for cron in crons},
        "zones": {zone: refused(cron_schedule="@daily", execution_timezone=zone) for zone in zones},
    }


def test_bad_cron():
    with pytest.raises(DagsterInvalidDefinitionError):
        ScheduleDefinition(job=empty, cron_schedule="not a cron")


def test_bad_cron_in_list():
    with pytest.raises(DagsterInvalidDefinitionError):
        ScheduleDefinition(job=empty, cron_schedule=["@daily", "bad"])


def test_bad_timezone():
    with pytest.raises(DagsterInvalidDefinitionError):

        @schedule(job=empty, cron_schedule="@daily", execution_timezone="Not/AZone")
        def nope(): ...


def test_bad_name():
    with pytest.raises(DagsterInvalidDefinitionError):
        ScheduleDefinition(name="with space", job=empty, cron_schedule="@daily")


def test_unknown_job_name():
    with pytest.raises(DagsterInvalidDefinitionError):
        Definitions(
            jobs=[empty],
            schedules=[ScheduleDefinition(name="s", job_name="not_there", cron_schedule="@daily")],
        ).get_repository_def()


def test_same_name_twice():
    with pytest.raises(DagsterInvalidDefinitionError):
        Definitions(
            jobs=[empty],
            schedules=[fine, ScheduleDefinition(name="empty_schedule", job=empty, cron_schedule="@hourly")],
        ).get_repository_def()
