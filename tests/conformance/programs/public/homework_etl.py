import csv
import io
from typing import Dict, List

import pandas as pd
import pytest
from dagster import (
    AssetsDefinition,
    Definitions,
    ExpectationResult,
    AssetMaterialization,
    AssetObservation,
    DagsterType,
    TypeCheck,
    DagsterTypeCheckDidNotPass,
    In,
    Out,
    Output,
    OpExecutionContext,
    GraphOut,
    GraphIn,
    graph,
    job,
    op,
    asset,
    graph_asset,
    graph_multi_asset,
    AssetOut,
    usable_as_dagster_type,
    make_python_type_usable_as_dagster_type,
    PythonObjectDagsterType,
    config_mapping,
    ConfigMapping,
    DependencyDefinition,
    GraphDefinition,
    NodeInvocation,
    execute_job,
    reconstructable,
    validate_run_config,
    materialize,
    DagsterInvalidDefinitionError,
    DagsterExecutionStepExecutionError,
)

CSV = "name,sugars\nCorn,2\nOats,12\n"


def is_rows(_, value):
    ok = isinstance(value, list) and all(isinstance(r, dict) for r in value)
    return TypeCheck(
        success=ok, description=f"rows: {type(value).__name__}", metadata={"n": len(value) if ok else 0}
    )


Rows = DagsterType(name="Rows", type_check_fn=is_rows, description="A list of dicts")
Frame = PythonObjectDagsterType(python_type=pd.DataFrame, name="Frame")


@op(out=Out(dagster_type=Rows))
def download(context: OpExecutionContext):
    rows = list(csv.DictReader(io.StringIO(CSV)))
    context.log_event(AssetObservation(asset_key="cereals_raw", metadata={"n": len(rows)}))
    context.add_output_metadata({"n": len(rows)})
    return rows


@op(
    ins={"rows": In(Rows)}, out={"sweet": Out(Rows, is_required=False), "plain": Out(Rows, is_required=False)}
)
def split(context, rows):
    sweet = [r for r in rows if int(r["sugars"]) > 100]
    yield ExpectationResult(success=True, label="any", metadata={"k": 1})
    if sweet:
        yield Output(sweet, "sweet")
    yield Output(rows, "plain", metadata={"x": 1.5})


@op
def to_frame(rows: List[Dict]) -> pd.DataFrame:
    return pd.DataFrame(rows)


@op(out=Out(Frame, description="frame"))
def save(context, frame: pd.DataFrame):
    yield AssetMaterialization(
        asset_key=["db", "cereals"], description="saved", metadata={"rows": len(frame)}, partition="p1"
    )
    yield Output(frame)


@op(description="never")
def never(rows):
    return rows


@graph(ins={"rows": GraphIn()}, out={"frame": GraphOut(description="f")})
def persist(rows):
    return save(to_frame(rows))


@job
def cereal_job():
    sweet, plain = split(download())
    never(sweet)
    persist.alias("keep")(plain)
    to_frame.with_hooks(set()).tag({"a": "b"}).alias("again")(plain)


@config_mapping(config_schema={"n": int})
def simple(val):
    return {"ops": {"repeat": {"config": {"times": val["n"]}}}}


@op(config_schema={"times": int})
def repeat(context) -> str:
    return "x" * context.op_config["times"]


@job(config=simple)
def mapped():
    repeat()


@op(out=Out(int))
def wrong():
    return "s"


@job
def typed():
    wrong()


old_style = GraphDefinition(
    name="old_style",
    node_defs=[repeat, never],
    dependencies={NodeInvocation("never", alias="n2"): {"rows": DependencyDefinition("repeat")}},
).to_job(config={"ops": {"repeat": {"config": {"times": 2}}}})


@graph_asset(group_name="g", metadata={"a": 1}, kinds={"sql"}, description="graphy")
def cereals():
    return persist(never(download()))


@graph_multi_asset(outs={"first": AssetOut(), "second": AssetOut(group_name="z")})
def pair(cereals):
    f = never(cereals)
    return {"first": f, "second": never.alias("n3")(f)}


from_graph = (
    AssetsDefinition.from_op(repeat.configured({"times": 3}, name="thrice"), keys_by_output_name={})
    if False
    else None
)
defs = Definitions(assets=[cereals, pair], jobs=[cereal_job, mapped, typed, old_style])


def test_cereal():
    result = cereal_job.execute_in_process()
    assert result.success
    assert list(result.output_for_node("keep", "frame")["name"]) == ["Corn", "Oats"]
    assert [e.event_type_value for e in result.all_node_events if e.is_step_skipped] == ["STEP_SKIPPED"]
    m = result.asset_materializations_for_node("keep.save")
    assert m[0].asset_key.path == ["db", "cereals"] and m[0].partition == "p1"


def test_mapped():
    assert mapped.execute_in_process(run_config={"n": 3}).output_for_node("repeat") == "xxx"
    assert validate_run_config(mapped, {"n": 3})


def test_typed():
    with pytest.raises(DagsterTypeCheckDidNotPass):
        typed.execute_in_process()


def test_direct_ops():
    outs = list(split(None, [{"sugars": "1"}])) if False else to_frame([{"a": 1}])
    assert outs.shape == (1, 1)
    assert never("x") == "x" and never(rows=2) == 2


def test_duplicate_names():
    with pytest.raises(DagsterInvalidDefinitionError):

        @asset
        def a(missing_type: int, missing_type2): ...

        Definitions(assets=[a, a]).get_repository_def() if False else Definitions(
            jobs=[cereal_job, old_style.graph.to_job(name="cereal_job")]
        ).get_repository_def()


def test_ins_of_job():
    @job
    def needs(x: int):
        never(x)

    assert needs.execute_in_process(input_values={"x": 3}).output_for_node("never") == 3
    assert to_frame.input_dict["rows"].name == "rows" if hasattr(to_frame, "input_dict") else True
    assert [o.name for o in split.output_defs] == ["sweet", "plain"]
