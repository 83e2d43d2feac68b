"""What REST routes work with: the server, who asks, and the checks that many routes share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeVar

from starlette.requests import Request

from tidewheel.api.auth.middleware import caller_of
from tidewheel.api.graphql.watching import Watching
from tidewheel.errors import RunNotFoundError
from tidewheel.logic.access.decide import Resource
from tidewheel.logic.access.operations import OPERATIONS, VIEW
from tidewheel.services.access.guard import Caller
from tidewheel.services.access.narrowing import Sight
from tidewheel.services.database import Database
from tidewheel.services.server import Server
from tidewheel.storage.ports.ledger import LedgerPort
from tidewheel.values.access import Target
from tidewheel.values.records import RunRecord

T = TypeVar("T")


class Rest:
    """One for the application."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.watching = Watching(server)

    @property
    def database(self) -> Database:
        """The ledger's threads."""
        return self.server.database

    @property
    def ledger(self) -> LedgerPort:
        """The ledger; to be used through ``database``."""
        return self.server.database.ledger

    def caller(self, request: Request) -> Caller:
        """Who asks."""
        return caller_of(request, "rest")

    # -- what may be seen ---------------------------------------------------------------------------------------
    def sees(self, request: Request, location: str | None, assets: Iterable[str] = ()) -> bool:
        """Whether the caller may see what belongs to this location and these assets."""
        resource = self.server.guard.resource(location, assets)
        return self.server.guard.decide(self.caller(request), VIEW, resource).is_allowed

    def sight(self, request: Request) -> Sight:
        """What the caller may see."""
        return Sight(self.server.guard, self.caller(request), self.server.locations.catalog)

    def sees_run(self, request: Request, run: RunRecord) -> bool:
        """Whether the caller may see a run."""
        return self.sees(request, run.location, self.assets_of(run))

    def assets_of(self, run: RunRecord) -> tuple[str, ...]:
        """The assets that a run is about."""
        if run.assets is not None:
            return run.assets
        job = self.server.locations.catalog.job(run.location, run.job_name)
        return job.assets if job is not None else ()

    async def run(self, request: Request, run_id: str) -> RunRecord:
        """A run that the caller may see.

        Raises:
            RunNotFoundError: when there is none.
        """
        run = await self.database.read(self.ledger.get_run, run_id)
        if run is None or not self.sees_run(request, run):
            raise RunNotFoundError(f"expected the id of a run, got {run_id[:80]!r}")
        return run

    # -- what may be changed ------------------------------------------------------------------------------------
    async def change(
        self,
        request: Request,
        operation: str,
        resources: Sequence[Resource],
        change: Callable[[], Awaitable[T]],
        *,
        what: dict[str, Any],
        targets: Sequence[Target] = (),
        **more: Any,
    ) -> T:
        """The result of a change that the caller may make; audited.

        Raises:
            AccessRefusedError: when they may not.
        """
        return await self.server.guard.carry_out(
            self.caller(request), operation, resources, change, what=what, targets=targets, **more
        )

    async def require(self, request: Request, operation: str, resource: Resource) -> None:
        """Let only those go on who may.

        Raises:
            AccessRefusedError: when they may not.
        """
        caller, guard = self.caller(request), self.server.guard
        if OPERATIONS[operation].changes:
            await guard.require(caller, operation, [resource])
        else:
            guard.check(caller, operation, [resource])
