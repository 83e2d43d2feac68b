from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    ConfigurableResource,
    Config,
    Definitions,
    MaterializeResult,
    asset,
    asset_check,
    build_asset_check_context,
    materialize,
)


class Limits(ConfigurableResource):
    highest: int = 10


@asset
def pressure():
    return MaterializeResult(value=8, metadata={"bar": 8})


@asset_check(asset=pressure)
def below_limit(context: AssetCheckExecutionContext, pressure: int, limits: Limits):
    return AssetCheckResult(passed=pressure <= limits.highest, metadata={"limit": limits.highest})


@asset_check(asset=pressure)
def reads_instance(context: AssetCheckExecutionContext):
    event = context.instance.get_latest_materialization_event(pressure.key)
    found = event.asset_materialization.metadata["bar"].value if event else None
    return AssetCheckResult(passed=found == 8, metadata={"found": found})


@asset_check(asset=pressure, required_resource_keys={"limits"})
def with_keys(context):
    return AssetCheckResult(passed=context.resources.limits.highest > 1)


defs = Definitions(
    assets=[pressure],
    asset_checks=[below_limit, reads_instance, with_keys],
    resources={"limits": Limits(highest=9)},
)


def test_direct():
    assert below_limit(build_asset_check_context(), 3, Limits(highest=2)).passed is False
    assert with_keys(build_asset_check_context(resources={"limits": Limits()})).passed


def test_run():
    result = materialize([pressure, below_limit, reads_instance], resources={"limits": Limits(highest=1)})
    assert {one.check_name: one.passed for one in result.get_asset_check_evaluations()} == {
        "below_limit": False,
        "reads_instance": True,
    }
