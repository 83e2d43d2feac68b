from dagster import (
    AssetKey,
    DagsterRunStatus,
    Definitions,
    MetadataValue,
    asset,
    deserialize_value,
    serialize_value,
    MultiPartitionKey,
    StaticPartitionsDefinition,
    DailyPartitionsDefinition,
)
from dagster._serdes import deserialize_value as private_deserialize


@asset
def a(): ...


defs = Definitions(assets=[a])


def test_round_trips():
    for value in (
        AssetKey(["x", "y"]),
        MetadataValue.int(3),
        MetadataValue.text("t"),
        DagsterRunStatus.SUCCESS,
    ):
        text = serialize_value(value)
        assert isinstance(text, str)
        assert deserialize_value(text) == value
        assert private_deserialize(text) == value
