"""Input managers, root inputs, inputs from config, defaults, IO managers per output, keyed ones, config of IO managers."""

import dagster as dg
import pytest
from dagster import (
    Definitions,
    Field,
    In,
    InputManager,
    IOManager,
    Out,
    asset,
    AssetIn,
    AssetKey,
    SourceAsset,
    dagster_type_loader,
    graph,
    input_manager,
    io_manager,
    job,
    materialize,
    op,
    usable_as_dagster_type,
)


@input_manager(
    description="constant",
    input_config_schema={"n": Field(int, default_value=3)},
    config_schema={"base": Field(int, default_value=10)},
)
def number_loader(context):
    return context.config["n"] + context.resource_config["base"]


@input_manager
def simple_loader(context):
    return (
        f"{context.name}:{context.definition_metadata.get('path')}"
        if hasattr(context, "definition_metadata")
        else f"{context.name}:{context.metadata.get('path')}"
    )


class Doubler(InputManager):
    def load_input(self, context):
        return context.upstream_output.name if context.upstream_output else 42


@input_manager
def class_loader(_):
    return Doubler()


class Typed(IOManager):
    def __init__(self, prefix):
        self.prefix, self.store = prefix, {}

    def handle_output(self, context, obj):
        self.store[tuple(context.get_identifier())] = (
            self.prefix,
            obj,
            context.config,
            dict(context.definition_metadata or {}),
        )

    def load_input(self, context):
        return self.store[tuple(context.upstream_output.get_identifier())]


@io_manager(
    output_config_schema={"suffix": Field(str, default_value="s")},
    config_schema={"prefix": Field(str, default_value="p")},
)
def typed(init_context):
    return Typed(init_context.resource_config["prefix"])


@op(ins={"n": In(input_manager_key="numbers")})
def uses_loader(n):
    return n


@op(ins={"path": In(input_manager_key="simple", metadata={"path": "/data"})})
def uses_simple(path):
    return path


@op(out=Out(io_manager_key="typed", metadata={"table": "t"}))
def stores():
    return 1


@op
def reads(value):
    return list(value)


@op(ins={"value": In(input_manager_key="class_based")})
def overridden(value):
    return value


@op
def with_default(x=5, y: str = "d"):
    return [x, y]


@op(ins={"a": In(int, default_value=8)})
def in_default(a):
    return a


@job(
    resource_defs={
        "numbers": number_loader,
        "simple": simple_loader,
        "typed": typed,
        "class_based": class_loader,
    }
)
def loading():
    uses_loader()
    uses_simple()
    value = stores()
    reads(value)
    overridden(value)
    with_default()
    in_default()


external = SourceAsset("external", io_manager_key="external_io")


class External(IOManager):
    def handle_output(self, context, obj):
        raise AssertionError

    def load_input(self, context):
        return "/".join(context.asset_key.path)


@asset(
    ins={"table": AssetIn(AssetKey(["schema", "table"]), input_manager_key="external_io", metadata={"m": 1})}
)
def from_table(table):
    return table


@asset
def from_external(external):
    return external


@graph
def with_input(x):
    return in_default(x)


defs = Definitions(
    jobs=[loading],
    assets=[external, SourceAsset(["schema", "table"]), from_table, from_external],
    resources={"external_io": External()},
)


def observe():
    result = loading.execute_in_process(
        run_config={
            "ops": {
                "uses_loader": {"inputs": {"n": {"n": 4}}},
                "stores": {"outputs": {"result": {"suffix": "z"}}},
            },
            "resources": {"numbers": {"config": {"base": 100}}, "typed": {"config": {"prefix": "q"}}},
        }
    )
    shown = {
        name: result.output_for_node(name)
        for name in ["uses_loader", "uses_simple", "reads", "overridden", "with_default", "in_default"]
    }
    shown["graph"] = with_input.execute_in_process(
        run_config={"inputs": {"x": {"value": 9}}}
    ).output_for_node("in_default")
    shown["graph_values"] = (
        with_input.to_job(input_values={"x": 7}).execute_in_process().output_for_node("in_default")
    )
    shown["execute_values"] = with_input.execute_in_process(input_values={"x": 6}).output_for_node(
        "in_default"
    )
    shown["assets"] = [
        materialize(
            [from_table, from_external, external, SourceAsset(["schema", "table"])],
            resources={"external_io": External()},
        ).output_for_node(n)
        for n in ["from_table", "from_external"]
    ]
    return shown


def test_defaults():
    assert loading.execute_in_process().output_for_node("uses_loader") == 13


def test_json_pickle_config(tmp_path):
    import json

    (tmp_path / "x.json").write_text(json.dumps({"value": 31}))

    @graph
    def g(a):
        in_default(a)

    assert (
        g.execute_in_process(
            run_config={"inputs": {"a": {"json": {"path": str(tmp_path / "x.json")}}}}
        ).output_for_node("in_default")
        == 31
    )
