from dagster import (
    Definitions,
    asset,
    asset_check,
    AssetCheckResult,
    define_asset_job,
    ScheduleDefinition,
    ResourceDefinition,
    sensor,
    SkipReason,
    in_process_executor,
    job,
    op,
    logger,
    DagsterInvariantViolationError,
)
import pytest


@asset
def one():
    return 1


@asset(required_resource_keys={"shared"})
def two(context, one):
    return context.resources.shared + one


@asset_check(asset=one)
def one_is_one(one):
    return AssetCheckResult(passed=one == 1)


two_job = define_asset_job("two_job", "*two")
shared = ResourceDefinition.hardcoded_resource(40)

left = Definitions(assets=[one], asset_checks=[one_is_one], resources={"shared": shared})
right = Definitions(
    assets=[two],
    jobs=[two_job],
    schedules=[ScheduleDefinition(job=two_job, cron_schedule="@daily")],
    resources={"shared": shared},
    executor=in_process_executor,
)
defs = Definitions.merge(left, right, Definitions(metadata={"team": "x"}))


def test_lookup():
    assert defs.get_job_def("two_job").name == "two_job"
    assert defs.get_schedule_def("two_job_schedule").cron_schedule == "@daily"
    assert defs.get_assets_def("two").key.path == ["two"]
    assert defs.get_job_def("two_job").execute_in_process().output_for_node("two") == 41
    assert defs.get_asset_checks_def(one_is_one.check_key) is not None


def test_conflicting_resources():
    other = Definitions(resources={"shared": ResourceDefinition.hardcoded_resource(1)})
    with pytest.raises(DagsterInvariantViolationError):
        Definitions.merge(left, other)


def test_two_executors():
    from dagster import multiprocess_executor

    with pytest.raises(DagsterInvariantViolationError):
        Definitions.merge(right, Definitions(executor=multiprocess_executor))


def test_unknown():
    with pytest.raises(Exception):
        defs.get_job_def("nope")


def observe():
    return {
        "asset_keys": sorted(spec.key.to_user_string() for spec in defs.resolve_all_asset_specs()),
        "counts": [
            len(list(defs.assets or [])),
            len(list(defs.jobs or [])),
            len(list(defs.asset_checks or [])),
        ],
        "metadata": sorted(defs.metadata or {}),
        "resources": sorted(defs.resources),
        "has_implicit": defs.has_implicit_global_asset_job_def(),
    }
