from dagster import (
    Definitions,
    DependencyDefinition,
    GraphDefinition,
    GraphOut,
    In,
    InputMapping,
    Nothing,
    OutputMapping,
    graph,
    job,
    op,
)


@op
def prepare():
    pass


@op(ins={"ready": In(Nothing)})
def work():
    return 3


@op(ins={"ready": In(Nothing)})
def clean_up():
    return "clean"


@graph
def worked(ready):
    return work(ready)


@job
def shift():
    clean_up(worked(prepare()))


@op
def double(n):
    return 2 * n


doubled_twice = (
    GraphDefinition(
        name="doubled_twice",
        node_defs=[double, double.alias("second") if False else double],
        dependencies={},
        input_mappings=[
            InputMapping(
                graph_input_name="n",
                mapped_node_name="double",
                mapped_node_input_name="n",
                graph_input_description="a number",
            )
        ],
        output_mappings=[
            OutputMapping(
                graph_output_name="result", mapped_node_name="double", mapped_node_output_name="result"
            )
        ],
    )
    if False
    else None
)


@graph
def quad(n):
    return double.alias("second")(double(n))


@job
def quads():
    double.alias("third")(quad.alias("q")(work.alias("start")(prepare())))


defs = Definitions(jobs=[shift, quads])


def test_quads():
    assert quads.execute_in_process().output_for_node("third") == 24
