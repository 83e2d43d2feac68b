"""Which partition a check sees that is not partitioned itself, in a run for a partition of its asset."""

from __future__ import annotations

from typing import Any

import tidewheel as tw

GRID = tw.MultiPartitionsDefinition(
    {"tenant": tw.StaticPartitionsDefinition(["acme"]), "day": tw.StaticPartitionsDefinition(["d1"])}
)


def test_a_key_with_dimensions_is_one_for_the_check_too() -> None:
    seen: list[Any] = []

    @tw.asset(partitions_def=GRID)
    def table() -> int:
        return 1

    @tw.asset_check(asset=table)
    def complete(context: tw.AssetCheckExecutionContext) -> tw.AssetCheckResult:
        seen.append(context.partition_key)
        return tw.AssetCheckResult(passed=True)

    key = tw.MultiPartitionKey({"tenant": "acme", "day": "d1"})
    assert tw.materialize([table, complete], partition_key=key).success
    assert [one.keys_by_dimension for one in seen] == [{"tenant": "acme", "day": "d1"}]
