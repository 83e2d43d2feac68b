"""Versions of data as users give them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tidewheel.errors import ParameterCheckError
from tidewheel.values.pydantic_fields import usable_as_field


@usable_as_field
class DataVersion:
    """A text that is equal for equal data."""

    __slots__ = ("value",)

    def __init__(self, value: str) -> None:
        if not isinstance(value, str):
            raise ParameterCheckError(
                f"expected a data version as text, got {value!r} ({type(value).__name__}); use str()"
            )
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DataVersion) and self.value == other.value

    def __hash__(self) -> int:
        return hash(self.value)

    def __repr__(self) -> str:
        return f"DataVersion(value={self.value!r})"


class DataVersionsByPartition:
    """A data version for each observed partition."""

    __slots__ = ("data_versions_by_partition",)

    def __init__(self, data_versions_by_partition: Mapping[str, str | DataVersion]) -> None:
        self.data_versions_by_partition = {
            key: value if isinstance(value, DataVersion) else DataVersion(value)
            for key, value in data_versions_by_partition.items()
        }

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, DataVersionsByPartition)
            and self.data_versions_by_partition == other.data_versions_by_partition
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"DataVersionsByPartition({self.data_versions_by_partition!r})"


class DataProvenance(NamedTuple):
    """What a materialisation was made from."""

    code_version: str
    input_data_versions: Mapping[object, DataVersion]
    input_storage_ids: Mapping[object, int | None]
    is_user_provided: bool
