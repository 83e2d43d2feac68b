"""What a run of this process says of its selection, and whose partitions a request is for."""

from __future__ import annotations

import pytest

import tidewheel as tw
from tidewheel.errors import CheckError


@tw.asset(partitions_def=tw.StaticPartitionsDefinition(["x"]))
def first() -> int:
    return 1


@tw.asset
def second() -> int:
    return 2


@tw.asset_check(asset=second)
def judged() -> tw.AssetCheckResult:
    return tw.AssetCheckResult(passed=True)


@pytest.mark.parametrize(
    ("selection", "told"),
    [(None, frozenset()), ([second.key], frozenset({second.key}))],
)
def test_nothing_selected_is_an_empty_selection(
    selection: list[tw.AssetKey] | None, told: frozenset[tw.AssetKey]
) -> None:
    job = tw.Definitions(assets=[second], asset_checks=[judged]).resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(asset_selection=selection)
    assert result.success
    assert len(result.get_asset_check_evaluations()) == 1
    assert (result.dagster_run.asset_selection, result.dagster_run.asset_check_selection) == (told, None)


def test_a_job_over_assets_requests_only_partitions_that_it_was_given() -> None:
    with pytest.raises(CheckError, match="partitions_def"):
        tw.define_asset_job("job", [first]).run_request_for_partition("x")
    partitioned = tw.define_asset_job("job", [first], partitions_def=first.partitions_def)
    assert partitioned.run_request_for_partition("x").partition_key == "x"
