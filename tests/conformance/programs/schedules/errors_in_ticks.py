from dagster import Definitions, RunRequest, SkipReason, job, op, schedule


@op
def nothing():
    pass


@job
def empty():
    nothing()


@schedule(job=empty, cron_schedule="@daily")
def raises(context):
    raise KeyError("oops")


@schedule(job=empty, cron_schedule="@daily")
def wrong_type(context):
    return 5


@schedule(job=empty, cron_schedule="@daily")
def mixes(context):
    return [RunRequest(run_key="a"), SkipReason("b")]


@schedule(job=empty, cron_schedule="@daily")
def empty_list(context):
    return []


@schedule(job=empty, cron_schedule="@daily")
def one_in_list(context):
    return [RunRequest()]


@schedule(job=empty, cron_schedule="@daily")
def yields_skip(context):
    yield SkipReason("nothing today")


@schedule(job=empty, cron_schedule="@daily")
def partition_of_unpartitioned(context):
    return RunRequest(partition_key="a")


@schedule(job=empty, cron_schedule="@daily")
def uses_log(context):
    context.log.info("evaluating at %s", context.scheduled_execution_time)
    return RunRequest(run_key=context.scheduled_execution_time.isoformat())


defs = Definitions(
    jobs=[empty],
    schedules=[
        raises,
        wrong_type,
        mixes,
        empty_list,
        one_in_list,
        yields_skip,
        partition_of_unpartitioned,
        uses_log,
    ],
)


def test_raises_directly():
    import pytest
    from dagster import build_schedule_context

    with pytest.raises(KeyError):
        raises(build_schedule_context())
