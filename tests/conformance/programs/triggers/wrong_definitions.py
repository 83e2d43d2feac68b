import pytest
from dagster import (
    AssetKey,
    DagsterInvalidDefinitionError,
    DagsterRunStatus,
    DefaultScheduleStatus,
    Definitions,
    RunRequest,
    ScheduleDefinition,
    SensorDefinition,
    asset_sensor,
    job,
    multi_asset_sensor,
    op,
    run_status_sensor,
    schedule,
    sensor,
)


@op
def o(): ...


@job
def j():
    o()


@job
def k():
    o()


defs = Definitions(jobs=[j, k])


def refused(make):
    try:
        make()
    except DagsterInvalidDefinitionError:
        return "invalid definition"
    except Exception:
        return "refused"
    return "accepted"


def observe():
    return {
        "bad cron": refused(lambda: ScheduleDefinition(job=j, cron_schedule="61 * * * *")),
        "six fields": refused(lambda: ScheduleDefinition(job=j, cron_schedule="0 0 * * * *")),
        "empty list": refused(lambda: ScheduleDefinition(job=j, cron_schedule=[])),
        "bad zone": refused(
            lambda: ScheduleDefinition(job=j, cron_schedule="@daily", execution_timezone="Mars/Base")
        ),
        "bad name": refused(lambda: ScheduleDefinition(job=j, cron_schedule="@daily", name="has space")),
        "job and name": refused(lambda: schedule(job=j, job_name="k", cron_schedule="@daily")(lambda: {})),
        "tags and fn": refused(
            lambda: ScheduleDefinition(job=j, cron_schedule="@daily", tags={"a": "b"}, tags_fn=lambda _: {})
        ),
        "config and fn": refused(
            lambda: ScheduleDefinition(
                job=j, cron_schedule="@daily", run_config={"ops": {}}, run_config_fn=lambda _: {}
            )
        ),
        "status text": refused(
            lambda: ScheduleDefinition(job=j, cron_schedule="@daily", default_status="RUNNING")
        ),
        "sensor job and jobs": refused(lambda: sensor(job=j, jobs=[k])(lambda context: None)),
        "sensor text interval": refused(
            lambda: sensor(job=j, minimum_interval_seconds="5")(lambda context: None)
        ),
        "sensor bad name": refused(lambda: sensor(job=j, name="a-b")(lambda context: None)),
        "sensor without function": refused(lambda: SensorDefinition(name="x", job=j)),
        "asset key text": refused(lambda: asset_sensor(asset_key="a", job=j)(lambda context, event: None)),
        "status text in run sensor": refused(
            lambda: run_status_sensor(run_status="SUCCESS")(lambda context: None)
        ),
        "monitored text": refused(
            lambda: run_status_sensor(run_status=DagsterRunStatus.SUCCESS, monitored_jobs=["j"])(
                lambda context: None
            )
        ),
        "both requests": refused(
            lambda: run_status_sensor(run_status=DagsterRunStatus.SUCCESS, request_job=j, request_jobs=[k])(
                lambda context: None
            )
        ),
        "unknown job name": refused(
            lambda: Definitions(
                jobs=[j], schedules=[ScheduleDefinition(name="s", job_name="ghost", cron_schedule="@daily")]
            ).get_repository_def()
        ),
        "same name": refused(
            lambda: Definitions(
                jobs=[j],
                schedules=[ScheduleDefinition(job=j, cron_schedule="@daily", name="twin")],
                sensors=[SensorDefinition(name="twin", job=j, evaluation_fn=lambda context: None)],
            ).get_repository_def()
        ),
        "two schedules of one name": refused(
            lambda: Definitions(
                jobs=[j],
                schedules=[
                    ScheduleDefinition(job=j, cron_schedule="@daily", name="t"),
                    ScheduleDefinition(job=k, cron_schedule="@hourly", name="t"),
                ],
            ).get_repository_def()
        ),
    }
