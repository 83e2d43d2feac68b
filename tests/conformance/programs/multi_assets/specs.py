from dagster import AssetExecutionContext, AssetSpec, Definitions, MaterializeResult, asset, multi_asset


@multi_asset(
    specs=[
        AssetSpec("users", group_name="crm", kinds={"postgres"}, description="people"),
        AssetSpec("accounts", deps=["users"], metadata={"grain": "company"}),
        AssetSpec("contacts", deps=["accounts", "legacy_contacts"], skippable=True),
    ],
    name="crm_sync",
    op_tags={"slot": "crm"},
)
def sync(context: AssetExecutionContext):
    context.log.info("syncing %s", sorted(key.to_user_string() for key in context.selected_asset_keys))
    yield MaterializeResult(asset_key="users", metadata={"rows": 10})
    yield MaterializeResult(asset_key="accounts", metadata={"rows": 4})


@asset(deps=["contacts"])
def mailing_list():
    return ["a@example.org"]


defs = Definitions(assets=[sync, mailing_list])


def observe():
    return {
        "keys": sorted(key.to_user_string() for key in sync.keys),
        "op_name": sync.op.name,
        "can_subset": sync.can_subset,
        "deps": {
            key.to_user_string(): sorted(d.to_user_string() for d in deps)
            for key, deps in sync.asset_deps.items()
        },
    }
