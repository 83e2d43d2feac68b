"""Tells this process which values are secret, and takes them out of what user code's processes report to the server."""

from __future__ import annotations

import os
from typing import Any, TypeVar

import msgspec

from tidewheel.logic.access.masking import secret_values
from tidewheel.runtime.masking import holds_known, know_secrets, mask_text
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.evaluation import EvaluationResult
from tidewheel.values.events import Event
from tidewheel.values.serde import as_built_in, encode

S = TypeVar("S", bound=msgspec.Struct)
MASKED_OF_EVENTS = ("message", "payload")
MASKED_OF_RESULTS = ("skip_reason", "error", "failed_events", "request_errors", "log")
"""What people read of an evaluation. Its requests, cursor and partitions are what the code asked for, and stay."""


def know_environment() -> None:
    """Know the secrets of this process's environment, as it is now."""
    know_secrets(secret_values(os.environ))


def events_without_secrets(events: tuple[Event, ...]) -> tuple[Event, ...]:
    """The events, with known secrets masked in their messages and payloads."""
    if not _may_hold(events):
        return events
    return tuple(_replaced(event, MASKED_OF_EVENTS) if _may_hold(event) else event for event in events)


def result_without_secrets(result: EvaluationResult) -> EvaluationResult:
    """The result, with known secrets masked in what people read of it."""
    return _replaced(result, MASKED_OF_RESULTS) if _may_hold(result) else result


def error_without_secrets(error: ErrorInfo) -> ErrorInfo:
    """The error, with known secrets masked in its message and stack."""
    return _replaced(error, ErrorInfo.__struct_fields__) if _may_hold(error) else error


def _may_hold(value: Any) -> bool:
    try:
        return holds_known(encode(value))
    except UnicodeEncodeError:
        return True  # a text that cannot be sent as it is: whoever sends it mends that afterwards


def _replaced(value: S, names: tuple[str, ...]) -> S:
    plain = msgspec.to_builtins(value, builtin_types=(bytes,), enc_hook=as_built_in)
    changed = {name: _masked(inner) if name in names else inner for name, inner in plain.items()}
    return msgspec.convert(changed, type(value), builtin_types=(bytes,))


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, dict):
        return {key: _masked(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(inner) for inner in value]
    return value
