from dagster import AssetKey, asset


@asset(deps=[AssetKey(["shop", "prices"])], group_name="marketing")
def campaign():
    return "cheap ink"
