import pandas as pd
from dagster import (
    Field,
    Int,
    Out,
    Output,
    String,
    get_dagster_logger,
    graph,
    job,
    op,
    In,
    Nothing,
    AssetMaterialization,
    DagsterInvalidConfigError,
)
import pytest


@op(
    config_schema={
        "n": Field(Int, default_value=3, description="rows"),
        "prefix": Field(String, is_required=False),
    }
)
def extract(context) -> pd.DataFrame:
    n = context.op_config["n"]
    prefix = context.op_config.get("prefix", "row")
    return pd.DataFrame({"id": range(n), "name": [f"{prefix}{i}" for i in range(n)]})


@op(out={"good": Out(pd.DataFrame), "bad": Out(pd.DataFrame, is_required=False)})
def transform(df: pd.DataFrame):
    good = df[df["id"] > 0]
    yield Output(good, "good", metadata={"rows": len(good)})
    bad = df[df["id"] > 100]
    if len(bad):
        yield Output(bad, "bad")


@op
def load(context, df: pd.DataFrame) -> int:
    get_dagster_logger().info(f"loaded {len(df)}")
    context.log_event(AssetMaterialization("loaded_table", description="table", metadata={"rows": len(df)}))
    return len(df)


@op
def alert(df: pd.DataFrame):
    raise Exception("bad rows")


@op(ins={"start": In(Nothing)})
def cleanup():
    pass


@graph
def etl():
    good, bad = transform(extract())
    cleanup(start=load(good))
    alert(bad)


etl_job = etl.to_job(
    name="etl_job",
    config={"ops": {"extract": {"config": {"n": 5, "prefix": "x"}}}},
    tags={"team": "data"},
    description="ETL",
)
etl_default = etl.to_job(name="etl_default")


def test_etl():
    result = etl_default.execute_in_process()
    assert result.success
    assert result.output_for_node("load") == 2
    assert [e.step_key for e in result.filter_events(lambda e: e.is_step_skipped)] == ["alert"]


def test_etl_config():
    result = etl_default.execute_in_process(run_config={"ops": {"extract": {"config": {"n": 7}}}})
    assert len(result.output_for_node("transform", "good")) == 6


def test_bad_config():
    with pytest.raises(DagsterInvalidConfigError) as e:
        etl_default.execute_in_process(run_config={"ops": {"extract": {"config": {"n": "seven"}}}})
    assert len(e.value.errors) == 1
