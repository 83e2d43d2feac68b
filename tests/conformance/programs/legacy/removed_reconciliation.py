from dagster import AssetSelection, asset, build_asset_reconciliation_sensor


@asset
def a():
    return 1


sensor = build_asset_reconciliation_sensor(name="reconcile", asset_selection=AssetSelection.all())
