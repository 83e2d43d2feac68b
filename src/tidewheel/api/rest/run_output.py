"""Routes of what a run's steps wrote to standard output and error."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from tidewheel.api.rest.answers import answers, answers_page, page, reference, shown
from tidewheel.api.rest.context import Rest
from tidewheel.api.rest.parameters import Cursor, InPath
from tidewheel.runtime.captured_output import OutputName, OutputPart, output_names, read_output


def run_output_routes(rest: Rest) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["runs"])

    @router.get("/runs/{run_id}/output", responses=answers_page(OutputName))
    async def list_output(request: Request, run_id: InPath) -> Response:
        """What was captured of a run: one capture per process that executed steps of it."""
        await rest.run(request, run_id)
        return page(await rest.database.read(output_names, rest.ledger, run_id), None)

    @router.get("/runs/{run_id}/output/{key}", responses=answers(reference(OutputPart)))
    async def get_output(request: Request, run_id: InPath, key: InPath, cursor: Cursor = None) -> Response:
        """A part of a capture (by its key, or a step's name) from the cursor on; secrets in it are masked."""
        await rest.run(request, run_id)
        home = rest.server.options.home
        return shown(await rest.database.read(read_output, rest.ledger, home, run_id, key, cursor))

    return router
