from dagster import (
    AssetExecutionContext,
    AssetMaterialization,
    AssetObservation,
    Definitions,
    MetadataValue,
    Output,
    asset,
    get_dagster_logger,
    job,
    op,
)

logger = get_dagster_logger()
named = get_dagster_logger("harbour")


@asset
def ships(context: AssetExecutionContext):
    logger.info("from the module logger")
    named.warning("from a named logger")
    context.log_event(AssetObservation(asset_key="weather_report", metadata={"wind": 7}))
    context.log_event(
        AssetMaterialization(asset_key="harbour_log", description="entry written", metadata={"line": 3})
    )
    return 2


@op
def unload(context):
    context.log_event(
        AssetMaterialization(
            asset_key=["warehouse", "crates"],
            partition="north",
            metadata={"count": MetadataValue.int(9)},
            tags={"shift": "night"},
        )
    )
    yield AssetMaterialization("pallets", metadata={"from": "op"})
    yield AssetObservation(asset_key="gate", description="open", partition="2024", tags={"seen_by": "guard"})
    yield Output(9)


@job
def unloading():
    unload()


defs = Definitions(assets=[ships], jobs=[unloading])


def test_materializations_of_op():
    result = unloading.execute_in_process()
    made = result.asset_materializations_for_node("unload")
    assert [one.label for one in made] == ["warehouse crates", "pallets"]
    assert made[0].partition == "north"
    seen = result.asset_observations_for_node("unload")
    assert seen[0].asset_key.path == ["gate"]
