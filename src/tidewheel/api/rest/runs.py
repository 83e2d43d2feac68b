"""Routes of runs: launch, materialise, list, wait, read logs, cancel."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Annotated, Any, Optional

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from tidewheel.api.auth.middleware import is_still_who_asked
from tidewheel.api.problems import problem
from tidewheel.api.rest.answers import answers, answers_page, page, reference, shown, shown_bytes
from tidewheel.api.rest.bodies import LaunchBody, MaterializeBody, PriorityBody, RetryRunBody
from tidewheel.api.rest.context import Rest
from tidewheel.api.rest.parameters import Cursor, Filter, InPath, Limit, WaitSeconds
from tidewheel.errors import RunConflict
from tidewheel.logic.access.decide import ANYWHERE, Resource
from tidewheel.logic.access.operations import LAUNCH, RELAUNCH, SET_PRIORITY, TERMINATE
from tidewheel.logic.planning.reexecution import build_retry_request
from tidewheel.services.signals import Topic
from tidewheel.values.access import Target
from tidewheel.values.events import StoredEvent
from tidewheel.values.ids import derived_run_id
from tidewheel.values.launch import LaunchOutcome, LaunchRequest
from tidewheel.values.records import RunFilter, RunRecord
from tidewheel.values.status import RunStatus

STATUS_OF_REFUSAL = {"unknown_location": 404, "unknown_job": 404, "user_code": 503}
LOG_PAGE = 1_000
PATIENCE_S = 0.5
REASONS_SCHEMA = {"type": "object", "additionalProperties": {"type": "string"}}
LOGS_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "events": {"type": "array", "items": reference(StoredEvent)},
        "after": {"type": "integer"},
        "status": {"type": "string"},
    },
    "required": ["events", "after", "status"],
}


def run_routes(rest: Rest) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["runs"])

    @router.post("/launch", responses=answers(reference(LaunchOutcome), 201, "The run is queued."))
    async def launch(request: Request, body: LaunchBody) -> Response:
        """Launch a job, or assets of a selection."""
        return await _launch(rest, request, _launch_request(body))

    @router.post("/materialize", responses=answers(reference(LaunchOutcome), 201, "The run is queued."))
    async def materialize(request: Request, body: MaterializeBody) -> Response:
        """Make the assets of a selection, in one run."""
        return await _launch(rest, request, _launch_request(body))

    @router.get("/runs", responses=answers_page(RunRecord))
    async def list_runs(
        request: Request,
        job: Filter = None,
        status: Annotated[Optional[list[RunStatus]], Query()] = None,
        tag: Annotated[
            Optional[list[str]], Query(description="'key=value'; several must all match.", max_length=50)
        ] = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Response:
        """The newest runs first."""
        tags: dict[str, tuple[str, ...]] = {
            key: (value,) for key, _, value in (text.partition("=") for text in tag or ())
        }
        filters = RunFilter(job_name=job, statuses=tuple(status) if status else None, tags=tags)
        found = await rest.database.read(rest.ledger.get_runs, filters, limit=limit, cursor=cursor)
        next_cursor = found[-1].run_id if len(found) == limit else None
        return page([run for run in found if rest.sees_run(request, run)], next_cursor)

    @router.get("/runs/{run_id}", responses=answers(reference(RunRecord)))
    async def get_run(request: Request, run_id: InPath) -> Response:
        """One run."""
        return shown(await rest.run(request, run_id))

    @router.get("/runs/{run_id}/wait", responses=answers(reference(RunRecord)))
    async def wait_for_run(request: Request, run_id: InPath, timeout_s: WaitSeconds = 30.0) -> Response:
        """The run when it has ended, or as it is when the time is over."""
        run = await rest.run(request, run_id)
        deadline = rest.server.control.now() + timeout_s
        changes = rest.watching.changes(Topic.RUNS_ENDED, Topic.RUN_EVENTS, patience_s=PATIENCE_S)
        async with aclosing(changes):
            async for _ in changes:
                run = await rest.run(request, run_id)
                if run.is_finished or rest.server.control.now() >= deadline:
                    break
        return shown(run)

    @router.post("/runs/{run_id}/cancel", responses=answers(reference(RunRecord)))
    async def cancel(request: Request, run_id: InPath) -> Response:
        """Stop a run: at once when it is queued, after its clean-up when it executes."""
        run = await rest.run(request, run_id)

        async def stop() -> RunRecord:
            record = await rest.server.control.cancel(run_id)
            if record is None:
                raise RunConflict(
                    f"expected a run that has not ended, got {run_id} which is {run.status.value}"
                )
            return record

        resource = rest.server.guard.resource(run.location, rest.assets_of(run))
        record = await rest.change(
            request,
            TERMINATE,
            [resource],
            stop,
            what={"run_id": run_id},
            targets=[Target(kind="run", name=run_id)],
        )
        return shown(record)

    @router.post("/runs/{run_id}/retry", responses=answers(reference(LaunchOutcome), 201, "It is queued."))
    async def retry(request: Request, run_id: InPath, body: RetryRunBody) -> Response:
        """Run a run that has ended again, as a new one."""
        run = await rest.run(request, run_id)
        assets = rest.assets_of(run)
        await rest.require(request, RELAUNCH, rest.server.guard.resource(run.location, assets))
        if not run.is_finished:
            raise RunConflict(f"expected a run that has ended, got {run_id} which is {run.status.value}")
        if body.from_failure and run.status is RunStatus.SUCCESS:
            raise RunConflict(
                f"expected a run that failed or was cancelled, got {run_id} which succeeded; retry all of it"
            )
        wanted = build_retry_request(run, from_failure=body.from_failure)
        return await _launch(rest, request, wanted, operation=RELAUNCH)

    @router.post("/runs/{run_id}/priority", responses=answers(reference(RunRecord)))
    async def prioritise(request: Request, run_id: InPath, body: PriorityBody) -> Response:
        """Give a queued run another priority."""
        run = await rest.run(request, run_id)

        async def change() -> RunRecord:
            changed = await rest.database.write(
                rest.ledger.set_run_priority, run_id, body.priority, now=rest.server.control.now()
            )
            if changed is None:
                raise RunConflict(f"expected a run that is queued, got {run_id} which is {run.status.value}")
            rest.server.signals.raise_topic(Topic.QUEUE)
            return changed

        record = await rest.change(
            request,
            SET_PRIORITY,
            [rest.server.guard.resource(run.location, rest.assets_of(run))],
            change,
            what={"run_id": run_id, "priority": body.priority},
            targets=[Target(kind="run", name=run_id)],
        )
        return shown(record)

    @router.get("/queue/reasons", responses=answers(REASONS_SCHEMA))
    async def wait_reasons(
        request: Request, run_id: Annotated[Optional[list[str]], Query(max_length=1_000)] = None
    ) -> Response:
        """By id, why those of the runs wait that are queued, in a sentence."""
        wanted = RunFilter(run_ids=tuple(run_id or ()), statuses=(RunStatus.QUEUED,))
        found = await rest.database.read(rest.ledger.get_runs, wanted)
        seen = [run.run_id for run in found if rest.sees_run(request, run)]
        return shown(await rest.server.control.wait_reasons(seen) if seen else {})

    _log_routes(rest, router)
    return router


def _log_routes(rest: Rest, router: APIRouter) -> None:
    @router.get("/runs/{run_id}/logs", responses=answers(LOGS_SCHEMA))
    async def get_logs(
        request: Request,
        run_id: InPath,
        after: Annotated[int, Query(ge=0, le=1 << 53)] = 0,
        limit: Limit = LOG_PAGE,
        wait_s: WaitSeconds = 0.0,
    ) -> Response:
        """What the run reported after an event's id, in order; waits for news if there are none and it goes on."""
        run = await rest.run(request, run_id)
        deadline = rest.server.control.now() + wait_s
        changes = rest.watching.changes(Topic.RUNS_ENDED, Topic.RUN_EVENTS, patience_s=PATIENCE_S)
        events: Sequence[StoredEvent] = ()
        async with aclosing(changes):
            async for _ in changes:
                run = await rest.run(request, run_id)
                events = await rest.database.read(rest.ledger.get_run_log, run_id, after=after, limit=limit)
                if events or run.is_finished or rest.server.control.now() >= deadline:
                    break
        last = events[-1].id if events else after
        return shown({"events": events, "after": last, "status": run.status.value})

    @router.get(
        "/runs/{run_id}/logs/stream",
        responses={
            200: {"description": "One event a line, as JSON.", "content": {"application/x-ndjson": {}}}
        },
    )
    async def stream_logs(
        request: Request, run_id: InPath, after: Annotated[int, Query(ge=0, le=1 << 53)] = 0
    ) -> Response:
        """What the run reports, as it happens, until it has ended: one event a line."""
        await rest.run(request, run_id)
        return StreamingResponse(_lines(rest, request, run_id, after), media_type="application/x-ndjson")


async def _lines(rest: Rest, request: Request, run_id: str, after: int) -> AsyncIterator[bytes]:
    changes = rest.watching.changes(Topic.RUNS_ENDED, Topic.RUN_EVENTS, patience_s=PATIENCE_S)
    async with aclosing(changes):
        async for _ in changes:
            if not await is_still_who_asked(request):
                return
            # the status first: what a run that has ended reported is all there when the log is read after it
            run = await rest.database.read(rest.ledger.get_run, run_id)
            while events := await rest.database.read(
                rest.ledger.get_run_log, run_id, after=after, limit=LOG_PAGE
            ):
                after = events[-1].id
                yield b"".join(shown_bytes(event) + b"\n" for event in events)
            if run is None or run.is_finished:
                return


async def _launch(rest: Rest, request: Request, wanted: LaunchRequest, operation: str = LAUNCH) -> Response:
    guard, caller = rest.server.guard, rest.caller(request)
    what = {key: value for key, value in msgspec.structs.asdict(wanted).items() if value}

    async def approve(location: str, assets: Sequence[str]) -> None:
        guard.check(caller, operation, [guard.resource(location, assets)])

    claimed = getattr(request.state, "claimed_key", None)
    if claimed is not None:
        user, key, at = claimed
        wanted = msgspec.structs.replace(wanted, run_id=derived_run_id(f"rest/{user}", key, 0, at))
    outcome: LaunchOutcome = await rest.change(
        request,
        operation,
        [ANYWHERE if wanted.location is None else Resource(location=wanted.location, groups=None)],
        lambda: rest.server.control.launch(wanted, approve=approve),
        what=what,
        after=lambda result: {"run_id": result.run_id},
        judge=lambda result: ("done", None) if result.run_id else ("failed", result.message),
    )
    if outcome.run_id is None:
        status = STATUS_OF_REFUSAL.get(outcome.kind or "", 422)
        return problem(
            status,
            outcome.kind or "refused",
            outcome.message,
            message=outcome.message,
            config_problems=outcome.config_problems,
        )
    return shown(outcome, 201, {"location": f"/api/v1/runs/{outcome.run_id}"})


def _launch_request(body: LaunchBody | MaterializeBody) -> LaunchRequest:
    given = body.model_dump(exclude_none=True)
    for name in ("assets", "checks", "ops", "partition_range"):
        if name in given:
            given[name] = tuple(given[name])
    return LaunchRequest(**given)
