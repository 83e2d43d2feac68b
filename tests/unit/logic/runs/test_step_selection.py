"""Step selections."""

from __future__ import annotations

import pytest

from tidewheel.logic.runs.plan import OutputRef, PlannedInput, PlannedStep, RunPlan
from tidewheel.logic.runs.step_selection import select_steps


def _step(key: str, *upstream: str) -> PlannedStep:
    sources = tuple(OutputRef(step=one) for one in upstream)
    return PlannedStep(key=key, path=(key,), inputs=(PlannedInput(name="x", sources=sources),))


PLAN = RunPlan(
    steps=(_step("a"), _step("b", "a"), _step("c", "b"), _step("d", "b"), _step("e", "c", "d"), _step("f"))
)


@pytest.mark.parametrize(
    ("clauses", "expected"),
    [
        (["b"], {"b"}),
        (["*c"], {"a", "b", "c"}),
        (["b*"], {"b", "c", "d", "e"}),
        (["+c"], {"b", "c"}),
        (["++e"], {"e", "c", "d", "b"}),
        (["a++"], {"a", "b", "c", "d"}),
        (["*b+"], {"a", "b", "c", "d"}),
        (["a", "f"], {"a", "f"}),
        (["clean[x]"], {"clean[x]"}),
        ([], set()),
    ],
)
def test_clauses(clauses: list[str], expected: set[str]) -> None:
    assert set(select_steps(PLAN, clauses)) == expected


def test_each_key_comes_once_in_order() -> None:
    assert select_steps(PLAN, ["c", "b+", "c"]) == ["c", "b", "d"]
