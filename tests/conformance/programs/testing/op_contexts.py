import pytest
from dagster import (
    Config,
    DagsterInvalidConfigError,
    DagsterInvalidInvocationError,
    Definitions,
    In,
    Out,
    Output,
    ResourceDefinition,
    asset,
    build_op_context,
    job,
    op,
    resource,
)


@op(config_schema={"size": int}, required_resource_keys={"printer"})
def print_pages(context, pages):
    return context.resources.printer(pages, context.op_config["size"])


@op
def no_context(a, b=2):
    return a * b


@op(out={"x": Out(), "y": Out()})
def two_outputs(context):
    yield Output(1, "x")
    context.add_output_metadata({"late": True}, output_name="y")
    yield Output(2, "y")


@op
def keyed(context):
    return [context.partition_key, context.run_tags.get("t") if hasattr(context, "run_tags") else None]


@op
async def coroutine(n):
    return n + 1


@job(
    resource_defs={"printer": ResourceDefinition.hardcoded_resource(lambda pages, size: f"{pages}@{size}")},
    config={"ops": {"print_pages": {"config": {"size": 4}, "inputs": {"pages": {"value": 2}}}}},
)
def printing():
    print_pages()


defs = Definitions(jobs=[printing])


def test_with_everything():
    context = build_op_context(config={"size": 3}, resources={"printer": lambda pages, size: [pages] * size})
    assert print_pages(context, "p") == ["p", "p", "p"]
    assert print_pages(context, pages="q") == ["q", "q", "q"]
    context = build_op_context(op_config={"size": 1}, resources={"printer": lambda pages, size: size})
    assert print_pages(context, 0) == 1


def test_missing_config():
    with pytest.raises(DagsterInvalidConfigError):
        print_pages(build_op_context(resources={"printer": None}), "p")


def test_missing_resource():
    with pytest.raises(Exception):
        print_pages(build_op_context(config={"size": 3}), "p")


def test_without_context():
    assert no_context(3) == 6
    assert no_context(3, b=4) == 12
    with pytest.raises(DagsterInvalidInvocationError):
        no_context()
    with pytest.raises(DagsterInvalidInvocationError):
        print_pages()


def test_yielded_outputs():
    outputs = list(two_outputs(build_op_context()))
    assert [one.value for one in outputs] == [1, 2]
    context = build_op_context()
    list(two_outputs(context))
    assert context.get_output_metadata("y") == {"late": True}


def test_partition_and_tags():
    assert keyed(build_op_context(partition_key="k", run_tags={"t": "1"}))[0] == "k"


def test_coroutine():
    import asyncio

    assert asyncio.run(coroutine(4)) == 5


def test_resources_by_context_manager():
    @resource
    def opened(_):
        yield "open"

    with build_op_context(resources={"opened": opened}) as context:
        assert context.resources.opened == "open"


def test_context_members():
    context = build_op_context()
    assert context.run_id == "EPHEMERAL"
    assert context.has_partition_key is False
    context.log.info("works")
    with pytest.raises(Exception):
        context.job_def
