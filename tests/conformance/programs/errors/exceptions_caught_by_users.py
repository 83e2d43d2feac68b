import pytest
from dagster import (
    DagsterError,
    DagsterExecutionStepNotFoundError,
    DagsterInvalidConfigError,
    DagsterInvalidDefinitionError,
    DagsterInvalidInvocationError,
    DagsterInvalidSubsetError,
    DagsterInvariantViolationError,
    DagsterResourceFunctionError,
    DagsterRunNotFoundError,
    DagsterStepOutputNotFoundError,
    DagsterTypeCheckDidNotPass,
    DagsterTypeCheckError,
    DagsterUnknownPartitionError,
    DagsterUnknownResourceError,
    Definitions,
    Failure,
    RetryRequested,
    asset,
    job,
    materialize,
    op,
)


@asset
def fine(): ...


defs = Definitions(assets=[fine])


def observe():
    classes = [
        DagsterExecutionStepNotFoundError,
        DagsterInvalidConfigError,
        DagsterInvalidDefinitionError,
        DagsterInvalidInvocationError,
        DagsterInvalidSubsetError,
        DagsterInvariantViolationError,
        DagsterResourceFunctionError,
        DagsterRunNotFoundError,
        DagsterStepOutputNotFoundError,
        DagsterTypeCheckDidNotPass,
        DagsterTypeCheckError,
        DagsterUnknownPartitionError,
        DagsterUnknownResourceError,
    ]
    return {
        "subclasses": [issubclass(one, DagsterError) for one in classes],
        "exceptions": [
            issubclass(Failure, Exception),
            issubclass(Failure, DagsterError),
            issubclass(RetryRequested, Exception),
        ],
        "failure": [
            Failure("text").description,
            Failure("x", metadata={"a": 1}).metadata["a"].value,
            Failure("x").allow_retries,
        ],
        "retry": [
            RetryRequested(max_retries=2, seconds_to_wait=1.5).max_retries,
            RetryRequested(seconds_to_wait=1.5).seconds_to_wait,
        ],
    }


def test_user_can_raise_them():
    @op
    def o():
        raise DagsterInvariantViolationError("mine")

    @job
    def j():
        o()

    with pytest.raises(DagsterInvariantViolationError, match="mine"):
        j.execute_in_process()


def test_failure_passes_through():
    @asset
    def fails():
        raise Failure("described", metadata={"k": "v"})

    with pytest.raises(Failure) as caught:
        materialize([fails])
    assert caught.value.description == "described"


def test_base_exception_of_config():
    @op(config_schema={"a": int})
    def o(context): ...

    @job
    def j():
        o()

    with pytest.raises(DagsterError):
        j.execute_in_process()
    with pytest.raises(DagsterInvalidConfigError):
        j.execute_in_process(run_config={"ops": {"o": {"config": {"a": "text"}}}})
    with pytest.raises(DagsterInvalidConfigError):
        j.execute_in_process(run_config={"no_such_section": {}})
