from dagster import (
    Definitions,
    RunRequest,
    SensorResult,
    SkipReason,
    asset,
    define_asset_job,
    job,
    op,
    sensor,
)


@op
def nothing(): ...


@job
def first():
    nothing()


@job
def second():
    nothing()


@asset
def thing(): ...


@sensor(job=first)
def raises(context):
    raise OSError("the share is gone")


@sensor(job=first)
def wrong_type(context):
    return "run it"


@sensor(job=first)
def mixes(context):
    yield RunRequest(run_key="a")
    yield SkipReason("b")


@sensor(jobs=[first, second])
def forgets_job(context):
    return RunRequest(run_key="which one")


@sensor(jobs=[first, second])
def unknown_job(context):
    return RunRequest(job_name="third")


@sensor(job=first)
def cursor_twice(context):
    context.update_cursor("a")
    return SensorResult(cursor="b")


@sensor(job=first)
def skips_and_requests(context):
    return SensorResult(run_requests=[RunRequest()], skip_reason=SkipReason("both"))


@sensor()
def no_target(context):
    return SkipReason("only looking")


@sensor()
def no_target_but_request(context):
    return RunRequest()


@sensor(job=first)
def bad_partition(context):
    return RunRequest(partition_key="x")


@sensor(job=first)
def half_way(context):
    yield RunRequest(run_key="before")
    raise ValueError("after the first")


defs = Definitions(
    assets=[thing],
    jobs=[first, second],
    sensors=[
        raises,
        wrong_type,
        mixes,
        forgets_job,
        unknown_job,
        cursor_twice,
        skips_and_requests,
        no_target,
        no_target_but_request,
        bad_partition,
        half_way,
    ],
)


def test_definition_errors():
    import pytest
    from dagster import DagsterInvalidDefinitionError

    with pytest.raises(DagsterInvalidDefinitionError):

        @sensor(job=first, jobs=[second])
        def both(context): ...

    with pytest.raises(DagsterInvalidDefinitionError):
        Definitions(
            jobs=[first], sensors=[sensor(job_name="ghost")(lambda context: None)] if False else [_by_name()]
        ).get_repository_def()


def _by_name():
    @sensor(job_name="ghost")
    def haunted(context): ...

    return haunted
