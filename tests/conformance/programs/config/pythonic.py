from enum import Enum
from typing import Dict, List, Optional

from dagster import Config, Definitions, RunConfig, asset, define_asset_job, job, materialize, op
from pydantic import Field


class Speed(Enum):
    SLOW = "slow"
    FAST = "fast"


class Retry(Config):
    times: int = 3
    pause: float = 0.5


class IngestConfig(Config):
    """What to ingest."""

    path: str = Field(description="where from")
    limit: int = Field(default=100, ge=1)
    tags: List[str] = []
    mapping: Dict[str, int] = {}
    note: Optional[str] = None
    speed: Speed = Speed.SLOW
    retry: Retry = Retry()


@op
def ingest(context, config: IngestConfig):
    return [
        config.path,
        config.limit,
        config.tags,
        config.mapping,
        config.note,
        config.speed.value,
        config.retry.times,
    ]


@asset
def ingested(config: IngestConfig) -> str:
    return config.path.upper()


@job
def ingest_job():
    ingest()


asset_job = define_asset_job(
    "asset_job", [ingested], config=RunConfig(ops={"ingested": IngestConfig(path="set by the job")})
)
dict_job = define_asset_job(
    "dict_job", [ingested], config={"ops": {"ingested": {"config": {"path": "by dict"}}}}
)

defs = Definitions(assets=[ingested], jobs=[ingest_job, asset_job, dict_job])


def test_run_config_object():
    config = RunConfig(
        ops={
            "ingest": IngestConfig(
                path="a", tags=["x"], mapping={"k": 1}, speed=Speed.FAST, retry=Retry(times=1)
            )
        }
    )
    result = ingest_job.execute_in_process(run_config=config)
    assert result.output_for_node("ingest") == ["a", 100, ["x"], {"k": 1}, None, "fast", 1]


def test_run_config_dict():
    config = {
        "ops": {"ingest": {"config": {"path": "b", "speed": "FAST", "retry": {"times": 9}, "note": "n"}}}
    }
    result = ingest_job.execute_in_process(run_config=config)
    assert result.output_for_node("ingest") == ["b", 100, [], {}, "n", "fast", 9]


def test_materialize():
    assert (
        materialize(
            [ingested], run_config=RunConfig(ops={"ingested": IngestConfig(path="zz")})
        ).output_for_node("ingested")
        == "ZZ"
    )


def test_direct():
    assert ingested(IngestConfig(path="q")) == "Q"
    assert ingested(config=IngestConfig(path="r")) == "R"
