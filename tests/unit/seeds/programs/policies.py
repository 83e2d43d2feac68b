"""When to make assets, as an older API reference writes it: policies from rules, and conditions that Dagster lacks."""

from dagster import AutomationCondition, AutoMaterializePolicy, AutoMaterializeRule, Definitions, asset


@asset
def source():
    return 1


@asset(auto_materialize_policy=AutoMaterializePolicy.eager())
def eager_asset(source):
    return source


@asset(auto_materialize_policy=AutoMaterializePolicy.lazy())
def lazy_asset(source):
    return source


@asset(
    auto_materialize_policy=AutoMaterializePolicy.from_rules(
        [
            AutoMaterializeRule.materialize_on_parent_updated(),
            AutoMaterializeRule.materialize_on_required_for_freshness(),
            AutoMaterializeRule.skip_on_parent_missing(),
            AutoMaterializeRule.skip_on_parent_outdated(),
        ]
    )
)
def by_rules(source):
    return source


@asset(
    auto_materialize_policy=AutoMaterializePolicy.from_rules(
        [
            AutoMaterializeRule.materialize_on_cron("0 2 * * *"),
            AutoMaterializeRule.skip_on_parent_outdated(minutes=360),
        ]
    )
)
def nightly_summary(source):
    return source


@asset(
    auto_materialize_policy=AutoMaterializePolicy.from_rules(
        [
            AutoMaterializeRule.materialize_on_parent_updated(),
            AutoMaterializeRule.skip_on_not_all_parents_updated_since_cron("0 18 * * *"),
        ]
    )
)
def batched(source):
    return source


@asset(
    automation_condition=(
        AutomationCondition.parent_newer()
        & AutomationCondition.cron_tick_passed("0 0 * * *")
        & ~AutomationCondition.materialized_since_cron("0 18 * * *")
        & AutomationCondition.all_deps_blocking_checks_passed()
    )
)
def sophisticated(source):
    return source


@asset(
    automation_condition=(
        AutomationCondition.parent_newer()
        & AutomationCondition.all_deps_blocking_checks_passed()
        & ~AutomationCondition.failed_since_cron("0 0 * * *")
    )
)
def gated(source):
    return source


@asset(
    automation_condition=(
        AutomationCondition.parent_newer()
        | (
            AutomationCondition.missing()
            & AutomationCondition.parent_materialized()
            & AutomationCondition.cron_tick_passed("0 2 * * 6")
        )
    )
)
def refilled(source):
    return source


defs = Definitions(
    assets=[
        source, eager_asset, lazy_asset, by_rules, nightly_summary, batched, sophisticated, gated, refilled,
    ]
)  # fmt: skip
