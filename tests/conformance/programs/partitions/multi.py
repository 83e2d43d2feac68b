from dagster import (
    AssetExecutionContext,
    DailyPartitionsDefinition,
    Definitions,
    MultiPartitionKey,
    MultiPartitionsDefinition,
    StaticPartitionsDefinition,
    asset,
    define_asset_job,
    build_schedule_from_partitioned_job,
    materialize,
)

by_day_and_shop = MultiPartitionsDefinition(
    {
        "shop": StaticPartitionsDefinition(["berlin", "oslo"]),
        "date": DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-04"),
    }
)
two_static = MultiPartitionsDefinition(
    {"size": StaticPartitionsDefinition(["s", "l"]), "colour": StaticPartitionsDefinition(["red", "blue"])}
)


@asset(partitions_def=by_day_and_shop)
def takings(context: AssetExecutionContext):
    keys = context.partition_key.keys_by_dimension
    window = context.partition_time_window
    return {
        "date": keys["date"],
        "shop": keys["shop"],
        "start": window.start.isoformat(),
        "text": str(context.partition_key),
    }


@asset(partitions_def=two_static)
def stock(context):
    dimension_keys: dict = context.partition_key.keys_by_dimension
    context.add_output_metadata(dimension_keys)
    return sorted(dimension_keys.items())


@asset(partitions_def=by_day_and_shop)
def tax(takings):
    return takings["shop"]


shop_job = define_asset_job("shop_job", [takings, tax])
schedule = build_schedule_from_partitioned_job(shop_job, name="shops_daily", hour_of_day=2)
defs = Definitions(assets=[takings, stock, tax], jobs=[shop_job], schedules=[schedule])


def test_multi_key():
    result = materialize(
        [takings, tax], partition_key=MultiPartitionKey({"date": "2024-01-02", "shop": "oslo"})
    )
    assert result.output_for_node("takings") == {
        "date": "2024-01-02",
        "shop": "oslo",
        "start": "2024-01-02T00:00:00+00:00",
        "text": "2024-01-02|oslo",
    }
    assert result.dagster_run.tags["dagster/partition/shop"] == "oslo"


def test_string_key():
    assert materialize([stock], partition_key="red|l").output_for_node("stock") == [
        ("colour", "red"),
        ("size", "l"),
    ]


def observe():
    key = MultiPartitionKey({"size": "s", "colour": "blue"})
    return {
        "key": str(key),
        "by_dimension": key.keys_by_dimension,
        "names": by_day_and_shop.partition_dimension_names,
        "all": [str(one) for one in by_day_and_shop.get_partition_keys()],
        "static": [str(one) for one in two_static.get_partition_keys()],
        "count": by_day_and_shop.get_num_partitions(),
        "from_string": by_day_and_shop.get_partition_key_from_str("2024-01-01|berlin").keys_by_dimension,
        "dimension": by_day_and_shop.get_partitions_def_for_dimension("shop").get_partition_keys(),
        "has": [two_static.has_partition_key("red|s"), two_static.has_partition_key("green|s")],
    }


def test_three_dimensions_are_too_many():
    import pytest
    from dagster import DagsterInvalidInvocationError

    static = StaticPartitionsDefinition(["x"])
    with pytest.raises(DagsterInvalidInvocationError):
        MultiPartitionsDefinition({"a": static, "b": static, "c": static})
