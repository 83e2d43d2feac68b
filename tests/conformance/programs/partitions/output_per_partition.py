from dagster import (
    AssetMaterialization,
    DailyPartitionsDefinition,
    Definitions,
    MaterializeResult,
    MetadataValue,
    Output,
    StaticPartitionsDefinition,
    asset,
    job,
    materialize,
    op,
)

sizes = StaticPartitionsDefinition(["s", "m", "l"])


@asset(partitions_def=sizes, metadata={"unit": "cm"})
def shirts(context) -> Output[int]:
    return Output(len(context.partition_key), metadata={"size": context.partition_key})


@asset(partitions_def=sizes)
def trousers(context) -> MaterializeResult:
    return MaterializeResult(metadata={"size": MetadataValue.text(context.partition_key)})


@asset
def catalogue(shirts):
    return sorted(shirts.items())


@op
def by_hand(context):
    for key in sizes.get_partition_keys():
        context.log_event(AssetMaterialization("hand_made", partition=key, metadata={"length": len(key)}))


@job
def handwork():
    by_hand()


defs = Definitions(assets=[shirts, trousers, catalogue], jobs=[handwork])


def test_fan_in():
    from dagster import DagsterInstance, FilesystemIOManager
    import tempfile

    resources = {"io_manager": FilesystemIOManager(base_dir=tempfile.mkdtemp())}
    with DagsterInstance.ephemeral() as instance:
        for key in ("s", "m", "l"):
            assert materialize([shirts], partition_key=key, instance=instance, resources=resources).success
        result = materialize(
            [shirts, catalogue], selection=[catalogue], instance=instance, resources=resources
        )
        assert result.output_for_node("catalogue") == [("l", 1), ("m", 1), ("s", 1)]
