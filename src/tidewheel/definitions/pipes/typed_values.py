"""Metadata of the Pipes protocol, a raw value and the name of its type, as our metadata values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tidewheel.errors import did_you_mean
from tidewheel.values.keys import AssetKey
from tidewheel.values.metadata import (
    AssetMetadataValue,
    BoolMetadataValue,
    FloatMetadataValue,
    IntMetadataValue,
    JobMetadataValue,
    MarkdownMetadataValue,
    MetadataValue,
    NotebookMetadataValue,
    NullMetadataValue,
    PathMetadataValue,
    RunMetadataValue,
    TableColumn,
    TableColumnConstraints,
    TableColumnDep,
    TableColumnLineage,
    TableConstraints,
    TableRecord,
    TableSchema,
    TextMetadataValue,
    TimestampMetadataValue,
    UrlMetadataValue,
    normalize_metadata_value,
)

INFER = "__infer__"
"""The type name that leaves the choice to the value's Python type."""


def typed_values(metadata: Mapping[str, Any] | None) -> tuple[dict[str, MetadataValue], list[str]]:
    """Metadata by label, and a sentence for each value that could not be read as its type (it is kept as it came)."""
    found: dict[str, MetadataValue] = {}
    problems: list[str] = []
    for label, entry in (metadata or {}).items():
        try:
            found[label] = typed_value(entry)
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            problems.append(f"metadata {label!r}: {_sentence(exc)}")
            found[label] = _as_it_came(entry)
    return found, problems


def typed_value(entry: Any) -> MetadataValue:
    """The metadata value of one entry; an entry without a type is a plain value.

    Raises:
        ValueError: when the type is not known.
        KeyError, TypeError: when the value does not fit it.
    """
    if not isinstance(entry, Mapping) or set(entry) != {"raw_value", "type"}:
        return normalize_metadata_value(entry)
    raw, kind = entry["raw_value"], entry["type"]
    if kind in (INFER, None):
        return normalize_metadata_value(raw)
    make = _MAKERS.get(kind)
    if make is None:
        raise ValueError(
            f"expected a metadata type that is known, got {kind!r}; {did_you_mean(str(kind), _MAKERS)}"
        )
    return make(raw)


def _sentence(exc: Exception) -> str:
    return f"missing {exc}" if isinstance(exc, KeyError) else str(exc)


def _as_it_came(entry: Any) -> MetadataValue:
    raw = entry.get("raw_value", entry) if isinstance(entry, Mapping) else entry
    return normalize_metadata_value(raw)


def _require(
    kind: type | tuple[type, ...], make: Callable[[Any], MetadataValue]
) -> Callable[[Any], MetadataValue]:
    def checked(raw: Any) -> MetadataValue:
        if not isinstance(raw, kind) or (isinstance(raw, bool) and kind is not bool):
            wanted = "number" if isinstance(kind, tuple) else kind.__name__
            raise TypeError(f"expected a value of type {wanted}, got {raw!r}")
        return make(raw)

    return checked


def _asset(raw: Any) -> MetadataValue:
    return AssetMetadataValue(AssetKey.from_user_string(raw).path)


def _job(raw: Any) -> MetadataValue:
    if isinstance(raw, str):
        return TextMetadataValue(
            raw
        )  # other sides may send no more than a name, which is not enough for a link
    return JobMetadataValue(raw["job_name"], raw["location_name"], raw.get("repository_name"))


def _column(raw: Mapping[str, Any]) -> TableColumn:
    constraints = raw.get("constraints") or {}
    return TableColumn(
        name=raw["name"],
        type=raw.get("type") or "string",
        description=raw.get("description"),
        constraints=TableColumnConstraints(
            nullable=constraints.get("nullable", True),
            unique=constraints.get("unique", False),
            other=list(constraints.get("other") or []),
        ),
        tags=dict(raw.get("tags") or {}),
    )


def _schema(raw: Any) -> TableSchema:
    columns = raw["columns"] if isinstance(raw, Mapping) else raw
    constraints = raw.get("constraints") or {} if isinstance(raw, Mapping) else {}
    return TableSchema(
        [_column(column) for column in columns], TableConstraints(list(constraints.get("other") or []))
    )


def _table(raw: Any) -> MetadataValue:
    rows = raw["records"] if isinstance(raw, Mapping) else raw
    schema = raw.get("schema") if isinstance(raw, Mapping) else None
    records = [TableRecord(dict(row)) for row in rows]
    return MetadataValue.table(records, _schema(schema) if schema is not None else None)


def _lineage(raw: Mapping[str, Any]) -> MetadataValue:
    deps = raw["deps_by_column"]
    return MetadataValue.column_lineage(
        TableColumnLineage({column: [_column_dep(dep) for dep in found] for column, found in deps.items()})
    )


def _column_dep(raw: Mapping[str, Any]) -> TableColumnDep:
    key = raw["asset_key"]
    path = AssetKey.from_user_string(key).path if isinstance(key, str) else list(key)
    return TableColumnDep(path=path, column_name=raw["column_name"])


_MAKERS: dict[str, Callable[[Any], MetadataValue]] = {
    "text": _require(str, TextMetadataValue),
    "url": _require(str, UrlMetadataValue),
    "path": _require(str, PathMetadataValue),
    "notebook": _require(str, NotebookMetadataValue),
    "md": _require(str, MarkdownMetadataValue),
    "json": MetadataValue.json,
    "int": _require(int, IntMetadataValue),
    "float": _require((int, float), lambda raw: FloatMetadataValue(float(raw))),
    "bool": _require(bool, BoolMetadataValue),
    "null": lambda _raw: NullMetadataValue(),
    "timestamp": _require((int, float), lambda raw: TimestampMetadataValue(float(raw))),
    "dagster_run": _require(str, RunMetadataValue),
    "asset": _require(str, _asset),
    "job": _job,
    "table": _table,
    "table_schema": lambda raw: MetadataValue.table_schema(_schema(raw)),
    "table_column_lineage": _lineage,
}
