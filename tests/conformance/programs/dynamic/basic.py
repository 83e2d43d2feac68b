from typing import List

from dagster import Definitions, DynamicOut, DynamicOutput, OpExecutionContext, Out, graph, job, op


@op(out=DynamicOut())
def chunks():
    for index, letters in enumerate(["ab", "cde", "f"]):
        yield DynamicOutput(letters, mapping_key=f"chunk_{index}")


@op
def length(context: OpExecutionContext, chunk: str) -> int:
    context.log.info("key %s", context.get_mapping_key())
    return len(chunk)


@op
def double(number: int) -> int:
    return number * 2


@op
def total(numbers: List[int]) -> int:
    return sum(numbers)


@op(out={"names": DynamicOut(dagster_type=str), "count": Out(int)})
def several():
    from dagster import Output

    yield DynamicOutput("ada", mapping_key="a", output_name="names")
    yield DynamicOutput("bob", mapping_key="b", output_name="names", metadata={"n": 3})
    yield Output(2, "count")


@op(out=DynamicOut())
def returned() -> List[DynamicOutput[int]]:
    return [DynamicOutput(value=n, mapping_key=str(n)) for n in range(3)]


@op(out=DynamicOut(is_required=False))
def empty():
    if False:
        yield DynamicOutput(1, "never")


@graph
def length_doubled(chunk):
    return double(length(chunk))


@job
def mapping():
    total(chunks().map(length).map(double).collect())


@job
def mapping_graph():
    total(chunks().map(length_doubled).collect())


@job
def named_outputs():
    names, count = several()
    total(names.map(lambda name: double(length(name))).collect())
    double(count)


@job
def from_list():
    total(returned().map(double).collect())


@job
def nothing_to_map():
    total(empty().map(double).collect())


defs = Definitions(jobs=[mapping, mapping_graph, named_outputs, from_list, nothing_to_map])


def test_mapping():
    result = mapping.execute_in_process()
    assert result.output_for_node("total") == 12
    assert result.output_for_node("chunks") == {"chunk_0": "ab", "chunk_1": "cde", "chunk_2": "f"}
    assert result.output_for_node("length") == {"chunk_0": 2, "chunk_1": 3, "chunk_2": 1}


def test_graph():
    assert mapping_graph.execute_in_process().output_for_node("total") == 12
