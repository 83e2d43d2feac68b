"""Sets of metadata under one namespace, with typed fields: ``{**TableMetadataSet(row_count=3)}``."""

from __future__ import annotations

import types
import typing
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from tidewheel.errors import CheckError
from tidewheel.values.metadata import MetadataValue, TableColumnLineage, TableSchema


class NamespacedSet(BaseModel, ABC):
    """Fields that become entries under ``<namespace>/<field>``; those that are None do not."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    @classmethod
    @abstractmethod
    def namespace(cls) -> str:
        """What stands before the fields' names."""

    def keys(self) -> Iterator[str]:
        """The names of what is given."""
        return (
            f"{self.namespace()}/{name}"
            for name in type(self).model_fields
            if getattr(self, name) is not None
        )

    def __getitem__(self, key: str) -> Any:
        return getattr(self, key.partition("/")[2])

    @classmethod
    def extract(cls, values: Mapping[str, Any]) -> Self:
        """The fields that are in some entries."""
        found = {}
        for name in cls.model_fields:
            value = values.get(f"{cls.namespace()}/{name}")
            if value is not None:
                found[name] = value.value if isinstance(value, MetadataValue) else value
        return cls(**found)


class NamespacedMetadataSet(NamespacedSet):
    """Fields that become metadata."""


class NamespacedTagSet(NamespacedSet):
    """Fields that become tags: texts, or None."""

    def __init__(self, **tags: Any) -> None:
        """Set the fields.

        Raises:
            CheckError: when a field of the class is annotated as anything but texts, or texts to choose from.
        """
        for name, info in type(self).model_fields.items():
            if not _is_text(info.annotation):
                raise CheckError(
                    f"{type(self).__name__}, field {name!r}: expected str, a Literal of texts or either of them or None, "
                    f"got {info.annotation!r}"
                )
        super().__init__(**tags)


def _is_text(annotation: Any) -> bool:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return all(one is type(None) or _is_text(one) for one in typing.get_args(annotation))
    if typing.get_origin(annotation) is typing.Literal:
        return all(isinstance(one, str) for one in typing.get_args(annotation))
    return annotation is str


class UriMetadataSet(NamespacedMetadataSet):
    """Where an asset's value is."""

    uri: str | None = None

    @classmethod
    def namespace(cls) -> str:
        """As for all metadata that the web pages know."""
        return "dagster"


class TableMetadataSet(NamespacedMetadataSet):
    """What is said of an asset that is a table."""

    column_schema: TableSchema | None = None
    column_lineage: TableColumnLineage | None = None
    row_count: int | None = None
    partition_row_count: int | None = None
    table_name: str | None = None
    storage_kind: str | None = None

    @classmethod
    def namespace(cls) -> str:
        """As for all metadata that the web pages know."""
        return "dagster"
