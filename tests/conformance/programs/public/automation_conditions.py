from dagster import (
    AssetSelection,
    AutomationCondition,
    AutomationConditionSensorDefinition,
    DagsterInstance,
    DailyPartitionsDefinition,
    DefaultSensorStatus,
    Definitions,
    asset,
    evaluate_automation_conditions,
    materialize,
    asset_check,
    AssetSpec,
)


@asset(automation_condition=AutomationCondition.on_cron("0 * * * *"))
def hourly():
    return 1


@asset(automation_condition=AutomationCondition.eager())
def eager(hourly):
    return hourly


@asset(
    automation_condition=AutomationCondition.on_missing() & ~AutomationCondition.in_progress(), deps=[eager]
)
def missing():
    return 1


@asset(
    automation_condition=(
        AutomationCondition.any_deps_updated().since(AutomationCondition.newly_requested())
        & ~AutomationCondition.any_deps_missing()
    ).with_label("custom"),
    deps=[eager, missing],
)
def custom():
    return 1


@asset(
    automation_condition=AutomationCondition.eager()
    .without(~AutomationCondition.in_progress())
    .replace("newly_updated", AutomationCondition.newly_missing()),
    deps=[eager],
)
def replaced():
    return 1


@asset(
    automation_condition=AutomationCondition.eager().ignore(AssetSelection.assets("missing")),
    deps=[missing, eager],
)
def ignoring():
    return 1


@asset_check(asset=hourly, automation_condition=AutomationCondition.eager())
def hourly_check():
    return True


sensor = AutomationConditionSensorDefinition(
    "my_sensor",
    target=AssetSelection.all(),
    default_status=DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
)
defs = Definitions(
    assets=[hourly, eager, missing, custom, replaced, ignoring], asset_checks=[hourly_check], sensors=[sensor]
)


def test_eager():
    instance = DagsterInstance.ephemeral()
    d = Definitions(assets=[hourly, eager])
    r = evaluate_automation_conditions(defs=d, instance=instance)
    assert r.total_requested == 0
    materialize([hourly], instance=instance)
    r = evaluate_automation_conditions(defs=d, instance=instance, cursor=r.cursor)
    assert r.get_num_requested(eager.key) == 1
    r = evaluate_automation_conditions(defs=d, instance=instance, cursor=r.cursor)
    assert r.total_requested == 0


def test_missing():
    instance = DagsterInstance.ephemeral()

    @asset(automation_condition=AutomationCondition.on_missing())
    def a(): ...

    @asset(automation_condition=AutomationCondition.on_missing(), deps=[a])
    def b(): ...

    r = evaluate_automation_conditions(defs=[a, b], instance=instance)
    assert r.total_requested == 2


def observe():
    return [
        {"class": type(AutomationCondition.eager()).__name__},
        hourly.automation_conditions_by_key[hourly.key].get_label(),
        AutomationCondition.missing().name,
        (AutomationCondition.missing() | AutomationCondition.in_progress()).get_label(),
        AutomationCondition.cron_tick_passed("0 * * * *").name,
    ]
