"""Nested graphs, config mapping in its forms, graph inputs and outputs, aliases and tags."""

from dagster import (
    ConfigMapping,
    Definitions,
    DependencyDefinition,
    GraphDefinition,
    GraphIn,
    GraphOut,
    In,
    MultiDependencyDefinition,
    NodeInvocation,
    OpExecutionContext,
    Out,
    Output,
    config_mapping,
    graph,
    job,
    op,
)


@op(config_schema={"n": int}, tags={"kind": "maths"})
def add_n(context, number: int) -> int:
    return number + context.op_config["n"]


@op(config_schema={"m": int})
def mult_m(context, number: int) -> int:
    return number * context.op_config["m"]


@op
def one() -> int:
    return 1


@op(out={"small": Out(int), "large": Out(int)})
def split(number: int):
    yield Output(number, "small")
    yield Output(number * 100, "large")


@graph(
    config=ConfigMapping(
        config_fn=lambda cfg: {
            "add_n": {"config": {"n": cfg["value"]}},
            "mult_m": {"config": {"m": cfg["value"] * 2}},
        },
        config_schema={"value": int},
    )
)
def subgraph(number):
    return mult_m(add_n(number))


@config_mapping
def simple(value: int = 3):
    return {"add_n": {"config": {"n": value}}, "mult_m": {"config": {"m": 1}}}


@config_mapping(config_schema={"flavour": str})
def outer_mapping(outer):
    return {
        "ops": {
            "subgraph": {"config": {"value": len(outer["flavour"])}},
            "second": {"config": {"value": 1}},
        }
    }


@job(config=outer_mapping)
def mapped():
    subgraph.alias("second")(subgraph(one()))


@graph(
    out={"small": GraphOut(), "large": GraphOut(description="times 100")},
    ins={"number": GraphIn(description="in")},
)
def two_outs(number):
    small, large = split(number)
    return {"small": small, "large": large}


@graph
def nested_twice(number):
    small, large = two_outs(number)
    return add_n(small), large


@op
def total(numbers: list) -> int:
    return sum(numbers)


@graph(tags={"team": "core"}, description="All of it.")
def everything():
    small, large = two_outs(one())
    total([subgraph(small), add_n.alias("plus").tag({"extra": "1"})(large)])


everything_job = everything.to_job(
    name="everything_job",
    config={
        "ops": {
            "subgraph": {"config": {"value": 5}},
            "plus": {"config": {"n": 7}},
        }
    },
    tags={"mode": "test"},
    description="described",
)
dev_job = everything.to_job(
    config=ConfigMapping(
        config_fn=lambda cfg: {"subgraph": {"config": {"value": cfg["v"]}}, "plus": {"config": {"n": 1}}},
        config_schema={"v": int},
    ),
    name="dev_job",
)

by_hand = GraphDefinition(
    name="by_hand",
    node_defs=[one, total],
    dependencies={
        NodeInvocation("one", alias="first"): {},
        NodeInvocation("one", alias="second"): {},
        NodeInvocation("total"): {
            "numbers": MultiDependencyDefinition(
                [DependencyDefinition("first"), DependencyDefinition("second", "result")]
            )
        },
    },
).to_job()

defs = Definitions(jobs=[mapped, everything_job, dev_job, by_hand])


def observe():
    result = everything_job.execute_in_process()
    shown = {
        "steps": sorted(e.step_key for e in result.get_step_success_events()),
        "total": result.output_for_node("total"),
        "inside": result.output_for_node("subgraph.add_n"),
        "graph": result.output_for_node("subgraph"),
        "large": result.output_for_node("two_outs", "large"),
        "tags": result.dagster_run.tags.get("mode"),
        "events": len(result.events_for_node("subgraph.mult_m")) > 0,
    }
    try:
        shown["dev"] = dev_job.execute_in_process(run_config={"v": 3}).output_for_node("total")
    except Exception as e:
        shown["dev"] = type(e).__name__.removeprefix("Dagster")
    direct = (
        nested_twice.execute_in_process(
            input_values={"number": 4}, run_config={"ops": {"add_n": {"config": {"n": 1}}}}
        )
        if False
        else two_outs.execute_in_process(input_values={"number": 4})
    )
    shown["direct"] = [direct.output_value("small"), direct.output_value("large")]
    shown["mapped"] = mapped.execute_in_process(run_config={"flavour": "abc"}).output_for_node("second")
    shown["node_tags"] = dict(everything_job.graph.node_named("plus").tags)
    shown["nodes"] = sorted(node.name for node in everything_job.nodes)
    shown["top"] = sorted(everything_job.graph.node_dict)
    return shown


def test_bad_mapping():
    from dagster import DagsterInvalidConfigError, DagsterConfigMappingFunctionError
    import pytest

    with pytest.raises(DagsterInvalidConfigError):
        mapped.execute_in_process(run_config={"flavour": 1})

    @graph(config=ConfigMapping(config_fn=lambda cfg: 1 / 0, config_schema={"a": int}))
    def broken_inner():
        add_n(one())

    @graph
    def broken():
        broken_inner()

    with pytest.raises(DagsterConfigMappingFunctionError):
        broken.to_job().execute_in_process(run_config={"ops": {"broken_inner": {"config": {"a": 1}}}})

    @graph(
        config=ConfigMapping(config_fn=lambda cfg: {"add_n": {"config": {"m": 1}}}, config_schema={"a": int})
    )
    def wrong_inner():
        add_n(one())

    @graph
    def wrong():
        wrong_inner()

    with pytest.raises(DagsterInvalidConfigError):
        wrong.to_job().execute_in_process(run_config={"ops": {"wrong_inner": {"config": {"a": 1}}}})
