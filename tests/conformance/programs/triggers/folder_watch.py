"""New CSV files of a folder, by run key and by cursor."""

import json
import os
import tempfile
from pathlib import Path

from dagster import (
    Config,
    Definitions,
    RunConfig,
    RunRequest,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    build_sensor_context,
    job,
    op,
    sensor,
)

FOLDER = Path(tempfile.mkdtemp())
for number in range(3):
    path = FOLDER / f"part{number}.csv"
    path.write_text("a\n1\n")
    os.utime(path, (1_700_000_000 + number, 1_700_000_000 + number))


class FileConfig(Config):
    filename: str


@op
def process(context, config: FileConfig):
    return config.filename


@job
def process_job():
    process()


@sensor(job=process_job)
def by_run_key():
    for name in sorted(os.listdir(FOLDER)):
        yield RunRequest(run_key=name, run_config=RunConfig(ops={"process": FileConfig(filename=name)}))


@sensor(job=process_job, minimum_interval_seconds=45)
def by_cursor(context):
    last = float(context.cursor) if context.cursor else 0
    newest = last
    for name in sorted(os.listdir(FOLDER)):
        changed = os.stat(FOLDER / name).st_mtime
        if changed <= last:
            continue
        yield RunRequest(
            run_key=f"{name}:{changed}",
            run_config={"ops": {"process": {"config": {"filename": name}}}},
        )
        newest = max(newest, changed)
    context.update_cursor(str(newest))


@sensor(job=process_job)
def by_json(context: SensorEvaluationContext):
    seen = json.loads(context.cursor) if context.cursor else {}
    now = {name: os.path.getmtime(FOLDER / name) for name in sorted(os.listdir(FOLDER))}
    changed = [name for name in now if seen.get(name) != now[name]]
    if not changed:
        return SkipReason("nothing changed")
    return SensorResult(
        run_requests=[
            RunRequest(
                run_key=f"{name}-{now[name]}", run_config={"ops": {"process": {"config": {"filename": name}}}}
            )
            for name in changed
        ],
        cursor=json.dumps(now),
    )


defs = Definitions(jobs=[process_job], sensors=[by_run_key, by_cursor, by_json])


def test_generator_called_directly():
    assert [request.run_key for request in by_run_key()] == ["part0.csv", "part1.csv", "part2.csv"]
    context = build_sensor_context(cursor="1700000001.0")
    assert len(list(by_cursor(context))) == 1
    assert context.cursor == "1700000002.0"


def test_skip():
    first = by_json(build_sensor_context())
    assert isinstance(by_json(build_sensor_context(cursor=first.cursor)), SkipReason)


def test_config_is_valid():
    from dagster import validate_run_config

    for request in by_run_key():
        assert validate_run_config(process_job, request.run_config)
