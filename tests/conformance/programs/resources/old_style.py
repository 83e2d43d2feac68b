from contextlib import contextmanager

from dagster import (
    Definitions,
    Field,
    InitResourceContext,
    OpExecutionContext,
    ResourceDefinition,
    String,
    asset,
    build_init_resource_context,
    build_resources,
    job,
    make_values_resource,
    op,
    resource,
    with_resources,
)

EVENTS = []


@resource(
    config_schema={"dsn": Field(String, default_value="memory"), "timeout": Field(int, is_required=False)},
    description="a database",
)
def database(init_context: InitResourceContext):
    init_context.log.info("opening")
    return {"dsn": init_context.resource_config["dsn"]}


@resource(required_resource_keys={"database"})
@contextmanager
def session(context):
    EVENTS.append("begin")
    try:
        yield f"session on {context.resources.database['dsn']}"
    finally:
        EVENTS.append("end")


@resource
def generator_style(_):
    EVENTS.append("before")
    yield 5
    EVENTS.append("after")


@op(required_resource_keys={"session", "generator_style", "fixed", "values"})
def use(context: OpExecutionContext):
    return [
        context.resources.session,
        context.resources.generator_style,
        context.resources.fixed,
        context.resources.values,
    ]


@job(
    resource_defs={
        "database": database,
        "session": session,
        "generator_style": generator_style,
        "fixed": ResourceDefinition.hardcoded_resource("hard"),
        "values": make_values_resource(alpha=int, beta=Field(str, default_value="b")),
        "nothing": ResourceDefinition.none_resource(),
        "mocked": ResourceDefinition.mock_resource(),
        "text": ResourceDefinition.string_resource(),
    },
    config={"resources": {"values": {"config": {"alpha": 1}}, "text": {"config": "t"}}},
)
def using():
    use()


@asset(required_resource_keys={"database"})
def table(context):
    return context.resources.database["dsn"]


@asset(resource_defs={"own": ResourceDefinition.hardcoded_resource("mine")}, required_resource_keys={"own"})
def owner(context):
    return context.resources.own


table_with_resources = with_resources(
    [table], {"database": database}, resource_config_by_key={"database": {"config": {"dsn": "given"}}}
)

defs = Definitions(assets=[*table_with_resources, owner], jobs=[using])


def test_order_of_teardown():
    EVENTS.clear()
    assert using.execute_in_process().success
    assert set(EVENTS) == {"begin", "end", "before", "after"}


def test_direct_call():
    assert database(build_init_resource_context(config={"dsn": "x"})) == {"dsn": "x"}
    with session(build_init_resource_context(resources={"database": {"dsn": "y"}})) as opened:
        assert opened == "session on y"


def test_build_resources():
    with build_resources(
        {"database": database, "session": session}, resource_config={"database": {"config": {"dsn": "z"}}}
    ) as resources:
        assert resources.session == "session on z"
        assert resources.database["dsn"] == "z"
