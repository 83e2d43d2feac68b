import dagster as dg


@dg.asset
def lamp(tower: dg.ResourceParam[str]) -> str:
    return f"on {tower}"


@dg.asset_check(asset=lamp)
def lit() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)
