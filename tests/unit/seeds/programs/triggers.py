"""A shop's triggers as an older API reference writes them: every form of schedules and sensors, those included that
Dagster refuses.

Functions of the user's that a reference leaves out (`read_feed`, `send_mail`, ...) are small stand-ins here.
"""

import glob
import os
from datetime import datetime, timedelta
from pathlib import Path

from dagster import (
    AssetKey,
    DagsterEventType,
    DagsterInstance,
    DagsterRunStatus,
    DailyPartitionsDefinition,
    DefaultScheduleStatus,
    DefaultSensorStatus,
    Definitions,
    EventLogEntry,
    Field,
    MultiAssetSensorEvaluationContext,
    RunFailureSensorContext,
    RunRequest,
    RunsFilter,
    RunStatusSensorContext,
    ScheduleEvaluationContext,
    SensorEvaluationContext,
    SkipReason,
    WeeklyPartitionsDefinition,
    asset,
    asset_sensor,
    build_schedule_context,
    build_schedule_from_partitioned_job,
    job,
    multi_asset_sensor,
    op,
    resource,
    run_failure_sensor,
    run_status_sensor,
    schedule,
    sensor,
)

INBOX = Path(os.environ.get("SHOP_INBOX", "inbox"))
FEED = {"last_update": "2024-05-01T10:00:00"}
CHANGES = []
MAILS, SLACK, SCALED = [], [], []


def last_data_update():
    return datetime(2024, 5, 1, 12)


def last_run_of(name):
    return datetime(2024, 5, 1, 6)


# -- jobs ---------------------------------------------------------------------------------------------------------


@resource(config_schema={"timeout": Field(int, default_value=60)})
def warehouse(context):
    return context.resource_config["timeout"]


@op(required_resource_keys={"warehouse"})
def extract(context) -> list:
    return [(context.op_config or {}).get("batch"), context.resources.warehouse]


@op
def transform(rows: list) -> list:
    return rows


@job(resource_defs={"warehouse": warehouse})
def nightly():
    """The nightly load."""
    transform(extract())


@op
def deploy_there():
    return None


@job
def deployment():
    deploy_there()


@op(config_schema={"input_file": str})
def take_in(context):
    return context.op_config["input_file"]


@job
def files_in():
    take_in()


@op
def rest():
    return 1


@job
def sync():
    rest()


@op
def explode():
    raise ValueError("the table is gone")


@job
def doomed():
    explode()


# -- schedules ----------------------------------------------------------------------------------------------------


@schedule(job=nightly, cron_schedule="0 2 * * *")
def every_night():
    """At two."""
    return {}


@schedule(job=nightly, cron_schedule="0 6 * * 1")
def mondays(context):
    config = {
        "ops": {
            "extract": {
                "config": {
                    "full": True,
                    "batch": 10000,
                    "day": context.scheduled_execution_time.strftime("%Y-%m-%d"),
                }
            }
        },
        "resources": {"warehouse": {"config": {"timeout": 300}}},
    }
    return RunRequest(
        run_key=f"monday_{context.scheduled_execution_time.strftime('%Y_%m_%d')}",
        run_config=config,
        tags={"kind": "full", "date": context.scheduled_execution_time.isoformat()},
    )


@schedule(job=nightly, cron_schedule="0 */4 * * *")
def when_there_is_news(context):
    updated, ran = last_data_update(), last_run_of("nightly")
    if updated > ran:
        context.log.info(f"new since {updated}")
        return RunRequest(run_key=f"news_{int(updated.timestamp())}", tags={"since": updated.isoformat()})
    else:
        return SkipReason(f"nothing since {ran}")


@schedule(cron_schedule="0 1 * * *")
def everywhere():
    """No target: the requests name their job."""
    requests = []
    for where in ["staging", "prod", "dr"]:
        requests.append(
            RunRequest(
                run_key=f"deploy_{where}_{datetime.now().strftime('%Y%m%d')}",
                job_name="deployment",
                run_config={},
                tags={"where": where},
            )
        )
    return requests


@schedule(
    job=nightly,
    cron_schedule="0 9 * * 1",
    name="named_otherwise",
    execution_timezone="Europe/Berlin",
    description="by hand",
    default_status=DefaultScheduleStatus.RUNNING,
    tags={"team": "shop"},
)
def with_every_argument():
    return SkipReason("not today")


daily = DailyPartitionsDefinition(start_date="2024-01-01")
weekly = WeeklyPartitionsDefinition(start_date="2024-01-01")


@asset(partitions_def=daily)
def daily_sales(context):
    return f"sales of {context.partition_key}"


@job(partitions_def=daily)
def daily_sales_job():
    daily_sales()


daily_sales_schedule = build_schedule_from_partitioned_job(
    job=daily_sales_job,
    name="daily_sales_schedule",
    description="each day",
    hour_of_day=2,
    minute_of_hour=0,
    timezone="America/New_York",
)


@schedule(cron_schedule="0 3 * * *")
def backfill_schedule(context):
    """No target, and requests that name neither a job nor a run that is not of a partition."""
    today = context.scheduled_execution_time.date()
    requests = []
    for i in range(7):
        key = (today - timedelta(days=i + 1)).strftime("%Y-%m-%d")
        requests.append(
            RunRequest(run_key=f"backfill_{key}", partition_key=key, tags={"run_type": "backfill"})
        )
    return requests


@schedule(job=nightly, cron_schedule="0 8 * * 1-5")
def business_days(context: ScheduleEvaluationContext):
    moment = context.scheduled_execution_time
    recent = context.instance.get_runs(
        filters=RunsFilter(job_name="nightly", created_after=moment - timedelta(days=1)), limit=5
    )
    failures = [run for run in recent if run.status == DagsterRunStatus.FAILURE]
    if len(failures) >= 3:
        context.log.warning(f"{len(failures)} failures")
        return SkipReason(f"too many failures ({len(failures)})")
    is_monday = moment.weekday() == 0
    return RunRequest(
        run_key=f"etl_{moment.date().strftime('%Y%m%d')}_{moment.hour}",
        run_config={
            "ops": {
                "extract": {
                    "config": {
                        "full": is_monday,
                        "batch": 5000 if is_monday else 1000,
                        "day": moment.date().isoformat(),
                    }
                }
            }
        },
        tags={"is_monday": str(is_monday), "schedule_time": moment.isoformat()},
    )


# a reference calls its schedule where it stands
test_context = build_schedule_context(
    scheduled_execution_time=datetime(2023, 1, 16, 8, 0), instance=DagsterInstance.ephemeral()
)
result = business_days(test_context)


# -- sensors ------------------------------------------------------------------------------------------------------


@sensor(job=files_in, minimum_interval_seconds=30)
def new_files(context: SensorEvaluationContext):
    found = []
    for path in sorted(glob.glob(f"{INBOX}/*.csv")):
        found.append({"path": path, "name": os.path.basename(path), "modified": os.stat(path).st_mtime})
    if not found:
        return SkipReason("no new files")
    context.log.info(f"{len(found)} files")
    return [
        RunRequest(
            run_key=f"file_{one['name']}_{int(one['modified'])}",
            run_config={"ops": {"take_in": {"config": {"input_file": one["path"]}}}},
            tags={"file_name": one["name"]},
        )
        for one in found
    ]


@sensor(job=sync, minimum_interval_seconds=300)
def api_watch(context):
    try:
        last_update = datetime.fromisoformat(FEED["last_update"])
        seen = context.cursor
        since = datetime.fromisoformat(seen) if seen else last_update - timedelta(hours=1)
        if last_update > since:
            context.update_cursor(last_update.isoformat())
            return RunRequest(run_key=f"sync_{int(last_update.timestamp())}", tags={"available": "true"})
        else:
            return SkipReason(f"no news since {since}")
    except Exception as error:
        context.log.error(f"failed: {error!s}")
        return SkipReason(f"failed: {error!s}")


@sensor(job=sync, minimum_interval_seconds=60)
def table_watch(context):
    since = context.cursor or (datetime.now() - timedelta(minutes=5)).isoformat()
    changes = [one for one in CHANGES if one["at"].isoformat() > since]
    if not changes:
        return SkipReason(f"no changes since {since}")
    latest = max(one["at"] for one in changes)
    context.update_cursor(latest.isoformat())
    by_table = {}
    for one in changes:
        by_table.setdefault(one["table"], []).append(one)
    return [
        RunRequest(run_key=f"{table}_{int(latest.timestamp())}", tags={"count": str(len(rows))})
        for table, rows in by_table.items()
    ]


# -- asset sensors ------------------------------------------------------------------------------------------------


@asset
def raw_sales():
    return 3


@asset_sensor(asset_key=AssetKey("raw_sales"), job=sync)
def sales_arrived(context, asset_event: EventLogEntry):
    asset_key = asset_event.dagster_event.asset_key
    materialization = asset_event.dagster_event.step_materialization_data.materialization
    count = None
    for entry in materialization.metadata_entries:
        if entry.label == "records":
            count = entry.entry_data.int_value
            break
    if count and count > 1000:
        context.log.info(f"{count} records")
        return RunRequest(
            run_key=f"analytics_{asset_event.storage_id}_{asset_event.timestamp}",
            tags={
                "by": str(asset_key),
                "count": str(count),
                "event_id": str(asset_event.storage_id),
                "is_materialization": str(
                    asset_event.dagster_event.event_type == DagsterEventType.ASSET_MATERIALIZATION
                ),
            },
        )
    else:
        return SkipReason(f"too few ({count})")


@asset_sensor(asset_key=AssetKey("processed_sales"), job=sync)
def all_fresh(context, asset_event):
    wanted = [AssetKey("customers"), AssetKey("processed_sales")]
    fresh = []
    for asset_key in wanted:
        latest = context.instance.get_latest_materialization_event(asset_key)
        if latest:
            if (datetime.now() - datetime.fromtimestamp(latest.timestamp)) < timedelta(hours=6):
                fresh.append(asset_key)
    if len(fresh) == len(wanted):
        return RunRequest(
            run_key=f"down_{int(asset_event.timestamp)}", tags={"fresh": ",".join([str(k) for k in fresh])}
        )
    return SkipReason(f"stale: {[str(k) for k in set(wanted) - set(fresh)]}")


@multi_asset_sensor(
    monitored_assets=[AssetKey(["raw", "users"]), AssetKey(["raw", "orders"])],
    job=sync,
)
def both_tables(context: MultiAssetSensorEvaluationContext):
    events = context.latest_materialization_records_by_key()
    cutoff = datetime.now() - timedelta(hours=1)
    fresh = []
    for asset_key, record in events.items():
        if record:
            moment = datetime.fromtimestamp(record.timestamp)
            if moment > cutoff:
                fresh.append(asset_key)
                context.log.info(f"{asset_key} at {moment}")
    if set(fresh) == {AssetKey(["raw", "users"]), AssetKey(["raw", "orders"])}:
        latest = max(record.timestamp for record in events.values() if record)
        return RunRequest(run_key=f"both_{int(latest)}", tags={"latest": str(latest)})
    return SkipReason("waiting")


@asset_sensor(asset_key=AssetKey("daily_sales"), job=daily_sales_job)
def per_partition(context, asset_event):
    materialization = asset_event.dagster_event.step_materialization_data.materialization
    key = materialization.partition if materialization else None
    if key:
        if key.startswith("2024-05"):
            return RunRequest(run_key=f"analytics_{key}", partition_key=key, tags={"month": "2024-05"})
        return SkipReason(f"{key} is history")
    return SkipReason("no partition")


# -- run status sensors -------------------------------------------------------------------------------------------


@run_failure_sensor(monitored_jobs=[nightly, doomed], default_status=DefaultSensorStatus.RUNNING)
def failure_alert(context: RunFailureSensorContext):
    failed_run, failure_event = context.dagster_run, context.failure_event
    moment = datetime.fromtimestamp(failure_event.timestamp)
    info = failure_event.dagster_event.engine_event_data
    message = info.error.message if info and info.error else "Unknown error"
    context.log.error(f"{failed_run.job_name}: {message}")
    MAILS.append(
        f"{failed_run.job_name} {failed_run.run_id} {moment.strftime('%Y-%m-%d')} {message} "
        f"{context.instance.get_run_url(failed_run.run_id)}"
    )


@run_status_sensor(
    monitored_jobs=[sync], run_status=DagsterRunStatus.SUCCESS, default_status=DefaultSensorStatus.RUNNING
)
def success_note(context):
    run = context.dagster_run
    start, end = run.start_time, run.end_time
    if start and end:
        duration = end - start
        if duration > timedelta(0):
            SLACK.append(f"{run.job_name} in {duration}")


@run_status_sensor(run_status=DagsterRunStatus.STARTED, monitored_jobs=[sync])
def scale_up(context: RunStatusSensorContext):
    run = context.dagster_run
    if run.job_name == "sync":
        context.log.info("up")
        SCALED.append((run.run_id, "up"))


defs = Definitions(
    assets=[daily_sales, raw_sales],
    jobs=[nightly, deployment, files_in, sync, doomed, daily_sales_job],
    schedules=[
        every_night, mondays, when_there_is_news, everywhere, with_every_argument, daily_sales_schedule,
        backfill_schedule, business_days,
    ],
    sensors=[
        new_files, api_watch, table_watch, sales_arrived, all_fresh, both_tables, per_partition, failure_alert,
        success_note, scale_up,
    ],
)  # fmt: skip


# -- tests as the reference writes them ---------------------------------------------------------------------------


def test_files():
    for name in ("test1.csv", "test2.csv"):
        (INBOX / name).touch()
    context = build_sensor_context(cursor="2023-01-01T00:00:00", instance=DagsterInstance.ephemeral())
    found = new_files(context)
    assert isinstance(found, list)
    assert len(found) == 2
    assert all(isinstance(request, RunRequest) for request in found)


def test_business_days():
    monday = business_days(
        build_schedule_context(
            scheduled_execution_time=datetime(2023, 1, 16, 8, 0), instance=DagsterInstance.ephemeral()
        )
    )
    assert isinstance(monday, RunRequest)
    assert monday.run_config["ops"]["extract"]["config"]["full"] == True  # noqa: E712
    tuesday = business_days(build_schedule_context(scheduled_execution_time=datetime(2023, 1, 17, 8, 0)))
    assert tuesday.run_config["ops"]["extract"]["config"]["full"] == False  # noqa: E712


def test_failure_alert(mock_failed_run, mock_failure_event):
    context = build_run_status_sensor_context(
        dagster_run=mock_failed_run, dagster_event=mock_failure_event, instance=DagsterInstance.ephemeral()
    )
    failure_alert(context)


from dagster import build_run_status_sensor_context, build_sensor_context  # noqa: E402
