from dagster import Definitions, DagsterInvalidSubsetError, job, op
import pytest


@op
def a():
    return 1


@op
def b(x):
    return x + 1


@op
def c(x):
    return x + 1


@op
def d(x, y):
    return x + y


@job
def chain():
    first = a()
    d(b(first), c(first))


@op
def fails():
    raise ValueError("x")


defs = Definitions(jobs=[chain])


def steps(selection):
    result = chain.execute_in_process(op_selection=selection)
    return sorted(event.step_key for event in result.get_step_success_events())


def observe():
    return {
        "one": steps(["a"]),
        "downstream": steps(["a", "b"]),
        "star_up": steps(["*d"]),
        "plus": steps(["+b"]),
        "star_down": steps(["a*"]),
        "unknown_output": chain.execute_in_process(op_selection=["a"]).output_for_node("a"),
    }


def test_unknown_op():
    with pytest.raises(DagsterInvalidSubsetError):
        chain.execute_in_process(op_selection=["nope"])
