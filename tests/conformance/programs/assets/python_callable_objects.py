"""Assets made without the decorator: from a function at hand, from ops, and with lambdas in between."""

from functools import partial

from dagster import AssetKey, AssetsDefinition, Definitions, In, Out, asset, graph, op


def scaled(value, factor):
    return value * factor


triple = partial(scaled, factor=3)


@asset
def base():
    return 5


@asset
def tripled(base):
    return triple(base)


@op(ins={"number": In()}, out=Out(description="plus one"))
def plus_one(number):
    return number + 1


incremented = AssetsDefinition.from_op(
    plus_one,
    keys_by_input_name={"number": AssetKey("tripled")},
    keys_by_output_name={"result": AssetKey(["out", "incremented"])},
    group_name="ops",
)


@op
def shout(text):
    return f"{text}!"


@graph
def loud(word):
    return shout(shout(word))


loud_asset = AssetsDefinition.from_graph(
    loud,
    keys_by_input_name={"word": AssetKey(["out", "incremented"])},
    keys_by_output_name={"result": AssetKey("loud_word")},
    group_name="graphs",
    metadata_by_output_name={"result": {"volume": 11}},
)

defs = Definitions(assets=[base, tripled, incremented, loud_asset])
