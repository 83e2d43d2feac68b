import dagster as dg


@dg.asset(group_name="animals")
def cows() -> int:
    return 12


@dg.asset(group_name="animals")
def milk(cows: int) -> int:
    return cows * 20


@dg.asset_check(asset=milk)
def enough_milk(milk: int):
    return dg.AssetCheckResult(passed=milk > 100)
