"""Shows typed metadata values as the schema's entries."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tidewheel.api.graphql.answers import Answer, answer
from tidewheel.values.keys import AssetKey
from tidewheel.values.metadata import (
    AnyMetadataValue,
    AssetMetadataValue,
    BoolMetadataValue,
    CodeLocationReconstructionMetadataValue,
    FloatMetadataValue,
    IntMetadataValue,
    JobMetadataValue,
    JsonMetadataValue,
    MarkdownMetadataValue,
    NotebookMetadataValue,
    NullMetadataValue,
    PathMetadataValue,
    PoolMetadataValue,
    PythonArtifactMetadataValue,
    RunMetadataValue,
    TableColumnLineageMetadataValue,
    TableMetadataValue,
    TableSchema,
    TableSchemaMetadataValue,
    TextMetadataValue,
    TimestampMetadataValue,
    UrlMetadataValue,
)

INT_MAX = 2**31 - 1


def metadata_entries(metadata: Mapping[str, AnyMetadataValue]) -> list[Answer]:
    """One entry per label, in the order of the labels."""
    return [_shown(label, value) for label, value in metadata.items()]


def _shown(label: str, value: AnyMetadataValue) -> Answer:
    typename, fields = _entry(value)
    return answer(typename, label=label, description=None, **fields)


def _entry(value: AnyMetadataValue) -> tuple[str, Answer]:
    """The entry's type and its own fields."""
    match value:
        case TextMetadataValue(text=text):
            return "TextMetadataEntry", {"text": text or ""}
        case UrlMetadataValue(url=url):
            return "UrlMetadataEntry", {"url": url or ""}
        case PathMetadataValue(path=path):
            return "PathMetadataEntry", {"path": path or ""}
        case NotebookMetadataValue(path=path):
            return "NotebookMetadataEntry", {"path": path or ""}
        case JsonMetadataValue(data=data):
            return "JsonMetadataEntry", {"json_string": json.dumps(data, default=str)}
        case MarkdownMetadataValue(md_str=text):
            return "MarkdownMetadataEntry", {"md_str": text or ""}
        case FloatMetadataValue(value=number):
            finite = number if number is not None and abs(number) < float("inf") else None
            return "FloatMetadataEntry", {"float_value": finite, "float_repr": str(number)}
        case IntMetadataValue(value=number):
            small = number if number is not None and abs(number) <= INT_MAX else None
            return "IntMetadataEntry", {"int_value": small, "int_repr": str(number)}
        case BoolMetadataValue(value=flag):
            return "BoolMetadataEntry", {"bool_value": flag}
        case TimestampMetadataValue(value=seconds):
            return "TimestampMetadataEntry", {"timestamp": seconds}
        case NullMetadataValue():
            return "NullMetadataEntry", {}
        case _:
            return _reference(value)


def _reference(value: AnyMetadataValue) -> tuple[str, Answer]:
    """Values that point to something else, and tables."""
    match value:
        case PythonArtifactMetadataValue(module=module, name=name):
            return "PythonArtifactMetadataEntry", {"module": module, "name": name}
        case RunMetadataValue(run_id=run_id):
            return "PipelineRunMetadataEntry", {"run_id": run_id}
        case JobMetadataValue():
            return "JobMetadataEntry", {
                "job_name": value.job_name,
                "location_name": value.location_name,
                "repository_name": value.repository_name,
            }
        case AssetMetadataValue(path=path):
            return "AssetMetadataEntry", {"asset_key": AssetKey(path)}
        case PoolMetadataValue(pool=pool):
            return "PoolMetadataEntry", {"pool": pool}
        case CodeLocationReconstructionMetadataValue(data=data):
            return "TextMetadataEntry", {"text": data}
        case TableSchemaMetadataValue(schema=schema):
            return "TableSchemaMetadataEntry", {"schema": _table_schema(schema)}
        case TableMetadataValue(records=records, schema=schema):
            rows = [json.dumps(record.data, default=str) for record in records]
            return "TableMetadataEntry", {"table": {"schema": _table_schema(schema), "records": rows}}
        case TableColumnLineageMetadataValue(column_lineage=lineage):
            entries = [
                {
                    "column_name": column,
                    "column_deps": [
                        {"asset_key": AssetKey(dep.path), "column_name": dep.column_name} for dep in deps
                    ],
                }
                for column, deps in lineage.deps_by_column.items()
            ]
            return "TableColumnLineageMetadataEntry", {"lineage": entries}
    return "TextMetadataEntry", {"text": str(value.value)}


def _table_schema(schema: TableSchema) -> Answer:
    columns = [
        {
            "name": column.name,
            "type": column.type,
            "description": column.description,
            "constraints": {
                "nullable": column.constraints.nullable,
                "unique": column.constraints.unique,
                "other": column.constraints.other or [],
            },
            "tags": [{"key": key, "value": value} for key, value in column.tags.items()],
        }
        for column in schema.columns
    ]
    return {"columns": columns, "constraints": {"other": schema.constraints.other}}
