from dagster import (
    DagsterEventType,
    DagsterInstance,
    DagsterRunStatus,
    DefaultSensorStatus,
    Definitions,
    RunFailureSensorContext,
    RunRequest,
    RunStatusSensorContext,
    SkipReason,
    asset,
    build_run_status_sensor_context,
    define_asset_job,
    job,
    op,
    run_failure_sensor,
    run_status_sensor,
)

SENT = []


@op
def works():
    return 1


@op
def breaks():
    raise RuntimeError("the disk is full")


@job(tags={"team": "blue"})
def good():
    works()


@job
def bad():
    breaks()


@op(config_schema={"message": str})
def report(context): ...


@job
def reporting():
    report()


@run_failure_sensor
def on_any_failure(context: RunFailureSensorContext):
    SENT.append(context.failure_event.message)
    return f"{context.dagster_run.job_name} {context.failure_event.event_type_value}"


@run_failure_sensor(
    monitored_jobs=[bad],
    request_job=reporting,
    name="failure_report",
    default_status=DefaultSensorStatus.RUNNING,
)
def reports(context: RunFailureSensorContext):
    errors = [event.step_key for event in context.get_step_failure_events()]
    return RunRequest(
        run_key=f"{context.dagster_run.job_name}",
        run_config={"ops": {"report": {"config": {"message": ",".join(errors)}}}},
    )


@run_status_sensor(run_status=DagsterRunStatus.SUCCESS, monitored_jobs=[good], request_job=reporting)
def after_good(context: RunStatusSensorContext):
    if context.dagster_run.job_name == reporting.name:
        return SkipReason("do not follow itself")
    context.log.info("following %s", context.dagster_run.run_id)
    return RunRequest(
        run_key="after",
        run_config={"ops": {"report": {"config": {"message": context.dagster_run.tags.get("team", "none")}}}},
    )


@run_status_sensor(
    run_status=DagsterRunStatus.SUCCESS,
    monitor_all_code_locations=True,
    minimum_interval_seconds=60,
    description="all of them",
)
def everywhere(context):
    return [
        context.dagster_run.status.value,
        context.dagster_event.event_type_value,
        context.sensor_name,
        context.dagster_event.event_type == DagsterEventType.RUN_SUCCESS,
    ]


@run_status_sensor(run_status=DagsterRunStatus.STARTED)
def on_start(context):
    SENT.append("started")


@run_status_sensor(run_status=DagsterRunStatus.CANCELED, default_status=DefaultSensorStatus.RUNNING)
def on_cancel(context):
    pass


defs = Definitions(
    jobs=[good, bad, reporting],
    sensors=[on_any_failure, reports, after_good, everywhere, on_start, on_cancel],
)


def test_failure_sensor():
    instance = DagsterInstance.ephemeral()
    result = bad.execute_in_process(instance=instance, raise_on_error=False)
    context = build_run_status_sensor_context(
        sensor_name="on_any_failure",
        dagster_instance=instance,
        dagster_run=result.dagster_run,
        dagster_event=result.get_run_failure_event(),
    ).for_run_failure()
    on_any_failure(context)
    assert "bad" in SENT[-1] or SENT[-1]
    assert [event.step_key for event in context.get_step_failure_events()] == ["breaks"]
    assert context.dagster_run.status == DagsterRunStatus.FAILURE


def test_success_sensor():
    instance = DagsterInstance.ephemeral()
    result = good.execute_in_process(instance=instance)
    context = build_run_status_sensor_context(
        sensor_name="after_good",
        dagster_instance=instance,
        dagster_run=result.dagster_run,
        dagster_event=result.get_run_success_event(),
    )
    assert after_good(context).run_config["ops"]["report"]["config"]["message"] == "blue"
    assert context.instance is instance
