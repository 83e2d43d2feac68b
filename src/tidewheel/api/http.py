"""The HTTP application: GraphQL, REST, login, health and a status page, behind one door."""

from __future__ import annotations

import json
import logging
from typing import Any

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from tidewheel.api.auth.middleware import AccessMiddleware, caller_of
from tidewheel.api.auth.oidc import OidcClient, oidc_options
from tidewheel.api.auth.pages import login_routes
from tidewheel.api.bodies import ClientDisconnect
from tidewheel.api.body_limit import BodyLimit
from tidewheel.api.graphql.http import graphql_routes
from tidewheel.api.graphql.permissions import GuardedAccess
from tidewheel.api.hooks import hook_routes
from tidewheel.api.problems import problem
from tidewheel.api.rest.app import rest_app
from tidewheel.errors import AccessRefusedError
from tidewheel.logic.access.decide import WHOLE_SERVER
from tidewheel.logic.access.operations import VIEW
from tidewheel.runtime.settings import Settings
from tidewheel.services.access.narrowing import Sight
from tidewheel.services.narrowed_health import narrowed_health
from tidewheel.services.server import Server
from tidewheel.values.limits import MAX_DELIVERY_BYTES
from tidewheel.values.run_titles import run_title

logger = logging.getLogger("tidewheel.http")


def create_app(server: Server, settings: Settings | None = None) -> ASGIApp:
    """The application over a running server.

    Every surface is behind the same middleware, which recognises who asks; what they may do, the server's guard says.
    """
    settings = settings or Settings()
    app = Starlette(
        routes=app_routes(server, settings),
        exception_handlers={
            HTTPException: _http_error,
            ClientDisconnect: _gone,
            AccessRefusedError: _refused,
            Exception: _unknown_error,
        },
    )
    limited = BodyLimit(
        app, max_bytes_under={"/hooks/": MAX_DELIVERY_BYTES}
    )  # each hook has its own, at most this
    return AccessMiddleware(limited, server.identity, public_url=settings.public_url)


def app_routes(server: Server, settings: Settings) -> list[BaseRoute]:
    """Everything that is served; what is below ``/api/v1`` is in the description of REST."""
    handlers = _Handlers(server)
    options = oidc_options(settings)
    return [
        *hook_routes(server.hooks),
        Route("/", handlers.page),
        Route("/healthz", handlers.healthz),
        Route("/readyz", handlers.readyz),
        Route("/metrics", handlers.metrics),
        *login_routes(server, OidcClient(options) if options is not None else None),
        *graphql_routes(
            server,
            access_for=lambda connection: GuardedAccess(server.guard, caller_of(connection, "graphql")),
            introspection=settings.introspection,
        ),
        Mount("/api/v1", rest_app(server)),
    ]


class _Handlers:
    """One method per route."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def healthz(self, request: Request) -> Response:
        """The process answers."""
        return _json({"status": "ok"})

    async def readyz(self, request: Request) -> Response:
        """Code is served, every duty lives, the ledger takes writes and the disk has room."""
        found = await self._server.readiness.look(
            is_serving=bool(self._server.locations.names_serving()),
            failed_duties=list(self._server.failed_duties),
        )
        return _json(found, 200 if found.ready else 503)

    async def metrics(self, request: Request) -> Response:
        """Measurements in Prometheus' text format, for those who may see the whole server: they name its triggers."""
        self._server.guard.check(caller_of(request, "metrics"), VIEW, [WHOLE_SERVER])
        return Response(await self._server.measure(), media_type=CONTENT_TYPE_LATEST)

    async def page(self, request: Request) -> Response:
        """A plain status page until the real one is built; of what the caller may see."""
        caller, catalog = caller_of(request, "page"), self._server.locations.catalog
        sight = Sight(self._server.guard, caller, catalog)
        health = await narrowed_health(self._server, sight, await self._server.control.health())
        views = await self._server.control.get_triggers_view()
        triggers = [view for view in views if sight.sees(view.location)]
        database = sight.database(self._server.database)
        runs = await database.read(database.ledger.get_runs, None, limit=30)
        return HTMLResponse(render_page(json.loads(msgspec.json.encode(health)), triggers, runs))


def render_page(health: dict[str, Any], triggers: list[Any], runs: list[Any]) -> str:
    """A page that shows locations, triggers and the newest runs, and loads itself again every two seconds."""
    rows = "".join(
        f"<tr><td>{_escape(run.run_id)}<td>{_escape(run_title(run.job_name, run.assets, run.checks))}"
        f"<td>{_escape(run.partition_text or '')}"
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
        for loc in health.get("locations", [])
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


async def _http_error(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)
    return problem(exc.status_code, "http_error", str(exc.detail), headers=exc.headers)


async def _refused(request: Request, exc: Exception) -> Response:
    return problem(403, "access_refused", str(exc))


async def _unknown_error(request: Request, exc: Exception) -> Response:
    logger.error("error at %s", request.url.path, exc_info=exc)
    return problem(500, "internal_error", "the server could not answer this; its log says why")


async def _gone(request: Request, exc: Exception) -> Response:
    """The sender went away in the middle of its request: nobody reads this answer, and nothing is wrong here."""
    return Response(status_code=499)
