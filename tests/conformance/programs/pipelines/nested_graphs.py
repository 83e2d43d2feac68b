"""Graphs in graphs: outputs as dicts, tuples and named tuples, shared inputs, hooks and tags within, order between graphs."""

from collections import namedtuple

from dagster import (
    Definitions,
    GraphOut,
    In,
    Nothing,
    Out,
    OpExecutionContext,
    graph,
    job,
    op,
    success_hook,
    failure_hook,
    RetryPolicy,
)

SEEN = []


@success_hook
def hook(context):
    SEEN.append(context.step_key)


@op
def number():
    return 1


@op
def add_one(x):
    return x + 1


@op
def add(a, b):
    return a + b


@op(ins={"start": In(Nothing)})
def noop():
    return "ran"


@op
def path(context: OpExecutionContext):
    return [str(context.op_handle), context.op.name, context.op_def.name, context.job_name]


@graph
def twice(x):
    return add_one(add_one(x))


@graph
def four_times(x):
    return twice.alias("outer")(twice.alias("inner")(x))


@graph(out={"low": GraphOut(), "high": GraphOut()})
def spread(x):
    return {"low": twice(x), "high": four_times(x)}


@graph(out={"a": GraphOut(), "b": GraphOut()})
def as_tuple(x):
    y = add_one(x)
    return y, twice(y)


@graph(ins={}, out=GraphOut(description="the sum"))
def shared(x):
    return add(add_one(x), twice(x))


@graph
def ordered(start):
    noop(start)


@graph(name="deeper")
def deeper():
    path.alias("aliased")()


@graph
def paths():
    path()
    deeper()


@job
def everything():
    n = number()
    low, high = spread(n)
    a, b = as_tuple(n)
    add.alias("low_high")(low, high)
    add.alias("a_b")(a, b)
    shared(n)
    four_times.with_hooks({hook})(n)
    ordered(twice.alias("before").tag({"k": "v"})(n))


@job(hooks={hook})
def path_job():
    paths()


defs = Definitions(jobs=[everything, path_job])


def observe():
    SEEN.clear()
    result = everything.execute_in_process()
    shown = {
        name: result.output_for_node(name)
        for name in [
            "low_high",
            "a_b",
            "shared",
            "four_times",
            "ordered.noop",
            "spread.four_times.outer.add_one_2",
        ]
    }
    shown["hooks"] = sorted(SEEN)
    shown["spread"] = [result.output_for_node("spread", "low"), result.output_for_node("spread", "high")]
    shown["steps"] = sorted(e.step_key for e in result.get_step_success_events())
    SEEN.clear()
    paths_result = path_job.execute_in_process()
    shown["paths"] = [
        paths_result.output_for_node("paths.path"),
        paths_result.output_for_node("paths.deeper.aliased"),
    ]
    shown["all_hooks"] = sorted(SEEN)
    direct = shared.execute_in_process(input_values={"x": 5})
    shown["direct"] = direct.output_value()
    shown["to_job"] = spread.to_job(input_values={"x": 2}).execute_in_process().output_value("high")
    shown["alias"] = (
        four_times.alias("renamed").name if hasattr(four_times.alias("renamed"), "name") else None
    )
    return shown
