"""What users say of an asset, and read back from the event log: that it was made, or observed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional

import msgspec

from tidewheel.errors import InvalidDefinitionError, ParameterCheckError
from tidewheel.values.keys import AssetKey
from tidewheel.values.metadata import AnyMetadataValue, Metadata, MetadataValue, typed_metadata
from tidewheel.values.replacing import Replaceable
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


def metadata_entries(metadata: Metadata) -> list[MetadataEntryView]:
    """Labelled entries of metadata."""
    return [MetadataEntryView(label, value) for label, value in metadata.items()]


class _AssetEvent(Replaceable):
    """What a materialisation and an observation have in common."""

    __slots__ = ("asset_key", "description", "metadata", "partition", "tags")

    def __init__(
        self,
        asset_key: Any,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        partition: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self.asset_key = _event_key(asset_key)
        self.description = description
        self.metadata = typed_metadata(metadata)
        self.partition = partition
        self.tags = _text_tags(tags)

    @property
    def metadata_entries(self) -> list[MetadataEntryView]:
        """The metadata as labelled entries (older spelling)."""
        return metadata_entries(self.metadata)

    @property
    def label(self) -> str:
        """The key as text."""
        return " ".join(self.asset_key.path)

    @property
    def data_version(self) -> str | None:
        """The data version among the tags."""
        return self.tags.get(DATA_VERSION)

    def with_metadata(self, metadata: Mapping[str, Any] | None) -> Any:
        """The same event with other metadata."""
        return type(self)(self.asset_key, self.description, metadata, self.partition, self.tags)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and all(
            getattr(self, name) == getattr(other, name) for name in _AssetEvent.__slots__
        )

    def __hash__(self) -> int:
        return hash((self.asset_key, self.partition))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.asset_key!r}, partition={self.partition!r}, metadata={self.metadata!r})"


class AssetMaterialization(_AssetEvent):
    """Says that an asset (or one partition of it) was made, by whatever means."""

    __slots__ = ()

    @staticmethod
    def file(path: str, description: str | None = None, asset_key: Any = None) -> AssetMaterialization:
        """A materialisation whose metadata is a file's path; the key is the path if none is given."""
        key = path if asset_key is None else asset_key
        return AssetMaterialization(key, description, metadata={"path": MetadataValue.path(str(Path(path)))})


class AssetObservation(_AssetEvent):
    """Says something about an asset without making it."""

    __slots__ = ()


def _text_tags(tags: Mapping[str, str] | None) -> dict[str, str]:
    for name, value in (tags or {}).items():
        if not isinstance(value, str):
            raise InvalidDefinitionError(f"tag {name!r}: expected a value as text, got {value!r}; use str()")
    return dict(tags or {})


def _event_key(raw: Any) -> AssetKey:
    if isinstance(raw, AssetKey):
        return raw
    if isinstance(raw, str):
        return AssetKey([part for part in re.split(r"[^A-Za-z0-9_]+", raw) if part] or [raw])
    if isinstance(raw, (list, tuple)) and raw:
        return AssetKey(raw)
    key = getattr(raw, "key", None)
    if isinstance(key, AssetKey):
        return key
    raise ParameterCheckError(f"expected an asset key as AssetKey, string or list of strings, got {raw!r}")
