"""A folder of queries as assets: names, dependencies and tests come from a manifest."""

from typing import Any, Mapping, Optional

from dagster import (
    AssetCheckResult,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetSpec,
    DailyPartitionsDefinition,
    Definitions,
    MaterializeResult,
    Output,
    asset,
    define_asset_job,
    multi_asset,
    AssetSelection,
)

MANIFEST: Mapping[str, Any] = {
    "stg_users": {"deps": ["raw.users"], "tags": ["staging"], "tests": ["not_null"]},
    "stg_events": {"deps": ["raw.events"], "tags": ["staging"], "tests": []},
    "fct_daily": {
        "deps": ["stg_users", "stg_events"],
        "tags": ["mart", "daily"],
        "tests": ["unique", "not_null"],
        "meta": {"owner": "team:bi"},
    },
}


class Translator:
    def key(self, name: str) -> AssetKey:
        return AssetKey(name.split("."))

    def group(self, node: Mapping[str, Any]) -> Optional[str]:
        return "staging" if "staging" in node["tags"] else "marts"


translator = Translator()
specs = [
    AssetSpec(
        translator.key(name),
        deps=[translator.key(dep) for dep in node["deps"]],
        group_name=translator.group(node),
        tags={tag: "" for tag in node["tags"]},
        kinds={"dbt", "duckdb"},
        skippable=True,
        owners=[node["meta"]["owner"]] if "meta" in node else [],
        metadata={"tests": len(node["tests"])},
        code_version=str(len(name)),
    )
    for name, node in MANIFEST.items()
]
checks = [
    AssetCheckSpec(name=f"{test}_{name}", asset=translator.key(name))
    for name, node in MANIFEST.items()
    for test in node["tests"]
]


@multi_asset(specs=specs, check_specs=checks, can_subset=True, name="dbt_build")
def build(context: AssetExecutionContext):
    for spec in specs:
        if spec.key not in context.selected_asset_keys:
            continue
        yield MaterializeResult(asset_key=spec.key, metadata={"rows": 3})
        for check in checks:
            if check.asset_key == spec.key and check.key in context.selected_asset_check_keys:
                yield AssetCheckResult(passed=True, asset_key=check.asset_key, check_name=check.name)


raw_sources = [
    AssetSpec(AssetKey(["raw", "users"])),
    AssetSpec(AssetKey(["raw", "events"]), group_name="sources"),
]
staging_job = define_asset_job("staging_job", selection=AssetSelection.groups("staging"))
marts = define_asset_job("marts_job", selection=AssetSelection.tag("mart", ""))
defs = Definitions(assets=[*raw_sources, build], jobs=[staging_job, marts])
