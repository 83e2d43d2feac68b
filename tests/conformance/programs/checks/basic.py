from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetCheckSeverity,
    AssetKey,
    Definitions,
    MetadataValue,
    asset,
    asset_check,
    define_asset_job,
    AssetSelection,
    materialize,
)


@asset
def orders():
    return [{"id": 1, "total": 5}, {"id": 2, "total": None}]


@asset
def shipments(orders):
    return len(orders)


@asset_check(asset=orders, description="Every order has an id.")
def ids_present(orders) -> AssetCheckResult:
    return AssetCheckResult(passed=all(row["id"] for row in orders), metadata={"rows": len(orders)})


@asset_check(asset="orders", name="totals_present")
def check_totals(context: AssetCheckExecutionContext, orders):
    missing = [row["id"] for row in orders if row["total"] is None]
    context.log.info("%d totals are missing", len(missing))
    return AssetCheckResult(
        passed=not missing,
        severity=AssetCheckSeverity.WARN,
        description="some totals are missing",
        metadata={"missing": MetadataValue.json(missing)},
    )


@asset_check(asset=AssetKey("shipments"), blocking=True)
def no_input_needed():
    return AssetCheckResult(passed=True)


@asset_check(
    asset=shipments,
    additional_ins={"orders": __import__("dagster").AssetIn("orders")},
    metadata={"kind": "comparison"},
)
def same_length(shipments, orders):
    yield AssetCheckResult(passed=shipments == len(orders))


only_checks = define_asset_job("only_checks", selection=AssetSelection.checks(ids_present, check_totals))
without_checks = define_asset_job("without_checks", selection=AssetSelection.assets(orders).without_checks())

defs = Definitions(
    assets=[orders, shipments],
    asset_checks=[ids_present, check_totals, no_input_needed, same_length],
    jobs=[only_checks, without_checks],
)


def test_evaluations():
    result = materialize([orders, ids_present, check_totals])
    assert result.success
    evaluations = {one.check_name: one for one in result.get_asset_check_evaluations()}
    assert evaluations["ids_present"].passed
    assert not evaluations["totals_present"].passed
    assert evaluations["totals_present"].severity == AssetCheckSeverity.WARN
    assert evaluations["ids_present"].metadata["rows"].value == 2


def test_direct_call():
    assert ids_present([{"id": 3}]).passed
    assert not ids_present([{"id": 0}]).passed


def observe():
    return {
        "names": [check_totals.check_key.name],
        "keys": sorted(f"{key.asset_key.to_user_string()}:{key.name}" for key in same_length.check_keys),
        "spec": [ids_present.check_specs and list(ids_present.check_specs)[0].description],
    }
