import json

from dagster import (
    DefaultSensorStatus,
    Definitions,
    RunConfig,
    RunRequest,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    asset,
    build_sensor_context,
    define_asset_job,
    job,
    op,
    sensor,
)

FILES = {"a.txt": 10.0, "b.txt": 20.0, "c.txt": 30.0}


@op(config_schema={"name": str})
def read(context):
    return context.op_config["name"]


@job
def reading():
    read()


@asset
def overview(): ...


overview_job = define_asset_job("overview_job", [overview])


@sensor(
    job=reading,
    minimum_interval_seconds=30,
    default_status=DefaultSensorStatus.RUNNING,
    description="watches a folder",
)
def folder(context: SensorEvaluationContext):
    last = float(context.cursor) if context.cursor else 0
    newest = last
    for name, changed in FILES.items():
        if changed <= last:
            continue
        yield RunRequest(
            run_key=f"{name}:{changed}",
            run_config={"ops": {"read": {"config": {"name": name}}}},
            tags={"file": name},
        )
        newest = max(newest, changed)
    context.update_cursor(str(newest))


@sensor(job=reading)
def one_at_a_time(context):
    position = int(context.cursor or 0)
    if position >= len(FILES):
        return SkipReason(f"all {position} files are read")
    context.update_cursor(str(position + 1))
    return RunRequest(
        run_key=str(position), run_config={"ops": {"read": {"config": {"name": list(FILES)[position]}}}}
    )


@sensor(target=overview_job, name="state_in_json")
def json_state(context: SensorEvaluationContext) -> SensorResult:
    before = json.loads(context.cursor) if context.cursor else {}
    changed = [name for name, stamp in FILES.items() if before.get(name) != stamp]
    return SensorResult(run_requests=[RunRequest(run_key=name) for name in changed], cursor=json.dumps(FILES))


@sensor(job_name="overview_job")
def with_result_skip(context):
    return SensorResult(skip_reason="resting", cursor="rested")


@sensor(jobs=[reading, overview_job])
def two_jobs(context):
    yield RunRequest(run_key="r", job_name="reading", run_config={"ops": {"read": {"config": {"name": "x"}}}})
    yield RunRequest(run_key="o", job_name="overview_job")


@sensor(asset_selection="*")
def assets_only(context):
    context.log.info("asking for assets")
    return RunRequest(asset_selection=[overview.key])


@sensor(job=reading)
def returns_list(_):
    return [RunRequest(run_key=str(n), run_config={}) for n in range(3)]


@sensor(job=reading)
def returns_none():
    return None


def evaluate(context):
    return RunRequest(run_key="from class")


from_class = SensorDefinition(
    name="from_class", evaluation_fn=evaluate, job=overview_job, minimum_interval_seconds=120
)
by_name = SensorDefinition(
    evaluation_fn=lambda context: SkipReason("always"),
    name="by_name",
    job_name="reading",
    default_status=DefaultSensorStatus.STOPPED,
    description="skips",
)

defs = Definitions(
    assets=[overview],
    jobs=[reading, overview_job],
    sensors=[
        folder,
        one_at_a_time,
        json_state,
        with_result_skip,
        two_jobs,
        assets_only,
        returns_list,
        returns_none,
        from_class,
        by_name,
    ],
)


def test_cursor():
    context = build_sensor_context(cursor="15")
    assert [request.run_key for request in folder(context)] == ["b.txt:20.0", "c.txt:30.0"]
    assert context.cursor == "30.0"


def test_skip():
    skipped = one_at_a_time(build_sensor_context(cursor="3"))
    assert isinstance(skipped, SkipReason)
    assert skipped.skip_message == "all 3 files are read"


def test_evaluate_tick():
    data = json_state.evaluate_tick(build_sensor_context(cursor=json.dumps({"a.txt": 10.0})))
    assert [request.run_key for request in data.run_requests] == ["b.txt", "c.txt"]
    assert json.loads(data.cursor) == FILES
    assert data.run_requests[0].tags["dagster/sensor_name"] == "state_in_json"


def observe():
    return {
        "name": folder.name,
        "interval": [folder.minimum_interval_seconds, two_jobs.minimum_interval_seconds],
        "job": folder.job_name,
        "jobs": sorted(one.name for one in two_jobs.jobs),
        "status": folder.default_status.value,
    }
