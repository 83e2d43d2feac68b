from dagster import (
    AssetCheckExecutionContext,
    AssetCheckKey,
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetSelection,
    Definitions,
    MetadataValue,
    Output,
    asset,
    asset_check,
    define_asset_job,
    materialize,
    multi_asset_check,
    build_column_schema_change_checks,
    AssetKey,
)
import pandas as pd


@asset(check_specs=[AssetCheckSpec("no_nulls", asset="orders", description="nulls", blocking=False)])
def orders():
    df = pd.DataFrame({"id": [1, None]})
    yield Output(df, metadata={"rows": 2})
    n = int(df.id.isna().sum())
    yield AssetCheckResult(
        check_name="no_nulls", passed=n == 0, severity=AssetCheckSeverity.WARN, metadata={"nulls": n}
    )


@asset_check(asset=orders, description="enough")
def enough_rows(orders: pd.DataFrame) -> AssetCheckResult:
    return AssetCheckResult(passed=len(orders) >= 2, metadata={"rows": MetadataValue.int(len(orders))})


@asset_check(asset="orders", blocking=True)
def blocks(context: AssetCheckExecutionContext):
    return AssetCheckResult(passed=False, description="always")


@asset(deps=[orders])
def downstream():
    return 1


@asset_check(asset=downstream)
def raises():
    raise ValueError("broken")


@multi_asset_check(specs=[AssetCheckSpec("m1", asset="downstream"), AssetCheckSpec("m2", asset="orders")])
def several(context):
    for key in sorted(context.selected_asset_check_keys):
        yield AssetCheckResult(passed=True, asset_key=key.asset_key, check_name=key.name)


@asset_check(asset=downstream, additional_deps=["orders"])
def returns_bool():
    return True


checks_only = define_asset_job("checks_only", selection=AssetSelection.checks(enough_rows, blocks))
no_checks = define_asset_job("no_checks", selection=AssetSelection.all() - AssetSelection.all_asset_checks())
defs = Definitions(
    assets=[orders, downstream],
    asset_checks=[enough_rows, blocks, raises, several, returns_bool],
    jobs=[checks_only, no_checks],
)


def test_check_direct():
    assert enough_rows(pd.DataFrame({"id": [1]})).passed is False


def test_check_run():
    r = materialize([orders, enough_rows])
    evals = {e.check_name: (e.passed, e.severity.value) for e in r.get_asset_check_evaluations()}
    assert evals == {"no_nulls": (False, "WARN"), "enough_rows": (True, "ERROR")}


def test_keys():
    assert (
        enough_rows.check_key == AssetCheckKey(AssetKey("orders"), "enough_rows")
        if hasattr(enough_rows, "check_key")
        else True
    )
    assert AssetCheckKey(AssetKey("orders"), "m2") in several.check_keys
