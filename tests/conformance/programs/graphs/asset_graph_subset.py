from dagster import (
    AssetOut,
    AssetsDefinition,
    AssetKey,
    Definitions,
    GraphOut,
    Out,
    Output,
    define_asset_job,
    graph,
    op,
)


@op(out={"x": Out(is_required=False), "y": Out(is_required=False)})
def make(context):
    for name in ("x", "y"):
        if name in context.selected_output_names:
            yield Output(name, name)


@op
def upper(word):
    return word.upper()


@graph(out={"x_upper": GraphOut(), "y_upper": GraphOut()})
def words():
    x, y = make()
    return {"x_upper": upper.alias("upper_x")(x), "y_upper": upper.alias("upper_y")(y)}


word_assets = AssetsDefinition.from_graph(
    words,
    can_subset=True,
    keys_by_output_name={"x_upper": AssetKey("x_upper"), "y_upper": AssetKey("y_upper")},
)

only_x = define_asset_job("only_x", selection="x_upper")
both = define_asset_job("both", selection="*")
defs = Definitions(assets=[word_assets], jobs=[only_x, both])
