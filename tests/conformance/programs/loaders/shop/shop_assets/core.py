from dagster import AssetCheckResult, asset, asset_check


@asset
def products():
    return ["pen", "ink"]


@asset
def prices(products):
    return {name: len(name) for name in products}


@asset_check(asset=prices)
def prices_positive(prices):
    return AssetCheckResult(passed=all(price > 0 for price in prices.values()))
