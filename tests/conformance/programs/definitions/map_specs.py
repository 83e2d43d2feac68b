import dagster as dg


@dg.asset(group_name="a", tags={"x": "1"})
def one(): ...


@dg.multi_asset(specs=[dg.AssetSpec("two"), dg.AssetSpec("three", deps=["one"])])
def pair(): ...


four = dg.AssetSpec("four", group_name="z")

mapped = dg.map_asset_specs(
    lambda spec: spec.replace_attributes(
        owners=["team:all"], group_name="mapped" if spec.key != one.key else ...
    ),
    [one, pair, four],
)
defs = dg.Definitions(assets=mapped).map_asset_specs(
    func=lambda spec: spec.merge_attributes(metadata={"mapped": True})
)
narrow = dg.Definitions(assets=[one, pair]).map_resolved_asset_specs(
    func=lambda spec: spec.merge_attributes(tags={"touched": "yes"}), selection="key:two"
)


def observe():
    return {
        "narrow": {spec.key.to_user_string(): dict(spec.tags) for spec in narrow.resolve_all_asset_specs()},
        "one": one.specs_by_key[one.key].replace_attributes(code_version="9").code_version,
        "map_on_asset": pair.map_asset_specs(
            lambda spec: spec._replace(description="d") if False else spec.replace_attributes(description="d")
        ).descriptions_by_key[dg.AssetKey("two")],
    }
