import pytest
from dagster import (
    DagsterInvalidDefinitionError,
    DagsterInvariantViolationError,
    DagsterStepOutputNotFoundError,
    Definitions,
    In,
    Out,
    Output,
    graph,
    job,
    op,
)


@op
def number():
    return 1


@op(out={"a": Out(), "b": Out()})
def only_a():
    yield Output(1, "a")


@op
def unknown_output():
    yield Output(1, "elsewhere")


@op(out={"a": Out(), "b": Out()})
def wrong_length():
    return 1, 2, 3


@job
def incomplete():
    only_a()


@job
def elsewhere():
    unknown_output()


@job
def too_many():
    wrong_length()


defs = Definitions(jobs=[incomplete, elsewhere, too_many])


def test_incomplete():
    with pytest.raises(DagsterStepOutputNotFoundError):
        incomplete.execute_in_process()


def test_elsewhere():
    with pytest.raises(DagsterInvariantViolationError):
        elsewhere.execute_in_process()


def test_reserved_or_bad_names():
    with pytest.raises(DagsterInvalidDefinitionError):

        @op(name="has space")
        def bad():
            pass


def test_undeclared_in():
    with pytest.raises(DagsterInvalidDefinitionError):

        @op(ins={"ghost": In()})
        def bad():
            pass


def test_missing_input_has_no_value():
    @op
    def wants(value):
        return value

    @job
    def broken():
        wants()

    with pytest.raises(Exception):
        broken.execute_in_process()


def test_same_op_twice_gets_number():
    @job
    def two():
        number()
        number()

    assert sorted(node.name for node in two.nodes) == ["number", "number_2"]


def test_different_ops_same_name():
    def make():
        @op(name="same")
        def inner():
            return 1

        return inner

    with pytest.raises(DagsterInvalidDefinitionError):

        @job
        def clash():
            make()()
            make()()


def test_invoking_op_with_constant():
    @op
    def wants(value):
        return value

    with pytest.raises(DagsterInvalidDefinitionError):

        @job
        def constant():
            wants(5)
