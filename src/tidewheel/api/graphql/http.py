"""Serves ``/graphql`` over HTTP: reads the request, has it carried out, answers with the right status.

Statuses: 200 when the operation was carried out (also with errors in it), 400 for a request that is not one, 405 for a
mutation that does not come by POST, 413 and 415 for a body that is too large or of another type. Mutations need a
content type that a web page of another site cannot send without the browser asking first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from graphql import ExecutionResult, OperationType
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from tidewheel.api.auth.middleware import caller_of, is_still_who_asked
from tidewheel.api.bodies import BodyTooLargeError, read_body
from tidewheel.api.graphql.context import RequestContext
from tidewheel.api.graphql.execution import Engine, RefusedRequestError, shown_error, shown_result
from tidewheel.api.graphql.limits import Limits
from tidewheel.api.graphql.permissions import Access, FullAccess
from tidewheel.api.graphql.report_routes import report_routes
from tidewheel.api.graphql.requests import (
    GraphQLRequest,
    UnreadableRequestError,
    decode_json,
    read_request,
)
from tidewheel.api.graphql.schema import build_schema
from tidewheel.api.graphql.watching import Watching
from tidewheel.api.graphql.websockets import Session
from tidewheel.services.server import Server

MAX_BODY_BYTES = 4 * 1024 * 1024
JSON, GRAPHQL = "application/json", "application/graphql"
PAGE = (
    "<!doctype html><meta charset=utf-8><title>GraphQL</title><h1>GraphQL</h1>"
    "<p>Send operations here by POST, as JSON: <code>{&quot;query&quot;: &quot;{ version }&quot;}</code>. "
    "Any GraphQL client that is given this address can read the schema.</p>"
)

AccessFor = Callable[[HTTPConnection], Access]


def graphql_routes(
    server: Server,
    *,
    access_for: AccessFor | None = None,
    limits: Limits | None = None,
    introspection: bool = True,
) -> list[BaseRoute]:
    """The routes of ``/graphql`` over a running server, HTTP and web socket, and those that events are reported to.

    ``access_for`` says what the sender of a request may do; without it, everybody may do everything.
    """
    engine = Engine(build_schema(), limits or Limits(), introspection=introspection)
    endpoint = _Endpoint(server, engine, access_for or (lambda connection: FullAccess()))
    return [
        Route("/graphql", endpoint.http, methods=["GET", "POST"]),
        WebSocketRoute("/graphql", endpoint.websocket),
        *report_routes(endpoint.new_context),
    ]


class _Endpoint:
    """Both ways into the same engine."""

    def __init__(self, server: Server, engine: Engine, access_for: AccessFor) -> None:
        self._server = server
        self._engine = engine
        self._access_for = access_for
        self._watching = Watching(server)

    def new_context(self, connection: HTTPConnection) -> RequestContext:
        """What one request works with."""
        return RequestContext(
            self._server, self._access_for(connection), self._watching, caller_of(connection, "graphql")
        )

    async def websocket(self, websocket: WebSocket) -> None:
        """Subscriptions."""
        session = Session(
            websocket,
            self._engine,
            lambda: self.new_context(websocket),
            is_still=lambda: is_still_who_asked(websocket),
        )
        await session.serve()

    async def http(self, request: Request) -> Response:
        """One operation."""
        if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(PAGE)
        try:
            wanted = await _read(request)
            prepared = self._engine.prepare(wanted)
            _require_allowed(prepared.kind, request.method)
        except UnreadableRequestError as refusal:
            headers = {"allow": "POST"} if refusal.status == 405 else None
            body = {"data": None, "errors": [{"message": str(refusal)}]}
            return _json(body, refusal.status, headers)
        except RefusedRequestError as refused:
            return _json({"data": None, "errors": [shown_error(error) for error in refused.errors]}, 400)
        result = await self._engine.run(prepared, wanted, self.new_context(request))
        return _json(shown_result(result), _status(result))


def _require_allowed(kind: OperationType, method: str) -> None:
    if kind is OperationType.SUBSCRIPTION:
        raise UnreadableRequestError(
            "expected a query or mutation, got a subscription; use a web socket at this address"
        )
    if kind is OperationType.MUTATION and method != "POST":
        raise UnreadableRequestError(f"expected mutations by POST, got one by {method}", 405)


def _status(result: ExecutionResult) -> int:
    """400 where the variables did not fit: then no field was asked, and no error has a path."""
    began = result.data is not None or any(error.path for error in result.errors or ())
    return 200 if began else 400


async def _read(request: Request) -> GraphQLRequest:
    """The request in whatever form it was sent.

    Raises:
        UnreadableRequestError: when it is none.
    """
    if request.method == "GET":
        query = request.query_params
        return read_request(
            {
                "query": query.get("query"),
                "variables": query.get("variables"),
                "operationName": query.get("operationName"),
            }
        )
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (JSON, GRAPHQL):
        raise UnreadableRequestError(f"expected content type {JSON} or {GRAPHQL}, got {kind[:80]!r}", 415)
    body = await _body(request)
    if kind == GRAPHQL:
        try:
            return read_request({"query": body.decode()})
        except UnicodeDecodeError:
            raise UnreadableRequestError("expected a query in UTF-8, got other bytes") from None
    return read_request(decode_json(body))


async def _body(request: Request) -> bytes:
    try:
        return await read_body(request, MAX_BODY_BYTES)
    except BodyTooLargeError as exc:
        raise UnreadableRequestError(str(exc), 413) from exc


def _json(body: Any, status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(body), status, media_type=JSON, headers=headers)
