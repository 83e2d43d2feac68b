import pytest
from dagster import (
    DagsterInvalidDefinitionError,
    Definitions,
    ScheduleDefinition,
    SourceAsset,
    asset,
    define_asset_job,
    job,
    op,
    sensor,
)
from dagster._check import CheckError


@asset
def a(): ...


@op
def o(): ...


@job
def j():
    o()


defs = Definitions(assets=[a], jobs=[j])


def test_wrong_types():
    with pytest.raises(Exception):
        Definitions(assets=[5])
    with pytest.raises(Exception):
        Definitions(jobs=["j"])
    with pytest.raises(Exception):
        Definitions(assets=a)


def test_same_job_name():
    @job(name="j")
    def other():
        o.alias("x")()

    with pytest.raises(DagsterInvalidDefinitionError):
        Definitions(jobs=[j, other]).get_repository_def()


def test_job_and_sensor_share_a_name():
    @sensor(job=j, name="j")
    def s(context): ...

    Definitions(jobs=[j], sensors=[s]).get_repository_def()


def test_schedule_and_sensor_share_a_name():
    @sensor(job=j, name="same")
    def s(context): ...

    with pytest.raises(DagsterInvalidDefinitionError):
        Definitions(
            jobs=[j], sensors=[s], schedules=[ScheduleDefinition("same", job=j, cron_schedule="@daily")]
        ).get_repository_def()


def test_source_asset_and_asset():
    Definitions(assets=[a, SourceAsset("a")]).get_repository_def()


def test_asset_argument_without_asset():
    @asset
    def needs(ghost):
        return ghost

    with pytest.raises(DagsterInvalidDefinitionError):
        Definitions(assets=[needs]).get_repository_def()


def test_double_same_object_is_fine():
    Definitions(assets=[a, a]).get_repository_def()


def test_error_family():
    from dagster import DagsterError, DagsterInvariantViolationError

    assert issubclass(DagsterInvalidDefinitionError, DagsterError)
    assert issubclass(DagsterInvariantViolationError, DagsterError)
    assert not issubclass(CheckError, DagsterError)
