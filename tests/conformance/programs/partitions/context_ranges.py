from dagster import (
    AssetExecutionContext,
    BackfillPolicy,
    DailyPartitionsDefinition,
    Definitions,
    PartitionKeyRange,
    StaticPartitionsDefinition,
    asset,
    build_asset_context,
    build_op_context,
    materialize,
    mem_io_manager,
)
import pytest

days = DailyPartitionsDefinition("2024-01-01")


@asset(partitions_def=days, backfill_policy=BackfillPolicy.single_run())
def whole_range(context: AssetExecutionContext):
    window = context.partition_time_window
    return {
        "keys": list(context.partition_keys),
        "range": [context.partition_key_range.start, context.partition_key_range.end],
        "window": [window.start.isoformat(), window.end.isoformat()],
    }


@asset(
    partitions_def=StaticPartitionsDefinition(["a", "b", "c"]), backfill_policy=BackfillPolicy.single_run()
)
def static_range(context):
    return list(context.partition_keys)


defs = Definitions(assets=[whole_range, static_range])
RANGE_TAGS = {
    "dagster/asset_partition_range_start": "2024-01-03",
    "dagster/asset_partition_range_end": "2024-01-06",
}


def test_range_run():
    result = materialize([whole_range], tags=RANGE_TAGS, resources={"io_manager": mem_io_manager})
    value = result.output_for_node("whole_range")
    assert value["keys"] == ["2024-01-03", "2024-01-04", "2024-01-05", "2024-01-06"]
    assert value["window"] == ["2024-01-03T00:00:00+00:00", "2024-01-07T00:00:00+00:00"]
    assert len(result.asset_materializations_for_node("whole_range")) == 4


def test_built_context():
    assert static_range(build_asset_context(partition_key_range=PartitionKeyRange("a", "b"))) == ["a", "b"]


def test_single_key_range():
    value = materialize([whole_range], partition_key="2024-01-04").output_for_node("whole_range")
    assert value["range"] == ["2024-01-04", "2024-01-04"]


def test_unpartitioned_has_none():
    @asset
    def lonely(context: AssetExecutionContext):
        assert not context.has_partition_key
        return context.partition_key

    with pytest.raises(Exception):
        materialize([lonely])
