from dagster import AssetKey, AssetOut, Definitions, Output, asset, multi_asset, define_asset_job


@asset
def wood():
    return "oak"


@multi_asset(
    outs={
        "planks": AssetOut(is_required=False),
        "chair": AssetOut(is_required=False),
        "table": AssetOut(is_required=False),
    },
    internal_asset_deps={
        "planks": {AssetKey("wood")},
        "chair": {AssetKey("planks")},
        "table": {AssetKey("planks"), AssetKey("wood")},
    },
    can_subset=True,
    group_name="workshop",
)
def workshop(context, wood):
    for name in ("planks", "chair", "table"):
        if AssetKey(name) in context.selected_asset_keys:
            yield Output(f"{wood} {name}", name)


@asset
def room(chair, table):
    return [chair, table]


chairs = define_asset_job("chairs", selection=["wood", "planks", "chair"])
furnish = define_asset_job("furnish", selection="+room")
defs = Definitions(assets=[wood, workshop, room], jobs=[chairs, furnish])
