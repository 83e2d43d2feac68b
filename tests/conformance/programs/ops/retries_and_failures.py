from dagster import Backoff, Definitions, Failure, In, Jitter, Nothing, RetryPolicy, RetryRequested, job, op

COUNTS = {}


def count(name):
    COUNTS[name] = COUNTS.get(name, 0) + 1
    return COUNTS[name]


@op(retry_policy=RetryPolicy(max_retries=2, delay=0.01))
def third_time_lucky(context):
    if context.retry_number < 2:
        raise ConnectionError("down")
    return context.retry_number


@op
def requests_retry():
    try:
        if count("requests") < 2:
            raise OSError("busy")
    except OSError as error:
        raise RetryRequested(max_retries=1) from error
    return "ok"


@op(retry_policy=RetryPolicy(max_retries=5))
def gives_up():
    raise Failure("no use", metadata={"code": 404}, allow_retries=False)


@op(ins={"after": In(Nothing)})
def afterwards():
    return "ran"


@job(op_retry_policy=RetryPolicy(max_retries=1))
def patient():
    afterwards(third_time_lucky())
    requests_retry()


@job
def impatient():
    afterwards(gives_up())


@op
def plain_failure():
    raise ZeroDivisionError


@job(op_retry_policy=RetryPolicy(max_retries=1, delay=0))
def job_wide():
    plain_failure.with_retry_policy(RetryPolicy(max_retries=2)).alias("more")()
    plain_failure()


defs = Definitions(jobs=[patient, impatient, job_wide])


def test_attempts():
    result = patient.execute_in_process(raise_on_error=False)
    assert result.retry_attempts_for_node("third_time_lucky") == 2
