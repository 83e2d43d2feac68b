"""Op retries: policies on ops, invocations and jobs, RetryRequested, Failure, and what the events say."""

from dagster import (
    Backoff,
    Definitions,
    Failure,
    Jitter,
    MetadataValue,
    Output,
    RetryPolicy,
    RetryRequested,
    job,
    op,
)

COUNTS = {}


def count(name):
    COUNTS[name] = COUNTS.get(name, 0) + 1
    return COUNTS[name]


@op(retry_policy=RetryPolicy())
def once_more():
    if count("once_more") < 2:
        raise Exception("flaky")
    return COUNTS["once_more"]


@op(
    retry_policy=RetryPolicy(max_retries=3, delay=0.01, backoff=Backoff.EXPONENTIAL, jitter=Jitter.PLUS_MINUS)
)
def thrice(context):
    if context.retry_number < 3:
        raise Exception("flaky")
    return context.retry_number


@op
def requested(context):
    try:
        if count("requested") < 3:
            raise ValueError("network")
    except ValueError as e:
        raise RetryRequested(max_retries=5, seconds_to_wait=0.01) from e
    return "ok"


@op
def requested_too_often():
    raise RetryRequested(max_retries=1)


@op(retry_policy=RetryPolicy(max_retries=5))
def fatal():
    count("fatal")
    raise Failure(
        description="No files to process",
        metadata={"path": MetadataValue.path("/tmp/x"), "n": 2},
        allow_retries=False,
    )


@op
def policy_of_job():
    if count("policy_of_job") < 2:
        raise Exception("flaky")


@op
def after(x):
    return f"after {x}"


@job
def op_retries():
    after(once_more())
    thrice()


@job
def requests():
    requested()


@job
def too_often():
    requested_too_often()


@job
def fatal_job():
    after(fatal())


@job(op_retry_policy=RetryPolicy(max_retries=2))
def default_and_override():
    policy_of_job()
    policy_of_job.with_retry_policy(RetryPolicy(max_retries=0)).alias("strict")()


@job
def inline_policy():
    once_more.with_retry_policy(RetryPolicy(max_retries=1)).alias("inlined")()


defs = Definitions(jobs=[op_retries, requests, too_often, fatal_job, default_and_override])


def test_failure_raised():
    try:
        fatal_job.execute_in_process()
    except Failure as failure:
        assert failure.description == "No files to process"
        assert failure.metadata["n"].value == 2
        assert failure.allow_retries is False
    else:
        raise AssertionError


def test_attempts():
    COUNTS.clear()
    result = op_retries.execute_in_process()
    assert result.output_for_node("after") == "after 2"
    assert result.output_for_node("thrice") == 3
    assert result.retry_attempts_for_node("thrice") == 3
    assert result.retry_attempts_for_node("after") == 0
    COUNTS.clear()


def observe():
    COUNTS.clear()
    result = fatal_job.execute_in_process(raise_on_error=False)
    event = result.get_step_failure_events()[0]
    data = event.step_failure_data
    shown = {
        "description": data.user_failure_data.description,
        "metadata": sorted(data.user_failure_data.metadata),
        "label": data.user_failure_data.label,
        "counts": dict(COUNTS),
        "failure": result.failure_data_for_node("fatal").user_failure_data.description,
    }
    COUNTS.clear()
    result = requests.execute_in_process()
    kinds = [e.event_type_value for e in result.events_for_node("requested")]
    shown["events"] = [k for k in kinds if k.startswith("STEP")]
    shown["wait"] = [
        e.step_retry_data.seconds_to_wait
        for e in result.all_events
        if e.event_type_value == "STEP_UP_FOR_RETRY"
    ]
    result = too_often.execute_in_process(raise_on_error=False)
    error = result.get_step_failure_events()[0].step_failure_data.error
    shown["too_often"] = result.success
    COUNTS.clear()
    result = default_and_override.execute_in_process(raise_on_error=False)
    shown["defaulted"] = [result.success, COUNTS]
    return shown
