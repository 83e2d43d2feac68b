"""Assets called inside a job, materialisations yielded from ops, graph-backed assets, ops that load assets."""

from dagster import (
    AssetExecutionContext,
    AssetIn,
    AssetKey,
    AssetMaterialization,
    AssetObservation,
    AssetSelection,
    AssetsDefinition,
    Definitions,
    GraphOut,
    In,
    MaterializeResult,
    Nothing,
    OpExecutionContext,
    Out,
    Output,
    SourceAsset,
    asset,
    define_asset_job,
    graph,
    graph_asset,
    graph_multi_asset,
    AssetOut,
    job,
    op,
)

emails = SourceAsset("emails")


@op
def fetch():
    return [1, 2, 3]


@op
def clean(rows):
    return [r for r in rows if r > 1]


@op
def persist(context: OpExecutionContext, rows):
    context.log_event(
        AssetMaterialization(
            asset_key="persisted",
            description="Persisted result",
            metadata={"rows": len(rows)},
            partition="2024-01-01",
            tags={"t": "1"},
        )
    )
    context.log_event(AssetObservation(asset_key=["seen", "there"], metadata={"n": 1}))
    return rows


@op
def old_style(context, rows):
    yield AssetMaterialization(
        asset_key="old", metadata={"text": "x", "float": 1.5, "flag": True, "none": None}
    )
    yield Output(len(rows), metadata={"count": len(rows)})


@job
def op_job():
    old_style(persist(clean(fetch())))


@graph_asset(group_name="made", description="of a graph", tags={"a": "b"})
def from_graph():
    return clean(fetch())


@op(out={"left": Out(), "right": Out()})
def halves(rows):
    return rows[:1], rows[1:]


@graph_multi_asset(outs={"left": AssetOut(key="left_half"), "right": AssetOut()})
def both_halves(from_graph):
    left, right = halves(from_graph)
    return {"left": left, "right": right}


@asset(deps=["left_half", from_graph])
def last(context: AssetExecutionContext) -> MaterializeResult:
    return MaterializeResult(metadata={"key": context.asset_key.to_user_string()}, tags={"x": "y"})


@graph
def counting():
    return old_style(fetch())


counted = AssetsDefinition.from_graph(
    counting, keys_by_output_name={"result": AssetKey("counted")}, group_name="g2"
)


@op(ins={"rows": In(asset_key=AssetKey("from_graph"))}) if False else op
def size(rows):
    return len(rows)


@job
def uses_source():
    size(from_graph.to_source_asset()) if False else size(fetch())


all_job = define_asset_job("all_job", selection=AssetSelection.all() - AssetSelection.assets("counted"))

defs = Definitions(
    assets=[from_graph, both_halves, last, counted, emails], jobs=[op_job, all_job, uses_source]
)


def test_graph_asset_call():
    from dagster import materialize

    result = materialize([from_graph, both_halves, last])
    assert result.success
    assert result.output_for_node("from_graph") == [2, 3]
    assert result.output_for_node("both_halves", "right") == [3]
    assert result.asset_value("left_half") == [2]
    assert result.output_for_node("from_graph.clean") == [2, 3]
