"""Takes events of assets from outside at ``/report_asset_...``: the plain HTTP routes that other systems' scripts call.

What is to be recorded comes as a JSON object or in the address; where both name a thing, the object counts.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tidewheel.api.auth.origins import is_same_origin
from tidewheel.api.bodies import BodyTooLargeError, read_body
from tidewheel.api.graphql.context import RequestContext
from tidewheel.api.graphql.outside_changes import record_events
from tidewheel.api.graphql.permissions import REPORT_EVENTS
from tidewheel.api.graphql.requests import UnreadableRequestError, decode_json
from tidewheel.values.access import Target
from tidewheel.values.events import (
    CheckEvaluation,
    Event,
    EventType,
    Materialization,
    Observation,
    Payload,
)
from tidewheel.values.keys import AssetKey
from tidewheel.values.metadata import Metadata, normalize_metadata
from tidewheel.values.tags import DATA_VERSION, DATA_VERSION_IS_USER_PROVIDED

MAX_BODY_BYTES = 1024 * 1024
MATERIALIZATION, OBSERVATION, CHECK = "materialization", "observation", "check"
KINDS = {
    MATERIALIZATION: EventType.ASSET_MATERIALIZATION,
    OBSERVATION: EventType.ASSET_OBSERVATION,
    CHECK: EventType.ASSET_CHECK_EVALUATION,
}

NewContext = Callable[[HTTPConnection], RequestContext]


class _WrongReportError(Exception):
    """The report cannot be recorded, and why."""


def report_routes(new_context: NewContext) -> list[BaseRoute]:
    """One route for each kind of event; the asset's key is the rest of the path."""
    return [
        Route(f"/report_asset_{kind}/{{asset_key:path}}", _handler(kind, new_context), methods=["POST"])
        for kind in KINDS
    ]


def _handler(kind: str, new_context: NewContext) -> Callable[[Request], Awaitable[Response]]:
    async def report(request: Request) -> Response:
        if not is_same_origin(request):
            return _json({"error": "expected a page of this server"}, 403)
        try:
            given = await _given(request)
            event = _event(kind, _asset(request, given), given)
        except (_WrongReportError, UnreadableRequestError) as wrong:
            return _json({"error": str(wrong)}, 400)
        context = new_context(request)
        location = context.catalog.asset_location(event.asset or "")
        asset = event.asset or ""
        what = {"kind": kind, "asset": asset, "partition": event.partition}
        refusal = context.access.refusal(REPORT_EVENTS, location, [asset])
        if refusal is not None:
            await context.server.guard.note(
                context.caller, REPORT_EVENTS, what, outcome="refused", message=refusal
            )
            return _json({"error": refusal}, 401)
        reported = [msgspec.structs.replace(event, timestamp=context.now)]
        await context.server.guard.audited(
            context.caller,
            REPORT_EVENTS,
            lambda: record_events(context, reported),
            what=what,
            targets=[Target(kind="asset", name=asset)],
        )
        return _json({}, 200)

    return report


async def _given(request: Request) -> dict[str, Any]:
    """Everything that the address and the body say."""
    given: dict[str, Any] = dict(request.query_params)
    try:
        body = await read_body(request, MAX_BODY_BYTES)
    except BodyTooLargeError as exc:
        raise _WrongReportError(str(exc)) from exc
    if not body:
        return given
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise _WrongReportError(f"expected content type application/json, got {kind[:80]!r}")
    sent = decode_json(body)
    if not isinstance(sent, dict):
        raise _WrongReportError("expected a JSON object")
    return given | sent


def _asset(request: Request, given: Mapping[str, Any]) -> str:
    """The asset's wire text: from the path, or from what is given."""
    key = request.path_params["asset_key"] or given.get("asset_key")
    if isinstance(key, str) and key.startswith("["):
        key = decode_json(key)
    parts = key.split("/") if isinstance(key, str) else key
    if not isinstance(parts, list) or not parts or not all(isinstance(part, str) and part for part in parts):
        raise _WrongReportError("expected the asset's key in the path or as asset_key, got none")
    return AssetKey(parts).to_escaped_user_string()


def _event(kind: str, asset: str, given: Mapping[str, Any]) -> Event:
    description, metadata = _text(given, "description"), _metadata(given.get("metadata"))
    payload: Payload
    if kind == CHECK:
        payload = CheckEvaluation(
            passed=_flag(given, "passed"),
            severity=_severity(given),
            metadata=metadata,
            description=description,
        )
    else:
        version = _text(given, "data_version")
        tags = {} if version is None else {DATA_VERSION: version, DATA_VERSION_IS_USER_PROVIDED: "true"}
        made = Materialization if kind == MATERIALIZATION else Observation
        payload = made(metadata=metadata, tags=tags, description=description)
    return Event(
        type=KINDS[kind],
        timestamp=0.0,
        asset=asset,
        partition=_text(given, "partition"),
        check=_required_text(given, "check_name") if kind == CHECK else None,
        message=description or "",
        payload=payload,
    )


def _text(given: Mapping[str, Any], name: str) -> str | None:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise _WrongReportError(f"expected {name} as a text, got {value!r}")
    return value


def _required_text(given: Mapping[str, Any], name: str) -> str:
    value = _text(given, name)
    if not value:
        raise _WrongReportError(f"expected {name}, got none")
    return value


def _flag(given: Mapping[str, Any], name: str) -> bool:
    value = given.get(name)
    if isinstance(value, bool):
        return value
    if value in ("true", "True", "1"):
        return True
    if value in ("false", "False", "0"):
        return False
    raise _WrongReportError(f"expected {name} as true or false, got {value!r}")


def _severity(given: Mapping[str, Any]) -> str:
    value = given.get("severity", "ERROR")
    if value not in ("ERROR", "WARN"):
        raise _WrongReportError(f"expected severity as ERROR or WARN, got {value!r}")
    return str(value)


def _metadata(value: Any) -> Metadata:
    try:
        loaded = json.loads(value) if isinstance(value, str) else value
        if loaded is not None and not isinstance(loaded, dict):
            raise TypeError(f"got {type(loaded).__name__}")
        return normalize_metadata(loaded)
    except (ValueError, TypeError, RecursionError) as error:
        raise _WrongReportError(f"expected metadata as an object: {error}") from None


def _json(body: Mapping[str, Any], status: int) -> Response:
    return Response(msgspec.json.encode(body), status, media_type="application/json")
