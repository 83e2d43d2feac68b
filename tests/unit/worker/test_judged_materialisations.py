"""Results of checks tell which materialisation was judged."""

from __future__ import annotations

import tidewheel as tw


@tw.asset
def harbour() -> int:
    return 1


@tw.asset_check(asset=harbour)
def is_open() -> tw.AssetCheckResult:
    return tw.AssetCheckResult(passed=True)


def test_the_materialisation_of_the_same_run_and_of_an_earlier_one() -> None:
    instance = tw.Instance.ephemeral()
    together = tw.materialize([harbour, is_open], instance=instance)
    (record,) = instance.fetch_materializations(harbour.key, limit=1).records
    alone = tw.materialize([is_open], instance=instance)
    for result in (together, alone):
        target = result.get_asset_check_evaluations()[0].target_materialization_data
        assert (target.run_id, target.storage_id) == (together.run_id, record.storage_id)
        assert target.timestamp == record.timestamp


def test_nothing_was_made_and_nothing_is_stored() -> None:
    assert tw.materialize([is_open]).get_asset_check_evaluations()[0].target_materialization_data is None
    result = tw.materialize([harbour, is_open])
    assert result.get_asset_check_evaluations()[0].target_materialization_data.run_id == result.run_id
