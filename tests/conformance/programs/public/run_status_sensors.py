from dagster import (
    DagsterRunStatus,
    DefaultSensorStatus,
    Definitions,
    RunFailureSensorContext,
    RunRequest,
    RunStatusSensorContext,
    SkipReason,
    build_run_status_sensor_context,
    DagsterInstance,
    job,
    op,
    run_failure_sensor,
    run_status_sensor,
    make_email_on_run_failure_sensor,
    sensor,
    asset,
    asset_sensor,
    EventLogEntry,
    AssetKey,
    multi_asset_sensor,
    MultiAssetSensorEvaluationContext,
)

MESSAGES = []


@op
def ok():
    return 1


@op
def bad():
    raise ValueError("exploded")


@job(tags={"team": "x"})
def good_job():
    ok()


@job
def bad_job():
    bad()


@job
def report_job():
    ok.alias("report")()


@run_failure_sensor(default_status=DefaultSensorStatus.RUNNING)
def alert_on_failure(context: RunFailureSensorContext):
    MESSAGES.append(f"{context.dagster_run.job_name} failed: {context.failure_event.message}")
    steps = [e.step_key for e in context.get_step_failure_events()]
    return SkipReason(",".join(steps))


@run_failure_sensor(monitored_jobs=[bad_job], request_job=report_job, minimum_interval_seconds=20)
def rerun(context):
    return RunRequest(run_key=None, tags={"of": context.dagster_run.job_name})


@run_status_sensor(run_status=DagsterRunStatus.SUCCESS, request_job=report_job)
def after_success(context: RunStatusSensorContext):
    if context.dagster_run.job_name == "report_job":
        return SkipReason("not itself")
    return RunRequest(run_key="k", tags={"team": context.dagster_run.tags.get("team", "?")})


@asset
def table():
    return 1


@asset_sensor(asset_key=AssetKey("table"), job=report_job)
def table_sensor(context, asset_event: EventLogEntry):
    assert asset_event.dagster_event and asset_event.dagster_event.asset_key
    yield RunRequest(
        run_key=context.cursor, tags={"asset": asset_event.dagster_event.asset_key.to_user_string()}
    )


@multi_asset_sensor(monitored_assets=[AssetKey("table")], job=report_job)
def tables_sensor(context: MultiAssetSensorEvaluationContext):
    events = context.latest_materialization_records_by_key()
    if all(events.values()):
        context.advance_all_cursors()
        return RunRequest(run_key="all")
    return SkipReason("not yet")


email = make_email_on_run_failure_sensor(email_from="a@b.c", email_password="x", email_to=["d@e.f"])
defs = Definitions(
    assets=[table],
    jobs=[good_job, bad_job, report_job],
    sensors=[alert_on_failure, rerun, after_success, table_sensor, tables_sensor],
)


def test_failure():
    MESSAGES.clear()
    instance = DagsterInstance.ephemeral()
    r = bad_job.execute_in_process(instance=instance, raise_on_error=False)
    ctx = build_run_status_sensor_context(
        sensor_name="alert_on_failure",
        dagster_instance=instance,
        dagster_run=r.dagster_run,
        dagster_event=r.get_job_failure_event()
        if hasattr(r, "get_job_failure_event")
        else r.get_run_failure_event(),
    ).for_run_failure()
    out = alert_on_failure(ctx)
    assert out.skip_message == "bad"
    assert MESSAGES[0].startswith("bad_job failed: ")


def observe():
    return [email.name, rerun.name, rerun.job_name, MESSAGES]
