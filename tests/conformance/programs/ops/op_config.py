import pytest
from dagster import (
    Bool,
    DagsterInvalidConfigError,
    Definitions,
    Enum,
    EnumValue,
    Field,
    Int,
    Noneable,
    OpExecutionContext,
    Permissive,
    Selector,
    Shape,
    String,
    job,
    op,
)


@op(
    config_schema={
        "path": String,
        "limit": Field(Int, default_value=10, is_required=False, description="how many"),
    }
)
def read(context: OpExecutionContext):
    return f"{context.op_config['path']}:{context.op_config['limit']}"


@op(
    config_schema={
        "mode": Enum("Mode", [EnumValue("FAST"), EnumValue("SLOW", python_value=2)]),
        "where": Selector(
            {"local": {"folder": str}, "remote": {"host": str, "port": Field(int, default_value=22)}}
        ),
        "extra": Permissive({"known": Field(bool, is_required=False)}),
        "nested": Shape({"numbers": [int], "maybe": Noneable(str)}),
        "flag": Field(Bool, default_value=False),
    }
)
def rich(context):
    return context.op_config


@op(config_schema=int)
def scalar(context):
    return context.op_config + 1


@job
def reading():
    read()


@job(
    config={
        "ops": {
            "rich": {
                "config": {
                    "mode": "SLOW",
                    "where": {"remote": {"host": "example.org"}},
                    "extra": {"anything": 1, "known": True},
                    "nested": {"numbers": [1, 2], "maybe": None},
                }
            },
            "scalar": {"config": 4},
        }
    }
)
def preset():
    rich()
    scalar()


defs = Definitions(jobs=[reading, preset])


def test_reading():
    result = reading.execute_in_process(run_config={"ops": {"read": {"config": {"path": "a.csv"}}}})
    assert result.output_for_node("read") == "a.csv:10"


def test_missing_config():
    with pytest.raises(DagsterInvalidConfigError) as caught:
        reading.execute_in_process()
    assert len(caught.value.errors) == 1


def test_wrong_type_and_unknown_field():
    config = {"ops": {"read": {"config": {"path": 4, "other": 1}}}}
    with pytest.raises(DagsterInvalidConfigError) as caught:
        reading.execute_in_process(run_config=config)
    assert len(caught.value.errors) == 2
