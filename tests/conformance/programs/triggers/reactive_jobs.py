"""Run status sensors that start other jobs, with selectors and resources."""

from dagster import (
    CodeLocationSelector,
    ConfigurableResource,
    DagsterRunStatus,
    Definitions,
    JobSelector,
    RunRequest,
    RunStatusSensorContext,
    SkipReason,
    job,
    op,
    run_failure_sensor,
    run_status_sensor,
)


class Pager(ConfigurableResource):
    number: str

    def call(self, text):
        return f"{self.number}: {text}"


@op
def load():
    return 1


@op
def report(context):
    return context.run_id


@job
def loading():
    load()


@job
def reporting():
    report()


@job
def cleaning():
    report()


@run_status_sensor(run_status=DagsterRunStatus.SUCCESS, monitored_jobs=[loading], request_job=reporting)
def after_loading(context: RunStatusSensorContext):
    if context.dagster_run.job_name == "reporting":
        return SkipReason("never in a circle")
    return RunRequest(run_key=None, tags={"after": context.dagster_run.job_name})


@run_status_sensor(
    run_status=DagsterRunStatus.SUCCESS, request_jobs=[reporting, cleaning], monitored_jobs=[loading]
)
def both_after(context):
    yield RunRequest(run_key="r", job_name="reporting")
    yield RunRequest(run_key="c", job_name="cleaning")


@run_status_sensor(
    run_status=DagsterRunStatus.STARTED,
    monitored_jobs=[
        JobSelector(location_name="other", job_name="theirs"),
        CodeLocationSelector(location_name="third"),
    ],
)
def elsewhere(context): ...


@run_failure_sensor(monitor_all_code_locations=True)
def everywhere(context, pager: Pager):
    return SkipReason(pager.call(context.dagster_run.job_name))


defs = Definitions(
    jobs=[loading, reporting, cleaning],
    sensors=[after_loading, both_after, elsewhere, everywhere],
    resources={"pager": Pager(number="112")},
)


def test_status_is_required():
    import pytest

    with pytest.raises(TypeError):
        run_status_sensor(name="x")


def observe():
    return [[one.name, one.sensor_type.name] for one in (after_loading, both_after, elsewhere, everywhere)]
