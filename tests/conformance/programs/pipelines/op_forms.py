"""Ops made in all the ways that people find: factories, classes, partials, wrappers, methods, generators, async, OpDefinition by hand."""

import asyncio
import functools
from collections import namedtuple
from typing import Any, Iterator, NamedTuple, Tuple

from dagster import (
    AssetMaterialization,
    Definitions,
    In,
    Nothing,
    OpDefinition,
    OpExecutionContext,
    Out,
    Output,
    graph,
    job,
    op,
)


def make_op(name, factor):
    @op(name=f"times_{name}", description=f"times {factor}")
    def _op(context, x: int = 1) -> int:
        return x * factor

    return _op


doubles = make_op("two", 2)
triples = make_op("three", 3)


def logged(fn):
    @functools.wraps(fn)
    def wrapper(*args, **kwargs):
        return fn(*args, **kwargs) + 100

    return wrapper


@op
@logged
def decorated(x: int) -> int:
    return x


@op
def early_return(x):
    if x > 1:
        yield Output("big")
        return
    yield Output("small")


@op
async def waits(x) -> str:
    await asyncio.sleep(0)
    return f"waited {x}"


@op(out={"a": Out(), "b": Out()})
async def async_generator():
    yield Output(1, "a")
    await asyncio.sleep(0)
    yield Output(2, "b")


@op(out={"first": Out(int), "second": Out(str)})
def typed_tuple() -> Tuple[int, str]:
    return 1, "x"


Pair = namedtuple("Pair", "left right")


@op(out={"left": Out(), "right": Out()})
def named_tuple():
    return Pair(left=1, right=2)


@op(ins={"x": In(int)}, out=Out(int))
def annotated_elsewhere(context, x):
    return x


@op
def keyword_only(context, *, value: int = 3) -> int:
    return value


@op
def underscore_context(_, x):
    return x


@op
def _context_name(_context, x):
    return x


@op
def returns_output(x) -> Output:
    return Output(x, metadata={"seen": x})


@op
def returns_none(x):
    pass


def compute(context, inputs):
    yield Output(inputs["x"] + 1, "result")


by_hand = OpDefinition(name="by_hand", compute_fn=compute, ins={"x": In(int)}, outs={"result": Out(int)})


@op(out=Out(is_required=False))
def maybe(x):
    if x > 10:
        yield Output(x)


@op
def collects(values: list) -> int:
    return len(values)


@op(ins={"after": In(Nothing)}, out=Out(Nothing))
def only_order():
    pass


@op(ins={"done": In(Nothing)})
def last():
    return "last"


@job
def forms():
    a = doubles()
    b = triples(a)
    decorated(b)
    early_return(b)
    waits(b)
    async_generator()
    typed_tuple()
    left, right = named_tuple()
    annotated_elsewhere(left)
    keyword_only()
    underscore_context(right)
    _context_name(right)
    returns_output(a)
    none = returns_none(a)
    h = by_hand(a)
    m = maybe(h)
    collects([m, h, none])
    last([only_order(a), only_order.alias("second_order")(none)])


defs = Definitions(jobs=[forms])


def observe():
    result = forms.execute_in_process()
    names = [
        "times_three",
        "decorated",
        "early_return",
        "waits",
        "annotated_elsewhere",
        "keyword_only",
        "underscore_context",
        "_context_name",
        "returns_output",
        "by_hand",
        "last",
        "collects",
    ]
    return {
        "values": {name: result.output_for_node(name) for name in names},
        "async": [
            result.output_for_node("async_generator", "a"),
            result.output_for_node("async_generator", "b"),
        ],
        "docs": [doubles.description, decorated.name, by_hand.output_defs[0].dagster_type.display_name],
    }
