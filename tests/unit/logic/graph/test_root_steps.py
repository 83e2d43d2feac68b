"""The pools of the steps that can begin at once: tables."""

from __future__ import annotations

import pytest

from tidewheel.logic.graph.root_steps import root_pools_of_assets, root_pools_of_ops
from tidewheel.logic.graph.specs import AssetNode, DepSpec, OpNode

OPS = (
    OpNode(name="a", pool="db"),
    OpNode(name="b", pool="db"),
    OpNode(name="c"),
    OpNode(name="d", pool="api", depends_on=("a", "c")),
)


@pytest.mark.parametrize(
    "steps, found",
    [
        (None, ["db", "db", None]),
        (["d"], ["api"]),  # what it waits for is not run
        (["c", "d"], [None]),
        ([], []),
    ],
)
def test_of_ops(steps, found) -> None:
    assert root_pools_of_ops(OPS, steps) == found


def asset(key: str, *above: str, step: str | None = None, pool: str | None = None) -> AssetNode:
    return AssetNode(key=key, step=step or key, pool=pool, deps=tuple(DepSpec(asset=one) for one in above))


@pytest.mark.parametrize(
    "nodes, found",
    [
        ([asset("x", pool="db"), asset("y", "x", pool="api")], ["db"]),
        ([asset("y", "x", pool="api")], ["api"]),  # x is not made in this run
        ([asset("one", step="both", pool="p"), asset("two", "one", step="both", pool="p")], ["p"]),
        ([asset("x"), asset("z", pool="db"), asset("y", "x", "z")], [None, "db"]),
        ([AssetNode(key="outside", kind="external"), asset("y", "outside")], [None]),
    ],
)
def test_of_assets(nodes, found) -> None:
    assert root_pools_of_assets(nodes) == found
