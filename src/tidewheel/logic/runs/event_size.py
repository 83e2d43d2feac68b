"""Cuts what user code put into an event down to what a ledger can bear; the work that it tells of is done and stays done.

The limits are far above sensible use. Nothing fails over them: an event whose texts or metadata are larger says so in
their place.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.events import Event
from tidewheel.values.limits import MAX_EVENT_METADATA_BYTES, MAX_EVENT_TEXT_CHARS, shown
from tidewheel.values.metadata import (
    AnyMetadataValue,
    MarkdownMetadataValue,
    Metadata,
    TextMetadataValue,
)
from tidewheel.values.serde import encode


def fitting(event: Event) -> Event:
    """The event, with texts and metadata that are too large replaced by their beginning or their size."""
    if len(event.message) > MAX_EVENT_TEXT_CHARS:
        event = replace(event, message=_cut(event.message))
    payload = event.payload
    if payload is None:
        return event
    changes: dict[str, Any] = {}
    metadata = getattr(payload, "metadata", None)
    if metadata:
        fitted = _fitting_metadata(metadata)
        if fitted is not metadata:
            changes["metadata"] = fitted
    error = getattr(payload, "error", None)
    if error is not None:
        changed = _fitting_error(error)
        if changed is not error:
            changes["error"] = changed
    description = getattr(payload, "description", None)
    if description is not None and len(description) > MAX_EVENT_TEXT_CHARS:
        changes["description"] = _cut(description)
    return replace(event, payload=replace(payload, **changes)) if changes else event


def _fitting_metadata(metadata: Metadata) -> Metadata:
    sizes = {name: _size(value) for name, value in metadata.items()}
    if sum(sizes.values()) <= MAX_EVENT_METADATA_BYTES:
        return metadata
    left, found = MAX_EVENT_METADATA_BYTES, {}
    for name, value in metadata.items():
        fits = sizes[name] <= left
        left -= sizes[name] if fits else 0
        found[name] = value if fits else _stand_in(value, sizes[name])
    return found


def _size(value: AnyMetadataValue) -> int:
    """Bytes of a value, about."""
    text = _text_of(value)
    if text is not None:
        return len(text)
    try:
        return len(encode(value))
    except UnicodeEncodeError:
        return len(repr(value))


def _text_of(value: AnyMetadataValue) -> str | None:
    if isinstance(value, TextMetadataValue):
        return value.text
    return value.md_str if isinstance(value, MarkdownMetadataValue) else None


def _stand_in(value: AnyMetadataValue, size: int) -> TextMetadataValue:
    begins = _text_of(value)
    return TextMetadataValue(
        f"left out: {size} bytes, where the metadata of an event may have {MAX_EVENT_METADATA_BYTES} in all; store the "
        "data and put its place here" + (f". It began: {shown(begins)}" if begins else "")
    )


def _fitting_error(error: ErrorInfo) -> ErrorInfo:
    changes: dict[str, Any] = {}
    if len(error.message) > MAX_EVENT_TEXT_CHARS:
        changes["message"] = _cut(error.message)
    if sum(map(len, error.stack)) > MAX_EVENT_TEXT_CHARS:
        changes["stack"] = tuple(map(shown, error.stack))
    for name in ("cause", "context"):
        inner = getattr(error, name)
        if inner is not None and (changed := _fitting_error(inner)) is not inner:
            changes[name] = changed
    return replace(error, **changes) if changes else error


def _cut(text: str) -> str:
    return f"{text[:MAX_EVENT_TEXT_CHARS]}... (cut: {len(text)} characters)"
