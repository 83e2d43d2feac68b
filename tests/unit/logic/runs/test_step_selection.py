"""Step selections."""

from __future__ import annotations

import pytest

from tidewheel.logic.runs.plan import OutputRef, PlannedInput, PlannedStep, RunPlan
from tidewheel.logic.runs.step_selection import select_steps, unknown_steps


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


SPLIT = OutputRef(step="split", output="result")


def _template(key: str, upstream: str) -> PlannedStep:
    source = OutputRef(step=upstream, mapping_key="?")
    return PlannedStep(
        key=key, path=(key,), inputs=(PlannedInput(name="x", sources=(source,)),), mapped_from=SPLIT
    )


MAPPED = RunPlan(
    steps=(
        _step("split"),
        _template("clean[?]", "split"),
        _template("load[?]", "clean[?]"),
        _step("all", "load[?]"),
    )
)
KEYS = {("split", "result"): ("x", "y"), ("clean[?]", "*"): ("x", "y"), ("load[?]", "*"): ("x", "y")}
CLEANED = {"clean[?]", "clean[x]", "clean[y]"}


@pytest.mark.parametrize(
    ("clauses", "expected"),
    [
        (["split+"], {"split", *CLEANED}),
        (["clean[x]*"], {"clean[x]", "load[x]", "all"}),
        (["+load[y]"], {"clean[y]", "load[y]"}),
        (["+clean[?]"], {"split", "clean[?]"}),
    ],
)
def test_steps_that_an_earlier_run_made_of_templates(clauses: list[str], expected: set[str]) -> None:
    assert set(select_steps(MAPPED, clauses, KEYS)) == expected


@pytest.mark.parametrize(
    ("clauses", "unknown"),
    [
        (["clean[x]", "split+", "*all"], []),
        (["clean[z]"], ["clean[z]"]),
        (["split", "load[x]"], ["load[x]"]),
        (["splat+"], ["splat"]),
    ],
)
def test_steps_that_are_not_there(clauses: list[str], unknown: list[str]) -> None:
    assert unknown_steps(MAPPED, clauses, KEYS) == unknown
