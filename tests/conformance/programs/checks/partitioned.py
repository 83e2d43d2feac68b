from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetCheckSpec,
    DailyPartitionsDefinition,
    Definitions,
    asset,
    asset_check,
    materialize,
    StaticPartitionsDefinition,
    MaterializeResult,
)

days = DailyPartitionsDefinition("2024-01-01")


@asset(partitions_def=days)
def readings(context):
    return {"key": context.partition_key}


@asset_check(asset=readings, partitions_def=days)
def one_day_at_a_time(context: AssetCheckExecutionContext, readings):
    return AssetCheckResult(
        passed=readings["key"] == context.partition_key, metadata={"key": context.partition_key}
    )


@asset_check(asset=readings)
def about_everything():
    return AssetCheckResult(passed=True)


@asset(partitions_def=days, check_specs=[AssetCheckSpec("inline", asset="samples")])
def samples(context):
    yield MaterializeResult(check_results=[AssetCheckResult(passed=context.partition_key < "2024-06-01")])


defs = Definitions(assets=[readings, samples], asset_checks=[one_day_at_a_time, about_everything])


def test_partition():
    result = materialize([readings, samples, one_day_at_a_time], partition_key="2024-02-02")
    assert {one.check_name: one.passed for one in result.get_asset_check_evaluations()} == {
        "one_day_at_a_time": True,
        "inline": True,
    }
