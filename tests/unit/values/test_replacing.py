"""Values that users know as named tuples."""

from __future__ import annotations

from typing import Any

import pytest

import tidewheel as tw


def test_a_changed_copy_leaves_the_value_as_it_is() -> None:
    policy = tw.RetryPolicy(max_retries=1)
    assert policy._replace(max_retries=3) == tw.RetryPolicy(max_retries=3)
    made = tw.AssetMaterialization("a", metadata={"x": 1})
    assert made._replace(description="told").description == "told"
    assert (policy.max_retries, made.description) == (1, None)


@pytest.mark.parametrize("value", [tw.RetryPolicy(), tw.AssetMaterialization("a"), tw.RunRequest()])
def test_an_unknown_attribute_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="nothing_like_it"):
        value._replace(nothing_like_it=1)


def test_runs_and_events_can_be_written_out() -> None:
    @tw.op
    def one() -> int:
        return 1

    @tw.job
    def nightly() -> None:
        one()

    with tw.Instance.ephemeral() as instance:
        result = nightly.execute_in_process(instance=instance)
        run = instance.get_run_records()[0].dagster_run._asdict()
        assert (run["job_name"], run["run_id"]) == ("nightly", result.run_id)
        event = result.all_events[-1]._asdict()
        assert event["event_type_value"] == result.all_events[-1].event_type_value
    assert tw.AssetCheckSpec("fresh", asset="a")._asdict()["asset_key"] == tw.AssetKey("a")
    assert tw.RunRequest(run_key="k")._asdict()["run_key"] == "k"
