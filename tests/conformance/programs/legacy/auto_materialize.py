from dagster import (
    AssetSelection,
    AutoMaterializePolicy,
    AutoMaterializeRule,
    Definitions,
    SourceAsset,
    asset,
    define_asset_job,
    load_assets_from_current_module,
)

source = SourceAsset("landing", auto_observe_interval_minutes=None) if False else SourceAsset("landing")


@asset(auto_materialize_policy=AutoMaterializePolicy.eager(), deps=[source])
def eager_one(): ...


@asset(auto_materialize_policy=AutoMaterializePolicy.lazy())
def lazy_one(eager_one=None): ...


@asset(
    auto_materialize_policy=AutoMaterializePolicy.eager()
    .with_rules(
        AutoMaterializeRule.skip_on_not_all_parents_updated(),
        AutoMaterializeRule.materialize_on_cron("0 5 * * *", timezone="Europe/Rome"),
    )
    .without_rules(AutoMaterializeRule.materialize_on_missing()),
    deps=[eager_one],
)
def ruled(): ...


@asset(
    auto_materialize_policy=AutoMaterializePolicy(
        rules={
            AutoMaterializeRule.materialize_on_parent_updated(),
            AutoMaterializeRule.skip_on_parent_missing(),
            AutoMaterializeRule.skip_on_parent_outdated(),
        }
    ),
    deps=[ruled],
)
def by_set(): ...


defs = Definitions(assets=[source, eager_one, lazy_one, ruled, by_set])


def observe():
    policy = AutoMaterializePolicy.eager()
    return {
        "type": policy.policy_type.value,
        "rules": len(policy.rules),
        "with": len(policy.with_rules(AutoMaterializeRule.materialize_on_cron("@daily")).rules),
        "without": len(policy.without_rules(AutoMaterializeRule.materialize_on_missing()).rules),
        "equal": AutoMaterializePolicy.eager() == AutoMaterializePolicy.eager(),
    }
