from typing import List
from dagster import (
    DynamicOut,
    DynamicOutput,
    Out,
    Output,
    job,
    op,
    graph,
    graph_asset,
    materialize,
    Config,
    asset,
    Definitions,
)
import pytest


class Chunk(Config):
    size: int = 2


@op(out=DynamicOut(int))
def chunks(context, config: Chunk):
    for i in range(4):
        yield DynamicOutput(i, mapping_key=f"n_{i}", metadata={"i": i})


@op(out={"dyn": DynamicOut(str), "count": Out(int)})
def mixed():
    yield DynamicOutput("a", "a", output_name="dyn")
    yield DynamicOutput("b", mapping_key="b", output_name="dyn")
    yield Output(2, "count")


@op
def square(n: int) -> int:
    return n * n


@op
def add(a, b):
    return a + b


@op
def total(xs: List[int]) -> int:
    return sum(xs)


@op
def show(xs, c):
    return "".join(xs) + str(c)


@graph
def square_twice(n):
    return square(square(n))


@job
def dyn_job():
    results = chunks().map(square)
    total(results.collect())


@job(config={"ops": {"chunks": {"config": {"size": 3}}}})
def nested_dyn():
    total(chunks().map(lambda n: add(square_twice(n), square(n))).collect())


@job
def mixed_dyn():
    dyn, count = mixed()
    show(dyn.collect(), count)


@graph_asset
def dyn_asset():
    return total(chunks().map(square_twice).collect())


@op
def boom(n: int) -> int:
    if n == 2:
        raise RuntimeError("two")
    return n


@job
def partial_fail():
    total(chunks().map(boom).collect())


defs = Definitions(assets=[dyn_asset], jobs=[dyn_job, nested_dyn, mixed_dyn, partial_fail])


def test_dyn():
    r = dyn_job.execute_in_process()
    assert r.output_for_node("total") == 14
    assert r.output_for_node("square") == {"n_0": 0, "n_1": 1, "n_2": 4, "n_3": 9}
    assert nested_dyn.execute_in_process().output_for_node("square_twice.square_2")["n_3"] == 81
    assert mixed_dyn.execute_in_process().output_for_node("show") == "ab2"


def test_fail():
    r = partial_fail.execute_in_process(raise_on_error=False)
    assert (
        sorted(e.step_key for e in r.get_step_failure_events()) == ["boom[n_2]"]
        if hasattr(r, "get_step_failure_events")
        else not r.success
    )
    assert sorted(r.output_for_node("boom")) == ["n_0", "n_1", "n_3"]


def test_bad_key():
    with pytest.raises(Exception) as e:
        DynamicOutput(1, mapping_key="a-b")
    assert "Invalid" in type(e.value).__name__ or "Check" in type(e.value).__name__
