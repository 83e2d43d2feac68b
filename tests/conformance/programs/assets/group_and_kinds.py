from dagster import Definitions, asset, AssetSpec, multi_asset, load_assets_from_current_module
import sys


@asset(compute_kind="dbt")
def one():
    return 1


@asset(kinds={"snowflake"}, tags={"dagster/kind/python": ""})
def two(one):
    return 2


@asset(tags={"no_value": "", "with.dots": "a_b-c.d"}, group_name="own_group")
def three(two):
    return 3


assets = (
    load_assets_from_current_module(group_name="loaded", key_prefix="area") if False else [one, two, three]
)
defs = Definitions(assets=assets)


def observe():
    import dagster

    return {
        "kinds": {
            key.to_user_string(): sorted(spec.kinds)
            for asset_def in assets
            for key, spec in asset_def.specs_by_key.items()
        },
        "version": dagster.__version__.split(".")[0],
    }
