from dagster import (
    AssetKey,
    Config,
    Definitions,
    RunConfig,
    RunRequest,
    SensorResult,
    SkipReason,
    asset,
    define_asset_job,
    job,
    op,
)


class Size(Config):
    n: int = 1


@op
def sized(config: Size):
    return config.n


@job
def sizing():
    sized()


def observe():
    plain = RunRequest("k", {"ops": {"sized": {"config": {"n": 2}}}}, {"a": 1, "b": {"c": 2}})
    typed = RunRequest(run_config=RunConfig(ops={"sized": Size(n=3)}))
    narrowed = RunRequest(
        asset_selection=[AssetKey("x"), AssetKey(["y", "z"])], stale_assets_only=True, partition_key="p"
    )
    return {
        "plain": [plain.run_key, plain.run_config, plain.tags, plain.job_name, plain.partition_key],
        "typed": typed.run_config,
        "narrowed": [
            narrowed.asset_selection,
            narrowed.stale_assets_only,
            narrowed.partition_key,
            narrowed.has_resolved_partition(),
        ],
        "equal": [
            RunRequest("a") == RunRequest("a"),
            RunRequest("a") == RunRequest("b"),
            SkipReason("a") == SkipReason("a"),
        ],
        "replaced": RunRequest("a", tags={"x": "1"}).with_replaced_attrs(run_key="b").run_key,
        "skip": [SkipReason("why").skip_message, SkipReason().skip_message],
        "result": [
            SensorResult(skip_reason="no").skip_reason.skip_message,
            SensorResult(run_requests=[RunRequest("r")]).run_requests[0].run_key,
            SensorResult(cursor="c").cursor,
        ],
    }


def test_mistakes():
    import pytest

    with pytest.raises(Exception):
        RunRequest(run_key=5)
    with pytest.raises(Exception):
        SkipReason(5)
    with pytest.raises(Exception):
        SensorResult(run_requests=[RunRequest()], skip_reason=SkipReason("x"))
    with pytest.raises(Exception):
        SensorResult(cursor=5)


defs = Definitions(jobs=[sizing])
