"""Unit tests of ops, resources and IO managers with every build_*_context, as users write them."""

import asyncio
from typing import Any, Dict, Generator

import pytest
from dagster import (
    AssetKey,
    AssetMaterialization,
    AssetSpec,
    ConfigurableResource,
    DagsterInstance,
    DagsterInvalidConfigError,
    DagsterInvalidInvocationError,
    DagsterResourceFunctionError,
    Definitions,
    DynamicOut,
    DynamicOutput,
    ExpectationResult,
    In,
    InputContext,
    IOManager,
    Nothing,
    OpExecutionContext,
    Out,
    Output,
    OutputContext,
    asset,
    build_init_resource_context,
    build_input_context,
    build_op_context,
    build_asset_context,
    build_output_context,
    build_resources,
    io_manager,
    job,
    op,
    resource,
    Config,
    RetryRequested,
    Failure,
)


@op
def simple():
    return 5


@op
def with_input(x: int, y: int = 4) -> int:
    return x + y


@op(config_schema={"foo": str}, required_resource_keys={"client"})
def full(context, start):
    context.log.info("hi")
    return f"{start} {context.op_config['foo']} {context.resources.client}"


@op(out={"a": Out(), "b": Out()})
def tupled():
    return 1, 2


@op(out={"a": Out(), "b": Out(is_required=False)})
def yielding(context):
    yield AssetMaterialization("thing")
    yield ExpectationResult(success=True, label="ok")
    yield Output(1, "a")


@op(ins={"start": In(Nothing)})
def ordered():
    return "x"


@op(out=DynamicOut())
def dynamic():
    yield DynamicOutput(1, mapping_key="one")
    yield DynamicOutput(2, mapping_key="two")


@op
async def eventually():
    await asyncio.sleep(0)
    return "later"


class MyConfig(Config):
    n: int
    text: str = "t"


@op
def configured_op(context: OpExecutionContext, config: MyConfig):
    return config.n, config.text


class Client(ConfigurableResource):
    url: str

    def get(self):
        return self.url + "!"


@op
def uses_client(client: Client):
    return client.get()


@op
def raises():
    raise ValueError("x")


@op
def fails():
    raise Failure("bad")


@op
def logs_events(context: OpExecutionContext):
    context.log_event(AssetMaterialization("logged", metadata={"n": 1}))
    context.add_output_metadata({"m": 1})


def test_simple():
    assert simple() == 5
    assert with_input(1) == 5
    assert with_input(1, 2) == 3
    assert with_input(x=1, y=5) == 6
    assert tupled() == (1, 2)
    assert ordered() == "x"
    assert asyncio.run(eventually()) == "later"
    with pytest.raises(ValueError):
        raises()
    with pytest.raises(Failure):
        fails()


def test_full():
    context = build_op_context(resources={"client": "c"}, config={"foo": "f"})
    assert full(context, "s") == "s f c"
    assert full(build_op_context(resources={"client": "c"}, op_config={"foo": "f"}), start="s") == "s f c"
    with pytest.raises(DagsterInvalidConfigError):
        full(build_op_context(resources={"client": "c"}), "s")
    with pytest.raises(DagsterInvalidConfigError):
        full(build_op_context(resources={"client": "c"}, config={"foo": 1}), "s")
    with pytest.raises(DagsterInvalidInvocationError):
        full("s")


def test_generators():
    results = list(yielding(build_op_context()))
    assert [type(r).__name__ for r in results] == ["AssetMaterialization", "ExpectationResult", "Output"]
    assert [(o.value, o.mapping_key) for o in dynamic()] == [(1, "one"), (2, "two")]


def test_config_objects():
    assert configured_op(build_op_context(), MyConfig(n=1)) == (1, "t")
    assert configured_op(build_op_context(), config=MyConfig(n=1, text="u")) == (1, "u")
    assert configured_op(build_op_context(config={"n": 2})) == (2, "t")
    assert uses_client(Client(url="u")) == "u!"
    assert uses_client(client=Client(url="u")) == "u!"
    with build_op_context(resources={"client": Client(url="v")}) as context:
        assert uses_client(context) == "v!"


def test_events():
    context = build_op_context()
    logs_events(context)
    assert [m.asset_key for m in context.get_events()] == [AssetKey("logged")]
    assert context.get_output_metadata("result") == {"m": 1}


def test_context_members():
    context = build_op_context(partition_key="p", run_tags={"a": "b"})
    assert context.has_partition_key
    assert context.partition_key == "p"
    assert context.run_tags == {"a": "b"} if hasattr(context, "run_tags") else True
    assert context.instance.is_ephemeral
    assert context.run_id == "EPHEMERAL"
    assert context.has_tag("a")
    assert context.get_tag("a") == "b"


@resource
def greeting(_):
    return "hi"


@resource
def no_context():
    return "plain"


CLOSED = []


@resource(config_schema={"n": int}, required_resource_keys={"greeting"})
def managed(context):
    try:
        yield f"{context.resources.greeting} {context.resource_config['n']}"
    finally:
        CLOSED.append(context.resource_config["n"])


def test_resources():
    assert greeting(None) == "hi"
    assert greeting(build_init_resource_context()) == "hi"
    assert no_context() == "plain"
    with build_init_resource_context(config={"n": 3}, resources={"greeting": greeting}) as context:
        with managed(context) as made:
            assert made == "hi 3"
            assert CLOSED == []
    assert CLOSED == [3]
    with build_resources(
        {"managed": managed, "greeting": greeting}, resource_config={"managed": {"config": {"n": 4}}}
    ) as made:
        assert made.managed == "hi 4"
        assert made._asdict() if hasattr(made, "_asdict") else True
    assert CLOSED == [3, 4]


def test_resource_log():
    context = build_init_resource_context(config={"a": 1})
    context.log.info("x")
    assert context.resource_config == {"a": 1}
    assert context.instance is None or context.instance


class Store(IOManager):
    def __init__(self):
        self.data = {}

    def handle_output(self, context, obj):
        self.data[context.name] = obj
        context.add_output_metadata({"size": len(obj)})
        context.log_event(AssetMaterialization("from_manager"))

    def load_input(self, context):
        return self.data[context.upstream_output.name] + (
            [context.asset_key.to_user_string()] if context.has_asset_key else []
        )


@io_manager
def store(_):
    return Store()


def test_io_manager():
    manager = store(None)
    context = build_output_context(
        name="abc", step_key="step", metadata={"m": 1}, run_id="r", asset_key=AssetKey(["x", "y"])
    )
    manager.handle_output(context, [1, 2])
    assert context.get_logged_metadata() == {"size": 2} or context.get_logged_metadata()["size"].value == 2
    assert [e.asset_key for e in context.get_logged_events()] == [AssetKey("from_manager")]
    assert context.step_key == "step"
    assert context.definition_metadata == {"m": 1} or context.metadata == {"m": 1}
    assert context.get_asset_identifier() == ["x", "y"]
    assert manager.load_input(build_input_context(upstream_output=build_output_context(name="abc"))) == [1, 2]
    assert manager.load_input(
        build_input_context(asset_key=AssetKey("k"), upstream_output=build_output_context(name="abc"))
    ) == [1, 2, "k"]
    inner = build_input_context(
        name="i", metadata={"a": 1}, partition_key="pk", resources={"r": 1}, resource_config={"c": 2}
    )
    assert inner.name == "i"
    assert inner.partition_key == "pk"
    assert inner.resources.r == 1
    assert inner.resource_config == {"c": 2}
    assert build_output_context(partition_key="z").partition_key == "z"
    assert build_output_context(step_key="s", name="n", run_id="r").get_identifier() == ["r", "s", "n"]
    assert build_output_context(
        step_key="s", name="n", run_id="r", mapping_key="m"
    ).get_run_scoped_output_identifier() == ["r", "s", "n", "m"]


@asset
def my_asset(context, upstream):
    context.log.info("x")
    return upstream + 1


def test_asset():
    assert my_asset(build_asset_context(), 1) == 2
    assert my_asset(build_op_context(), upstream=1) == 2
    assert build_asset_context(partition_key="a").partition_key == "a"


@job
def nothing():
    simple()


defs = Definitions(jobs=[nothing], assets=[my_asset, AssetSpec("upstream")])
