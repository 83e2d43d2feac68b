from dagster import (
    AssetCheckEvaluation,
    AssetKey,
    AssetMaterialization,
    AssetObservation,
    AssetSpec,
    DataVersion,
    Definitions,
    MetadataValue,
    SensorResult,
    asset,
    build_sensor_context,
    sensor,
)

outside = AssetSpec("outside_table", group_name="outside")


@asset(deps=[outside])
def copy(): ...


@sensor()
def reports_outside(context):
    if context.cursor == "done":
        return SensorResult(skip_reason="already told")
    return SensorResult(
        asset_events=[
            AssetMaterialization("outside_table", metadata={"rows": 4}, description="seen from outside"),
            AssetObservation(asset_key="outside_table", tags={"dagster/data_version": "v9"}),
            AssetCheckEvaluation(
                asset_key=AssetKey("outside_table"), check_name="fresh", passed=True, metadata={"age": 3}
            ),
        ],
        cursor="done",
    )


defs = Definitions(assets=[outside, copy], sensors=[reports_outside])


def test_events():
    data = reports_outside.evaluate_tick(build_sensor_context())
    assert [type(event).__name__ for event in data.asset_events] == [
        "AssetMaterialization",
        "AssetObservation",
        "AssetCheckEvaluation",
    ]
    assert data.asset_events[0].metadata["rows"] == MetadataValue.int(4)
