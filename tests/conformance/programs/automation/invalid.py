import pytest
from dagster import (
    AutoMaterializePolicy,
    AutomationCondition,
    AutomationConditionSensorDefinition,
    DagsterInvalidDefinitionError,
    Definitions,
    asset,
    AssetSelection,
    AssetSpec,
)


@asset(automation_condition=AutomationCondition.eager())
def fine(): ...


defs = Definitions(assets=[fine])


def test_bad_cron():
    with pytest.raises(Exception):
        AutomationCondition.on_cron("not a cron")


def test_both_kinds():
    with pytest.raises(Exception):

        @asset(
            automation_condition=AutomationCondition.eager(),
            auto_materialize_policy=AutoMaterializePolicy.eager(),
        )
        def both(): ...


def test_operator_with_other_type():
    with pytest.raises(Exception):
        AutomationCondition.eager() & "x"


def test_two_sensors_on_one_asset():
    sensors = [
        AutomationConditionSensorDefinition(name, target=AssetSelection.all()) for name in ("one", "two")
    ]
    with pytest.raises(DagsterInvalidDefinitionError):
        Definitions(assets=[fine], sensors=sensors).get_repository_def()


def test_wrong_argument():
    with pytest.raises(Exception):

        @asset(automation_condition="eager")
        def wrong(): ...
