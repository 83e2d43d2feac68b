import datetime

from dagster import (
    AutomationCondition,
    DagsterInstance,
    DailyPartitionsDefinition,
    Definitions,
    DynamicPartitionsDefinition,
    StaticPartitionsDefinition,
    asset,
    evaluate_automation_conditions,
    materialize,
)

letters = StaticPartitionsDefinition(["a", "b", "c"])
days = DailyPartitionsDefinition("2024-01-01")


@asset(partitions_def=letters, automation_condition=AutomationCondition.missing())
def lettered(): ...


@asset(
    partitions_def=days,
    automation_condition=AutomationCondition.in_latest_time_window() & AutomationCondition.missing(),
)
def latest_day(): ...


@asset(
    partitions_def=days,
    automation_condition=AutomationCondition.in_latest_time_window(lookback_delta=datetime.timedelta(days=3)),
)
def last_days(): ...


@asset(partitions_def=letters, automation_condition=AutomationCondition.on_missing(), deps=[lettered])
def after_letters(): ...


defs = Definitions(assets=[lettered, latest_day, last_days, after_letters])


def requested(result, asset_def):
    return sorted(result.get_requested_partitions(asset_def.key))


def observe():
    instance = DagsterInstance.ephemeral()
    now = datetime.datetime(2024, 3, 15, 12, tzinfo=datetime.timezone.utc)
    shown = {}
    result = evaluate_automation_conditions(defs=defs, instance=instance, evaluation_time=now)
    shown["first"] = [requested(result, one) for one in (lettered, latest_day, last_days, after_letters)]
    materialize([lettered], partition_key="b", instance=instance)
    materialize([latest_day], partition_key="2024-03-14", instance=instance)
    result = evaluate_automation_conditions(
        defs=defs, instance=instance, evaluation_time=now, cursor=result.cursor
    )
    shown["second"] = [requested(result, one) for one in (lettered, latest_day, last_days, after_letters)]
    result = evaluate_automation_conditions(
        defs=defs, instance=instance, evaluation_time=now + datetime.timedelta(days=1), cursor=result.cursor
    )
    shown["next_day"] = [requested(result, one) for one in (lettered, latest_day, last_days, after_letters)]
    return shown
