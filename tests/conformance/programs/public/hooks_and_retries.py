import pytest
from dagster import (
    Backoff,
    Failure,
    HookContext,
    Jitter,
    RetryPolicy,
    RetryRequested,
    failure_hook,
    job,
    op,
    success_hook,
    build_hook_context,
    resource,
    ResourceDefinition,
    Definitions,
    MetadataValue,
    graph,
    DagsterExecutionStepExecutionError,
)

SENT = []


@success_hook(required_resource_keys={"slack"})
def slack_ok(context: HookContext):
    context.resources.slack.append(f"ok {context.op.name}")


@failure_hook
def on_fail(context: HookContext):
    SENT.append((context.op.name, type(context.op_exception).__name__, context.job_name))


@op
def fine():
    return 1


@op(
    retry_policy=RetryPolicy(max_retries=2, delay=0.01, backoff=Backoff.EXPONENTIAL, jitter=Jitter.PLUS_MINUS)
)
def flaky(context, x):
    if context.retry_number < 2:
        raise ValueError("flaky")
    return context.retry_number


@op
def asks(context, x):
    if context.retry_number == 0:
        raise RetryRequested(max_retries=1, seconds_to_wait=0.01) from KeyError("k")
    return "ok"


@op
def fails(x):
    raise Failure("no luck", metadata={"path": MetadataValue.path("/x")}, allow_retries=False)


@op(tags={"a": "b"})
def never(x):
    return x


@job(hooks={on_fail}, resource_defs={"slack": ResourceDefinition.hardcoded_resource([])})
def hooked():
    f = fine.with_hooks({slack_ok})()
    flaky(f)
    asks(f)
    never(fails(f))


@job(op_retry_policy=RetryPolicy(max_retries=1))
def all_retry():
    never.alias("again")(fine())
    fine.with_retry_policy(RetryPolicy(max_retries=5)).alias("five")()


@slack_ok
@job(resource_defs={"slack": ResourceDefinition.mock_resource()})
def decorated():
    fine()


defs = Definitions(jobs=[hooked, all_retry, decorated])


def test_hook_direct():
    sent = []
    slack_ok(build_hook_context(resources={"slack": sent}, op=fine))
    assert sent == ["ok fine"]


def test_run():
    SENT.clear()
    r = hooked.execute_in_process(raise_on_error=False)
    assert not r.success
    assert SENT == [("fails", "Failure", "hooked")]
    assert r.output_for_node("flaky") == 2
    assert r.retry_attempts_for_node("flaky") == 2
    failure = r.failure_data_for_node("fails")
    assert failure.user_failure_data.description == "no luck"
    assert r.get_failed_step_keys() == {"fails"}


def test_raises():
    with pytest.raises(Failure, match="no luck"):
        hooked.execute_in_process()
