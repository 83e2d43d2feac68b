from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

import tidewheel as tw
from tidewheel.definitions.checks.metadata_checks import (
    build_column_schema_change_checks,
    build_metadata_bounds_checks,
    schema_changes,
)
from tidewheel.errors import InvalidDefinitionError, ParameterCheckError
from tidewheel.worker.runs.in_process import materialize


@pytest.fixture
def instance() -> Generator[tw.Instance, None, None]:
    with tw.Instance.ephemeral() as made:
        yield made


def evaluate(instance: tw.Instance, checks: Any) -> Any:
    selection = tw.AssetSelection.checks(*checks)
    result = materialize([tw.AssetSpec("a"), *checks], instance=instance, selection=selection)
    (found,) = result.get_asset_check_evaluations()
    return found


def made(instance: tw.Instance, **metadata: Any) -> None:
    instance.report_runless_asset_event(tw.AssetMaterialization("a", metadata=metadata))


def columns(*pairs: tuple[str, str]) -> dict[str, Any]:
    return {"dagster/column_schema": tw.TableSchema([tw.TableColumn(name, kind) for name, kind in pairs])}


@pytest.mark.parametrize(
    ("value", "bounds", "passed"),
    [
        (0, {"min_value": 1, "max_value": 5}, False),
        (1, {"min_value": 1, "max_value": 5}, True),
        (5.0, {"min_value": 1, "max_value": 5}, True),
        (6, {"min_value": 1, "max_value": 5}, False),
        (1, {"min_value": 1, "exclusive_min": True}, False),
        (5, {"max_value": 5, "exclusive_max": True}, False),
        (-3, {"max_value": 5}, True),
        ("x", {"max_value": 5}, False),
    ],
)
def test_bounds(instance: tw.Instance, value: Any, bounds: dict[str, Any], passed: bool) -> None:
    made(instance, n=value)
    found = evaluate(instance, build_metadata_bounds_checks(assets=["a"], metadata_key="n", **bounds))
    assert (found.passed, found.check_name, found.severity.value) == (passed, "n_bounds_check", "WARN")


def test_missing_values_do_not_pass(instance: tw.Instance) -> None:
    checks = build_metadata_bounds_checks(
        assets=["a"], metadata_key="n", min_value=1, severity=tw.AssetCheckSeverity.ERROR
    )
    found = evaluate(instance, checks)
    assert "never materialized" in found.description
    assert found.severity.value == "ERROR"
    made(instance, other=1)
    assert "no metadata 'n'" in evaluate(instance, checks).description


def test_bounds_in_words() -> None:
    (checks,) = build_metadata_bounds_checks(
        assets=["a", "b"], metadata_key="my rows!", min_value=1, max_value=10, exclusive_max=True
    )
    spec = next(iter(checks.check_specs))
    assert spec.name == "my_rows__bounds_check"
    assert spec.description.endswith("is at least 1 and less than 10.")
    other = build_metadata_bounds_checks(assets=["a", "b"], metadata_key="my rows!", min_value=2)[0]
    assert checks.node_def.name != other.node_def.name


@pytest.mark.parametrize(
    ("kwargs", "error"),
    [
        ({"metadata_key": "n"}, InvalidDefinitionError),
        ({"metadata_key": "n", "min_value": 5, "max_value": 1}, InvalidDefinitionError),
        ({"metadata_key": 3, "min_value": 5}, ParameterCheckError),
    ],
)
def test_wrong_bounds(kwargs: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        build_metadata_bounds_checks(assets=["a"], **kwargs)


def test_columns_at_two_materialisations(instance: tw.Instance) -> None:
    checks = build_column_schema_change_checks(assets=["a"])
    assert evaluate(instance, checks).passed
    made(instance, **columns(("a", "int")))
    assert evaluate(instance, checks).passed
    made(instance)
    assert "latest materialization tells no columns" in evaluate(instance, checks).description
    made(instance, **columns(("a", "int"), ("b", "int")))
    assert "previous materialization tells no columns" in evaluate(instance, checks).description
    made(instance, **columns(("b", "int"), ("a", "int")))
    assert evaluate(instance, checks).passed
    made(instance, **columns(("a", "string"), ("c", "int")))
    found = evaluate(instance, checks)
    assert (found.passed, found.check_name) == (False, "column_schema_change")
    assert found.description.splitlines()[1:] == [
        "Added columns: c",
        "Removed columns: b",
        "Column type changed: a: int -> string",
    ]
    made(instance, **{"dagster/column_schema": "text"})
    assert not evaluate(instance, checks).passed


def test_constraints_do_not_count() -> None:
    old = tw.TableSchema([tw.TableColumn("a", "int")])
    new = tw.TableSchema([tw.TableColumn("a", "int", "words", tw.TableColumnConstraints(nullable=False))])
    assert schema_changes(old=old, new=new) == []
