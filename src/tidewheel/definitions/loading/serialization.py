"""Values of the public API as JSON text and back, for user code that keeps them in a cursor or a file.

An object is written as a JSON object with its class's name; lists, mappings with text keys and plain values as they are.
Only classes of the public API that are plain values are known here.
"""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import Enum
from typing import Any, NamedTuple, TypeVar

from tidewheel.definitions.assets.backfill_policy import BackfillPolicy
from tidewheel.definitions.assets.code_references import (
    CodeReferencesMetadataValue,
    LocalFileCodeReference,
    UrlCodeReference,
)
from tidewheel.definitions.assets.data_version import DataVersion
from tidewheel.definitions.assets.freshness import (
    CronFreshnessPolicy,
    FreshnessWindow,
    LegacyFreshnessPolicy,
    TimeWindowFreshnessPolicy,
)
from tidewheel.definitions.automation.automation_condition import AutomationCondition, condition_of
from tidewheel.definitions.checks.check_results import AssetCheckResult, AssetCheckSeverity
from tidewheel.definitions.ops.retry_policy import Backoff, Jitter, RetryPolicy
from tidewheel.definitions.partitions.partition_keys import MultiPartitionKey, PartitionKeyRange
from tidewheel.definitions.triggers.run_request import RunRequest, SkipReason
from tidewheel.definitions.triggers.selectors import AssetJobKey
from tidewheel.errors import NotSupportedError
from tidewheel.logic.conditions import codec
from tidewheel.values import metadata as m
from tidewheel.values.asset_events import AssetMaterialization, AssetObservation
from tidewheel.values.events import EventType
from tidewheel.values.keys import AssetCheckKey, AssetKey
from tidewheel.values.status import RunStatus

T = TypeVar("T")

CLASS = "__class__"
ENUM = "__enum__"
SET = "__set__"
FROZEN_SET = "__frozenset__"
MAPPING = "__mapping_items__"


class Form(NamedTuple):
    """How objects of one class are written (as keyword arguments) and made again."""

    take_apart: Callable[[Any], Mapping[str, Any]]
    make: Callable[..., Any]


def _by_fields(cls: Any, *names: str) -> Form:
    return Form(lambda value: {name: getattr(value, name) for name in names}, cls)


def _of_struct(cls: Any) -> Form:
    return _by_fields(cls, *cls.__struct_fields__)


_EVENT_FIELDS = ("asset_key", "description", "metadata", "partition", "tags")
_STRUCTS: tuple[Any, ...] = (
    *m.MetadataValue.__subclasses__(),
    m.TableColumn,
    m.TableColumnConstraints,
    m.TableColumnDep,
    m.TableColumnLineage,
    m.TableConstraints,
    m.TableRecord,
    m.TableSchema,
    CodeReferencesMetadataValue,
    LocalFileCodeReference,
    RetryPolicy,
    UrlCodeReference,
)
_FORMS: dict[type, Form] = {
    **{struct: _of_struct(struct) for struct in _STRUCTS},
    AssetKey: _by_fields(AssetKey, "path"),
    AssetCheckKey: _by_fields(AssetCheckKey, "asset_key", "name"),
    AssetJobKey: _by_fields(AssetJobKey, "job_name"),
    AssetMaterialization: _by_fields(AssetMaterialization, *_EVENT_FIELDS),
    AssetObservation: _by_fields(AssetObservation, *_EVENT_FIELDS),
    AssetCheckResult: _by_fields(
        AssetCheckResult, "passed", "asset_key", "check_name", "metadata", "severity", "description"
    ),
    AutomationCondition: Form(
        lambda value: {"stored": base64.b64encode(codec.encode(value.node)).decode()},
        lambda stored: condition_of(codec.decode(base64.b64decode(stored))),
    ),
    BackfillPolicy: _by_fields(BackfillPolicy, "max_partitions_per_run"),
    CronFreshnessPolicy: _by_fields(CronFreshnessPolicy, "deadline_cron", "lower_bound_delta", "timezone"),
    DataVersion: _by_fields(DataVersion, "value"),
    LegacyFreshnessPolicy: _by_fields(
        LegacyFreshnessPolicy, "maximum_lag_minutes", "cron_schedule", "cron_schedule_timezone"
    ),
    MultiPartitionKey: Form(
        lambda value: {"keys_by_dimension": dict(value.keys_by_dimension)}, MultiPartitionKey
    ),
    PartitionKeyRange: _by_fields(PartitionKeyRange, "start", "end"),
    RunRequest: _by_fields(
        RunRequest,
        "run_key",
        "run_config",
        "tags",
        "job_name",
        "asset_selection",
        "stale_assets_only",
        "partition_key",
        "asset_check_keys",
    ),
    SkipReason: _by_fields(SkipReason, "skip_message"),
    TimeWindowFreshnessPolicy: _by_fields(TimeWindowFreshnessPolicy, "fail_window", "warn_window"),
    timedelta: Form(lambda value: {"seconds": value.total_seconds()}, timedelta),
    FreshnessWindow: Form(
        lambda value: {"seconds": value.total_seconds()}, lambda seconds: FreshnessWindow(seconds=seconds)
    ),
}
_CLASSES: dict[str, type] = {cls.__name__: cls for cls in _FORMS}
_NAMES: dict[type, str] = {}
"""Names of classes that are written under another name than their own."""
_ENUMS: dict[str, type[Enum]] = {
    enum.__name__: enum for enum in (AssetCheckSeverity, Backoff, EventType, Jitter, RunStatus)
}


def register_class(cls: type, name: str | None = None) -> None:
    """Let objects of a class be written and read, under the class's name or another: a dataclass, named tuple, model or enum."""
    label = name or cls.__name__
    if issubclass(cls, Enum):
        _ENUMS[label] = cls
    elif dataclasses.is_dataclass(cls):
        _FORMS[cls] = _by_fields(cls, *(field.name for field in dataclasses.fields(cls)))
    else:
        names = getattr(cls, "_fields", None) or getattr(cls, "model_fields", None)
        if names is None:
            return
        _FORMS[cls] = _by_fields(cls, *names)
    _NAMES[cls] = label
    _CLASSES[label] = cls


def serialize_value(val: Any, whitelist_map: Any = None, **json_kwargs: Any) -> str:
    """A value as JSON text. ``json_kwargs`` go to ``json.dumps``.

    Raises:
        NotSupportedError: when the value, or one inside it, is of a class that is not known here.
    """
    return json.dumps(_packed(val), **json_kwargs)


def deserialize_value(
    val: str, as_type: type[T] | tuple[type, ...] | None = None, whitelist_map: Any = None
) -> Any:
    """The value of a JSON text that ``serialize_value`` made.

    Raises:
        NotSupportedError: when it names a class that is not known here.
        TypeError: when the value is not of ``as_type``.
        ValueError: when it is no JSON text.
    """
    found = _unpacked(json.loads(val))
    if as_type is not None and not isinstance(found, as_type):
        raise TypeError(f"expected a value of type {_names(as_type)}, got {found!r} ({type(found).__name__})")
    return found


def _packed(value: Any) -> Any:
    if isinstance(value, Enum):
        label = _NAMES.get(type(value), type(value).__name__)
        _known_enum(label)
        return {ENUM: f"{label}.{value.name}"}
    form = _form_of(value)
    if form is not None:
        return {CLASS: form[0], **{name: _packed(part) for name, part in form[1].take_apart(value).items()}}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_packed(part) for part in value]
    if isinstance(value, (set, frozenset)):
        label = SET if isinstance(value, set) else FROZEN_SET
        return {
            label: sorted(
                (_packed(part) for part in value), key=lambda part: json.dumps(part, sort_keys=True)
            )
        }
    if isinstance(value, Mapping):
        if all(isinstance(key, str) and not key.startswith("__") for key in value):
            return {key: _packed(part) for key, part in value.items()}
        return {MAPPING: [[_packed(key), _packed(part)] for key, part in value.items()]}
    raise _unknown(f"a value of the class {type(value).__module__}.{type(value).__qualname__}")


def _unpacked(value: Any) -> Any:
    if isinstance(value, list):
        return [_unpacked(part) for part in value]
    if not isinstance(value, dict):
        return value
    if ENUM in value:
        enum, _, name = value[ENUM].partition(".")
        return _known_enum(enum)[name]
    if SET in value:
        return {_unpacked(part) for part in value[SET]}
    if FROZEN_SET in value:
        return frozenset(_unpacked(part) for part in value[FROZEN_SET])
    if MAPPING in value:
        return {_unpacked(key): _unpacked(part) for key, part in value[MAPPING]}
    if CLASS not in value:
        return {key: _unpacked(part) for key, part in value.items()}
    cls = _CLASSES.get(value[CLASS])
    if cls is None:
        raise _unknown(f"the class {value[CLASS]!r}")
    return _FORMS[cls].make(**{key: _unpacked(part) for key, part in value.items() if key != CLASS})


def _form_of(value: Any) -> tuple[str, Form] | None:
    form = _FORMS.get(type(value))
    return None if form is None else (_NAMES.get(type(value), type(value).__name__), form)


def _known_enum(name: str) -> type[Enum]:
    if name not in _ENUMS:
        raise _unknown(f"the enumeration {name!r}")
    return _ENUMS[name]


def _unknown(what: str) -> NotSupportedError:
    return NotSupportedError(
        f"expected plain data or a value of the public API, got {what}, which cannot be written as text here; "
        "use json, or pickle for values of your own"
    )


def _names(kinds: Any) -> str:
    return " or ".join(kind.__name__ for kind in (kinds if isinstance(kinds, tuple) else (kinds,)))
