from dagster import (
    AssetCheckKey,
    AssetCheckResult,
    AssetKey,
    Definitions,
    RunConfig,
    RunRequest,
    SkipReason,
    asset,
    asset_check,
    define_asset_job,
    job,
    op,
    schedule,
    sensor,
)


@asset
def a(): ...


@asset
def b(): ...


@asset_check(asset=a)
def a_ok():
    return AssetCheckResult(passed=True)


all_assets = define_asset_job("all_assets", selection=[a, b])


@op
def o(): ...


@job
def op_job():
    o()


@sensor(job=all_assets)
def subset(context):
    return RunRequest(
        run_key="s",
        asset_selection=[AssetKey("a")],
        asset_check_keys=[AssetCheckKey(AssetKey("a"), "a_ok")],
        tags={"x": "1"},
    )


@sensor(target=[a, b])
def target_list(context):
    return [RunRequest(run_key="both"), RunRequest(run_key="one", asset_selection=[b.key])]


@sensor(target=op_job)
def target_job(context):
    yield RunRequest(tags={"n": "1"})


@sensor(asset_selection=["a"])
def by_strings(context):
    return RunRequest()


@sensor(target="a or b", tags={"sensor": "tag"}, metadata={"m": 1})
def by_query(context):
    return SkipReason()


@sensor(jobs=[all_assets, op_job], name="several_jobs")
def chooses(context):
    yield RunRequest(run_key="1", job_name="all_assets", asset_selection=[a.key])
    yield RunRequest(run_key="2", job_name="op_job", run_config=RunConfig())


defs = Definitions(
    assets=[a, b],
    asset_checks=[a_ok],
    jobs=[all_assets, op_job],
    sensors=[subset, target_list, target_job, by_strings, by_query, chooses],
)


def observe():
    request = RunRequest("key", {"ops": {}}, tags={"t": "1"}, partition_key="p")
    return {
        "positional": [request.run_key, request.run_config, request.tags, request.partition_key],
        "equal": RunRequest(run_key="x") == RunRequest(run_key="x"),
        "stale": RunRequest(stale_assets_only=True).stale_assets_only,
        "skip": [SkipReason("m").skip_message, SkipReason().skip_message, SkipReason("m") == SkipReason("m")],
    }
