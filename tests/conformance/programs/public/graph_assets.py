from dagster import (
    AssetIn,
    AssetKey,
    AssetOut,
    AssetsDefinition,
    GraphOut,
    In,
    Nothing,
    Out,
    Definitions,
    asset,
    graph,
    graph_asset,
    graph_multi_asset,
    materialize,
    op,
    Config,
    RetryPolicy,
)


class Num(Config):
    n: int = 5


@op
def fetch(config: Num) -> int:
    return config.n


@op(retry_policy=RetryPolicy(max_retries=1))
def plus_one(x: int) -> int:
    return x + 1


@op(out={"a": Out(), "b": Out()})
def two(x):
    return x, -x


@op(ins={"after": In(Nothing)})
def notify():
    return "sent"


@graph_asset(group_name="g", description="A number", metadata={"z": "y"}, tags={"q": "r"})
def number():
    return plus_one(plus_one(fetch()))


@graph_asset(ins={"n": AssetIn("number")}, key_prefix="out")
def bigger(n):
    return plus_one(n)


@graph_multi_asset(outs={"a": AssetOut(), "b": AssetOut(key=AssetKey(["bees", "b"]))}, group_name="pair")
def pair(number):
    a, b = two(number)
    return {"a": a, "b": b}


@graph(out={"done": GraphOut()})
def notify_graph(number):
    return notify(after=plus_one(number))


done = AssetsDefinition.from_graph(
    notify_graph, keys_by_output_name={"done": AssetKey("done")}, group_name="pair"
)


@op
def _made(up):
    return up * 2


doubled = AssetsDefinition.from_op(
    _made, keys_by_input_name={"up": AssetKey("number")}, keys_by_output_name={"result": AssetKey("doubled")}
)
defs = Definitions(assets=[number, bigger, pair, done, doubled])


def test_graphs():
    r = materialize(
        [number, bigger, pair, done, doubled],
        run_config={"ops": {"number": {"ops": {"fetch": {"config": {"n": 1}}}}}},
    )
    assert r.success
    assert r.asset_value("number") == 3
    assert r.output_for_node("number.plus_one_2") == 3
    assert r.output_for_node("pair", "b") == -3
    assert r.asset_value(AssetKey("doubled")) == 6
