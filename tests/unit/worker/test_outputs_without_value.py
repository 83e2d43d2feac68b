"""Outputs of the type Nothing need not be yielded: there is no value that could be missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tidewheel as tw


@tw.op(out={"done": tw.Out(tw.Nothing), "value": tw.Out(int)})
def both() -> Iterator[Any]:
    yield tw.Output(1, "value")


@tw.op(ins={"ready": tw.In(tw.Nothing)})
def after() -> int:
    return 3


def test_an_op_that_yields_only_its_values_has_given_the_others_too() -> None:
    @tw.job
    def waits() -> None:
        done, _ = both()
        after(done)

    result = waits.execute_in_process()
    assert result.output_for_node("after") == 3
    assert [event.step_output_data.output_name for event in result.all_events if event.is_successful_output][
        :2
    ] == [
        "value",
        "done",
    ]


def test_a_direct_call_gives_them_at_the_end() -> None:
    assert [output.output_name for output in both()] == ["value", "done"]


def test_an_asset_without_value_is_made_when_its_function_only_yields_other_events() -> None:
    @tw.asset(dagster_type=tw.Nothing)
    def loaded() -> Iterator[Any]:
        yield tw.AssetObservation("source")

    result = tw.materialize([loaded])
    assert [event.asset_key for event in result.get_asset_materialization_events()] == [tw.AssetKey("loaded")]


def test_of_several_assets_each_has_to_be_named() -> None:
    @tw.multi_asset(specs=[tw.AssetSpec("one"), tw.AssetSpec("two")])
    def part() -> Iterator[Any]:
        yield tw.MaterializeResult("one")

    assert not tw.materialize([part], raise_on_error=False).success
