from dagster import (
    AssetIn,
    AssetKey,
    AssetOut,
    AutomationCondition,
    Definitions,
    In,
    Out,
    Output,
    asset,
    graph_asset,
    graph_multi_asset,
    op,
)


@op
def download(context):
    context.log.info("downloading")
    return [4, 5, 6]


@op
def keep_even(values):
    return [value for value in values if value % 2 == 0]


@op
def add(values, extra: int):
    return [value + extra for value in values]


@op(out={"smallest": Out(), "largest": Out()})
def ends(values):
    return min(values), max(values)


@asset
def offset() -> int:
    return 100


@graph_asset(
    group_name="measured", tags={"origin": "graph"}, description="From a graph of ops.", kinds={"python"}
)
def even_values():
    return keep_even(download())


@graph_asset(
    name="shifted_values",
    key_prefix="derived",
    ins={"values": AssetIn(key="even_values"), "extra": AssetIn("offset")},
    automation_condition=AutomationCondition.eager(),
)
def shift(values, extra):
    return add(values, extra)


@graph_multi_asset(
    outs={
        "lowest": AssetOut(description="the low end"),
        "highest": AssetOut(key=AssetKey(["derived", "highest"])),
    },
    ins={"numbers": AssetIn(AssetKey(["derived", "shifted_values"]))},
    group_name="measured",
)
def extremes(numbers):
    low, high = ends(numbers)
    return {"lowest": low, "highest": high}


@asset
def gap(lowest):
    return lowest


defs = Definitions(assets=[offset, even_values, shift, extremes, gap])


def test_run():
    from dagster import materialize

    result = materialize([offset, even_values, shift, extremes, gap])
    assert result.output_for_node("gap") == 104
    assert result.is_node_success("even_values.keep_even")
