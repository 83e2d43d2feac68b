"""Routes of backfills: launch, list, show, cancel, resume, retry."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Annotated, Any, Optional

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from tidewheel.api.problems import problem
from tidewheel.api.rest.answers import answers, answers_page, page, reference, shown
from tidewheel.api.rest.bodies import BackfillBody, RetryBody
from tidewheel.api.rest.context import Rest
from tidewheel.api.rest.parameters import Cursor, InPath, Limit
from tidewheel.errors import RunConflict
from tidewheel.logic.access.decide import ANYWHERE
from tidewheel.logic.access.operations import BACKFILL, CANCEL_BACKFILL, VIEW
from tidewheel.values.backfill_steps import BackfillRunCount
from tidewheel.values.backfills import BackfillFields, BackfillFilter, BackfillRecord, BackfillStatus
from tidewheel.values.launch import BackfillOutcome, BackfillRequest

STATUSES = {
    "unknown_backfill": 404,
    "unknown_location": 404,
    "unknown_job": 404,
    "wrong_state": 409,
    "user_code": 503,
}
SHOWN_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "backfill": reference(BackfillRecord),
        "run_counts": {"type": "array", "items": reference(BackfillRunCount)},
    },
    "required": ["backfill", "run_counts"],
}


def backfill_routes(rest: Rest) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["backfills"])
    control = rest.server.control

    @router.post("/backfills", responses=answers(reference(BackfillOutcome), 201, "It is asked for."))
    async def launch_backfill(request: Request, body: BackfillBody) -> Response:
        """Make partitions of a job, of assets or of a selection."""
        given = body.model_dump(exclude_none=True)
        wanted = msgspec.convert(given, BackfillRequest)
        caller, guard = rest.caller(request), rest.server.guard

        def approve(fields: BackfillFields) -> None:
            guard.check(caller, BACKFILL, guard.backfill_resources(fields))

        return await _carried_out(
            rest,
            request,
            BACKFILL,
            given,
            lambda: control.launch_backfill(wanted, approve=approve),
            status=201,
        )

    @router.get("/backfills", responses=answers_page(BackfillRecord))
    async def list_backfills(
        request: Request,
        status: Annotated[Optional[list[BackfillStatus]], Query()] = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Response:
        """The newest backfills first."""
        filters = BackfillFilter(statuses=tuple(status) if status else None)
        found = await rest.database.read(rest.ledger.backfills.get_many, filters, limit=limit, cursor=cursor)
        more = found[-1].backfill_id if len(found) == limit else None
        return page(_seen(rest, request, found), more)

    @router.get("/backfills/{backfill_id}", responses=answers(SHOWN_SCHEMA))
    async def get_backfill(request: Request, backfill_id: InPath) -> Response:
        """One backfill, how far it is, and how many of its runs have which status."""
        record = await _find(rest, request, backfill_id)
        counts = await rest.database.read(rest.ledger.backfills.get_run_counts, backfill_id)
        return shown({"backfill": record, "run_counts": counts})

    @router.post("/backfills/{backfill_id}/cancel", responses=answers(reference(BackfillRecord)))
    async def cancel_backfill(request: Request, backfill_id: InPath) -> Response:
        """Make no more runs of it and stop those that there are."""
        record = await _find(rest, request, backfill_id)

        async def stop() -> BackfillRecord:
            stopped = await control.cancel_backfill(backfill_id)
            if stopped is None:
                raise RunConflict(
                    f"expected a backfill that has not ended, got one that is {record.status.value}"
                )
            return stopped

        stopped = await rest.change(
            request,
            CANCEL_BACKFILL,
            rest.server.guard.backfill_resources(record.fields),
            stop,
            what={"backfill_id": backfill_id},
        )
        return shown(stopped)

    @router.post("/backfills/{backfill_id}/resume", responses=answers(reference(BackfillOutcome)))
    async def resume_backfill(request: Request, backfill_id: InPath) -> Response:
        """Go on with one that was cancelled or could not go on."""
        record = await _find(rest, request, backfill_id)
        what = {"backfill_id": backfill_id, "change": "resume"}
        return await _carried_out(
            rest, request, BACKFILL, what, lambda: control.resume_backfill(backfill_id), record=record
        )

    @router.post("/backfills/{backfill_id}/retry", responses=answers(reference(BackfillOutcome)))
    async def retry_backfill(request: Request, backfill_id: InPath, body: RetryBody) -> Response:
        """Ask for a new one for what an ended one did not make, or for all of it."""
        record = await _find(rest, request, backfill_id)
        what = {"backfill_id": backfill_id, "change": "retry", "everything": body.everything}
        return await _carried_out(
            rest,
            request,
            BACKFILL,
            what,
            lambda: control.retry_backfill(backfill_id, body.everything),
            record=record,
        )

    return router


async def _carried_out(
    rest: Rest,
    request: Request,
    operation: str,
    what: dict[str, Any],
    change: Callable[[], Awaitable[BackfillOutcome]],
    *,
    record: BackfillRecord | None = None,
    status: int = 200,
) -> Response:
    resources = [ANYWHERE] if record is None else rest.server.guard.backfill_resources(record.fields)
    outcome = await rest.change(
        request,
        operation,
        resources,
        change,
        what=what,
        after=lambda result: {"backfill_id": result.backfill_id},
        judge=lambda result: ("done", None) if result.backfill_id else ("failed", result.message),
    )
    if outcome.backfill_id is not None:
        return shown(outcome, status)
    refused = STATUSES.get(outcome.kind or "", 422)
    return problem(refused, outcome.kind or "refused", outcome.message, message=outcome.message)


async def _find(rest: Rest, request: Request, backfill_id: str) -> BackfillRecord:
    """A backfill that the caller may see.

    Raises:
        LookupError: when there is none.
    """
    record = await rest.database.read(rest.ledger.backfills.get, backfill_id)
    if record is None or not list(_seen(rest, request, [record])):
        raise LookupError(f"expected the id of a backfill, got {backfill_id[:80]!r}")
    return record


def _seen(rest: Rest, request: Request, records: Iterable[BackfillRecord]) -> list[BackfillRecord]:
    guard, caller = rest.server.guard, rest.caller(request)
    return [
        record
        for record in records
        if all(
            guard.decide(caller, VIEW, resource).is_allowed
            for resource in guard.backfill_resources(record.fields)
        )
    ]
