from dagster import (
    ConfigMapping,
    Definitions,
    Field,
    In,
    Int,
    configured,
    fs_io_manager,
    graph,
    job,
    op,
    resource,
    IOManager,
    io_manager,
)


@op(config_schema={"base": Int, "power": Field(Int, default_value=2)})
def raise_to(context):
    return context.op_config["base"] ** context.op_config["power"]


five_squared = raise_to.configured({"base": 5}, name="five_squared")


@configured(raise_to, config_schema={"n": int})
def cubed(config):
    return {"base": config["n"], "power": 3}


@resource(config_schema={"host": str, "port": Field(int, default_value=80)})
def server(context):
    return f"{context.resource_config['host']}:{context.resource_config['port']}"


@configured(server, config_schema=Field(str))
def by_host(host):
    return {"host": host, "port": 8080}


@op(required_resource_keys={"server"})
def ask(context):
    return context.resources.server


@job(
    resource_defs={
        "server": server.configured({"host": "localhost"}),
        "io_manager": fs_io_manager.configured({"base_dir": "/tmp/conformance_unused"}),
    }
    if False
    else {"server": server.configured({"host": "localhost"})}
)
def numbers():
    five_squared()
    cubed()
    ask()


@job(resource_defs={"server": by_host})
def configured_resource():
    ask()


defs = Definitions(jobs=[numbers, configured_resource])


def test_numbers():
    result = numbers.execute_in_process(run_config={"ops": {"cubed": {"config": {"n": 2}}}})
    assert result.output_for_node("five_squared") == 25
    assert result.output_for_node("cubed") == 8
    assert result.output_for_node("ask") == "localhost:80"


def test_resource():
    result = configured_resource.execute_in_process(
        run_config={"resources": {"server": {"config": "example.org"}}}
    )
    assert result.output_for_node("ask") == "example.org:8080"
