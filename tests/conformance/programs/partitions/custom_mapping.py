from typing import Optional

from dagster import (
    AssetIn,
    Definitions,
    PartitionMapping,
    PartitionsDefinition,
    StaticPartitionsDefinition,
    asset,
    materialize,
)
from dagster._core.definitions.partitions.mapping import UpstreamPartitionsResult

small = StaticPartitionsDefinition(["a", "b"])
capital = StaticPartitionsDefinition(["A", "B"])


class CaseMapping(PartitionMapping):
    def get_upstream_mapped_partitions_result_for_partitions(
        self,
        downstream_partitions_subset,
        downstream_partitions_def,
        upstream_partitions_def,
        current_time=None,
        dynamic_partitions_store=None,
    ):
        keys = [key.lower() for key in downstream_partitions_subset.get_partition_keys()]
        return UpstreamPartitionsResult(
            partitions_subset=upstream_partitions_def.empty_subset().with_partition_keys(keys),
            required_but_nonexistent_subset=upstream_partitions_def.empty_subset(),
        )

    def get_downstream_partitions_for_partitions(
        self,
        upstream_partitions_subset,
        upstream_partitions_def,
        downstream_partitions_def,
        current_time=None,
        dynamic_partitions_store=None,
    ):
        keys = [key.upper() for key in upstream_partitions_subset.get_partition_keys()]
        return downstream_partitions_def.empty_subset().with_partition_keys(keys)

    def validate_partition_mapping(
        self,
        upstream_partitions_def: PartitionsDefinition,
        downstream_partitions_def: Optional[PartitionsDefinition],
    ):
        pass

    @property
    def description(self) -> str:
        return "by case"


@asset(partitions_def=small)
def lower(context):
    return context.partition_key


@asset(partitions_def=capital, ins={"lower": AssetIn(partition_mapping=CaseMapping())})
def upper(context, lower):
    return f"{lower}->{context.partition_key}"


defs = Definitions(assets=[lower, upper])


def test_custom_mapping():
    import tempfile
    from dagster import FilesystemIOManager

    resources = {"io_manager": FilesystemIOManager(base_dir=tempfile.mkdtemp())}
    materialize([lower], partition_key="b", resources=resources)
    result = materialize([lower, upper], selection=[upper], partition_key="B", resources=resources)
    assert result.output_for_node("upper") == "b->B"
