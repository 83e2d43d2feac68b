import json
import os
import tempfile

import pandas as pd
from dagster import (
    AssetExecutionContext,
    Definitions,
    MaterializeResult,
    MetadataValue,
    asset,
    define_asset_job,
    AssetSelection,
    ScheduleDefinition,
    materialize,
)

DATA = os.path.join(tempfile.gettempdir(), "tutorial_data")


@asset(group_name="hackernews", compute_kind="HackerNews API")
def topstory_ids() -> None:
    """Top story ids."""
    os.makedirs(DATA, exist_ok=True)
    with open(f"{DATA}/ids.json", "w") as f:
        json.dump([1, 2, 3], f)


@asset(deps=[topstory_ids], group_name="hackernews")
def topstories(context: AssetExecutionContext) -> MaterializeResult:
    with open(f"{DATA}/ids.json") as f:
        ids = json.load(f)
    df = pd.DataFrame([{"id": i, "title": f"Story {i}"} for i in ids])
    df.to_csv(f"{DATA}/stories.csv")
    context.log.info("Got %d stories", len(df))
    return MaterializeResult(
        metadata={"num_records": len(df), "preview": MetadataValue.md(df.head().to_string())}
    )


@asset(deps=[topstories], group_name="hackernews", description="Most frequent words")
def most_frequent_words() -> MaterializeResult:
    df = pd.read_csv(f"{DATA}/stories.csv")
    words = df["title"].str.split().explode().value_counts().to_dict()
    return MaterializeResult(
        metadata={"words": MetadataValue.json(words), "plot": MetadataValue.url("https://example.com")}
    )


all_job = define_asset_job("hackernews_job", selection=AssetSelection.all())
defs = Definitions(
    assets=[topstory_ids, topstories, most_frequent_words],
    schedules=[ScheduleDefinition(job=all_job, cron_schedule="0 * * * *")],
)


def test_tutorial():
    result = materialize([topstory_ids, topstories, most_frequent_words])
    assert result.success
    mats = result.asset_materializations_for_node("topstories")
    assert mats[0].metadata["num_records"].value == 3
    assert result.get_job_success_event() if hasattr(result, "get_job_success_event") else True
