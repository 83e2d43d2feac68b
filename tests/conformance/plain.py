"""Turns what a program shows into plain JSON that two systems can be compared by: no ids, times, paths or texts of ours."""

from __future__ import annotations

import dataclasses
import enum
import math
import re
import tempfile
import time
from collections.abc import Mapping, Sequence, Set
from datetime import date, datetime, timedelta
from pathlib import PurePath
from typing import Any

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TEMPORARY = re.compile(re.escape(tempfile.gettempdir()) + r"/[^\s'\"]*")
NAME_HASH = re.compile(r"_[0-9a-f]{8}(?=$|[.\[])")
ADDRESS = re.compile(r"0x[0-9a-f]{6,}")
HERE = re.compile(r"[^\s'\"]*/tests/conformance/")
NOW_WITHIN_S = 2 * 86400

SYSTEM_TEXT = "<text>"
_source: list[str] = [""]

PLAIN_SYSTEM_TAGS = ("dagster/partition", "dagster/schedule_name", "dagster/sensor_name")


def error_name(error: BaseException | type | str | None) -> str | None:
    """The class of an error without its brand; the whole family of argument checks counts as one."""
    if error is None:
        return None
    if isinstance(error, str):
        name = error
    else:
        name = (error if isinstance(error, type) else type(error)).__name__
    name = name.rsplit(".", 1)[-1].removeprefix("Dagster")
    if name == "DefinitionsError":
        return "InvalidDefinitionError"  # several of them in one
    if name == "TidewheelError":
        return "Error"
    return "CheckError" if name.endswith("CheckError") else name


def text(value: str) -> str:
    """A user's string with ids, temporary paths and object addresses replaced."""
    value = UUID.sub("<id>", value)
    value = TEMPORARY.sub("<tmp>", value)
    value = HERE.sub("<here>/", value)
    return ADDRESS.sub("<address>", value)


def know_source(program: str) -> None:
    """Tells which program is observed, so that its own texts can be told from a system's."""
    _source[0] = program


def own_text(value: str | None) -> str | None:
    """A text if the program wrote it; a system's sentences are neither kept nor compared."""
    if not value:
        return None
    lines = [line.strip() for line in value.splitlines() if line.strip()]
    if len(value.split()) < 3 or all(line in _source[0] for line in lines):
        return text(value)
    return SYSTEM_TEXT


def plain_name(name: str) -> str:
    """The name of a step or node; where a system adds a hash to it, without the hash."""
    return NAME_HASH.sub("_<hash>", name)


def plain(value: Any, depth: int = 0) -> Any:
    """Any value as JSON: keys of assets as user strings, enums by name, unknown objects by class name."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, str):
        return text(str(value))
    if isinstance(value, (int, float)):
        return _number(value)
    if isinstance(value, datetime):
        return "<now>" if abs(value.timestamp() - time.time()) < NOW_WITHIN_S else value.isoformat()
    if isinstance(value, (date, timedelta)):
        return str(value)
    if isinstance(value, PurePath):
        return text(str(value))
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if isinstance(value, BaseException):
        return {"error": error_name(value)}
    if isinstance(value, type):
        return brandless(value.__name__)
    if depth > 12:
        return "<deep>"
    return _composite(value, depth + 1)


def _number(value: float) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if abs(value - time.time()) < NOW_WITHIN_S:
        return "<now>"
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e15 else float(f"{value:.9g}")
    return int(value)


def _composite(value: Any, depth: int) -> Any:
    if hasattr(value, "to_user_string") and hasattr(value, "path"):
        return value.to_user_string()
    if isinstance(value, Mapping):
        return {key_text(key): plain(item, depth) for key, item in value.items()}
    if _is_record(value):
        return f"<{brandless(type(value).__name__)}>"
    if isinstance(value, Set):
        return sorted((plain(item, depth) for item in value), key=repr)
    if isinstance(value, Sequence):
        return [plain(item, depth) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type) and _is_users(value):
        return {field.name: plain(getattr(value, field.name), depth) for field in dataclasses.fields(value)}
    return f"<{brandless(type(value).__name__)}>"


def _is_record(value: Any) -> bool:
    return isinstance(value, tuple) and hasattr(value, "_fields") and not _is_users(value)


def _is_users(value: Any) -> bool:
    return not type(value).__module__.split(".")[0].startswith(("dagster", "tidewheel"))


def key_text(key: Any) -> str:
    """A mapping's key as text."""
    if isinstance(key, str):
        return text(str(key))
    made = plain(key)
    return made if isinstance(made, str) else repr(made)


def brandless(name: str) -> str:
    """A class name without Dagster's brand."""
    return name.removeprefix("Dagster")


def tags(values: Mapping[str, Any] | None) -> dict[str, Any]:
    """Tags that a user sees: system tags only where they say which partition or which trigger."""
    kept = {}
    for name, value in (values or {}).items():
        if name.startswith(("dagster/", "tidewheel/", ".dagster/")) and not name.startswith(
            PLAIN_SYSTEM_TAGS
        ):
            continue
        kept[name] = plain(value)
    return kept


SYSTEM_METADATA = (
    "dagster/io_manager_key",
    "dagster/asset_execution_type",
    "dagster/auto_created_stub_asset",
    "dagster/dagster_type",
    "dagster/auto_observe_interval_minutes",
    "dagster/emit_backfills",
    "dagster/definition_",
    "dagster/asset_job_keys",
)


def metadata(values: Mapping[str, Any] | None) -> dict[str, Any]:
    """Metadata by label: the kind of value and the value."""
    kept = {}
    for label, value in (values or {}).items():
        if str(label).startswith(SYSTEM_METADATA):
            continue
        kept[str(label)] = metadata_value(value)
    return kept


def metadata_value(value: Any) -> Any:
    """One metadata value as [kind, value]; a raw value (definition metadata may be raw) as itself."""
    kind = brandless(type(value).__name__)
    if not kind.endswith("MetadataValue"):
        return plain(value)
    kind = kind.removesuffix("MetadataValue")
    if kind == "Path":
        return [kind, "<path>"]
    if kind in ("Text", "Markdown"):
        return [kind, own_text(value.value) or ""]
    if kind == "Table":
        return [kind, [plain(record.data) for record in value.records], _columns(value.schema)]
    if kind == "TableSchema":
        return [kind, _columns(value.schema)]
    if kind == "TableColumnLineage":
        return [kind, _lineage(value)]
    return [kind, plain(value.value)]


def _columns(schema: Any) -> list[list[Any]]:
    return [
        [column.name, column.type, column.description, column.constraints.nullable]
        for column in schema.columns
    ]


def _lineage(value: Any) -> dict[str, list[str]]:
    found = value.column_lineage.deps_by_column
    return {
        name: sorted(f"{dep.asset_key.to_user_string()}.{dep.column_name}" for dep in deps)
        for name, deps in found.items()
    }


def attempt(function: Any, *args: Any, **kwargs: Any) -> Any:
    """A part of the document; where reading it fails, the error's class stands in its place."""
    try:
        return function(*args, **kwargs)
    except Exception as error:
        return {"unreadable": error_name(error)}


def filled(document: dict[str, Any]) -> dict[str, Any]:
    """A part of the document without its empty fields."""
    return {
        name: value for name, value in document.items() if value is not None and value != {} and value != []
    }
