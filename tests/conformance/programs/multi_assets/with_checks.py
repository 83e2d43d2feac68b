from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetSpec,
    Definitions,
    MaterializeResult,
    asset,
    multi_asset,
)


@multi_asset(
    specs=[AssetSpec("invoices"), AssetSpec("credits")],
    check_specs=[
        AssetCheckSpec("no_negative", asset="invoices", description="amounts are positive"),
        AssetCheckSpec(name="balanced", asset="credits", blocking=True),
    ],
)
def ledger():
    yield MaterializeResult(
        asset_key="invoices",
        check_results=[AssetCheckResult(check_name="no_negative", passed=True, metadata={"seen": 3})],
    )
    yield MaterializeResult(asset_key="credits")
    yield AssetCheckResult(
        asset_key="credits",
        check_name="balanced",
        passed=False,
        severity=AssetCheckSeverity.WARN,
        description="off by one",
    )


@asset(check_specs=[AssetCheckSpec(name="tidy", asset="desk"), AssetCheckSpec("lit", asset="desk")])
def desk():
    return MaterializeResult(
        check_results=[
            AssetCheckResult(check_name="tidy", passed=True),
            AssetCheckResult(check_name="lit", passed=False),
        ]
    )


@asset(deps=[ledger, desk])
def report():
    return "ok"


defs = Definitions(assets=[ledger, desk, report])
