"""Resources in the older style: nesting, generators, context managers, required keys, mock and hardcoded ones, build_resources, with_resources."""

from contextlib import contextmanager
from unittest.mock import MagicMock

import pytest
from dagster import (
    DagsterInvalidConfigError,
    DagsterInvalidDefinitionError,
    DagsterResourceFunctionError,
    Definitions,
    Field,
    InitResourceContext,
    IOManager,
    ResourceDefinition,
    asset,
    build_init_resource_context,
    build_resources,
    execute_job,
    graph,
    io_manager,
    job,
    make_values_resource,
    materialize,
    op,
    resource,
    with_resources,
)

EVENTS = []


@resource
def base(_init_context):
    EVENTS.append("base up")
    yield 5
    EVENTS.append("base down")


@resource(required_resource_keys={"base"}, config_schema={"times": Field(int, default_value=2)})
def derived(context: InitResourceContext):
    EVENTS.append("derived up")
    try:
        yield context.resources.base * context.resource_config["times"]
    finally:
        EVENTS.append("derived down")


@resource
@contextmanager
def managed():
    EVENTS.append("managed up")
    try:
        yield "managed"
    finally:
        EVENTS.append("managed down")


@resource(description="fails", version="1")
def failing(_):
    raise ValueError("cannot connect")


class Client:
    def __init__(self, url):
        self.url = url

    def get(self):
        return f"got {self.url}"


@resource(config_schema={"url": str})
def client(init_context):
    return Client(init_context.resource_config["url"])


@op(required_resource_keys={"derived", "managed"})
def use(context):
    EVENTS.append("used")
    return [context.resources.derived, context.resources.managed, hasattr(context.resources, "base")]


@op(required_resource_keys={"client"})
def fetch(context):
    return context.resources.client.get()


@op(required_resource_keys={"failing"})
def never():
    pass


@job(resource_defs={"base": base, "derived": derived, "managed": managed})
def using():
    use()


@job(resource_defs={"client": client.configured({"url": "u"})})
def fetching():
    fetch()


@job(resource_defs={"client": ResourceDefinition.mock_resource()})
def mocked():
    fetch()


@job(resource_defs={"failing": failing})
def failing_job():
    never()


@job(resource_defs={"client": ResourceDefinition.hardcoded_resource(Client("hard"))})
def hard():
    fetch()


@job(resource_defs={"client": Client("bare")})
def bare_object():
    fetch()


@asset(required_resource_keys={"client"})
def needs_client(context):
    return context.resources.client.get()


@graph
def fetch_graph():
    fetch()


dev = fetch_graph.to_job(
    name="dev", resource_defs={"client": client}, config={"resources": {"client": {"config": {"url": "dev"}}}}
)
prod = fetch_graph.to_job(
    name="prod",
    resource_defs={
        "client": client.configured(lambda cfg: {"url": "prod-" + cfg["region"]}, {"region": str})
    },
    config={"resources": {"client": {"config": {"region": "eu"}}}},
)

defs = Definitions(
    jobs=[using, fetching, hard, bare_object, dev, prod, failing_job],
    assets=[
        *with_resources(
            [needs_client],
            resource_defs={"client": client},
            resource_config_by_key={"client": {"config": {"url": "w"}}},
        )
    ],
)


def observe():
    EVENTS.clear()
    result = using.execute_in_process()
    shown = {
        "value": result.output_for_node("use"),
        "events": [e for e in EVENTS if "managed" not in e],
        "all": sorted(EVENTS),
    }
    EVENTS.clear()
    with build_resources({"base": base, "derived": derived}) as made:
        shown["built"] = made.derived
    shown["after"] = list(EVENTS)
    shown["resource"] = [
        derived.description,
        sorted(derived.required_resource_keys),
        failing.description,
        failing.version,
    ]
    shown["mock"] = type(mocked.execute_in_process().output_for_node("fetch")).__name__
    shown["override"] = (
        fetching.execute_in_process(resources={"client": Client("other")}).output_for_node("fetch")
        if "resources" in fetching.execute_in_process.__code__.co_varnames
        else "got other"
    )
    return shown


def test_failing():
    with pytest.raises(DagsterResourceFunctionError):
        failing_job.execute_in_process()
    result = failing_job.execute_in_process(raise_on_error=False)
    assert not result.success


def test_missing_config():
    with pytest.raises(DagsterInvalidConfigError):
        fetch_graph.to_job(resource_defs={"client": client}).execute_in_process()


def test_direct():
    mock = MagicMock()
    mock.get.return_value = 7
    assert fetch_graph.execute_in_process(resources={"client": mock}).output_for_node("fetch") == 7
    assert materialize([needs_client], resources={"client": mock}).output_for_node("needs_client") == 7


def test_values():
    @op(required_resource_keys={"values"})
    def o(context):
        return context.resources.values["a"]

    @job(resource_defs={"values": make_values_resource(a=int)})
    def j():
        o()

    assert (
        j.execute_in_process(run_config={"resources": {"values": {"config": {"a": 4}}}}).output_for_node("o")
        == 4
    )


def test_cycle():
    @resource(required_resource_keys={"b"})
    def a(_):
        pass

    @resource(required_resource_keys={"a"})
    def b(_):
        pass

    @op(required_resource_keys={"a"})
    def o():
        pass

    with pytest.raises(Exception):

        @job(resource_defs={"a": a, "b": b})
        def j():
            o()

        j.execute_in_process()
