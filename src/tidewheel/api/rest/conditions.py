"""Routes of what conditions left for people: owed work, and first requests that wait for a yes."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from tidewheel.api.rest.answers import answers, answers_page, page, reference, shown
from tidewheel.api.rest.bodies import HeldBody, OwedBody
from tidewheel.api.rest.context import Rest
from tidewheel.api.rest.parameters import Filter
from tidewheel.logic.access.decide import WHOLE_SERVER
from tidewheel.logic.access.operations import TOGGLE_AUTOMATION, WAIVE_OWED
from tidewheel.services.signals import Topic
from tidewheel.values.conditions import HeldRequest, HoldStatus, OwedRow, OwedStatus


def condition_routes(rest: Rest) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["conditions"])

    @router.get("/owed", responses=answers_page(OwedRow))
    async def list_owed(request: Request, name: Filter = None) -> Response:
        """What was requested and is not made yet, oldest first; of everything or of one asset."""
        seen = rest.sight(request).database(rest.database)
        return page(await seen.read(seen.ledger.owed.get_all, name), None)

    @router.post("/owed/answer", responses=answers(reference(OwedRow)))
    async def answer_owed(request: Request, body: OwedBody) -> Response:
        """Waive something that is owed, or owe it again with a fresh count of failures."""

        async def write() -> OwedRow:
            seen = rest.sight(request).database(rest.database)
            rows = await seen.read(seen.ledger.owed.get_all, body.name)
            asked = (body.kind, body.name, body.partition)
            changed = None
            if any((row.kind, row.name, row.partition) == asked for row in rows):
                changed = await rest.database.write(rest.ledger.owed.answer, *asked, OwedStatus(body.status))
            if changed is None:
                raise LookupError(f"expected something owed, got {body.name!r} {body.partition!r}")
            rest.server.signals.raise_topic(Topic.TRIGGERS)
            return changed

        resources = rest.server.guard.resources_of(body.kind, body.name)
        return shown(await rest.change(request, WAIVE_OWED, resources, write, what=body.model_dump()))

    @router.get("/held-requests", responses=answers_page(HeldRequest))
    async def list_held(request: Request) -> Response:
        """First requests of conditions, whatever was answered to them."""
        seen = rest.sight(request).database(rest.database)
        return page(await seen.read(seen.ledger.conditions.get_held), None)

    @router.post("/held-requests/answer", responses=answers(reference(HeldRequest)))
    async def answer_held(request: Request, body: HeldBody) -> Response:
        """Let a first request go ahead, or leave it undone."""

        async def write() -> HeldRequest:
            changed = await rest.database.write(
                rest.ledger.conditions.answer_held, body.kind, body.name, HoldStatus(body.status)
            )
            if changed is None:
                raise LookupError(f"expected a target whose first request waits, got {body.name!r}")
            rest.server.signals.raise_topic(Topic.TRIGGERS)
            return changed

        what = body.model_dump()
        return shown(await rest.change(request, TOGGLE_AUTOMATION, [WHOLE_SERVER], write, what=what))

    return router
