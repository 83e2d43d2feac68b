from dagster import (
    AssetDep,
    AssetIn,
    DailyPartitionsDefinition,
    Definitions,
    TimeWindowPartitionMapping,
    asset,
    materialize,
    DagsterInstance,
    FilesystemIOManager,
)
import tempfile

days = DailyPartitionsDefinition(start_date="2024-01-01")


@asset(
    partitions_def=days,
    ins={
        "running_total": AssetIn(partition_mapping=TimeWindowPartitionMapping(start_offset=-1, end_offset=-1))
    },
)
def running_total(context, running_total):
    before = running_total or 0
    return before + 1


@asset(
    partitions_def=days,
    deps=[AssetDep("journal", partition_mapping=TimeWindowPartitionMapping(start_offset=-1, end_offset=-1))],
)
def journal(context):
    return context.partition_key


defs = Definitions(assets=[running_total, journal])


def test_accumulates():
    resources = {"io_manager": FilesystemIOManager(base_dir=tempfile.mkdtemp())}
    with DagsterInstance.ephemeral() as instance:
        for index, key in enumerate(["2024-01-01", "2024-01-02", "2024-01-03"]):
            result = materialize(
                [running_total],
                partition_key=key,
                instance=instance,
                resources=resources,
                raise_on_error=False,
            )
            if index == 0:
                first = result.success
        assert first
        assert result.output_for_node("running_total") == 3
