"""Snippets in the way of the documentation: branching, fan-in, order, conditional, exceptions, retries, aliases, jobs from graphs."""

import random
from typing import List

from dagster import *  # noqa: F403
import dagster


@op
def return_one(context) -> int:
    return 1


@op
def sum_fan_in(nums: List[int]) -> int:
    return sum(nums)


@graph
def fan_in():
    fan_outs = []
    for i in range(0, 10):
        fan_outs.append(return_one.alias(f"return_one_{i}")())
    sum_fan_in(fan_outs)


fan_in_job = fan_in.to_job()


@op(out={"branch_1": Out(is_required=False), "branch_2": Out(is_required=False)})
def branching_op():
    yield Output(1, "branch_2")


@op
def branch_1_op(_input):
    pass


@op
def branch_2_op(_input):
    return "b2"


@op
def after_both(_a, _b):
    pass


@op
def any_of(values):
    return values


@job
def branching():
    b1, b2 = branching_op()
    x = branch_1_op(b1)
    y = branch_2_op(b2)
    after_both(x, y)
    any_of([x, y])


@op
def create_table_1():
    get_dagster_logger().info("create")


@op(ins={"start": In(Nothing)})
def create_table_2():
    return "made"


@op(ins={"first": In(Nothing), "value": In(int)})
def mixed(value):
    return value + 1


@graph
def nothing_dependency():
    create_table_2(start=create_table_1())
    mixed(first=create_table_1.alias("again")(), value=return_one())


nothing_job = nothing_dependency.to_job()


@op(out={"a": Out(), "b": Out()})
def two():
    yield Output(1, output_name="a")
    yield Output(2, output_name="b")


@op
def adds(a, b=10):
    return a + b


@job
def outputs_by_name():
    outs = two()
    adds(a=outs.a, b=outs.b)
    adds.alias("default")(outs.a)
    named = adds.alias("third")(outs[1])
    adds.alias("fourth")(named)


@op(
    description="described",
    tags={"a": "b"},
    code_version="3",
    name="renamed",
    out=Out(
        int,
        description="n",
        metadata={"m": 1},
        is_required=True,
        io_manager_key="io_manager",
        code_version="4",
    ),
    ins={"x": In(int, description="ix", default_value=4, metadata={"k": "v"})},
)
def original(x):
    """Doc of it."""
    return x


@job(
    description="jd",
    metadata={"owner": "me", "link": MetadataValue.url("http://x")},
    tags={"t": 1, "nested": {"a": [1]}},
)
def attributes():
    original()


@op(required_resource_keys={"missing"})
def needs():
    pass


@graph
def reused():
    return adds(return_one())


@job
def reusing():
    reused.alias("r1")()
    adds(reused.alias("r2")(), reused())


@op
def emits(context):
    context.log.info("x")
    yield ExpectationResult(success=True, label="is_fine", description="d", metadata={"a": 1})
    yield AssetObservation(asset_key="o", metadata={"n": 2})
    yield AssetMaterialization.file("/tmp/x")
    yield Output("v", metadata={"m": MetadataValue.json({"a": 1})})


@op(out=Out(io_manager_key="special"))
def special_out():
    return 1


class Doubling(IOManager):
    def __init__(self):
        self.v = None

    def handle_output(self, context, obj):
        self.v = obj * 2
        yield AssetMaterialization("by_manager", metadata={"v": self.v})

    def load_input(self, context):
        return self.v


@io_manager
def doubling():
    return Doubling()


@job(resource_defs={"special": doubling})
def with_special():
    adds(special_out())
    emits()


defs = Definitions(
    jobs=[fan_in_job, branching, nothing_job, outputs_by_name, attributes, reusing, with_special]
)


def observe():
    o = original
    d = attributes
    r = with_special.execute_in_process()
    kinds = [e.event_type_value for e in r.events_for_node("emits")]
    shown = {
        "op": [
            o.name,
            o.description,
            o.tags,
            o.version,
            o.input_defs[0].description,
            o.output_defs[0].description,
            o.input_defs[0].default_value,
            o.input_defs[0].metadata,
            o.output_defs[0].code_version,
        ],
        "job": [d.description, sorted(d.metadata), d.tags, d.name],
        "kinds": [k for k in kinds if "RESOURCE" not in k and "ENGINE" not in k and "LOGS" not in k],
        "special": r.output_for_node("adds"),
        "expectations": [
            e.event_specific_data.expectation_result.label
            for e in r.all_events
            if e.event_type_value == "STEP_EXPECTATION_RESULT"
        ],
        "order": [n.name for n in reusing.nodes_in_topological_order],
        "topo": sorted(n.name for n in reusing.graph.nodes),
        "deps": len(fan_in_job.graph.dependencies),
        "is": [
            fan_in_job.is_single_node if hasattr(fan_in_job, "is_single_node") else None,
            fan_in_job.has_node_named("sum_fan_in") if hasattr(fan_in_job, "has_node_named") else None,
        ],
        "inputs": sorted(adds.input_dict),
        "outs": sorted(two.output_dict),
        "has": [adds.has_input("a"), adds.input_def_named("b").default_value, two.output_def_named("a").name],
        "node": fan_in_job.graph.node_named("return_one_3").definition.name,
    }
    return shown


def test_missing_resource():
    try:

        @job(resource_defs={"other": ResourceDefinition.none_resource()})
        def j():
            needs()

        j.execute_in_process()
    except DagsterInvalidDefinitionError:
        pass
    else:
        raise AssertionError


def test_missing_resource_late():
    try:

        @job
        def j():
            needs()

        j.execute_in_process()
    except DagsterInvalidDefinitionError:
        pass
    else:
        raise AssertionError


def test_missing_in_definitions():
    try:

        @job
        def j():
            needs()

        Definitions(jobs=[j]).get_repository_def()
    except DagsterInvalidDefinitionError:
        pass
    else:
        raise AssertionError


def test_result_api():
    result = outputs_by_name.execute_in_process(run_id="12345678-1234-1234-1234-123456789012")
    assert result.run_id == "12345678-1234-1234-1234-123456789012"
    assert result.job_def.name == "outputs_by_name"
    assert result.dagster_run.job_name == "outputs_by_name"
    assert result.is_node_success("two")
    assert not result.is_node_skipped("two")
    assert result.output_for_node("two", "b") == 2
    assert result.output_for_node("adds") == 3
    assert len(result.all_node_events) > 3
    assert result.all_events[0].event_type_value in ("RUN_START", "PIPELINE_START")
    assert [e.step_key for e in result.filter_events(lambda e: e.is_step_success)][0] == "two"
    assert result.all_events[0].is_job_event if hasattr(result.all_events[0], "is_job_event") else True
    assert not result.get_failed_step_keys()
    assert result.get_step_success_events()[0].event_type == DagsterEventType.STEP_SUCCESS
    try:
        result.output_for_node("nothing_here")
    except DagsterInvariantViolationError:
        pass
    else:
        raise AssertionError
    try:
        result.output_for_node("two")
    except DagsterInvariantViolationError:
        pass
    else:
        raise AssertionError
    skipped = branching.execute_in_process()
    assert skipped.is_node_skipped("branch_1_op")
    assert skipped.get_step_skipped_events() if hasattr(skipped, "get_step_skipped_events") else True
    assert skipped.output_for_node("any_of") == ["b2"]
    assert skipped.is_node_untouched("branch_1_op") is False
