"""Checks of what materialisations say of themselves: a number within bounds, the columns the same as before."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tidewheel.definitions.assets.asset_spec import AssetCheckSpec
from tidewheel.definitions.checks.check_factories import asset_keys_of, checks_for_assets, require_severity
from tidewheel.definitions.checks.check_results import AssetCheckResult, AssetCheckSeverity
from tidewheel.definitions.checks.definition import AssetChecksDefinition
from tidewheel.errors import InvalidDefinitionError, ParameterCheckError
from tidewheel.values.keys import AssetKey
from tidewheel.values.metadata import TableSchema

COLUMN_SCHEMA_KEY = "dagster/column_schema"
_PREFIX = "asset_check"


def build_metadata_bounds_checks(
    *,
    assets: Sequence[Any],
    severity: AssetCheckSeverity = AssetCheckSeverity.WARN,
    metadata_key: str,
    min_value: float | None = None,
    max_value: float | None = None,
    exclusive_min: bool = False,
    exclusive_max: bool = False,
) -> Sequence[AssetChecksDefinition]:
    """A check for each asset that a number in the metadata of its latest materialisation lies within bounds.

    Raises:
        InvalidDefinitionError: when there are no bounds, or none fits between them.
        CheckError: when an asset is there twice.
    """
    if not isinstance(metadata_key, str):
        raise ParameterCheckError(f"expected metadata_key as text, got {metadata_key!r}")
    require_severity(severity)
    if min_value is None and max_value is None:
        raise InvalidDefinitionError("expected min_value or max_value, got neither; give at least one")
    if min_value is not None and max_value is not None and min_value > max_value:
        raise InvalidDefinitionError(f"expected min_value of at most {max_value}, got {min_value}; swap them")
    bounds = _bounds_text(min_value, max_value, exclusive_min, exclusive_max)

    def judge(context: Any, key: AssetKey) -> AssetCheckResult:
        latest = _latest_metadata(context.instance, key, 1)
        if not latest:
            return _failed(severity, "The asset was never materialized.")
        found = latest[0].get(metadata_key)
        if found is None:
            return _failed(severity, f"The latest materialization has no metadata {metadata_key!r}.")
        value = found.value
        if not isinstance(value, (int, float)):
            return _failed(severity, f"The metadata {metadata_key!r} is {value!r}, which is not a number.")
        passed = _is_above(value, min_value, exclusive_min) and _is_below(value, max_value, exclusive_max)
        text = f"{value!r} is {'' if passed else 'not '}{bounds}."
        return AssetCheckResult(passed=passed, severity=severity, description=text)

    name = f"{re.sub(r'[^A-Za-z0-9_]', '_', metadata_key)}_bounds_check"
    description = f"Whether the metadata {metadata_key!r} of the latest materialization is {bounds}."
    specs = [AssetCheckSpec(name, asset=key, description=description) for key in asset_keys_of(assets)]
    return checks_for_assets(_PREFIX, f"{name} {bounds}", specs, judge)


def build_column_schema_change_checks(
    *, assets: Sequence[Any], severity: AssetCheckSeverity = AssetCheckSeverity.WARN
) -> Sequence[AssetChecksDefinition]:
    """A check for each asset that its columns are the same at its two latest materialisations.

    The columns are the metadata ``dagster/column_schema``; names and types count, order and constraints do not.
    """
    require_severity(severity)

    def judge(context: Any, key: AssetKey) -> AssetCheckResult:
        latest = _latest_metadata(context.instance, key, 2)
        if len(latest) < 2:
            text = "The asset was materialized fewer than two times, so there is nothing to compare."
            return AssetCheckResult(passed=True, severity=severity, description=text)
        schemas: list[TableSchema] = []
        for which, metadata in zip(("latest", "previous"), latest, strict=True):
            schema = getattr(metadata.get(COLUMN_SCHEMA_KEY), "value", None)
            if not isinstance(schema, TableSchema):
                return _failed(
                    severity, f"The {which} materialization tells no columns ({COLUMN_SCHEMA_KEY})."
                )
            schemas.append(schema)
        changes = schema_changes(old=schemas[1], new=schemas[0])
        text = "\n".join(["The columns have changed.", *changes]) if changes else "The columns are the same."
        return AssetCheckResult(passed=not changes, severity=severity, description=text)

    name = "column_schema_change"
    description = "Whether the columns are the same at the two latest materializations."
    specs = [AssetCheckSpec(name, asset=key, description=description) for key in asset_keys_of(assets)]
    return checks_for_assets(_PREFIX, name, specs, judge)


def schema_changes(*, old: TableSchema, new: TableSchema) -> list[str]:
    """What is different between two lists of columns, in lines for people; empty when nothing is."""
    before = {column.name: column.type for column in old.columns}
    after = {column.name: column.type for column in new.columns}
    lines = []
    added, removed = (
        [name for name in after if name not in before],
        [name for name in before if name not in after],
    )
    if added:
        lines.append(f"Added columns: {', '.join(added)}")
    if removed:
        lines.append(f"Removed columns: {', '.join(removed)}")
    retyped = [name for name in after if name in before and before[name] != after[name]]
    lines += [f"Column type changed: {name}: {before[name]} -> {after[name]}" for name in retyped]
    return lines


def _latest_metadata(instance: Any, key: AssetKey, count: int) -> list[Mapping[str, Any]]:
    """Metadata of the latest materialisations, newest first."""
    records = instance.fetch_materializations(key, limit=count).records
    return [record.event_log_entry.asset_materialization.metadata for record in records]


def _failed(severity: AssetCheckSeverity, text: str) -> AssetCheckResult:
    return AssetCheckResult(passed=False, severity=severity, description=text)


def _is_above(value: float, bound: float | None, is_exclusive: bool) -> bool:
    return bound is None or (value > bound if is_exclusive else value >= bound)


def _is_below(value: float, bound: float | None, is_exclusive: bool) -> bool:
    return bound is None or (value < bound if is_exclusive else value <= bound)


def _bounds_text(low: float | None, high: float | None, exclusive_low: bool, exclusive_high: bool) -> str:
    parts = []
    if low is not None:
        parts.append(f"{'more than' if exclusive_low else 'at least'} {low}")
    if high is not None:
        parts.append(f"{'less than' if exclusive_high else 'at most'} {high}")
    return " and ".join(parts)
