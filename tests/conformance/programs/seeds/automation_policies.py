"""Policies and conditions in the forms that an API reference of automation shows, where they exist."""

import pytest
from dagster import AutoMaterializePolicy, AutoMaterializeRule, AutomationCondition, Definitions, asset


@asset
def source(): ...


@asset(auto_materialize_policy=AutoMaterializePolicy.eager())
def eager(source): ...


@asset(auto_materialize_policy=AutoMaterializePolicy.lazy())
def lazy(source): ...


@asset(
    auto_materialize_policy=AutoMaterializePolicy(
        rules={
            AutoMaterializeRule.materialize_on_parent_updated(),
            AutoMaterializeRule.materialize_on_required_for_freshness(),
            AutoMaterializeRule.skip_on_parent_missing(),
            AutoMaterializeRule.skip_on_not_all_parents_updated_since_cron("0 18 * * *"),
        }
    )
)
def by_rules(source): ...


@asset(
    automation_condition=(
        AutomationCondition.any_deps_updated()
        & AutomationCondition.cron_tick_passed("0 0 * * *")
        & ~AutomationCondition.newly_updated().since(AutomationCondition.cron_tick_passed("0 18 * * *"))
        & AutomationCondition.all_deps_blocking_checks_passed()
    )
)
def sophisticated(source): ...


@asset(
    automation_condition=AutomationCondition.any_deps_updated()
    | (
        AutomationCondition.missing()
        & ~AutomationCondition.any_deps_missing()
        & AutomationCondition.cron_tick_passed("0 2 * * 6")
    )
)
def refilled(source): ...


@asset(
    automation_condition=AutomationCondition.any_deps_updated()
    & ~AutomationCondition.execution_failed()
    .newly_true()
    .since(AutomationCondition.cron_tick_passed("0 0 * * *"))
)
def careful(source): ...


defs = Definitions(assets=[source, eager, lazy, by_rules, sophisticated, refilled, careful])


def test_what_does_not_exist():
    with pytest.raises(AttributeError):
        AutoMaterializePolicy.from_rules([])
    with pytest.raises(AttributeError):
        AutomationCondition.materialized_since_cron("0 0 * * *")
    with pytest.raises(TypeError):
        AutoMaterializeRule.skip_on_parent_outdated(minutes=360)
    with pytest.raises(Exception):
        AutoMaterializePolicy(rules=[AutoMaterializeRule.skip_on_parent_missing()])
