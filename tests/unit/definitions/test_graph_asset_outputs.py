"""What a graph-backed asset takes over from the ops inside: whether its output may be left out."""

from __future__ import annotations

import tidewheel as tw


@tw.op(out={"a": tw.Out(is_required=False), "b": tw.Out()})
def two():
    yield tw.Output(1, "a")
    yield tw.Output(2, "b")


@tw.graph_multi_asset(outs={"x": tw.AssetOut(), "y": tw.AssetOut(is_required=False)})
def both():
    a, b = two()
    return {"x": a, "y": b}


@tw.graph_asset
def first():
    return two()[0]


def test_an_output_that_may_be_left_out_makes_the_asset_skippable() -> None:
    assert {spec.key.to_user_string(): spec.skippable for spec in both.specs} == {"x": True, "y": False}
    assert [spec.skippable for spec in first.specs] == [True]


def test_the_io_managers_of_all_ops_inside_are_required() -> None:
    @tw.op(out=tw.Out(io_manager_key="files"))
    def stored() -> int:
        return 1

    @tw.op
    def last(value: int) -> int:
        return value

    @tw.graph_asset
    def made():
        return last(stored())

    assert made.required_resource_keys == {"files", "io_manager"}


def test_a_function_may_take_its_inputs_as_keywords():
    @tw.op
    def passed_on(value):
        return value

    @tw.graph(ins={"left": tw.GraphIn()})
    def both(right, **others):
        passed_on.alias("of_left")(others["left"])
        passed_on.alias("of_right")(right)

    @tw.graph_asset(ins={"source": tw.AssetIn("raw")})
    def clean(**inputs):
        return passed_on(inputs["source"])

    @tw.asset
    def raw():
        return 3

    assert [one.name for one in both.input_defs] == ["right", "left"]
    assert tw.materialize([raw, clean]).output_for_node("clean") == 3
