import pytest
from dagster import (
    AssetExecutionContext,
    Config,
    Definitions,
    MaterializeResult,
    asset,
    build_asset_context,
    build_op_context,
)
from dagster import DailyPartitionsDefinition, DagsterInvalidInvocationError


class GreetingConfig(Config):
    name: str = "world"


@asset
def number() -> int:
    return 4


@asset
def squared(number: int) -> int:
    return number**2


@asset
def greeting(context: AssetExecutionContext, config: GreetingConfig) -> str:
    context.log.info("greeting %s", config.name)
    return f"hello {config.name}"


@asset(partitions_def=DailyPartitionsDefinition("2024-01-01"))
def daily(context: AssetExecutionContext) -> str:
    return context.partition_key


@asset
def result_maker() -> MaterializeResult:
    return MaterializeResult(metadata={"a": 1})


defs = Definitions(assets=[number, squared, greeting, daily, result_maker])


def test_plain_calls():
    assert number() == 4
    assert squared(5) == 25
    assert squared(number=6) == 36


def test_context_calls():
    assert greeting(build_asset_context(), GreetingConfig(name="ada")) == "hello ada"
    assert greeting(context=build_asset_context(), config=GreetingConfig()) == "hello world"
    assert daily(build_asset_context(partition_key="2024-02-03")) == "2024-02-03"


def test_result_is_handed_back():
    assert result_maker().metadata == {"a": 1}


def test_missing_context():
    with pytest.raises(DagsterInvalidInvocationError):
        daily()


def test_op_context_config():
    @asset(config_schema={"limit": int})
    def limited(context):
        return context.op_execution_context.op_config["limit"]

    assert limited(build_op_context(op_config={"limit": 3})) == 3
