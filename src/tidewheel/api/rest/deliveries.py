"""Routes of deliveries to webhook and file sensors, and of events that sensors failed on."""

from __future__ import annotations

from functools import partial
from typing import Literal, Optional

from fastapi import APIRouter, Request
from starlette.responses import Response

from tidewheel.api.rest.answers import answers, answers_page, page, reference, shown
from tidewheel.api.rest.bodies import FailedEventBody, ReplayBody
from tidewheel.api.rest.context import Rest
from tidewheel.api.rest.parameters import Cursor, Filter, Limit, number_of
from tidewheel.logic.access.decide import WHOLE_SERVER, Resource
from tidewheel.logic.access.operations import REPLAY_DELIVERY, SEE_DELIVERIES
from tidewheel.runtime.views.push_views import (
    DeliveryView,
    consumers_of,
    delivery_states,
    get_delivery_views,
    replay_delivery,
)
from tidewheel.services.signals import Topic
from tidewheel.values.ids import location_of
from tidewheel.values.inbox import Redelivery

REPLAYED_SCHEMA = {
    "type": "object",
    "properties": {"items": {"type": "array", "items": reference(Redelivery)}},
    "required": ["items"],
}
ANSWERED_SCHEMA = {
    "type": "object",
    "properties": {"is_known": {"type": "boolean"}},
    "required": ["is_known"],
}


def delivery_routes(rest: Rest) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["deliveries"])

    @router.get("/deliveries", responses=answers_page(DeliveryView))
    async def list_deliveries(
        request: Request,
        source: Filter = None,
        state: Optional[Literal["waiting", "handed_over", "retrying", "dead"]] = None,
        limit: Limit = 30,
        cursor: Cursor = None,
    ) -> Response:
        """The newest deliveries first, and what became of each; dead letters with ``state=dead``."""
        await rest.require(request, SEE_DELIVERIES, WHOLE_SERVER)
        look = partial(get_delivery_views, source=source, state=state, before_id=number_of(cursor))
        snapshots = await rest.server.control.get_snapshots()
        found = await rest.database.read(look, rest.ledger, snapshots, limit=limit)
        return page(found, str(found[-1].delivery.id) if len(found) == limit else None)

    @router.get("/deliveries/{delivery_id}", responses=answers(reference(DeliveryView)))
    async def get_delivery(request: Request, delivery_id: int) -> Response:
        """One delivery: headers, body (in base64), and what became of it."""
        await rest.require(request, SEE_DELIVERIES, WHOLE_SERVER)
        return shown(await _find(rest, delivery_id))

    @router.post("/deliveries/{delivery_id}/replay", responses=answers(REPLAYED_SCHEMA))
    async def replay(request: Request, delivery_id: int, body: ReplayBody) -> Response:
        """Hand a stored delivery over once more, to all its sensors or to one, with all its retries before it."""
        snapshots = await rest.server.control.get_snapshots()

        async def write() -> list[Redelivery]:
            asked = await rest.database.write(
                replay_delivery,
                rest.ledger,
                snapshots,
                delivery_id,
                now=rest.server.control.now(),
                sensor=body.sensor,
            )
            rest.server.signals.raise_topic(Topic.INBOX)
            return asked

        await rest.require(request, REPLAY_DELIVERY, WHOLE_SERVER)
        view = await _find(rest, delivery_id)
        chosen = [one for one in view.states if body.sensor in (None, one.sensor, one.trigger_id)]
        asked = await rest.change(
            request,
            REPLAY_DELIVERY,
            [Resource(location=location_of(one.trigger_id)) for one in chosen],
            write,
            what={"delivery_id": delivery_id, "sensor": body.sensor},
            after=lambda made: {"sensors": [one.trigger_id for one in made]},
        )
        return shown({"items": asked})

    @router.get("/failed-events", responses=answers_page(Redelivery))
    async def list_failed(request: Request) -> Response:
        """Events whose evaluation raised: those that are tried again, and those set aside."""
        seen = rest.sight(request).database(rest.database)
        return page(await seen.read(seen.ledger.inbox.get_redeliveries), None)

    @router.post("/failed-events/answer", responses=answers(ANSWERED_SCHEMA))
    async def answer_failed(request: Request, body: FailedEventBody) -> Response:
        """Hand an event that failed over once more, with all its retries before it; or give it up."""
        inbox, now = rest.ledger.inbox, rest.server.control.now

        async def write() -> None:
            if body.forget:
                await rest.database.write(inbox.forget_redelivery, body.trigger_id, body.event_id)
            else:
                await rest.database.write(inbox.hand_over_again, body.trigger_id, body.event_id, now=now())
            rest.server.signals.raise_topic(Topic.INBOX)

        location = location_of(body.trigger_id)
        await rest.require(request, REPLAY_DELIVERY, Resource(location=location))
        known = await rest.database.read(inbox.get_redeliveries, body.trigger_id)
        if body.event_id not in {one.event_id for one in known}:
            raise LookupError(
                f"expected an event that {body.trigger_id[:200]!r} failed on, got {body.event_id}"
            )
        await rest.change(
            request, REPLAY_DELIVERY, [Resource(location=location)], write, what=body.model_dump()
        )
        return shown({"is_known": True})

    return router


async def _find(rest: Rest, delivery_id: int) -> DeliveryView:
    """A delivery with what became of it.

    Raises:
        LookupError: when there is none.
    """
    ledger = rest.ledger
    found = None
    if 0 < delivery_id < 1 << 53:
        found = await rest.database.read(ledger.inbox.get, delivery_id)
    if found is None:
        raise LookupError(f"expected the id of a delivery, got {delivery_id}")
    snapshots = await rest.server.control.get_snapshots()
    consumers = await rest.database.read(consumers_of, ledger, snapshots)
    redeliveries = await rest.database.read(ledger.inbox.get_redeliveries)
    return DeliveryView(delivery=found, states=delivery_states(found, consumers, redeliveries))
