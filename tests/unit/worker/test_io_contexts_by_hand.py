"""Contexts of IO managers that a test makes: their resources are there, and are closed with the ``with`` block."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import tidewheel as tw


@pytest.mark.parametrize("build", [tw.build_output_context, tw.build_input_context])
def test_resources_end_with_the_block(build: Any) -> None:
    steps: list[str] = []

    @tw.resource
    def opened(_: Any) -> Iterator[str]:
        steps.append("opened")
        yield "value"
        steps.append("closed")

    with build(resources={"one": opened}) as context:
        assert context.resources.one == "value"
        assert steps == ["opened"]
    assert steps == ["opened", "closed"]
    with build() as plain:
        assert plain.resources._asdict() == {}


def test_a_manager_that_asks_for_the_one_partition_of_several_fails_with_its_cause() -> None:
    class OnePartition(tw.IOManager):
        def handle_output(self, context: tw.OutputContext, obj: object) -> None:
            assert context.asset_partition_key

        def load_input(self, context: tw.InputContext) -> object:
            return None

    days = tw.DailyPartitionsDefinition("2024-01-01")

    @tw.asset(partitions_def=days, backfill_policy=tw.BackfillPolicy.single_run())
    def table() -> int:
        return 1

    span = {
        "dagster/asset_partition_range_start": "2024-01-01",
        "dagster/asset_partition_range_end": "2024-01-02",
    }
    for manager in (OnePartition(), None):
        resources = {"io_manager": manager} if manager is not None else {}
        result = tw.materialize([table], tags=span, resources=resources, raise_on_error=False)
        [failure] = [event.step_failure_data.error for event in result.all_events if event.is_step_failure]
        assert failure.cls_name == "ExecutionHandleOutputError"
        assert failure.cause.cls_name == "CheckError"
