"""A labelled metadata value, as it was once written; a mapping from labels to values has taken its place."""

from __future__ import annotations

from typing import Any

from tidewheel.definitions.api_markers import deprecation_warning
from tidewheel.definitions.assets.typed_metadata import typed_metadata_value
from tidewheel.errors import CheckError, ParameterCheckError
from tidewheel.values.metadata import MetadataValue


class MetadataEntry:
    """A labelled metadata value. Use ``metadata={"label": value}`` instead."""

    __slots__ = ("description", "entry_data", "label")

    def __init__(
        self, label: str, description: str | None = None, entry_data: Any = None, value: Any = None
    ) -> None:
        deprecation_warning("MetadataEntry", "2.0", 'write metadata={"label": value}')
        if not isinstance(label, str):
            raise ParameterCheckError(f"expected label as text, got {label!r}")
        if entry_data is not None and value is not None:
            raise CheckError(f"metadata entry {label!r}: expected value or entry_data, got both; keep value")
        self.label = label
        self.description = description
        self.entry_data: MetadataValue = typed_metadata_value(entry_data if value is None else value)

    @property
    def value(self) -> MetadataValue:
        """The typed value."""
        return self.entry_data

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MetadataEntry) and all(
            getattr(self, name) == getattr(other, name) for name in self.__slots__
        )

    def __hash__(self) -> int:
        return hash((self.label, self.description))

    def __repr__(self) -> str:
        return f"MetadataEntry(label={self.label!r}, description={self.description!r}, value={self.entry_data!r})"
