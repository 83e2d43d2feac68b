"""Refuses what user code asks for where it is too large to be stored, or means no certain moment."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tidewheel.definitions.triggers.run_request import RunRequest
from tidewheel.errors import CheckError
from tidewheel.values.evaluation import EvaluationResult
from tidewheel.values.limits import (
    MAX_CURSOR_BYTES,
    MAX_METADATA_BYTES,
    MAX_PARTITION_KEY_BYTES,
    MAX_REQUESTS,
    MAX_RUN_CONFIG_BYTES,
    MAX_RUN_KEY_BYTES,
    MAX_SKIP_REASON_CHARS,
    MAX_TAG_NAME_BYTES,
    MAX_TAG_VALUE_BYTES,
    MAX_TAGS,
    shown,
    size_problem,
)
from tidewheel.values.serde import as_built_in


def request_problem(request: RunRequest) -> str | None:
    """Why a request cannot become a run, by its size and texts alone; None when it can."""
    texts = [
        ("run_key", request.run_key, MAX_RUN_KEY_BYTES),
        ("partition_key", request.partition_key, MAX_PARTITION_KEY_BYTES),
    ]
    for name, value in request.tags.items():
        texts.append((f"tag name {shown(name)!r}", name, MAX_TAG_NAME_BYTES))
        texts.append((f"the value of tag {shown(name)!r}", value, MAX_TAG_VALUE_BYTES))
    if len(request.tags) > MAX_TAGS:
        return f"expected at most {MAX_TAGS} tags, got {len(request.tags)}; put data into the run config"
    for what, text, limit in texts:
        problem = size_problem(what, text, limit) if isinstance(text, str) else None
        if problem is not None:
            return problem
    return _config_problem(request.run_config)


def _config_problem(run_config: Mapping[str, Any]) -> str | None:
    if not run_config:
        return None
    naive = next(_naive_datetimes(run_config), None)
    if naive is not None:
        return f"expected datetimes with a time zone in run_config, got {naive!r}; add tzinfo, or pass text (isoformat())"
    try:
        size = len(msgspec.json.encode(run_config, enc_hook=as_built_in))
    except (TypeError, ValueError, RecursionError) as exc:
        return f"expected run_config that can be written as JSON, got: {exc}"
    if size > MAX_RUN_CONFIG_BYTES:
        return (
            f"expected run_config of at most {MAX_RUN_CONFIG_BYTES} bytes, got {size}; pass the place of the data "
            "instead of the data"
        )
    return None


def _naive_datetimes(value: Any) -> Iterator[datetime.datetime]:
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _naive_datetimes(one)
    elif isinstance(value, list | tuple | set | frozenset):
        for one in value:
            yield from _naive_datetimes(one)


def require_storable(result: EvaluationResult) -> EvaluationResult:
    """The result, with what is only shown cut to size.

    Raises:
        CheckError: when the cursor, an event's metadata or the number of requests is beyond its limit.
    """
    if result.cursor_changed and result.cursor is not None:
        problem = size_problem("the cursor", result.cursor, MAX_CURSOR_BYTES)
        if problem is not None:
            raise CheckError(f"{problem} (the old cursor stays)")
    count = len(result.requests) + len(result.request_errors)
    if count > MAX_REQUESTS:
        raise CheckError(
            f"expected at most {MAX_REQUESTS} run requests of one evaluation, got {count}; ask for fewer at a time and "
            "keep the place in the cursor, or use a backfill"
        )
    for event in result.events:
        metadata = getattr(event.payload, "metadata", None)
        size = len(msgspec.msgpack.encode(metadata, enc_hook=as_built_in)) if metadata else 0
        if size > MAX_METADATA_BYTES:
            raise CheckError(
                f"expected metadata of at most {MAX_METADATA_BYTES} bytes on an event of asset {event.asset!r}, got "
                f"{size}; store the data and put its place into the metadata"
            )
    if result.skip_reason is not None and len(result.skip_reason) > MAX_SKIP_REASON_CHARS:
        result = msgspec.structs.replace(result, skip_reason=shown(result.skip_reason))
    try:
        msgspec.msgpack.encode(result, enc_hook=as_built_in)
    except UnicodeEncodeError as exc:
        raise CheckError(f"expected texts that UTF-8 can hold, got {ascii(exc.object)[:200]}") from exc
    return result
