from dagster import (
    AssetExecutionContext,
    Backoff,
    Definitions,
    Jitter,
    RetryPolicy,
    RetryRequested,
    asset,
    define_asset_job,
)

ATTEMPTS = {"flaky": 0, "asks_again": 0, "hopeless": 0}


@asset(
    retry_policy=RetryPolicy(max_retries=3, delay=0.01, backoff=Backoff.EXPONENTIAL, jitter=Jitter.PLUS_MINUS)
)
def flaky(context: AssetExecutionContext):
    ATTEMPTS["flaky"] += 1
    if context.retry_number < 2:
        raise RuntimeError("not yet")
    return ATTEMPTS["flaky"]


@asset
def asks_again():
    ATTEMPTS["asks_again"] += 1
    if ATTEMPTS["asks_again"] % 2:
        raise RetryRequested(max_retries=2, seconds_to_wait=0.01)
    return "done"


@asset(retry_policy=RetryPolicy(max_retries=1))
def hopeless():
    ATTEMPTS["hopeless"] += 1
    raise KeyError("never")


stubborn = define_asset_job(
    "stubborn",
    selection=[flaky, asks_again],
    op_retry_policy=RetryPolicy(max_retries=2, delay=0.0, backoff=Backoff.LINEAR, jitter=Jitter.FULL),
)

defs = Definitions(assets=[flaky, asks_again, hopeless], jobs=[stubborn])


def observe():
    policy = RetryPolicy(max_retries=2)
    return {
        "defaults": [policy.max_retries, policy.delay, policy.backoff, policy.jitter],
    }
