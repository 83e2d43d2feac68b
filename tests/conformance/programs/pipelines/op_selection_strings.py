"""Op selection by strings, with config that must fit, and inputs of what is left out."""

import pytest
from dagster import (
    DagsterInvalidConfigError,
    DagsterInvalidSubsetError,
    DagsterExecutionStepNotFoundError,
    Definitions,
    graph,
    job,
    op,
)


@op
def load_a():
    return 1


@op
def load_b():
    return 2


@op
def add(a, b):
    return a + b


@op(config_schema={"factor": int})
def scale(context, n):
    return n * context.op_config["factor"]


@op
def report(n):
    return f"n={n}"


@graph
def inner(n):
    return report(n)


@job
def diamond():
    s = add(load_a(), load_b())
    scale(s)
    inner(s)


CONFIG = {"ops": {"scale": {"config": {"factor": 3}}}}
defs = Definitions(jobs=[diamond])


def steps(*selection, **arguments):
    result = diamond.execute_in_process(op_selection=list(selection), **arguments)
    return sorted(event.step_key for event in result.get_step_success_events())


def observe():
    found = {}
    for text in [
        "add",
        "*add",
        "add*",
        "+add",
        "add+",
        "++report",
        "*scale",
        "*inner",
        "inner.report",
        "*inner.report",
        "load_a,load_b",
    ]:
        for config in ({}, CONFIG):
            try:
                found[f"{text} {bool(config)}"] = steps(*text.split(","), run_config=config)
            except Exception as e:
                found[f"{text} {bool(config)}"] = type(e).__name__.removeprefix("Dagster")
    subset = diamond.get_subset(op_selection=["load_a", "load_b"])
    found["subset"] = [subset.name, sorted(n.name for n in subset.nodes), sorted(subset.op_selection or [])]
    found["with_inputs"] = (
        diamond.get_subset(op_selection=["add"])
        .execute_in_process(run_config={"ops": {"add": {"inputs": {"a": {"value": 5}, "b": {"value": 6}}}}})
        .output_for_node("add")
    )
    return found


def test_unknown():
    with pytest.raises(DagsterInvalidSubsetError):
        steps("nothing_like_this")
    with pytest.raises(Exception):
        diamond.execute_in_process()


def test_selection_in_definition():
    @graph
    def both():
        scale(add(load_a(), load_b()))

    cut = both.to_job(op_selection=["load_a"]) if "op_selection" in both.to_job.__code__.co_varnames else None
    if cut is not None:
        assert cut.execute_in_process().output_for_node("load_a") == 1
