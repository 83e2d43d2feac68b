from dagster import (
    AssetKey,
    AssetMaterialization,
    AssetOut,
    AssetSpec,
    MaterializeResult,
    Output,
    asset,
    multi_asset,
    materialize,
    Definitions,
    AssetCheckResult,
    AssetCheckSpec,
    define_asset_job,
    AssetExecutionContext,
    AssetDep,
    ObserveResult,
    observable_source_asset,
    DataVersion,
)


@multi_asset(
    outs={
        "users": AssetOut(key_prefix="db", description="u", tags={"t": "1"}),
        "orders": AssetOut(is_required=False, group_name="sales"),
    },
    can_subset=True,
)
def db_tables(context: AssetExecutionContext):
    if "users" in context.selected_output_names:
        yield Output([1, 2], "users", metadata={"n": 2})
    if "orders" in context.op_execution_context.selected_output_names:
        yield Output([3], "orders")


@multi_asset(
    specs=[
        AssetSpec("left", deps=["orders"], skippable=True, kinds={"python", "duckdb"}),
        AssetSpec("right", deps=["left"], owners=["team:core"], metadata={"k": 1}),
    ],
    check_specs=[AssetCheckSpec("nonempty", asset="right")],
    name="sides",
    op_tags={"cpu": "2"},
)
def sides():
    yield MaterializeResult("left", metadata={"a": 1.5})
    yield MaterializeResult(
        asset_key="right", check_results=[AssetCheckResult(passed=True, metadata={"rows": 3})]
    )


@multi_asset(outs={"train": AssetOut(), "test": AssetOut()})
def split_data(users_count):
    return users_count, users_count + 1


@asset(deps=[AssetDep(AssetKey(["db", "users"]))])
def users_count() -> int:
    return 2


@observable_source_asset
def upstream_file():
    return DataVersion("7")


sub = define_asset_job("only_users", selection=[AssetKey(["db", "users"])])
defs = Definitions(assets=[db_tables, sides, split_data, users_count, upstream_file], jobs=[sub])


def test_all():
    r = materialize([db_tables, sides, split_data, users_count])
    assert r.success
    assert r.output_for_node("split_data", "test") == 3
    assert len(r.get_asset_check_evaluations()) == 1


def test_subset():
    r = materialize([db_tables], selection=["orders"])
    assert [m.asset_key.to_user_string() for m in r.asset_materializations_for_node("db_tables")] == [
        "orders"
    ]


def test_keys():
    assert db_tables.keys == {AssetKey(["db", "users"]), AssetKey("orders")}
    assert sides.op.name == "sides" and sides.can_subset is False
    assert list(split_data.keys_by_input_name) == ["users_count"]
    assert {k: v.to_user_string() for k, v in split_data.keys_by_output_name.items()} == {
        "train": "train",
        "test": "test",
    }
