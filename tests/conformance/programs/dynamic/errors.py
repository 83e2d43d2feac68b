import pytest
from dagster import (
    DagsterInvalidDefinitionError,
    DagsterInvariantViolationError,
    Definitions,
    DynamicOut,
    DynamicOutput,
    Output,
    job,
    op,
)


@op(out=DynamicOut())
def numbers():
    yield DynamicOutput(1, "one")
    yield DynamicOutput(2, "two")


@op
def half(n):
    if n == 1:
        raise ValueError("odd")
    return n / 2


@op
def gather(values):
    return values


@op(out=DynamicOut())
def same_key():
    yield DynamicOutput(1, "k")
    yield DynamicOutput(2, "k")


@op(out=DynamicOut())
def plain_output():
    yield Output(1)


@job
def one_fails():
    gather(numbers().map(half).collect())


@job
def duplicate():
    same_key().map(half)


@job
def wrong_output():
    plain_output().map(half)


defs = Definitions(jobs=[one_fails, duplicate, wrong_output])


def test_bad_mapping_key():
    with pytest.raises(Exception):
        DynamicOutput(1, mapping_key="has space")


def test_without_map():
    with pytest.raises(DagsterInvalidDefinitionError):

        @job
        def direct():
            half(numbers())


def test_duplicate():
    with pytest.raises(DagsterInvariantViolationError):
        duplicate.execute_in_process()
