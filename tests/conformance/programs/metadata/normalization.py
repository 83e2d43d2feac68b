import pytest
from dagster import (
    AssetMaterialization,
    AssetObservation,
    Definitions,
    IntMetadataValue,
    MetadataValue,
    Output,
    TextMetadataValue,
    asset,
    job,
    op,
)


class Unsupported: ...


@asset
def fine():
    return Output(1, metadata={"n": 1})


@asset
def odd_metadata():
    return Output(1, metadata={"bad": Unsupported()})


defs = Definitions(assets=[fine])


def test_values_become_metadata():
    made = AssetMaterialization(
        "a", metadata={"i": 1, "s": "x", "b": True, "f": 0.5, "l": [1], "d": {"k": 1}, "none": None}
    )
    assert made.metadata["i"] == IntMetadataValue(1)
    assert made.metadata["s"] == TextMetadataValue(text="x")
    assert type(made.metadata["b"]).__name__ == "BoolMetadataValue"
    assert type(made.metadata["l"]).__name__ == "JsonMetadataValue"
    assert type(made.metadata["none"]).__name__ == "NullMetadataValue"


def test_unsupported():
    with pytest.raises(Exception):
        AssetMaterialization("a", metadata={"bad": Unsupported()})


def test_long_ints_and_nan():
    assert MetadataValue.int(2**40).value == 2**40
    assert MetadataValue.float(float("inf")).value == float("inf")


def test_bad_observation_tags():
    with pytest.raises(Exception):
        AssetObservation("a", tags={"x": 1})


def test_asset_key_coercion():
    assert AssetMaterialization(["a", "b"]).asset_key.path == ["a", "b"]
    assert AssetMaterialization(asset_key="a/b").asset_key.path == ["a/b"] or AssetMaterialization(
        asset_key="a/b"
    ).asset_key.path == ["a", "b"]


def observe():
    return {
        "slash": AssetMaterialization(asset_key="a/b").asset_key.path,
        "label": AssetMaterialization(["x", "y"]).label,
    }
