"""Resources that assets bring along, and resources inside resources."""

from typing import Optional

import dagster as dg
import pytest
from pydantic import Field


class Fixed(dg.IOManager):
    def handle_output(self, context, obj):
        pass

    def load_input(self, context):
        return 5


source = dg.SourceAsset("source", io_manager_def=Fixed())


@dg.asset
def doubled(source):
    return source * 2


@dg.resource(config_schema={"prefix": dg.Field(str, default_value="-")})
def prefixer(context):
    return lambda text: context.resource_config["prefix"] + text


class Writer(dg.ConfigurableResource):
    write: dg.ResourceDependency[object]
    schema_: Optional[str] = Field(default=None, alias="schema")
    note: Optional[str] = Field(..., description="need not be given")


@dg.asset
def written(writer: Writer):
    return f"{writer.write('x')} {writer.schema_} {writer.note}"


@dg.op(out={"a": dg.Out(is_required=False), "b": dg.Out()})
def two():
    yield dg.Output(1, "b")


@dg.graph_multi_asset(outs={"first": dg.AssetOut(), "second": dg.AssetOut(is_required=False)})
def of_a_graph():
    a, b = two()
    return {"first": a, "second": b}


defs = dg.Definitions(
    assets=[source, doubled, written, of_a_graph],
    resources={"writer": Writer(write=prefixer.configured({"prefix": "+"}), schema="s")},
)

ONE = dg.ResourceDefinition.hardcoded_resource("one")
OTHER = dg.ResourceDefinition.hardcoded_resource("other")


def asset_with(name, **options):
    @dg.asset(name=name, **options)
    def made():
        return 1

    return made


def test_a_key_with_two_resources():
    with pytest.raises(dg.DagsterInvalidDefinitionError):
        dg.materialize(
            [asset_with("a", resource_defs={"r": ONE}), asset_with("b", resource_defs={"r": OTHER})]
        )
    with pytest.raises(dg.DagsterInvalidInvocationError):
        dg.materialize([asset_with("a", resource_defs={"r": ONE})], resources={"r": OTHER})


def test_io_managers_that_would_not_be_used():
    with pytest.raises(dg.DagsterInvariantViolationError):
        dg.materialize_to_memory([doubled, source])


def test_copies():
    assert dg.AssetSpec("a", deps=["b"])._replace(group_name="g").group_name == "g"
    assert dg.AssetSpec("a", deps=["b"]).deps == [dg.AssetDep("b")]
    assert dg.RunRequest(run_key="a")._replace(run_key="b").run_key == "b"


def test_config_that_can_never_come():
    @dg.resource(config_schema={"prefix": str})
    def needs_config(context):
        return len

    with pytest.raises(dg.DagsterInvalidDefinitionError):
        dg.Definitions.validate_loadable(
            dg.Definitions(assets=[written], resources={"writer": Writer(write=needs_config)})
        )


def observe():
    mapping = dg.StaticPartitionMapping({"p": "?"})
    keys = dg.StaticPartitionsDefinition(["p"])
    try:
        mapping.get_downstream_partitions_for_partitions(keys.empty_subset(), keys, keys)
    except ValueError as error:
        refused = isinstance(error, ValueError)
    return {
        "refused": refused,
        "config": sorted(Writer.to_config_schema().as_field().config_type.fields),
        "deps": sorted(key.to_user_string() for key in doubled.dependency_keys),
        "schema": dg.TableSchema([dg.TableColumn("a")]).constraints.other,
    }
