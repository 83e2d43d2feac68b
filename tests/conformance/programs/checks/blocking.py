from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    Definitions,
    MaterializeResult,
    Output,
    asset,
    asset_check,
    materialize,
)


@asset
def milk():
    return -1


@asset_check(asset=milk, blocking=True)
def positive(milk):
    return AssetCheckResult(passed=milk > 0, severity=AssetCheckSeverity.ERROR)


@asset
def cheese(milk):
    return milk * 2


@asset
def water():
    return 1


@asset_check(asset=water, blocking=True)
def warns_only(water):
    return AssetCheckResult(passed=False, severity=AssetCheckSeverity.WARN)


@asset
def soup(water):
    return water


@asset(check_specs=[AssetCheckSpec("inside", asset="bread", blocking=True)])
def bread():
    yield Output("bread")
    yield AssetCheckResult(passed=False)


@asset(deps=[bread])
def sandwich():
    return 1


defs = Definitions(assets=[milk, cheese, water, soup, bread, sandwich], asset_checks=[positive, warns_only])


def test_blocked():
    result = materialize([milk, cheese, positive], raise_on_error=False)
    assert not result.success
    made = {event.asset_key.to_user_string() for event in result.get_asset_materialization_events()}
    assert made == {"milk"}


def test_not_blocked():
    assert materialize([water, soup, warns_only]).success
