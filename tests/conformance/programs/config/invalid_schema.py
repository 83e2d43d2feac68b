import pytest
from dagster import (
    DagsterInvalidConfigDefinitionError,
    DagsterInvalidDefinitionError,
    Definitions,
    Field,
    Int,
    String,
    job,
    op,
)
from dagster._core.errors import DagsterInvalidPythonicConfigDefinitionError
from dagster import Config


@op(config_schema=Field(String, default_value="x"))
def scalar_default(context):
    return context.op_config


@job
def uses_default():
    scalar_default()


defs = Definitions(jobs=[uses_default])


def test_bad_default():
    with pytest.raises(Exception):
        Field(Int, default_value="not a number")


def test_default_and_required():
    with pytest.raises(Exception):
        Field(Int, default_value=1, is_required=True)


def test_unknown_type():
    class Custom: ...

    with pytest.raises(DagsterInvalidConfigDefinitionError):

        @op(config_schema={"x": Custom})
        def bad():
            pass


def test_unsupported_pythonic_type():
    class Custom: ...

    with pytest.raises(Exception):

        class Wrong(Config):
            x: Custom

        @op
        def bad(config: Wrong):
            pass


def test_missing_annotation():
    with pytest.raises(Exception):

        @op
        def bad(config):
            pass

        @job
        def j():
            bad()

        j.execute_in_process()
