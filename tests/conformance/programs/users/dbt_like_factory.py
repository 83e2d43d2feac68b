"""Models described in a list become assets with tests; nothing of it is known before import."""

from typing import Any, Iterator, Mapping, Sequence

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetSpec,
    Definitions,
    MaterializeResult,
    asset_check,
    define_asset_job,
    materialize,
    multi_asset,
)

MODELS: list[dict[str, Any]] = [
    {"name": "stg_orders", "refs": [], "sources": ["shop.orders"], "tags": ["staging"]},
    {"name": "stg_people", "refs": [], "sources": ["shop.people"], "tags": ["staging", "pii"]},
    {"name": "orders_by_person", "refs": ["stg_orders", "stg_people"], "tags": [], "tests": ["unique"]},
    {"name": "summary", "refs": ["orders_by_person"], "tags": ["mart"], "tests": ["unique", "not_null"]},
]


class Translator:
    def key_of(self, name: str) -> AssetKey:
        return AssetKey(["dwh", name])

    def source_key(self, source: str) -> AssetKey:
        return AssetKey(source.split("."))

    def group_of(self, model: Mapping[str, Any]) -> str:
        return "staging" if "staging" in model["tags"] else "marts"


def specs_of(models: Sequence[Mapping[str, Any]], translator: Translator) -> list[AssetSpec]:
    return [
        AssetSpec(
            key=translator.key_of(model["name"]),
            deps=[translator.key_of(ref) for ref in model["refs"]]
            + [translator.source_key(source) for source in model.get("sources", [])],
            group_name=translator.group_of(model),
            tags={tag: "" for tag in model["tags"]},
            kinds={"sql"},
            description=f"Model {model['name']}.",
            skippable=True,
            metadata={"refs": model["refs"]},
        )
        for model in models
    ]


def checks_of(models: Sequence[Mapping[str, Any]], translator: Translator) -> list[AssetCheckSpec]:
    return [
        AssetCheckSpec(name=f"{test}_{model['name']}", asset=translator.key_of(model["name"]))
        for model in models
        for test in model.get("tests", [])
    ]


def build_models(models, translator: Translator | None = None):
    translator = translator or Translator()
    by_key = {translator.key_of(model["name"]): model for model in models}

    @multi_asset(
        name="all_models",
        specs=specs_of(models, translator),
        check_specs=checks_of(models, translator),
        can_subset=True,
    )
    def all_models(context: AssetExecutionContext) -> Iterator[Any]:
        for key, model in by_key.items():
            if key in context.selected_asset_keys:
                yield MaterializeResult(asset_key=key, metadata={"ran": model["name"]})
            for test in model.get("tests", []):
                check = f"{test}_{model['name']}"
                if any(one.name == check for one in context.selected_asset_check_keys):
                    yield AssetCheckResult(
                        asset_key=key,
                        check_name=check,
                        passed=test == "unique",
                        severity=AssetCheckSeverity.WARN,
                    )

    return all_models


models = build_models(MODELS)


@asset_check(asset=AssetKey(["dwh", "summary"]), description="Looks at the whole.")
def summary_is_sane(context: AssetCheckExecutionContext) -> AssetCheckResult:
    return AssetCheckResult(passed=True, metadata={"checked": str(context.check_specs[0].name)})


staging = define_asset_job("staging", selection="group:staging")
marts = define_asset_job("marts", selection="tag:mart+ or +key:dwh/orders_by_person")

defs = Definitions(assets=[models], asset_checks=[summary_is_sane], jobs=[staging, marts])


def test_part_of_it():
    result = materialize([models], selection=[AssetKey(["dwh", "stg_people"])])
    assert [event.asset_key.path for event in result.get_asset_materialization_events()] == [
        ["dwh", "stg_people"]
    ]
    assert result.get_asset_check_evaluations() == []


def test_all_of_it():
    result = materialize([models, summary_is_sane])
    assert result.success
    assert sorted((one.check_name, one.passed) for one in result.get_asset_check_evaluations()) == [
        ("not_null_summary", False),
        ("summary_is_sane", True),
        ("unique_orders_by_person", True),
        ("unique_summary", True),
    ]
