from dagster import (
    AssetOut,
    AssetSpec,
    DailyPartitionsDefinition,
    Definitions,
    MaterializeResult,
    Output,
    multi_asset,
    materialize,
)

days = DailyPartitionsDefinition(start_date="2024-02-01", end_date="2024-02-04")


@multi_asset(
    specs=[AssetSpec("sales_fact"), AssetSpec("returns_fact")], partitions_def=days, group_name="facts"
)
def facts(context):
    for key in context.selected_asset_keys:
        yield MaterializeResult(asset_key=key, metadata={"day": context.partition_key})


@multi_asset(outs={"hot": AssetOut(), "cold": AssetOut()}, partitions_def=days)
def water(context):
    window = context.partition_time_window
    yield Output(window.start.isoformat(), "hot")
    yield Output(window.end.isoformat(), "cold")


defs = Definitions(assets=[facts, water])


def test_one_day():
    result = materialize([facts, water], partition_key="2024-02-02")
    assert result.output_for_node("water", "cold") == "2024-02-03T00:00:00+00:00"
    assert {event.partition for event in result.get_asset_materialization_events()} == {"2024-02-02"}
