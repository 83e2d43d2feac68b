"""What users see of materialisations, observations and check evaluations that were recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

import msgspec

from tidewheel.values.events import CheckEvaluation, Event, Materialization, Observation
from tidewheel.values.keys import AssetCheckKey, AssetKey
from tidewheel.values.metadata import AnyMetadataValue, Metadata, MetadataValue, normalize_metadata
from tidewheel.values.severity import AssetCheckSeverity
from tidewheel.values.tags import DATA_VERSION


class EntryData:
    """A metadata value under older spellings too: ``int_value``, ``float_value``, ... all give the value."""

    __slots__ = ("_value",)

    _SPELLINGS = frozenset({"int_value", "float_value", "bool_value", "text_value", "json_value", "md_value"})

    def __init__(self, value: MetadataValue) -> None:
        self._value = value

    @property
    def value(self) -> Any:
        """The plain Python value."""
        return self._value.value

    def __getattr__(self, name: str) -> Any:
        if name in EntryData._SPELLINGS:
            return self._value.value
        return getattr(self._value, name)

    def __eq__(self, other: object) -> bool:
        return self._value == (other._value if isinstance(other, EntryData) else other)

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return repr(self._value)


class MetadataEntryView(msgspec.Struct, frozen=True):
    """One labelled metadata value."""

    label: str
    value: AnyMetadataValue
    description: Optional[str] = None

    @property
    def entry_data(self) -> EntryData:
        """The value, also under older spellings."""
        return EntryData(self.value)


def _entries(metadata: Metadata) -> list[MetadataEntryView]:
    return [MetadataEntryView(label, value) for label, value in metadata.items()]


class MaterializationView(msgspec.Struct, frozen=True):
    """A recorded materialisation of an asset (or of one partition of it)."""

    asset_key: AssetKey
    description: Optional[str] = None
    metadata: Metadata = {}
    partition: Optional[str] = None
    tags: Optional[Mapping[str, str]] = None

    @property
    def label(self) -> str:
        """The asset key's parts, with blanks between them."""
        return " ".join(self.asset_key.path)

    @property
    def data_version(self) -> str | None:
        """The data version that was recorded with it."""
        return (self.tags or {}).get(DATA_VERSION)

    @property
    def metadata_entries(self) -> list[MetadataEntryView]:
        """The metadata as labelled entries."""
        return _entries(self.metadata)

    def with_metadata(self, metadata: Mapping[str, Any] | None) -> MaterializationView:
        """The same with other metadata (replaced, not merged)."""
        return msgspec.structs.replace(self, metadata=normalize_metadata(metadata))


class ObservationView(msgspec.Struct, frozen=True):
    """A recorded observation of an asset (or of one partition of it)."""

    asset_key: AssetKey
    description: Optional[str] = None
    metadata: Metadata = {}
    partition: Optional[str] = None
    tags: Optional[Mapping[str, str]] = None

    @property
    def label(self) -> str:
        """The asset key's parts, with blanks between them."""
        return " ".join(self.asset_key.path)

    @property
    def data_version(self) -> str | None:
        """The data version that was recorded with it."""
        return (self.tags or {}).get(DATA_VERSION)

    @property
    def metadata_entries(self) -> list[MetadataEntryView]:
        """The metadata as labelled entries."""
        return _entries(self.metadata)

    def with_metadata(self, metadata: Mapping[str, Any] | None) -> ObservationView:
        """The same with other metadata (replaced, not merged)."""
        return msgspec.structs.replace(self, metadata=normalize_metadata(metadata))


class CheckTargetView(msgspec.Struct, frozen=True):
    """The materialisation that a check judged. ``timestamp`` is 0.0 where it is not known."""

    storage_id: int
    run_id: str
    timestamp: float = 0.0


class CheckEvaluationView(msgspec.Struct, frozen=True):
    """A recorded evaluation of a check."""

    asset_key: AssetKey
    check_name: str
    passed: bool
    metadata: Metadata = {}
    target_materialization_data: Optional[CheckTargetView] = None
    severity: AssetCheckSeverity = AssetCheckSeverity.ERROR
    description: Optional[str] = None
    blocking: Optional[bool] = None
    partition: Optional[str] = None

    @property
    def asset_check_key(self) -> AssetCheckKey:
        """The check's key."""
        return AssetCheckKey(self.asset_key, self.check_name)

    @property
    def metadata_entries(self) -> list[MetadataEntryView]:
        """The metadata as labelled entries."""
        return _entries(self.metadata)

    def with_metadata(self, metadata: Mapping[str, Any] | None) -> CheckEvaluationView:
        """The same with other metadata (replaced, not merged)."""
        return msgspec.structs.replace(self, metadata=normalize_metadata(metadata))


def materialization_view(event: Event) -> MaterializationView:
    """The materialisation that an event tells of."""
    payload = event.payload if isinstance(event.payload, Materialization) else Materialization()
    return MaterializationView(
        AssetKey.from_escaped_user_string(event.asset or ""),
        payload.description,
        payload.metadata,
        event.partition,
        payload.tags,
    )


def observation_view(event: Event) -> ObservationView:
    """The observation that an event tells of."""
    payload = event.payload if isinstance(event.payload, Observation) else Observation()
    return ObservationView(
        AssetKey.from_escaped_user_string(event.asset or ""),
        payload.description,
        payload.metadata,
        event.partition,
        payload.tags,
    )


def check_evaluation_view(event: Event) -> CheckEvaluationView:
    """The check evaluation that an event tells of."""
    payload = event.payload if isinstance(event.payload, CheckEvaluation) else CheckEvaluation(passed=False)
    target = None
    if payload.target_event_id is not None:
        target = CheckTargetView(payload.target_event_id, payload.target_run_id or "")
    return CheckEvaluationView(
        AssetKey.from_escaped_user_string(event.asset or ""),
        event.check or "",
        payload.passed,
        payload.metadata,
        target,
        AssetCheckSeverity(payload.severity),
        payload.description,
        payload.blocking,
        event.partition,
    )
