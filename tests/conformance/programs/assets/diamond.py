from dagster import (
    AssetExecutionContext,
    AssetKey,
    Definitions,
    MaterializeResult,
    MetadataValue,
    asset,
    define_asset_job,
)


@asset(group_name="orchard", compute_kind="python", description="Weight of every basket, in kilograms.")
def baskets() -> list:
    return [3.5, 4.0, 2.25]


@asset(group_name="orchard", metadata={"unit": "kg", "limit": 12})
def total_weight(context: AssetExecutionContext, baskets: list) -> float:
    context.log.info("adding up %s baskets", len(baskets))
    context.add_output_metadata({"count": len(baskets), "heaviest": MetadataValue.float(max(baskets))})
    return sum(baskets)


@asset(group_name="orchard", tags={"team": "sales"}, owners=["team:market", "ada@example.org"])
def price_list(baskets: list) -> dict:
    return {index: weight * 2 for index, weight in enumerate(baskets)}


@asset(group_name="reports", deps=[AssetKey("total_weight"), price_list], code_version="3", kinds={"pdf"})
def leaflet() -> MaterializeResult:
    return MaterializeResult(
        metadata={"pages": 2, "title": "Autumn", "url": MetadataValue.url("https://example.org/leaflet")}
    )


everything = define_asset_job("everything", selection="*", tags={"priority": "low"}, description="All of it.")
orchard_only = define_asset_job(name="orchard_only", selection=["baskets", "total_weight"])

defs = Definitions(assets=[baskets, total_weight, price_list, leaflet], jobs=[everything, orchard_only])
