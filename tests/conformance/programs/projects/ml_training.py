"""Features, a model with versions, evaluation by a check, promotion by a sensor."""

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetOut,
    AssetSpec,
    AutomationCondition,
    Config,
    DataVersion,
    Definitions,
    EventLogEntry,
    MaterializeResult,
    MetadataValue,
    Output,
    RunRequest,
    SensorEvaluationContext,
    asset,
    asset_sensor,
    define_asset_job,
    graph_asset,
    multi_asset,
    op,
)

raw = AssetSpec("feature_store", group_name="inputs", description="filled by another team")


class TrainConfig(Config):
    rate: float = 0.1
    rounds: int = 3


@asset(deps=[raw], group_name="ml", code_version="1")
def features() -> list:
    return [[n, n * 2] for n in range(6)]


@multi_asset(
    outs={
        "train_set": AssetOut(group_name="ml", description="most of it"),
        "test_set": AssetOut(group_name="ml"),
    },
    compute_kind="sklearn",
)
def split(features):
    return features[:4], features[4:]


@asset(
    group_name="ml",
    check_specs=[AssetCheckSpec("error_is_small", asset="model", blocking=True)],
    code_version="2024.1",
)
def model(context: AssetExecutionContext, config: TrainConfig, train_set, test_set):
    weight = 0.0
    for _ in range(config.rounds):
        for x, y in train_set:
            weight += config.rate * (y - weight * x) * x / 10
    error = sum(abs(y - weight * x) for x, y in test_set)
    yield Output(
        {"weight": round(weight, 3)},
        metadata={"error": MetadataValue.float(round(error, 3)), "rounds": config.rounds},
        data_version=DataVersion(f"w{round(weight, 2)}"),
    )
    yield AssetCheckResult(passed=error < 10, metadata={"error": round(error, 3)})


@op
def encode(model):
    return sorted(model)


@op
def wrap(names):
    return {"exported": names}


@graph_asset(group_name="ml", automation_condition=AutomationCondition.eager())
def exported(model):
    return wrap(encode(model))


promote = define_asset_job("promote", selection=[exported])


@asset_sensor(asset_key=AssetKey("model"), job=promote)
def when_model_is_ready(context: SensorEvaluationContext, asset_event: EventLogEntry):
    metadata = asset_event.asset_materialization.metadata
    if metadata["error"].value < 100:
        yield RunRequest(run_key=f"rounds-{metadata['rounds'].value}")


defs = Definitions(
    assets=[raw, features, split, model, exported], jobs=[promote], sensors=[when_model_is_ready]
)
