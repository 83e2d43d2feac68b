"""Dynamic mapping over files: map, chain, collect, two dynamic outputs, failing ones, selection inside."""

import os
import tempfile
from typing import List

from dagster import (
    DynamicOut,
    DynamicOutput,
    Definitions,
    Field,
    In,
    Nothing,
    Out,
    Output,
    RetryPolicy,
    graph,
    job,
    op,
)


@op(config_schema={"names": Field([str], default_value=["a", "b", "c"])}, out=DynamicOut(str))
def files_in_directory(context):
    for name in context.op_config["names"]:
        yield DynamicOutput(value=name, mapping_key=name.replace(".", "_"))


@op
def process_file(context, path: str) -> int:
    context.log.info(context.get_mapping_key())
    return ord(path[0])


@op
def double(n: int) -> int:
    return n * 2


@op
def summarize(numbers: List[int]) -> int:
    return sum(numbers)


@op(out={"evens": DynamicOut(int), "odds": DynamicOut(int), "rest": Out(int)})
def sorted_numbers():
    for n in range(4):
        yield DynamicOutput(
            n, mapping_key=f"k{n}", output_name="odds" if n % 2 else "evens", metadata={"n": n}
        )
    yield Output(99, "rest")


@op
def add(a: int, b: int) -> int:
    return a + b


@op(ins={"start": In(Nothing)})
def finish():
    return "done"


@op(out=DynamicOut())
def returned_list() -> List[DynamicOutput[int]]:
    return [DynamicOutput(n, mapping_key=str(n)) for n in range(3)]


@op
def fails_on_b(path: str):
    if path == "b":
        raise ValueError(path)
    return path


@op
def joined(parts):
    return "".join(parts)


@graph
def process_both(path):
    return double(process_file(path))


@job
def process_directory():
    files = files_in_directory()
    results = files.map(process_file)
    summarize(results.collect())


@job
def chained():
    files = files_in_directory()
    summarize(files.map(lambda path: double(process_file(path))).collect())


@job
def with_graph_inside():
    summarize(files_in_directory().map(process_both).collect())


@job
def several():
    evens, odds, rest = sorted_numbers()
    summarize.alias("of_evens")(evens.map(lambda n: add(n, rest)).collect())
    summarize.alias("of_odds")(odds.collect())


@job
def barrier():
    finish(returned_list().map(double).collect())


@job
def one_fails():
    joined(files_in_directory().map(fails_on_b).collect())


@job
def mapped_twice():
    files = files_in_directory()
    first = files.map(process_file)
    second = first.map(double)
    summarize(second.collect())
    summarize.alias("early")(first.collect())


defs = Definitions(
    jobs=[process_directory, chained, with_graph_inside, several, barrier, one_fails, mapped_twice]
)


def observe():
    result = process_directory.execute_in_process()
    shown = {
        "by_key": result.output_for_node("process_file"),
        "files": result.output_for_node("files_in_directory"),
        "sum": result.output_for_node("summarize"),
        "steps": sorted(e.step_key for e in result.get_step_success_events()),
    }
    result = several.execute_in_process()
    shown["several"] = [result.output_for_node("of_evens"), result.output_for_node("of_odds")]
    shown["evens"] = result.output_for_node("sorted_numbers", "evens")
    result = chained.execute_in_process(run_config={"ops": {"files_in_directory": {"config": {"names": []}}}})
    shown["empty"] = [result.success, result.output_for_node("summarize")]
    shown["subset"] = sorted(
        e.step_key
        for e in process_directory.execute_in_process(
            op_selection=["files_in_directory+"]
        ).get_step_success_events()
    )
    nested = with_graph_inside.execute_in_process()
    shown["nested"] = sorted(e.step_key for e in nested.get_step_success_events())
    return shown
