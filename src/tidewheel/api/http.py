"""The HTTP application: GraphQL, health, a small JSON interface, a status page. Loopback only, so without login."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tidewheel.api.graphql.http import graphql_routes
from tidewheel.errors import TidewheelError
from tidewheel.services.server import Server
from tidewheel.values.launch import LaunchRequest
from tidewheel.values.records import RunFilter
from tidewheel.values.status import RunStatus

MAX_BODY_BYTES = 4 * 1024 * 1024
MAX_PAGE = 1_000
STATUS_OF_REFUSAL = {"unknown_location": 404, "unknown_job": 404, "user_code": 503}


class RequestProblem(Exception):
    """A request that cannot be served: HTTP status, kind, message."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        self.status = status
        self.kind = kind
        super().__init__(message)


def create_app(server: Server) -> Starlette:
    """The application over a running server."""
    handlers = _Handlers(server)
    return Starlette(
        routes=[
            Route("/", handlers.page),
            Route("/healthz", handlers.healthz),
            Route("/readyz", handlers.readyz),
            Route("/metrics", handlers.metrics),
            Route("/api/v1/health", handlers.health),
            Route("/api/v1/launch", handlers.launch, methods=["POST"]),
            Route("/api/v1/runs", handlers.runs),
            Route("/api/v1/runs/{run_id}", handlers.run),
            Route("/api/v1/runs/{run_id}/cancel", handlers.cancel, methods=["POST"]),
            Route("/api/v1/triggers", handlers.triggers),
            *graphql_routes(server),
        ],
        exception_handlers={RequestProblem: _problem, TidewheelError: _known_error},
    )


class _Handlers:
    """One method per route."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def healthz(self, request: Request) -> Response:
        """The process answers."""
        return _json({"status": "ok"})

    async def readyz(self, request: Request) -> Response:
        """Code is loaded somewhere and triggers are served."""
        serving = bool(self._server.locations.names_serving())
        failed = list(self._server.failed_duties)
        ready = serving and not failed
        return _json({"ready": ready, "failed_duties": failed}, 200 if ready else 503)

    async def metrics(self, request: Request) -> Response:
        """Measurements in Prometheus' text format."""
        return Response(await self._server.measure(), media_type=CONTENT_TYPE_LATEST)

    async def health(self, request: Request) -> Response:
        """Locations, queue, workers."""
        return _json(await self._server.control.health())

    async def launch(self, request: Request) -> Response:
        """Queue a run."""
        launch = await _body(request, LaunchRequest)
        outcome = await self._server.control.launch(launch)
        if outcome.run_id is None:
            return _json(outcome, STATUS_OF_REFUSAL.get(outcome.kind or "", 422))
        return _json(outcome, 201)

    async def runs(self, request: Request) -> Response:
        """The newest runs; ``status``, ``job``, ``limit``, ``cursor``."""
        query = request.query_params
        status = query.get("status")
        if status is not None and status not in RunStatus.__members__:
            known = ", ".join(RunStatus.__members__)
            raise RequestProblem(
                422, "bad_parameter", f"expected status to be one of {known}, got {status!r}"
            )
        filters = RunFilter(job_name=query.get("job"), statuses=(RunStatus(status),) if status else None)
        database = self._server.database
        found = await database.read(
            database.ledger.get_runs, filters, limit=_limit(query.get("limit")), cursor=query.get("cursor")
        )
        return _json({"runs": found})

    async def run(self, request: Request) -> Response:
        """One run."""
        run_id = request.path_params["run_id"]
        database = self._server.database
        found = await database.read(database.ledger.get_run, run_id)
        if found is None:
            raise RequestProblem(404, "unknown_run", f"expected the id of a run, got {run_id!r}")
        return _json(found)

    async def cancel(self, request: Request) -> Response:
        """Cancel a run."""
        run_id = request.path_params["run_id"]
        record = await self._server.control.cancel(run_id)
        if record is None:
            raise RequestProblem(409, "not_running", f"run {run_id!r} is unknown or has ended")
        return _json(record)

    async def triggers(self, request: Request) -> Response:
        """Schedules and sensors."""
        return _json({"triggers": await self._server.control.get_triggers_view()})

    async def page(self, request: Request) -> Response:
        """A plain status page until the real one is built."""
        health = json.loads(msgspec.json.encode(await self._server.control.health()))
        triggers = await self._server.control.get_triggers_view()
        database = self._server.database
        runs = await database.read(database.ledger.get_runs, None, limit=30)
        return HTMLResponse(render_page(health, triggers, runs))


def render_page(health: dict[str, Any], triggers: list[Any], runs: list[Any]) -> str:
    """A page that shows locations, triggers and the newest runs, and loads itself again every two seconds."""
    rows = "".join(
        f"<tr><td>{_escape(run.run_id[:8])}<td>{_escape(run.job_name)}<td>{_escape(run.partition or '')}"
        f"<td class={run.status.value}>{run.status.value}"
        for run in runs
    )
    trigger_rows = "".join(
        f"<tr><td>{_escape(t.name)}<td>{t.kind.lower()}<td>{'running' if t.is_running else 'stopped'}"
        f"<td>{_escape(t.last_status or '')}"
        for t in triggers
    )
    locations = "".join(
        f"<tr><td>{_escape(loc['name'])}<td>{loc['state']}<td>{loc.get('assets', 0)} assets"
        for loc in health["locations"]
    )
    return (
        "<!doctype html><meta charset=utf-8><meta http-equiv=refresh content=2><title>Tidewheel</title>"
        "<style>body{font:15px system-ui;margin:2rem;max-width:60rem}td{padding:.1rem .8rem .1rem 0}"
        ".SUCCESS{color:#17803d}.FAILURE{color:#b91c1c}h2{font-size:1rem;margin-top:1.5rem}</style>"
        f"<h1>Tidewheel</h1><p>{health.get('queued', 0)} queued, {health.get('in_progress', 0)} in progress</p>"
        f"<h2>Code</h2><table>{locations}</table><h2>Schedules and sensors</h2><table>{trigger_rows}</table>"
        f"<h2>Newest runs</h2><table>{rows}</table>"
    )


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


async def _body(request: Request, kind: type[Any]) -> Any:
    """The request's JSON body as a value.

    Raises:
        RequestProblem: when it is too large or of another shape.
    """
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_BODY_BYTES:
            raise RequestProblem(413, "too_large", f"expected a body of at most {MAX_BODY_BYTES} bytes")
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.MsgspecError as exc:
        raise RequestProblem(422, "bad_body", f"expected a {kind.__name__} as JSON, got: {exc}") from exc


def _limit(text: str | None) -> int:
    if text is None:
        return 100
    if not text.isdigit() or not 0 < int(text) <= MAX_PAGE:
        raise RequestProblem(422, "bad_parameter", f"expected limit between 1 and {MAX_PAGE}, got {text!r}")
    return int(text)


async def _problem(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, RequestProblem)
    return _json({"kind": exc.kind, "message": str(exc)}, exc.status)


async def _known_error(request: Request, exc: Exception) -> Response:
    return _json({"kind": type(exc).__name__, "message": str(exc)}, 422)
