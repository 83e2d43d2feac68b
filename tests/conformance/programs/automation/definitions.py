from dagster import (
    AssetCheckResult,
    AssetSelection,
    AssetSpec,
    AutomationCondition,
    AutomationConditionSensorDefinition,
    DailyPartitionsDefinition,
    DefaultSensorStatus,
    Definitions,
    asset,
    asset_check,
    observable_source_asset,
    DataVersion,
)


@asset(automation_condition=AutomationCondition.eager())
def eager_asset(): ...


@asset(
    automation_condition=AutomationCondition.on_cron("0 9 * * *", cron_timezone="Europe/Oslo"),
    deps=[eager_asset],
)
def cron_asset(): ...


@asset(
    automation_condition=AutomationCondition.on_missing(),
    deps=[cron_asset],
    partitions_def=DailyPartitionsDefinition("2024-01-01"),
)
def missing_asset(): ...


@asset(
    automation_condition=(
        AutomationCondition.cron_tick_passed("@hourly") & ~AutomationCondition.in_progress()
        | AutomationCondition.code_version_changed()
    ).with_label("hourly or new code"),
    deps=[eager_asset],
)
def composed(): ...


@asset_check(asset=eager_asset, automation_condition=AutomationCondition.eager())
def checked():
    return AssetCheckResult(passed=True)


@asset(
    automation_condition=AutomationCondition.any_deps_match(AutomationCondition.newly_updated()).since(
        AutomationCondition.newly_requested()
    ),
    deps=[composed],
)
def unlabelled(): ...


watched = AssetSpec("watched", automation_condition=AutomationCondition.data_version_changed())

every_minute = AutomationConditionSensorDefinition(
    "fast_sensor",
    target=AssetSelection.assets(eager_asset, cron_asset),
    minimum_interval_seconds=60,
    default_status=DefaultSensorStatus.RUNNING,
    run_tags={"via": "condition"},
)
rest = AutomationConditionSensorDefinition(
    name="rest_sensor",
    target=AssetSelection.all() - AssetSelection.assets(eager_asset, cron_asset),
    description="the others",
)

defs = Definitions(
    assets=[eager_asset, cron_asset, missing_asset, composed, unlabelled],
    asset_checks=[checked],
    sensors=[every_minute, rest],
)


def observe():
    eager = AutomationCondition.eager()
    return {
        "labels": [
            eager.get_label(),
            AutomationCondition.on_cron("@daily").get_label(),
            AutomationCondition.missing().get_label(),
            AutomationCondition.missing().with_label("gone").get_label(),
        ],
        "names": [
            AutomationCondition.missing().name,
            AutomationCondition.in_progress().name,
            (AutomationCondition.missing() & AutomationCondition.in_progress()).name,
            AutomationCondition.newly_updated().since_last_handled().name,
            (~AutomationCondition.missing()).name,
        ],
        "equal": [
            AutomationCondition.eager() == AutomationCondition.eager(),
            AutomationCondition.missing() == AutomationCondition.in_progress(),
        ],
        "without": AutomationCondition.eager().without(~AutomationCondition.any_deps_missing())
        != AutomationCondition.eager(),
        "methods": [
            hasattr(AutomationCondition, name)
            for name in (
                "any_deps_updated",
                "execution_failed",
                "in_latest_time_window",
                "initial_evaluation",
                "will_be_requested",
                "newly_missing",
                "all_deps_blocking_checks_passed",
            )
        ],
    }


def test_default_sensor_is_made():
    plain = Definitions(assets=[eager_asset, cron_asset])
    names = [sensor.name for sensor in plain.get_repository_def().sensor_defs]
    assert names == [] or names == ["default_automation_condition_sensor"]
