"""What attributes of definitions hold where nothing was given, and of which kind they are, as programs compare them."""

import pytest

import tidewheel as tw


@tw.asset(deps=["b"])
def a(): ...


@tw.job
def nothing(): ...


@tw.sensor(job=nothing)
def quiet(context): ...


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (tw.AssetKey(["a", "b"]).parts, ("a", "b")),
        (tw.AssetKey(["a", "b"]).path, ["a", "b"]),
        (tw.AssetSpec("a", deps=["b"]).deps, [tw.AssetDep("b")]),
        (next(iter(a.specs)).deps, [tw.AssetDep("b")]),
        (a.dependency_keys, {tw.AssetKey("b")}),
        (tw.AssetCheckSpec("c", asset="a", additional_deps=["b"]).additional_deps, [tw.AssetDep("b")]),
        (tw.AssetOut().owners, []),
        (quiet.owners, []),
        (tw.ExpectationResult(True).label, "result"),
        (tw.RetryPolicy(max_retries=3, delay=2).calculate_delay(3), 2),
        (tw.RetryPolicy(max_retries=3, delay=2, backoff=tw.Backoff.LINEAR).calculate_delay(3), 6),
        (tw.RetryPolicy(max_retries=3, delay=2, backoff=tw.Backoff.EXPONENTIAL).calculate_delay(3), 14),
    ],
)
def test_values(found, expected):
    assert found == expected


@pytest.mark.parametrize(
    ("assets", "expected"),
    [
        ([], []),
        ([tw.AssetSpec("made_elsewhere")], ["__ASSET_JOB"]),
        ([tw.SourceAsset("seen")], ["__ASSET_JOB"]),
    ],
)
def test_there_is_an_implicit_job_wherever_there_is_an_asset(assets, expected):
    repository = tw.Definitions(assets=assets).get_repository_def()
    assert repository.job_names == expected
    assert repository.get_implicit_asset_job_names() == expected
    assert repository.has_implicit_global_asset_job_def() is bool(expected)
