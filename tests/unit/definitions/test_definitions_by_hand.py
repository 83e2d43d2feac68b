"""Ops, graphs and jobs made of their classes, without decorators."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import tidewheel as tw
from tidewheel.definitions.ops.dependencies import DynamicCollectDependencyDefinition
from tidewheel.errors import InvalidDefinitionError, ParameterCheckError


def yields(_context: Any, inputs: dict[str, int]) -> Iterator[tw.Output]:
    yield tw.Output(inputs["number"] + 1)


def by_hand(compute_fn: Any, name: str = "second", **ins: tw.In) -> tw.OpDefinition:
    return tw.OpDefinition(compute_fn=compute_fn, name=name, ins=ins)


ONE = by_hand(lambda _context, _inputs: iter([tw.Output(1)]), "one")


@pytest.mark.parametrize(
    "compute_fn",
    [
        yields,
        lambda _context, inputs: inputs["number"] + 1,
        lambda _context, inputs: tw.Output(inputs["number"] + 1),
        lambda _context, inputs: [tw.AssetMaterialization("told"), tw.Output(inputs["number"] + 1)],
        lambda context, inputs: yields(context, inputs),
        lambda context, inputs: map(tw.Output, [inputs["number"] + 1]),
    ],
)
def test_a_function_of_context_and_inputs_gives_results_in_any_form(compute_fn: Any) -> None:
    graph = tw.GraphDefinition(
        "graph",
        node_defs=[ONE, by_hand(compute_fn, number=tw.In(int))],
        dependencies={"second": {"number": tw.DependencyDefinition("one")}},
    )
    assert tw.JobDefinition(graph_def=graph).execute_in_process().output_for_node("second") == 2


def test_connections_of_every_kind() -> None:
    spread = tw.OpDefinition(
        lambda _context, _inputs: (tw.DynamicOutput(one, str(one)) for one in (1, 2)),
        "spread",
        outs={"result": tw.DynamicOut()},
    )
    total = by_hand(lambda _context, inputs: sum(inputs["numbers"]), "total", numbers=tw.In())
    job = tw.GraphDefinition(
        "graph",
        node_defs=[ONE, spread, by_hand(yields, "more", number=tw.In(int)), total],
        dependencies={
            tw.NodeInvocation("more", alias="each"): {"number": tw.DependencyDefinition("spread")},
            tw.NodeInvocation("total", alias="mapped"): {
                "numbers": DynamicCollectDependencyDefinition("each")
            },
            "total": {
                "numbers": tw.MultiDependencyDefinition(
                    [tw.DependencyDefinition("one"), tw.DependencyDefinition("mapped", "result")]
                )
            },
        },
    ).to_job()
    assert job.execute_in_process().output_for_node("total") == 1 + 2 + 3


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: tw.OpDefinition(compute_fn=None, name="op"), ParameterCheckError),
        (lambda: tw.OpDefinition(compute_fn=yields, name="op", ins=[tw.In()]), ParameterCheckError),
        (lambda: tw.OpDefinition(compute_fn=yields, name="op", outs=[tw.Out()]), ParameterCheckError),
        (
            lambda: tw.GraphDefinition(
                "graph",
                node_defs=[ONE, by_hand(yields, number=tw.In())],
                dependencies={"second": {"number": "one"}},
            ),
            InvalidDefinitionError,
        ),
    ],
)
def test_wrong_parts_are_refused(make: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="expected"):
        make()
