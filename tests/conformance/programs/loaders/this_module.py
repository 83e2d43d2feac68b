import sys

from dagster import (
    AssetCheckResult,
    AssetSpec,
    Definitions,
    SourceAsset,
    asset,
    asset_check,
    define_asset_job,
    load_asset_checks_from_current_module,
    load_assets_from_current_module,
    load_assets_from_modules,
)


@asset
def one():
    return 1


@asset(group_name="own")
def two(one):
    return one + 1


listed = [asset(name=f"listed_{n}")(lambda: None) for n in range(2)]
source = SourceAsset("outer")
spec = AssetSpec("spec_only", deps=[source])


@asset_check(asset=one)
def one_check(one):
    return AssetCheckResult(passed=one == 1)


loaded = load_assets_from_current_module(include_specs=True)
grouped = load_assets_from_modules([sys.modules[__name__]], key_prefix=["pre"])
checks = load_asset_checks_from_current_module()

defs = Definitions(assets=loaded, asset_checks=checks, jobs=[define_asset_job("all", "*")])


def keys(assets):
    found = set()
    for one_def in assets:
        if hasattr(one_def, "keys") and not callable(one_def.keys):
            found |= {key.to_user_string() for key in one_def.keys}
        else:
            found.add(one_def.key.to_user_string())
    return sorted(found)


def observe():
    return {"loaded": keys(loaded), "prefixed": keys(grouped), "checks": len(checks)}
