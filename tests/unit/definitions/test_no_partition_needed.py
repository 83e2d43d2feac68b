from __future__ import annotations

from pathlib import Path

import pytest

from tidewheel import (
    AssetIn,
    DailyPartitionsDefinition,
    FilesystemIOManager,
    InvalidConfigError,
    TimeWindowPartitionMapping,
    asset,
    job,
    materialize,
    op,
    validate_run_config,
)

DAYS = DailyPartitionsDefinition("2024-01-01", end_date="2024-01-05")
DAY_BEFORE = TimeWindowPartitionMapping(
    start_offset=-1, end_offset=-1, allow_nonexistent_upstream_partitions=True
)


@asset(partitions_def=DAYS)
def readings(context):
    return context.partition_key


@asset(partitions_def=DAYS, ins={"before": AssetIn("readings", partition_mapping=DAY_BEFORE)})
def change(before):
    return {"before": before}


@pytest.mark.parametrize(
    ("day", "before"), [("2024-01-01", None), ("2024-01-02", "2024-01-01")], ids=["first", "second"]
)
def test_an_input_that_needs_no_partition_is_none(tmp_path: Path, day: str, before: str | None) -> None:
    resources = {"io_manager": FilesystemIOManager(base_dir=str(tmp_path))}
    materialize([readings], partition_key="2024-01-01", resources=resources)
    result = materialize([readings, change], selection=[change], partition_key=day, resources=resources)
    assert result.output_for_node("change") == {"before": before}
