import pytest
from dagster import (
    DagsterInvalidDefinitionError,
    DagsterInvariantViolationError,
    Definitions,
    GraphOut,
    Out,
    graph,
    job,
    op,
)


@op
def one():
    return 1


@op(out={"a": Out(), "b": Out()})
def pair():
    return 1, 2


@job
def fine():
    one()


defs = Definitions(jobs=[fine])


def test_unmapped_output():
    with pytest.raises(DagsterInvalidDefinitionError):

        @graph(out={"named": GraphOut(), "other": GraphOut()})
        def wrong():
            return one()


def test_returns_constant():
    with pytest.raises(DagsterInvalidDefinitionError):

        @graph
        def wrong():
            one()
            return 5


def test_unused_input():
    with pytest.raises(DagsterInvalidDefinitionError):

        @graph
        def wrong(x):
            one()


def test_two_outputs_need_names():
    @graph
    def loosely():
        return pair()

    assert loosely.name == "loosely"


def test_missing_resource():
    @op(required_resource_keys={"db"})
    def needs():
        pass

    with pytest.raises(DagsterInvalidDefinitionError):

        @job
        def lacking():
            needs()

        Definitions(jobs=[lacking]).get_repository_def()


def test_calling_a_job_in_a_graph():
    with pytest.raises(Exception):

        @graph
        def wrong():
            fine()
