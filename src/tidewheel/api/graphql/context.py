"""What the resolvers of one operation work with: the server, its definitions as of now, the joined reads, the access."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer
from tidewheel.api.graphql.loaders import Loaders
from tidewheel.api.graphql.loading import Loader
from tidewheel.api.graphql.permissions import Access, GuardedAccess, unauthorized
from tidewheel.api.graphql.stale_reads import read_staleness
from tidewheel.api.graphql.watching import Watching
from tidewheel.errors import AccessRefusedError, InvalidInvocationError
from tidewheel.logic.access.decide import Resource
from tidewheel.logic.graph.staleness import Staleness
from tidewheel.runtime.control import LocationHealth
from tidewheel.services.access.guard import Caller
from tidewheel.services.access.narrowing import Sight
from tidewheel.services.code.catalog import Catalog
from tidewheel.services.database import Database
from tidewheel.services.server import Server
from tidewheel.services.triggers.lag import SensorLag
from tidewheel.storage.ports.ledger import LedgerPort
from tidewheel.values.access import LOCAL
from tidewheel.values.backfills import BackfillFields
from tidewheel.values.launch import LaunchRequest, PreparedLaunch
from tidewheel.values.records import RunRecord

MAX_PREPARED = 100
"""Questions to user code that one operation may ask: each is a call to a process."""


class RequestContext:
    """One for each operation; a mutation or the next result of a subscription begins anew."""

    sight: Sight
    catalog: Catalog
    """The definitions that the caller may see."""
    database: Database
    """The ledger's threads, with the ledger as the caller may see it."""
    now: float
    loaders: Loaders
    lags: Loader[str, SensorLag]
    """How far listening sensors are behind; read once for all of them."""

    stalenesses: Loader[str, Staleness]
    """Whether assets are stale; decided together, since it depends on everything upstream."""

    def __init__(self, server: Server, access: Access, watching: Watching, caller: Caller) -> None:
        self.server = server
        self.caller = caller
        self.access = access
        self.watching = watching
        self._prepared = 0
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget what was read: something has changed."""
        # whoever has another access than the guard's was not asked who they are: there is nobody to narrow reads for
        if isinstance(self.access, GuardedAccess):
            seer = self.access.caller
        else:
            seer = Caller(principal=LOCAL, surface=self.caller.surface)
        self.sight = Sight(self.server.guard, seer, self.server.locations.catalog)
        self.catalog = self.sight.catalog()
        self.database = self.sight.database(self.server.database)
        self.now = self.server.control.now()
        self.loaders = Loaders(self.database, self.catalog, self.now)
        self.lags = Loader(self._read_lags)
        self.stalenesses = Loader(self._read_stalenesses)

    async def _read_lags(self, trigger_ids: Sequence[str]) -> Mapping[str, SensorLag]:
        return await self.server.control.get_lags()

    async def _read_stalenesses(self, keys: Sequence[str]) -> Mapping[str, Staleness]:
        return await read_staleness(self.catalog, self.loaders, keys)

    @property
    def ledger(self) -> LedgerPort:
        """The ledger; to be used through ``database.read`` and ``database.write``."""
        return self.database.ledger

    def location_healths(self) -> list[LocationHealth]:
        """How the code locations are that the caller may see."""
        return [health for health in self.server.locations.health() if self.sight.sees_location(health.name)]

    def location_names(self) -> list[str]:
        """The code locations that the caller may see."""
        return [name for name in self.server.locations.names() if self.sight.sees_location(name)]

    async def prepare(self, location: str, request: LaunchRequest) -> PreparedLaunch:
        """What user code says of a launch request.

        Raises:
            UserCodeUnreachableError: when it cannot be asked now.
            InvalidInvocationError: when the operation has asked too often.
        """
        self._prepared += 1
        if self._prepared > MAX_PREPARED:
            raise InvalidInvocationError(
                f"expected an operation that asks user code at most {MAX_PREPARED} times, got more; ask for smaller pages"
            )
        timeout_s = self.server.options.evaluation_timeout_s
        return await self.server.locations.prepare(location, request, timeout_s)

    def refusal(
        self, permission: str, location: str | None, assets: Sequence[str] | None = None
    ) -> Answer | None:
        """The ``UnauthorizedError`` for a caller who may not do this in this code location; None when they may."""
        reason = self.access.refusal(permission, location, assets)
        return None if reason is None else unauthorized(permission, reason)

    def may(self, permission: str, location: str | None = None, assets: Sequence[str] | None = None) -> bool:
        """Whether the caller may do this."""
        return self.access.refusal(permission, location, assets) is None

    def require(self, permission: str, resources: Sequence[Resource]) -> None:
        """Let only those go on who may do this with all of it.

        Raises:
            AccessRefusedError: when they may not.
        """
        if isinstance(self.access, GuardedAccess):
            self.server.guard.check(self.access.caller, permission, resources)

    def require_backfill(self, permission: str, fields: BackfillFields) -> None:
        """Let only those go on who may do this with all that a backfill is about.

        Raises:
            AccessRefusedError: when they may not.
        """
        catalog = self.server.locations.catalog  # all of it: what is not seen is asked about too
        of_job = catalog.job(fields.location or "", fields.job_name) if fields.job_name else None
        parts = [part.name for part in fields.parts] if fields.is_of_assets else []
        about = [(catalog.asset_location(name), [name]) for name in parts] or [
            (fields.location, list(of_job.assets) if of_job is not None else [])
        ]
        for location, assets in about:
            reason = self.access.refusal(permission, location, assets)
            if reason is not None:
                raise AccessRefusedError(reason)

    def assets_of_run(self, run: RunRecord) -> tuple[str, ...]:
        """The assets that a run is about: those it was asked to make, or its job's."""
        if run.assets is not None:
            return run.assets
        job = self.server.locations.catalog.job(run.location, run.job_name)
        return job.assets if job is not None else ()


def context_of(info: GraphQLResolveInfo) -> RequestContext:
    """The context of a resolver's call."""
    context: RequestContext = info.context
    return context
