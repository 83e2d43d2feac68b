from dagster import Definitions, In, Out, Output, graph, job, op


@op(
    tags={"dagster/priority": "3", "cpu": 2, "nested": {"a": 1}},
    description="tagged",
    code_version="5",
    out=Out(metadata={"m": 1}, code_version="6"),
)
def tagged():
    return Output(1, metadata={"runtime": "yes"})


@op(ins={"x": In(metadata={"source": "tagged"}, description="from tagged")})
def reader(context, x):
    return x


@job(
    tags={"a": "b", "list": ["x"]},
    run_tags={"only_run": "1"},
    metadata={"link": "https://example.org", "n": 3},
    description="with tags",
)
def tagging():
    reader(tagged.tag({"added": "later"}).alias("again")())


@graph(tags={"g": "1"}, description="a graph")
def shape():
    tagged()


defs = Definitions(jobs=[tagging, shape.to_job(name="shape_job", tags={"j": "2"}, metadata={"k": "v"})])


def observe():
    return {
        "op_tags": dict(tagged.tags),
        "node_tags": dict(tagging.nodes[0].tags)
        if tagging.nodes[0].name == "again"
        else dict(tagging.nodes[1].tags),
        "job_tags": [dict(tagging.tags), dict(tagging.run_tags)],
        "ran_with": {
            key: value
            for key, value in tagging.execute_in_process(tags={"extra": "e"}).dagster_run.tags.items()
            if not key.startswith(("dagster/", ".dagster"))
        },
        "out_metadata": dict(tagged.output_defs[0].metadata),
        "version": tagged.version,
    }
