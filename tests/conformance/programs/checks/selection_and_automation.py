from dagster import (
    AssetCheckKey,
    AssetCheckResult,
    AssetSelection,
    AutomationCondition,
    Definitions,
    asset,
    asset_check,
    define_asset_job,
    materialize,
    ScheduleDefinition,
)


@asset
def a():
    return 1


@asset
def b(a):
    return 2


@asset_check(asset=a, automation_condition=AutomationCondition.cron_tick_passed("@daily"))
def a_one():
    return AssetCheckResult(passed=True)


@asset_check(asset=a)
def a_two(a):
    return AssetCheckResult(passed=False)


@asset_check(asset=b)
def b_one(b):
    return AssetCheckResult(passed=True)


jobs = [
    define_asset_job("checks_of_a", AssetSelection.checks_for_assets(a)),
    define_asset_job("one_check", AssetSelection.checks(a_one)),
    define_asset_job("a_only", AssetSelection.assets(a) - AssetSelection.all_asset_checks()),
    define_asset_job("a_and_its", AssetSelection.assets(a)),
    define_asset_job("by_key", AssetSelection.checks(AssetCheckKey(b.key, "b_one"))),
    define_asset_job("all_checks", AssetSelection.all_asset_checks()),
]
defs = Definitions(
    assets=[a, b],
    asset_checks=[a_one, a_two, b_one],
    jobs=jobs,
    schedules=[ScheduleDefinition(job=jobs[0], cron_schedule="@daily")],
)


def test_only_check():
    result = materialize([a, b, a_one, a_two], selection=AssetSelection.checks(a_one))
    assert [one.check_name for one in result.get_asset_check_evaluations()] == ["a_one"]
    assert result.get_asset_materialization_events() == []
