from dagster import AssetIn, AssetKey, AssetOut, Definitions, Output, multi_asset, asset


@asset
def seed():
    return 10


@multi_asset(
    outs={
        "even": AssetOut(description="even ones", group_name="numbers", metadata={"parity": 0}),
        "odd": AssetOut(
            key=AssetKey(["numbers", "odd"]), is_required=False, tags={"parity": "1"}, owners=["team:math"]
        ),
        "zero": AssetOut(is_required=False, code_version="z", kinds={"python"}),
    },
    ins={"limit": AssetIn("seed")},
    compute_kind="numpy",
    can_subset=True,
)
def split(context, limit):
    if "even" in context.op_execution_context.selected_output_names:
        yield Output([n for n in range(limit) if n % 2 == 0], output_name="even", metadata={"found": 5})
    if "odd" in context.op_execution_context.selected_output_names:
        yield Output([n for n in range(limit) if n % 2], output_name="odd")


@multi_asset(outs={"first": AssetOut(), "second": AssetOut()})
def pair():
    return 1, "two"


@asset
def glued(first, second):
    return f"{first}{second}"


defs = Definitions(assets=[seed, split, pair, glued])


def test_tuple_outputs():
    from dagster import materialize

    result = materialize([pair, glued])
    assert result.output_for_node("glued") == "1two"
    assert result.output_for_node("pair", "second") == "two"


def test_subset():
    from dagster import materialize

    result = materialize([seed, split], selection=["seed", "even"])
    assert {event.asset_key.to_user_string() for event in result.get_asset_materialization_events()} == {
        "seed",
        "even",
    }
