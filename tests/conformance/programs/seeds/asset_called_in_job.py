from dagster import (
    Definitions,
    DailyPartitionsDefinition,
    asset,
    job,
    op,
    build_schedule_from_partitioned_job,
)


@asset
def plain_asset():
    return 5


@op
def after(value):
    return value + 1


@job
def calls_asset():
    after(plain_asset())


defs = Definitions(assets=[plain_asset], jobs=[calls_asset])


def test_runs_as_op():
    result = calls_asset.execute_in_process()
    assert result.output_for_node("after") == 6
    assert result.get_asset_materialization_events() == []
