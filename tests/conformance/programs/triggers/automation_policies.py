"""Conditions as users combine them, and two sensors that evaluate them."""

from datetime import timedelta

import dagster as dg

days = dg.DailyPartitionsDefinition("2024-01-01")
eager_without_missing = dg.AutomationCondition.eager().without(~dg.AutomationCondition.any_deps_missing())
weekday_mornings = dg.AutomationCondition.on_cron("0 7 * * 1-5", "Europe/Berlin")
ignoring = dg.AutomationCondition.eager().ignore(dg.AssetSelection.assets("noisy"))
allowing = dg.AutomationCondition.on_cron("@hourly").allow(dg.AssetSelection.groups("core"))
any_partition = dg.AutomationCondition.eager().replace(
    "in_latest_time_window", dg.AutomationCondition.in_latest_time_window(timedelta(days=3))
)
failed_again = (
    dg.AutomationCondition.execution_failed() & ~dg.AutomationCondition.in_progress()
).since_last_handled()


@dg.asset(group_name="core")
def source(): ...


@dg.asset(group_name="side")
def noisy(): ...


@dg.asset(deps=[source, noisy], automation_condition=eager_without_missing)
def soon(): ...


@dg.asset(deps=[source], automation_condition=weekday_mornings)
def mornings(): ...


@dg.asset(deps=[source, noisy], automation_condition=ignoring)
def quiet(): ...


@dg.asset(deps=[source, noisy], automation_condition=allowing)
def chosen(): ...


@dg.asset(partitions_def=days, automation_condition=any_partition)
def daily(): ...


@dg.asset(deps=[source], automation_condition=failed_again)
def retried(): ...


@dg.asset_check(asset=soon, automation_condition=dg.AutomationCondition.eager())
def soon_check():
    return dg.AssetCheckResult(passed=True)


first = dg.AutomationConditionSensorDefinition(
    "first",
    target=dg.AssetSelection.assets("soon", "mornings"),
    minimum_interval_seconds=10,
    run_tags={"by": "first"},
)
second = dg.AutomationConditionSensorDefinition(
    "second",
    target=dg.AssetSelection.all() - dg.AssetSelection.assets("soon", "mornings"),
    default_status=dg.DefaultSensorStatus.RUNNING,
)
defs = dg.Definitions(
    assets=[source, noisy, soon, mornings, quiet, chosen, daily, retried],
    asset_checks=[soon_check],
    sensors=[first, second],
)


def test_story():
    instance = dg.DagsterInstance.ephemeral()
    result = dg.evaluate_automation_conditions(defs=defs, instance=instance)
    assert result.total_requested == 0
    for name in ("source", "noisy"):
        instance.report_runless_asset_event(dg.AssetMaterialization(name))
    result = dg.evaluate_automation_conditions(defs=defs, instance=instance, cursor=result.cursor)
    assert result.get_num_requested(dg.AssetKey("soon")) == 1
    assert result.get_num_requested(dg.AssetKey("quiet")) == 1
    assert result.get_num_requested(dg.AssetKey("mornings")) == 0
    assert result.get_num_requested(dg.AssetKey("daily")) == 0
    result = dg.evaluate_automation_conditions(defs=defs, instance=instance, cursor=result.cursor)
    assert result.total_requested == 0


def test_cron():
    from datetime import datetime

    instance = dg.DagsterInstance.ephemeral()
    time = datetime(2024, 3, 4, 5, 0)
    result = dg.evaluate_automation_conditions(
        defs=[source, mornings], instance=instance, evaluation_time=time
    )
    instance.report_runless_asset_event(dg.AssetMaterialization("source"))
    result = dg.evaluate_automation_conditions(
        defs=[source, mornings],
        instance=instance,
        evaluation_time=datetime(2024, 3, 4, 6, 1),
        cursor=result.cursor,
    )
    first_try = result.total_requested
    instance.report_runless_asset_event(dg.AssetMaterialization("source"))
    result = dg.evaluate_automation_conditions(
        defs=[source, mornings],
        instance=instance,
        evaluation_time=datetime(2024, 3, 4, 6, 5),
        cursor=result.cursor,
    )
    assert (first_try, result.total_requested) == (1, 0)


def observe():
    return {
        one.name: [one.minimum_interval_seconds, one.default_status.name, one.sensor_type.name]
        for one in (first, second)
    } | {
        "labels": [
            str(c.get_label()) for c in (eager_without_missing, weekday_mornings, ignoring, failed_again)
        ]
    }
