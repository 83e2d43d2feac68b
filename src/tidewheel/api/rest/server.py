"""Routes of the server itself: health, code locations, definitions."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from tidewheel.api.rest.answers import answers, answers_page, page, reference, shown
from tidewheel.api.rest.context import Rest
from tidewheel.api.rest.parameters import Filter, InPath
from tidewheel.logic.access.decide import WHOLE_SERVER, Resource
from tidewheel.logic.access.operations import RELOAD_LOCATION, RELOAD_WORKSPACE
from tidewheel.runtime.conditions.condition_views import AutomationView, PlanView, WhyAnswer
from tidewheel.runtime.control import LocationHealth, ServerHealth
from tidewheel.services.narrowed_health import narrowed_health

DEFINITIONS_SCHEMA: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "object"}}
WHO_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "via": {"type": "string"}, "grants": {"type": "array"}},
    "required": ["name", "via", "grants"],
}


def server_routes(rest: Rest) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["server"])

    @router.get("/health", responses=answers(reference(ServerHealth)))
    async def health(request: Request) -> Response:
        """Locations, queue, workers; of those that the caller may see."""
        health = await rest.server.control.health()
        return shown(await narrowed_health(rest.server, rest.sight(request), health))

    @router.get("/whoami", responses=answers(WHO_SCHEMA))
    async def whoami(request: Request) -> Response:
        """Who the server takes the caller for."""
        principal = rest.caller(request).principal
        assert principal is not None, "the middleware lets nobody through without one"
        grants = principal.limits if principal.limits is not None else principal.grants
        return shown({"name": principal.name, "via": principal.via, "grants": grants})

    @router.get("/definitions", responses=answers(DEFINITIONS_SCHEMA))
    async def definitions(request: Request) -> Response:
        """By code location, what its last good code defines, as far as the caller may see it."""
        return shown(dict(rest.sight(request).catalog().snapshots))

    @router.post("/reload", responses=answers({"type": "object"}))
    async def reload(request: Request, location: Filter = None) -> Response:
        """Load code again, of one location or of all, and wait for the outcome."""
        found: list[LocationHealth] = await rest.change(
            request,
            RELOAD_WORKSPACE if location is None else RELOAD_LOCATION,
            [WHOLE_SERVER if location is None else Resource(location=location)],
            lambda: rest.server.control.reload(location),
            what={"location": location},
        )
        return page(found, None)

    @router.get("/why/{target:path}", responses=answers(reference(WhyAnswer)))
    async def why(request: Request, target: InPath, partition: Filter = None, run: Filter = None) -> Response:
        """All about the automation of an asset, check (``asset:check``) or job: what it waits for, what it did.

        With ``run``, of its requests only the one that this run came of.
        """
        if not rest.sight(request).sees_target(target):  # what is hidden is answered like what is missing
            raise LookupError(f"expected an asset, check or job, got {target[:200]!r}")
        if run is not None:
            await rest.run(request, run)
        return shown(await rest.server.control.why(target, partition, run))

    @router.get("/automation", responses=answers_page(AutomationView))
    async def automation(request: Request) -> Response:
        """Every automation sensor, and how it stands."""
        views = await rest.server.control.get_automation()
        return page([view for view in views if rest.sees(request, view.location)], None)

    @router.get("/automation/plan", responses=answers_page(PlanView))
    async def plan(request: Request, sensor: Filter = None) -> Response:
        """What automation would ask for if it were evaluated now; nothing is written."""
        plans = await rest.server.control.plan_automation(sensor)
        return page([found for found in plans if rest.sees(request, found.location)], None)

    return router
