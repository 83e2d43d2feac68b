"""Where inputs of graphs take their values from when nobody gives one, and values of structured types from run config."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

import tidewheel as tw
from tidewheel.definitions.ops.types import resolve_type


@tw.op
def five(x: int = 5) -> int:
    return x


@tw.op
def one(x: int = 1) -> int:
    return x


@tw.op
def plain(x: int) -> int:
    return x


def test_ops_behind_one_input_of_a_graph_take_their_own_defaults() -> None:
    @tw.graph(out={"a": tw.GraphOut(), "b": tw.GraphOut()})
    def both(y: int) -> Any:
        return {"a": five(y), "b": one(y)}

    unset = both.execute_in_process()
    assert (unset.output_value("a"), unset.output_value("b")) == (5, 1)
    given = both.execute_in_process(input_values={"y": 2})
    assert (given.output_value("a"), given.output_value("b")) == (2, 2)


def test_an_op_without_a_default_does_not_take_that_of_another() -> None:
    @tw.graph
    def mixed(y: int) -> None:
        five(y)
        plain(y)

    with pytest.raises(tw.InvariantViolationError, match="'x'"):
        mixed.execute_in_process()


def test_defaults_are_taken_through_graphs_inside_graphs() -> None:
    @tw.graph
    def inner(y: int) -> int:
        one(y)
        return five(y)

    @tw.graph
    def outer(z: int) -> int:
        return inner(z)

    result = outer.execute_in_process()
    assert (result.output_value(), result.output_for_node("inner.one")) == (5, 1)


def test_steps_run_graph_by_graph_after_what_their_graph_depends_on() -> None:
    numbers = count()

    @tw.op
    def following() -> int:
        return next(numbers)

    @tw.op
    def echo(value: int) -> int:
        return value

    @tw.graph
    def composed(value: int) -> int:
        echo(value)
        return following()

    @tw.graph
    def whole() -> None:
        first = following()
        composed(first)
        composed(first)

    result = whole.execute_in_process()
    assert [result.output_for_node(name) for name in ("composed.echo", "composed_2.echo", "composed")] == [
        0,
        0,
        1,
    ]


def test_nodes_are_ordered_level_by_level_and_then_by_name() -> None:
    @tw.graph
    def some() -> None:
        plain.alias("z")(five.alias("y")())
        plain.alias("a")(five.alias("x")())

    assert [node.name for node in some.nodes_in_topological_order] == ["x", "y", "a", "z"]


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        (dict, {"a": 1}, {"a": 1}),
        (tw.Dict[str, int], {"a": {"value": 1}, "b": 2}, {"a": 1, "b": 2}),
        (tw.Set[int], [1, 1], {1}),
        (tw.Tuple[int, str], [1, "a"], (1, "a")),
    ],
)
def test_run_config_can_hold_values_of_structured_types(kind: Any, given: Any, value: Any) -> None:
    @tw.op(ins={"x": tw.In(kind)})
    def take(x: Any) -> Any:
        return x

    @tw.job
    def taking() -> None:
        take()

    result = taking.execute_in_process(run_config={"ops": {"take": {"inputs": {"x": given}}}})
    assert result.output_for_node("take") == value


def test_types_name_the_types_they_are_made_of() -> None:
    found = resolve_type(tw.Tuple[tw.List[str], int]).inner_types
    assert [kind.display_name for kind in found] == ["[String]", "String", "Int"]


def test_an_input_of_a_graph_that_holds_a_value_somewhere_is_not_nothing() -> None:
    @tw.op(ins={"waits": tw.In(tw.Nothing)})
    def late() -> None: ...

    @tw.graph
    def both(y: Any) -> None:
        late(y)
        plain(y)

    assert not both.input_defs[0].dagster_type.is_nothing


def test_a_config_mapping_may_speak_of_ops_that_a_selection_has_cut_away() -> None:
    @tw.op(config_schema=str)
    def said(context):  # type: ignore[no-untyped-def]
        return context.op_config

    @tw.op(config_schema=str)
    def joined(context, x: str):  # type: ignore[no-untyped-def]
        return x + context.op_config

    @tw.graph(
        config=tw.ConfigMapping(
            lambda text: {"said": {"config": text}, "joined": {"config": text}}, config_schema=str
        )
    )
    def mapped() -> None:
        joined(said())

    @tw.job
    def whole() -> None:
        mapped()

    result = whole.execute_in_process(
        op_selection=["mapped.said"], run_config={"ops": {"mapped": {"config": "hey"}}}
    )
    assert result.output_for_node("mapped.said") == "hey"
    with pytest.raises(tw.InvalidDefinitionError, match="a/b"):
        mapped.to_job(name="a/b")


def test_inputs_of_an_op_that_a_selection_has_cut_away_may_be_given() -> None:
    @tw.op
    def source() -> int:
        return 1

    @tw.job
    def two() -> None:
        plain(source())

    run_config = {"ops": {"plain": {"inputs": {"x": {"value": 5}}}}}
    assert two.execute_in_process(run_config=run_config, op_selection=["source"]).success
    assert two.execute_in_process(run_config=run_config, op_selection=["plain"]).output_for_node("plain") == 5
    with pytest.raises(tw.InvalidConfigError):
        two.execute_in_process(run_config=run_config)
