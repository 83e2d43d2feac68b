import pytest
from dagster import (
    AssetKey,
    AssetSpec,
    AutomationCondition,
    DagsterInstance,
    DailyPartitionsDefinition,
    DataVersion,
    DataVersionsByPartition,
    Definitions,
    IOManager,
    ObserveResult,
    SourceAsset,
    StaticPartitionsDefinition,
    asset,
    multi_observable_source_asset,
    observable_source_asset,
)
from dagster._core.definitions.observe import observe as observe_assets


class Constant(IOManager):
    def handle_output(self, context, obj): ...

    def load_input(self, context):
        return [
            context.asset_key.path,
            dict(context.upstream_output.metadata or {}) if context.upstream_output else None,
        ] and context.asset_key.path


plain = SourceAsset(
    "plain",
    description="made by others",
    group_name="foreign",
    metadata={"schema": "public"},
    tags={"k": "v"},
)
nested = SourceAsset(key=AssetKey(["db", "table"]), io_manager_key="constant")
by_def = SourceAsset(
    key="partitioned_source", partitions_def=StaticPartitionsDefinition(["x", "y"]), io_manager_key="constant"
)


@observable_source_asset(
    group_name="watched",
    description="changes now and then",
    automation_condition=AutomationCondition.on_cron("@hourly"),
)
def watched():
    return DataVersion("7")


@observable_source_asset(name="renamed_watch", required_resource_keys=set())
def watched_with_context(context):
    context.log.info("looking")
    return ObserveResult(data_version=DataVersion("8"), metadata={"size": 4}, tags={"seen": "yes"})


@observable_source_asset(partitions_def=StaticPartitionsDefinition(["l", "r"]))
def watched_parts():
    return DataVersionsByPartition({"l": "1", "r": DataVersion("2")})


@multi_observable_source_asset(specs=[AssetSpec("m_one"), AssetSpec("m_two")])
def watched_many():
    yield ObserveResult(asset_key="m_one", metadata={"n": 1})
    yield ObserveResult(asset_key="m_two", data_version=DataVersion("z"))


@asset(deps=[plain, watched])
def built(): ...


@asset
def loads_nested(table=None):
    return 1


@asset(ins={"table": __import__("dagster").AssetIn(key=["db", "table"])})
def really_loads(table):
    return table


defs = Definitions(
    assets=[
        plain,
        nested,
        by_def,
        watched,
        watched_with_context,
        watched_parts,
        watched_many,
        built,
        really_loads,
    ],
    resources={"constant": Constant()},
)


def test_observe():
    with DagsterInstance.ephemeral() as instance:
        result = observe_assets([watched, watched_with_context, watched_many], instance=instance)
        assert result.success
        seen = {
            event.asset_key.to_user_string(): event.asset_observation_data.asset_observation
            for event in result.get_asset_observation_events()
        }
        assert sorted(seen) == ["m_one", "m_two", "renamed_watch", "watched"]
        assert seen["watched"].tags["dagster/data_version"] == "7"
        assert seen["renamed_watch"].metadata["size"].value == 4


def observe():
    return {
        "keys": [plain.key.path, nested.key.path],
        "is_observable": [plain.is_observable, watched.is_observable],
        "groups": [plain.group_name, list(watched.group_names_by_key.values())]
        if not isinstance(watched, SourceAsset)
        else [plain.group_name, [watched.group_name]],
    }
