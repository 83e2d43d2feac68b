import dagster as dg


@dg.asset
def with_everything() -> dg.MaterializeResult:
    return dg.MaterializeResult(
        metadata={
            "rows": dg.MetadataValue.int(42),
            "ratio": 0.5,
            "note": dg.MetadataValue.md("*fine*"),
            "payload": dg.MetadataValue.json({"a": [1, 2]}),
            "ok": dg.MetadataValue.bool(True),
            "raw_dict": {"b": 1},
            "raw_list": [1, 2, 3],
            "nothing": None,
        },
        data_version=dg.DataVersion("v-7"),
        tags={"layer": "silver"},
    )


@dg.asset
def with_value() -> dg.MaterializeResult[int]:
    return dg.MaterializeResult(value=11, metadata={"kind": "value"})


@dg.asset
def reads_value(with_value: int) -> int:
    return with_value + 1


@dg.asset
def with_output() -> dg.Output[str]:
    return dg.Output("hello", metadata={"length": 5}, data_version=dg.DataVersion("one"))


@dg.asset
def yields_output():
    yield dg.Output(value=[1], metadata={"yielded": True})


@dg.asset
def yields_result():
    yield dg.MaterializeResult(metadata={"yielded": "result"})


@dg.asset
def returns_none(context: dg.AssetExecutionContext) -> None:
    context.add_output_metadata(metadata={"from_context": 1})


defs = dg.Definitions(
    assets=[with_everything, with_value, reads_value, with_output, yields_output, yields_result, returns_none]
)


def test_values():
    result = dg.materialize([with_value, reads_value])
    assert result.success
    assert result.output_for_node("reads_value") == 12
    assert result.asset_value("with_value") == 11


def test_metadata_on_event():
    result = dg.materialize([with_everything])
    (event,) = result.asset_materializations_for_node("with_everything")
    assert event.metadata["rows"] == dg.MetadataValue.int(42)
    assert event.metadata["rows"].value == 42
    assert event.tags["dagster/data_version"] == "v-7"
    assert event.tags["layer"] == "silver"
