"""Routes of schedules and sensors: list, start, stop, reset, cursor, try, ticks."""

from __future__ import annotations

from typing import Annotated, Literal, Optional

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from tidewheel.api.rest.answers import answers, answers_page, page, reference, shown
from tidewheel.api.rest.bodies import CursorBody, RunKeysBody, TryBody
from tidewheel.api.rest.context import Rest
from tidewheel.api.rest.parameters import Cursor, Filter, InPath, Limit, number_of
from tidewheel.errors import did_you_mean
from tidewheel.logic.access.decide import Resource
from tidewheel.logic.access.operations import (
    EDIT_SENSOR,
    SET_CURSOR,
    START_SCHEDULE,
    STOP_SCHEDULE,
    TRY_SCHEDULE,
    TRY_SENSOR,
)
from tidewheel.runtime.control import TriggerView
from tidewheel.values.access import Target
from tidewheel.values.evaluation import EvaluationResult
from tidewheel.values.ids import trigger_id
from tidewheel.values.records import TickRecord, TriggerRecord
from tidewheel.values.status import TickStatus, TriggerKind

FREED_SCHEMA = {"type": "object", "properties": {"freed": {"type": "integer"}}, "required": ["freed"]}
CHANGES = {"start": True, "stop": False, "reset": None}


def trigger_routes(rest: Rest) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["triggers"])

    @router.get("/triggers", responses=answers_page(TriggerView))
    async def list_triggers(request: Request, kind: Optional[TriggerKind] = None) -> Response:
        """Schedules and sensors, all on one page."""
        views = await rest.server.control.get_triggers_view(kind.value if kind else None)
        return page([view for view in views if rest.sees(request, view.location)], None)

    @router.post("/triggers/{location}/{name}/test", responses=answers(reference(EvaluationResult)))
    async def test_trigger(request: Request, location: InPath, name: InPath, body: TryBody) -> Response:
        """Evaluate a trigger once; nothing is recorded and nothing is launched."""
        kind = _kind_of(rest, request, location, name)
        result = await rest.change(
            request,
            TRY_SCHEDULE if kind is TriggerKind.SCHEDULE else TRY_SENSOR,
            [Resource(location=location)],
            lambda: rest.server.control.test_trigger(name, body.cursor, location),
            what={"location": location, "name": name, "cursor": body.cursor},
        )
        return shown(result)

    @router.post("/triggers/{location}/{name}/reset-keys", responses=answers(FREED_SCHEMA))
    async def reset_keys(request: Request, location: InPath, name: InPath, body: RunKeysBody) -> Response:
        """Free run keys, so that what they stand for can be asked for again."""
        kind = _kind_of(rest, request, location, name)
        freed = await rest.change(
            request,
            SET_CURSOR,
            [Resource(location=location)],
            lambda: rest.server.control.reset_run_keys(name, body.run_key, location, kind.value),
            what={"location": location, "name": name, "run_key": body.run_key},
            after=lambda count: {"freed": count},
        )
        return shown({"freed": freed})

    @router.post(
        "/triggers/{location}/{name}/{change}",
        responses=answers(reference(TriggerRecord)),
        operation_id="change_trigger",
    )
    async def change_trigger(
        request: Request, location: InPath, name: InPath, change: Literal["start", "stop", "reset"]
    ) -> Response:
        """Start, stop (pause) or reset a trigger to its default in code."""
        kind = _kind_of(rest, request, location, name)
        running = CHANGES[change]
        operation = EDIT_SENSOR
        if kind is TriggerKind.SCHEDULE:
            operation = STOP_SCHEDULE if running is False else START_SCHEDULE
        record = await rest.change(
            request,
            operation,
            [Resource(location=location)],
            lambda: rest.server.control.set_trigger(name, running, location, kind.value),
            what={"location": location, "name": name, "change": change},
            targets=[Target(kind="trigger", name=trigger_id(location, name))],
        )
        return shown(record)

    @router.put("/triggers/{location}/{name}/cursor", responses=answers(reference(TriggerRecord)))
    async def set_cursor(request: Request, location: InPath, name: InPath, body: CursorBody) -> Response:
        """Set or clear a sensor's cursor."""
        _kind_of(rest, request, location, name)
        record = await rest.change(
            request,
            SET_CURSOR,
            [Resource(location=location)],
            lambda: rest.server.control.set_cursor(name, body.cursor, location),
            what={"location": location, "name": name, "cursor": body.cursor},
            targets=[Target(kind="trigger", name=trigger_id(location, name))],
        )
        return shown(record)

    _tick_routes(rest, router)
    return router


def _tick_routes(rest: Rest, router: APIRouter) -> None:
    @router.get("/ticks", responses=answers_page(TickRecord))
    async def list_ticks(
        request: Request,
        trigger: Filter = None,
        status: Annotated[Optional[list[TickStatus]], Query()] = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Response:
        """The newest ticks, of all triggers or of one (``location/name``)."""
        found = await rest.database.read(
            rest.ledger.get_ticks, trigger, statuses=status, limit=limit, before_id=number_of(cursor)
        )
        next_cursor = str(found[-1].tick_id) if len(found) == limit else None
        return page([tick for tick in found if _sees_tick(rest, request, tick)], next_cursor)

    @router.get("/ticks/{tick_id}", responses=answers(reference(TickRecord)))
    async def get_tick(request: Request, tick_id: int) -> Response:
        """One tick."""
        found = None
        if 0 < tick_id < 1 << 53:
            found = await rest.database.read(rest.ledger.get_tick, tick_id)
        if found is None or not _sees_tick(rest, request, found):
            raise LookupError(f"expected the id of a tick, got {tick_id}")
        return shown(found)


def _sees_tick(rest: Rest, request: Request, tick: TickRecord) -> bool:
    record = rest.server.book.get(tick.trigger_id)
    location = record.location if record is not None else tick.trigger_id.rpartition("/")[0]
    return rest.sees(request, location)


def _kind_of(rest: Rest, request: Request, location: str, name: str) -> TriggerKind:
    """What kind of trigger it is.

    Raises:
        LookupError: when there is none, or the caller may not see it.
    """
    record = rest.server.book.get(trigger_id(location, name))
    if record is None or not rest.sees(request, location):
        catalog = rest.server.locations.catalog
        known = [found.name for _, place, found in catalog.schedules() if rest.sees(request, place)]
        known += [found.name for _, place, found in catalog.sensors() if rest.sees(request, place)]
        raise LookupError(
            f"expected a schedule or sensor of location {location[:80]!r}, got {name[:80]!r}; "
            + did_you_mean(name, known)
        )
    return record.kind
