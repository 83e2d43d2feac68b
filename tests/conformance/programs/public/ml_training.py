import random
from typing import Optional, Tuple

import dagster as dg
import pandas as pd
from pydantic import Field


class ModelConfig(dg.Config):
    n_estimators: int = Field(default=10, ge=1, description="trees")
    max_depth: Optional[int] = None
    features: list[str] = ["a", "b"]
    seed: int = 42


class FakeModelRegistry(dg.ConfigurableResource):
    uri: str = "mem://"

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        context.log.info("connect %s", self.uri)

    def register(self, name: str) -> str:
        return f"{self.uri}{name}"


@dg.asset(
    kinds={"pandas", "csv"}, owners=["team:ml", "ann@example.com"], tags={"domain": "ml"}, code_version="v1"
)
def raw_data() -> dg.Output[pd.DataFrame]:
    df = pd.DataFrame({"a": range(10), "b": [x * 2 for x in range(10)], "y": [x % 2 for x in range(10)]})
    return dg.Output(
        df,
        metadata={
            "num_rows": len(df),
            "columns": dg.MetadataValue.json(list(df.columns)),
            "preview": dg.MetadataValue.md("|a|"),
            "dagster/row_count": len(df),
        },
    )


@dg.multi_asset(outs={"train": dg.AssetOut(description="80%"), "test": dg.AssetOut(description="20%")})
def split(raw_data: pd.DataFrame, config: ModelConfig) -> Tuple[pd.DataFrame, pd.DataFrame]:
    random.seed(config.seed)
    return raw_data.iloc[:8], raw_data.iloc[8:]


@dg.asset(
    retry_policy=dg.RetryPolicy(
        max_retries=3, delay=0.01, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
    )
)
def model(
    context: dg.AssetExecutionContext, train: pd.DataFrame, config: ModelConfig, registry: FakeModelRegistry
) -> dict:
    context.add_output_metadata(
        {
            "rows": len(train),
            "uri": dg.MetadataValue.url(registry.register("m")),
            "depth": config.max_depth or 0,
        }
    )
    if context.retry_number == 0:
        raise dg.RetryRequested(max_retries=2, seconds_to_wait=0.01)
    return {"trees": config.n_estimators, "features": config.features}


@dg.asset
def accuracy(context, model: dict, test: pd.DataFrame) -> float:
    context.log.info(f"{context.asset_key.to_user_string()} {context.op.name} {context.job_name is not None}")
    return float(test["y"].mean())


@dg.asset_check(asset=accuracy, blocking=True, description="good enough")
def accuracy_over_threshold(accuracy: float) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=accuracy >= 0.5, metadata={"accuracy": accuracy}, severity=dg.AssetCheckSeverity.WARN
    )


@dg.asset(deps=[accuracy], automation_condition=dg.AutomationCondition.eager())
def deployed() -> dg.MaterializeResult:
    return dg.MaterializeResult(
        metadata={"when": dg.MetadataValue.text("now")}, data_version=dg.DataVersion("7")
    )


train_job = dg.define_asset_job(
    "train_job",
    selection="*accuracy",
    config=dg.RunConfig(ops={"model": ModelConfig(n_estimators=5)}),
    tags={"gpu": "no"},
)
defs = dg.Definitions(
    assets=[raw_data, split, model, accuracy, deployed],
    asset_checks=[accuracy_over_threshold],
    jobs=[train_job],
    schedules=[
        dg.ScheduleDefinition(
            "weekly_train", job=train_job, cron_schedule="0 4 * * 0", execution_timezone="Europe/Paris"
        )
    ],
    sensors=[dg.AutomationConditionSensorDefinition("auto", target="*", minimum_interval_seconds=30)],
    resources={"registry": FakeModelRegistry(uri="mem://x/")},
)


def test_train():
    result = dg.materialize(
        [raw_data, split, model, accuracy, accuracy_over_threshold],
        resources={"registry": FakeModelRegistry()},
        run_config={"ops": {"model": {"config": {"n_estimators": 2}}}},
    )
    assert result.success
    assert result.output_for_node("model")["trees"] == 2
    assert result.output_for_node("split", "test").shape == (2, 3)
    evaluation = result.get_asset_check_evaluations()[0]
    assert evaluation.passed and evaluation.metadata["accuracy"].value == 0.5
    assert evaluation.check_name == "accuracy_over_threshold"
    assert evaluation.severity == dg.AssetCheckSeverity.WARN


def test_bad_config():
    import pytest

    with pytest.raises(dg.DagsterInvalidConfigError):
        dg.materialize([raw_data, split], run_config={"ops": {"split": {"config": {"n_estimators": "many"}}}})


def test_check_direct():
    assert accuracy_over_threshold(0.4).passed is False


def test_job_def():
    job_def = defs.get_job_def("train_job")
    result = job_def.execute_in_process(asset_selection=[dg.AssetKey("raw_data")])
    assert [e.asset_key for e in result.get_asset_materialization_events()] == [dg.AssetKey("raw_data")]
