import pytest
from dagster import (
    AssetKey,
    AssetMaterialization,
    DynamicPartitionsDefinition,
    RunRequest,
    SensorResult,
    SkipReason,
    AddDynamicPartitionsRequest,
    Definitions,
    asset,
    sensor,
)

parts = DynamicPartitionsDefinition(name="result_parts")


@asset(partitions_def=parts)
def partitioned(): ...


@sensor(asset_selection="*")
def adds(context):
    return SensorResult(
        dynamic_partitions_requests=[parts.build_add_request(["one"]), parts.build_delete_request(["zero"])],
        run_requests=[RunRequest(run_key="one", partition_key="one")],
    )


@sensor(asset_selection=[partitioned])
def only_cursor(context):
    return SensorResult(cursor=f"{int(context.cursor or 0) + 1}")


defs = Definitions(assets=[partitioned], sensors=[adds, only_cursor])


def test_forms():
    assert SensorResult(skip_reason="why").skip_reason == SkipReason("why")
    result = SensorResult([RunRequest(run_key="a")], cursor="c")
    assert result.run_requests[0].run_key == "a"
    assert result.cursor == "c"
    with pytest.raises(Exception):
        SensorResult(run_requests=[RunRequest()], skip_reason=SkipReason("both"))
    request = parts.build_add_request(["q"])
    assert isinstance(request, AddDynamicPartitionsRequest)
    assert [request.partitions_def_name, list(request.partition_keys)] == ["result_parts", ["q"]]
