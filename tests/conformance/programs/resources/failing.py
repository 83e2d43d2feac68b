import pytest
from dagster import (
    ConfigurableResource,
    DagsterInvalidConfigError,
    DagsterInvalidDefinitionError,
    DagsterResourceFunctionError,
    DagsterUnknownResourceError,
    Definitions,
    asset,
    job,
    materialize,
    op,
    resource,
)


@resource
def broken(_):
    raise RuntimeError("no connection")


class Picky(ConfigurableResource):
    size: int

    def setup_for_execution(self, context) -> None:
        if self.size < 0:
            raise ValueError("too small")


@asset(required_resource_keys={"broken"})
def uses_broken():
    return 1


@asset
def uses_picky(picky: Picky):
    return picky.size


@op
def peeks(context):
    return context.resources.not_declared


@job
def peeking():
    peeks()


defs = Definitions(
    assets=[uses_broken, uses_picky], jobs=[peeking], resources={"broken": broken, "picky": Picky(size=-1)}
)


def test_broken():
    with pytest.raises(DagsterResourceFunctionError):
        materialize([uses_broken], resources={"broken": broken})


def test_missing_resource():
    with pytest.raises(DagsterInvalidDefinitionError):
        materialize([uses_picky])


def test_undeclared():
    with pytest.raises(DagsterUnknownResourceError):
        peeking.execute_in_process()


def test_missing_in_definitions():
    with pytest.raises(DagsterInvalidDefinitionError):
        Definitions(assets=[uses_picky]).get_repository_def()


def test_missing_launch_config():
    with pytest.raises(DagsterInvalidConfigError):
        materialize([uses_picky], resources={"picky": Picky.configure_at_launch()})


def test_raise_on_error_false():
    result = materialize([uses_broken], resources={"broken": broken}, raise_on_error=False)
    assert not result.success
