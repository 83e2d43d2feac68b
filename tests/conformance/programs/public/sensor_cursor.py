import json
import os
import pytest
from dagster import (
    DefaultSensorStatus,
    RunRequest,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    build_sensor_context,
    job,
    op,
    sensor,
    Definitions,
    RunConfig,
    Config,
    validate_run_config,
    ConfigurableResource,
)

FILES = {"a.csv": 10, "b.csv": 20, "c.csv": 30}


class FileConfig(Config):
    filename: str


class Lister(ConfigurableResource):
    folder: str = "/data"

    def list(self):
        return sorted(FILES)


@op
def process(config: FileConfig):
    return config.filename


@job
def file_job():
    process()


@sensor(job=file_job, minimum_interval_seconds=45, default_status=DefaultSensorStatus.RUNNING)
def mtime_sensor(context):
    last = float(context.cursor) if context.cursor else 0
    top = last
    for name, mtime in FILES.items():
        if mtime <= last:
            continue
        yield RunRequest(
            run_key=f"{name}:{mtime}", run_config={"ops": {"process": {"config": {"filename": name}}}}
        )
        top = max(top, mtime)
    context.update_cursor(str(top))


@sensor(target=file_job)
def result_sensor(context: SensorEvaluationContext, lister: Lister) -> SensorResult:
    seen = set(json.loads(context.cursor or "[]"))
    new = [f for f in lister.list() if f not in seen]
    if not new:
        return SensorResult(skip_reason="nothing new", cursor=context.cursor)
    return SensorResult(
        run_requests=[
            RunRequest(
                run_key=new[0],
                run_config=RunConfig(ops={"process": FileConfig(filename=new[0])}),
                tags={"file": new[0]},
            )
        ],
        cursor=json.dumps(sorted(seen | {new[0]})),
    )


@sensor(job=file_job)
def skipper(_):
    """Never."""
    return SkipReason("No luck")


@sensor(job=file_job, name="renamed")
def empty():
    return None


defs = Definitions(
    jobs=[file_job], sensors=[mtime_sensor, result_sensor, skipper, empty], resources={"lister": Lister()}
)


def test_mtime():
    ctx = build_sensor_context(cursor="10")
    reqs = list(mtime_sensor(ctx))
    assert [r.run_key for r in reqs] == ["b.csv:20", "c.csv:30"]
    assert ctx.cursor == "30"
    for r in reqs:
        assert validate_run_config(file_job, r.run_config)


def test_result():
    res = result_sensor(build_sensor_context(cursor='["a.csv"]'), lister=Lister())
    assert res.cursor == '["a.csv", "b.csv"]'
    res2 = result_sensor(build_sensor_context(resources={"lister": Lister()}))
    assert res2.run_requests[0].tags["file"] == "a.csv"


def test_data_eval():
    data = skipper.evaluate_tick(build_sensor_context())
    assert data.skip_message == "No luck" and data.run_requests == []
