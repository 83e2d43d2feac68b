"""Routes of pauses: those that hold, begin one, end one."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from tidewheel.api.rest.answers import answers, answers_page, page, reference, shown
from tidewheel.api.rest.bodies import PauseBody
from tidewheel.api.rest.context import Rest
from tidewheel.logic.access.decide import Resource
from tidewheel.logic.access.operations import PAUSE
from tidewheel.values.policies import PauseRecord, Selection


def pause_routes(rest: Rest) -> APIRouter:
    """The routes. A pause of all locations needs the role in all of them."""
    router = APIRouter(tags=["pauses"])

    @router.get("/pauses", responses=answers_page(PauseRecord))
    async def list_pauses(request: Request) -> Response:
        """The pauses that hold now, oldest first."""
        return page(await _seen(rest, request), None)

    @router.post("/pauses", responses=answers(reference(PauseRecord), 201, "They are paused."))
    async def pause(request: Request, body: PauseBody) -> Response:
        """Pause triggers, also those that are defined later. Runs that were asked for already go on."""
        selection = Selection(**body.selection.model_dump())
        principal = rest.caller(request).principal
        record = await rest.change(
            request,
            PAUSE,
            [Resource(location=selection.location)],
            lambda: rest.server.control.pause(
                selection,
                body.reason,
                principal.name if principal is not None else None,
                body.expires_at,
                body.missed,
            ),
            what=body.model_dump(),
            after=lambda made: {"pause": msgspec.to_builtins(made)},
        )
        return shown(record, 201)

    @router.post("/pauses/{pause_id}/resume", responses=answers_page(PauseRecord))
    async def resume(request: Request, pause_id: int) -> Response:
        """End a pause."""
        known = next((one for one in await _seen(rest, request) if one.pause_id == pause_id), None)
        if known is None:
            raise LookupError(f"expected the id of a pause that holds, got {pause_id}")
        ended = await rest.change(
            request,
            PAUSE,
            [Resource(location=known.selection.location)],
            lambda: rest.server.control.resume(pause_id),
            what={"pause_id": pause_id},
        )
        return page(ended, None)

    return router


async def _seen(rest: Rest, request: Request) -> list[PauseRecord]:
    sight = rest.sight(request)
    pauses = await rest.server.control.get_pauses()
    return [one for one in pauses if sight.is_whole or sight.sees(one.selection.location)]
