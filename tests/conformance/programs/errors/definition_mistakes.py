import pytest
from dagster import (
    AssetIn,
    AssetKey,
    AssetOut,
    AssetSpec,
    DagsterInvalidDefinitionError,
    DailyPartitionsDefinition,
    Definitions,
    In,
    asset,
    define_asset_job,
    graph_asset,
    job,
    multi_asset,
    op,
    sensor,
    run_status_sensor,
    DagsterRunStatus,
)


@asset
def fine(): ...


defs = Definitions(assets=[fine])


def refused(make):
    try:
        make()
    except DagsterInvalidDefinitionError:
        return "invalid definition"
    except Exception as error:
        return type(error).__name__.removeprefix("Dagster").replace("ParameterCheckError", "CheckError")
    return "accepted"


def observe():
    cases = {
        "ins_without_parameter": lambda: asset(ins={"ghost": AssetIn()})(lambda: None),
        "same_in_ins_and_deps": lambda: asset(ins={"fine": AssetIn()}, deps=["fine"])(lambda fine: None),
        "star_args": lambda: asset(name="s")(lambda *args: None),
        "specs_and_outs": lambda: multi_asset(specs=[AssetSpec("a")], outs={"b": AssetOut()})(lambda: None),
        "no_outs": lambda: multi_asset()(lambda: None),
        "duplicate_specs": lambda: multi_asset(specs=[AssetSpec("a"), AssetSpec("a")])(lambda: None),
        "internal_dep_unknown": lambda: multi_asset(
            outs={"a": AssetOut()}, internal_asset_deps={"a": {AssetKey("ghost")}}
        )(lambda: None),
        "job_name_with_space": lambda: define_asset_job("has space"),
        "job_without_arguments": lambda: define_asset_job("plain_job"),
        "empty_key": lambda: AssetKey([]),
        "number_as_key": lambda: AssetKey(5),
        "key_with_quote": lambda: AssetSpec('a"b'),
        "asset_named_like_input": lambda: asset(name="self_ref")(lambda self_ref: None),
        "reserved_name": lambda: asset(name="input")(lambda: None),
        "sensor_without_function": lambda: sensor(job="not a job")(lambda context: None),
        "wrong_partitions": lambda: asset(name="x", partitions_def="daily")(lambda: None),
        "wrong_description": lambda: asset(name="x", description=5)(lambda: None),
        "unknown_argument": lambda: asset(no_such_argument=1)(lambda: None),
        "two_descriptions_of_io": lambda: asset(io_manager_key="a", io_manager_def=5)(lambda: None),
        "status_as_text": lambda: run_status_sensor(run_status="SUCCESS")(lambda context: None),
        "op_without_name": lambda: op(name="")(lambda: None),
    }
    return {name: refused(make) for name, make in cases.items()}
