"""Typed metadata of the plain values that users write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidewheel.errors import InvalidMetadata
from tidewheel.values.metadata import normalize_metadata, normalize_metadata_value


def typed_metadata(raw: Mapping[str, Any] | None) -> dict[str, Any]:
    """Typed metadata of plain values.

    Raises:
        InvalidMetadata: when a value cannot be stored.
    """
    if not raw:
        return {}
    try:
        return normalize_metadata(raw)  # type: ignore[return-value]
    except TypeError as exc:
        raise InvalidMetadata(str(exc)) from exc


def typed_metadata_value(raw: Any) -> Any:
    """One typed metadata value.

    Raises:
        InvalidMetadata: when it cannot be stored.
    """
    try:
        return normalize_metadata_value(raw)
    except TypeError as exc:
        raise InvalidMetadata(str(exc)) from exc
