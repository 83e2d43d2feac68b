from dagster import (
    Definitions,
    In,
    Int,
    List,
    Out,
    execute_job,
    graph,
    job,
    op,
    reconstructable,
    DagsterInstance,
)


@op
def add(a, b):
    return a + b


@op(ins={"numbers": In(List[Int])})
def total(numbers):
    return sum(numbers)


@job
def sums(first, second):
    add(first, second)


@job(input_values={"start": 10})
def preset_input(start):
    add(start, add.alias("inner")(start, start))


@job
def from_config():
    total()


@graph(out={"answer": __import__("dagster").GraphOut()})
def outer(x):
    return add(x, x)


defs = Definitions(jobs=[preset_input, from_config])


def test_input_values():
    assert sums.execute_in_process(input_values={"first": 2, "second": 3}).output_for_node("add") == 5
    assert preset_input.execute_in_process().output_for_node("add") == 30
    assert preset_input.execute_in_process(input_values={"start": 1}).output_for_node("add") == 3


def test_inputs_by_config():
    config = {"ops": {"total": {"inputs": {"numbers": [{"value": 2}, {"value": 5}]}}}}
    assert from_config.execute_in_process(run_config=config).output_for_node("total") == 7
    assert sums.execute_in_process(
        run_config={"inputs": {"first": {"value": 1}, "second": {"value": 4}}}
    ).success


def test_graph_execution():
    result = outer.execute_in_process(input_values={"x": 4})
    assert result.output_value("answer") == 8
