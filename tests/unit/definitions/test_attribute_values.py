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
