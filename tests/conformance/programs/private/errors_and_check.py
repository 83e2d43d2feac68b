import pytest
from dagster import Definitions, asset
from dagster._check import CheckError, ParameterCheckError
import dagster._check as check_module
from dagster._core.definitions.events import AssetKey as EventsAssetKey, CoercibleToAssetKey
from dagster._core.errors import (
    DagsterInvalidDefinitionError,
    DagsterInvalidPropertyError,
    DagsterInvariantViolationError,
)
from dagster import AssetKey


@asset
def a(): ...


defs = Definitions(assets=[a])


def test_same_class():
    assert EventsAssetKey is AssetKey
    import dagster

    assert DagsterInvalidDefinitionError is dagster.DagsterInvalidDefinitionError


def test_check_functions():
    assert check_module.str_param("a", "name") == "a"
    assert check_module.opt_str_param(None, "name") is None
    assert check_module.not_none(3) == 3
    check_module.invariant(True, "fine")
    assert check_module.inst(3, int) == 3
    with pytest.raises(ParameterCheckError):
        check_module.str_param(3, "name")
    with pytest.raises(CheckError):
        check_module.invariant(False, "broken")
    with pytest.raises(CheckError):
        check_module.not_none(None)
    with pytest.raises(CheckError):
        check_module.failed("no")
    assert check_module.is_list([1], of_type=int) == [1]
