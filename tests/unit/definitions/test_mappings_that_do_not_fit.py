"""A partition mapping that cannot relate two definitions: told when a location is loaded, not when a file is imported."""

from __future__ import annotations

import pytest

import tidewheel as tw
from tidewheel.errors import DefinitionsError

DAYS = tw.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-03")
FRUITS = tw.StaticPartitionsDefinition(["apple", "pear"])
BOTH = tw.MultiPartitionsDefinition({"date": DAYS, "fruit": FRUITS})
WRONG_NAME = tw.MultiPartitionMapping(
    {"date": tw.DimensionPartitionMapping("daily", tw.TimeWindowPartitionMapping(start_offset=-1))}
)


@pytest.mark.parametrize(
    ("partitions", "mapping", "key"),
    [
        (BOTH, WRONG_NAME, "2024-01-01|apple"),
        (FRUITS, tw.TimeWindowPartitionMapping(), "apple"),
        (FRUITS, tw.StaticPartitionMapping({"plum": "apple"}), "apple"),
    ],
)
def test_the_file_loads_and_what_reads_nothing_runs(
    partitions: tw.PartitionsDefinition, mapping: tw.PartitionMapping, key: str
) -> None:
    @tw.asset(partitions_def=partitions)
    def upstream() -> int:
        return 1

    @tw.asset(partitions_def=partitions, deps=[tw.AssetDep(upstream, partition_mapping=mapping)])
    def downstream() -> None: ...

    definitions = tw.Definitions(assets=[upstream, downstream])
    assert definitions.get_repository_def().assets_defs_by_key.keys() == {upstream.key, downstream.key}
    assert tw.materialize([upstream, downstream], selection=[downstream], partition_key=key).success
    with pytest.raises(DefinitionsError, match="dependency on 'upstream'"):
        tw.Definitions.validate_loadable(definitions)
