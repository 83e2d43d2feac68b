"""Training as graph-backed assets, with metrics, a model registry and a check."""

from typing import Dict, List, NamedTuple, Tuple

import numpy as np
import pandas as pd
from dagster import (
    AssetCheckResult,
    AssetExecutionContext,
    AssetIn,
    AssetKey,
    AssetOut,
    AssetsDefinition,
    Config,
    DataVersion,
    Definitions,
    GraphOut,
    In,
    MetadataValue,
    Out,
    Output,
    RunConfig,
    asset,
    asset_check,
    define_asset_job,
    graph,
    graph_asset,
    graph_multi_asset,
    materialize,
    materialize_to_memory,
    multi_asset,
    op,
)


class Model(NamedTuple):
    slope: float
    offset: float

    def predict(self, x):
        return self.slope * np.asarray(x) + self.offset


class SplitConfig(Config):
    share: float = 0.5


@asset(io_manager_key=None, code_version="v1")
def points() -> Output[pd.DataFrame]:
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "y": [2.0, 4.0, 6.0, 8.0]})
    return Output(frame, metadata={"shape": str(frame.shape)}, data_version=DataVersion("frozen"))


@multi_asset(
    outs={
        "training": AssetOut(description="to learn from", group_name="split"),
        "testing": AssetOut(group_name="split", metadata={"use": "scores"}),
    }
)
def split(context: AssetExecutionContext, config: SplitConfig, points: pd.DataFrame):
    at = int(len(points) * config.share)
    context.log.info(f"{at} rows to learn from")
    return points[:at], points[at:]


@op(out=Out(description="a straight line"))
def fit(training: pd.DataFrame) -> Model:
    slope, offset = np.polyfit(training["x"], training["y"], 1)
    return Model(round(float(slope), 6), round(float(offset), 6))


@op(ins={"model": In(Model)})
def freeze(context, model: Model) -> Model:
    context.add_output_metadata({"slope": model.slope})
    return model


@graph_asset(group_name="models", tags={"stage": "prod"}, kinds={"numpy"})
def model(training):
    """A line through the points."""
    return freeze(fit(training))


@op
def score(model: Model, testing: pd.DataFrame) -> float:
    return float(abs(model.predict(testing["x"]) - testing["y"]).max())


@op
def predictions_of(model: Model, testing: pd.DataFrame) -> List[float]:
    return [round(float(one), 3) for one in model.predict(testing["x"])]


@graph_multi_asset(
    outs={"worst_error": AssetOut(key_prefix="metrics"), "predictions": AssetOut(is_required=True)},
    ins={"candidate": AssetIn("model")},
)
def evaluation(candidate, testing):
    return {"worst_error": score(candidate, testing), "predictions": predictions_of(candidate, testing)}


@op
def describe(predictions: List[float]) -> Dict[str, float]:
    return {"mean": float(np.mean(predictions))}


@graph(out={"summary": GraphOut()})
def summarize(predictions):
    return {"summary": describe(predictions)}


summary = AssetsDefinition.from_graph(
    summarize,
    keys_by_input_name={"predictions": AssetKey("predictions")},
    keys_by_output_name={"summary": AssetKey(["metrics", "summary"])},
    group_name="models",
)


@asset_check(asset=AssetKey(["metrics", "worst_error"]))
def error_is_small(worst_error: float) -> AssetCheckResult:
    return AssetCheckResult(
        passed=bool(worst_error < 0.01), metadata={"error": MetadataValue.float(round(float(worst_error), 3))}
    )


train = define_asset_job("train", selection="+model", config=RunConfig({"split": SplitConfig(share=0.75)}))
defs = Definitions(
    assets=[points, split, model, evaluation, summary], asset_checks=[error_is_small], jobs=[train]
)
ASSETS = [points, split, model, evaluation, summary]


def test_all():
    result = materialize_to_memory(ASSETS)
    assert result.success
    assert isinstance(result.output_for_node("model"), Model)
    assert result.asset_value("predictions") == [6.0, 8.0]
    assert result.output_for_node("evaluation.predictions_of") == [6.0, 8.0]
    assert [event.step_key for event in result.get_step_success_events()].count("model.fit") == 1


def test_parts():
    assert describe([1.0, 3.0]) == {"mean": 2.0}


def test_selected():
    result = materialize([*ASSETS, error_is_small], selection=["testing", "training", "model", "points"])
    assert sorted(one.asset_key.to_user_string() for one in result.get_asset_materialization_events())
