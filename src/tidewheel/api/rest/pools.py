"""Routes of pools: list, set a limit, free slots."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from tidewheel.api.rest.answers import answers, answers_page, page, shown
from tidewheel.api.rest.bodies import FreeBody, PoolBody
from tidewheel.api.rest.context import Rest
from tidewheel.api.rest.parameters import InPath
from tidewheel.logic.access.decide import WHOLE_SERVER
from tidewheel.logic.access.operations import EDIT_LIMITS
from tidewheel.services.signals import Topic
from tidewheel.values.access import Target
from tidewheel.values.pools import PoolRecord

LIMIT_SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "slots": {"type": ["integer", "null"]}},
    "required": ["name", "slots"],
}
FREED_SCHEMA = {"type": "object", "properties": {"freed": {"type": "integer"}}, "required": ["freed"]}


def pool_routes(rest: Rest) -> APIRouter:
    """The routes. Pools are the whole server's: they are seen and changed by those who have a role for all of it."""
    router = APIRouter(tags=["pools"])
    pools, now = rest.ledger.pools, rest.server.control.now

    @router.get("/pools", responses=answers_page(PoolRecord))
    async def list_pools(request: Request) -> Response:
        """Every pool with a limit or in use, and the steps that hold or wait for its slots."""
        seen = rest.sight(request).database(rest.database)
        return page(await seen.read(seen.ledger.pools.get_all), None)

    @router.put("/pools/{name}", responses=answers(LIMIT_SCHEMA))
    async def set_slots(request: Request, name: InPath, body: PoolBody) -> Response:
        """Set a pool's limit, or remove it."""

        async def write() -> None:
            await rest.database.write(pools.set_slots, name, body.slots, now=now())
            rest.server.signals.raise_topic(Topic.QUEUE)

        what = {"name": name, "slots": body.slots}
        await rest.change(
            request,
            EDIT_LIMITS,
            [WHOLE_SERVER],
            write,
            what=what,
            targets=[Target(kind="pool", name=name)],
        )
        return shown(what)

    @router.post("/pools/free", responses=answers(FREED_SCHEMA))
    async def free(request: Request, body: FreeBody) -> Response:
        """Take slots away from steps that hold them: needed only where a step hangs."""

        async def write() -> int:
            freed = await rest.database.write(pools.free, body.name, body.run_id)
            rest.server.signals.raise_topic(Topic.QUEUE)
            return freed

        freed = await rest.change(
            request,
            EDIT_LIMITS,
            [WHOLE_SERVER],
            write,
            what=body.model_dump(),
            after=lambda count: {"freed": count},
        )
        return shown({"freed": freed})

    return router
