"""Has things done only for those who may, and writes down what was changed: for GraphQL, REST, webhooks and the CLI."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Optional, TypeVar

import msgspec

from tidewheel.errors import AccessRefusedError, LoginRefusedError
from tidewheel.logic.access.decide import Decision, Resource, decide_access
from tidewheel.logic.access.entries import kept, kept_text
from tidewheel.runtime.masking import known_secrets
from tidewheel.services.code.catalog import Catalog
from tidewheel.services.database import Database
from tidewheel.storage.audited import Change, audited
from tidewheel.values.access import NewAudit, Principal, Target
from tidewheel.values.backfills import BackfillFields

logger = logging.getLogger("tidewheel.access")
T = TypeVar("T")
Judge = Callable[[T], tuple[str, str | None]]
"""(outcome, message) of a change's result, for the audit."""


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, and where. ``principal`` None: somebody who has not logged in."""

    principal: Optional[Principal]
    surface: str
    address: Optional[str] = None


class Guard:
    """The decision, the change and the audit of it, in this order."""

    def __init__(
        self,
        database: Database,
        *,
        catalog: Callable[[], Catalog],
        clock: Callable[[], float],
        read_only: bool = False,
    ) -> None:
        self._database = database
        self._catalog = catalog
        self._clock = clock
        self.read_only = read_only

    def decide(self, caller: Caller, operation: str, resource: Resource) -> Decision:
        """Whether the caller may do it."""
        return decide_access(caller.principal, operation, resource, read_only=self.read_only)

    def resource(self, location: str | None, assets: Iterable[str] = ()) -> Resource:
        """What an operation on assets of a location is about."""
        nodes = [self._catalog().asset(key) for key in assets]
        return Resource(
            location=location,
            groups=frozenset(node.group if node is not None else "default" for node in nodes),
        )

    def backfill_resources(self, fields: BackfillFields) -> list[Resource]:
        """What a backfill is about: each of its assets, or its job."""
        if fields.job_name is not None:
            job = self._catalog().job(fields.location or "", fields.job_name)
            return [self.resource(fields.location, job.assets if job is not None else ())]
        catalog = self._catalog()
        return [self.resource(catalog.asset_location(part.name), [part.name]) for part in fields.parts]

    def resources_of(self, kind: str, name: str) -> list[Resource]:
        """What an answer about a condition's target is about: an ``asset``, a ``check`` or a ``job``."""
        catalog = self._catalog()
        if kind == "job":
            places = catalog.locations_of_job(name)
            jobs = [(place, catalog.job(place, name)) for place in places]
            return [self.resource(place, job.assets if job is not None else ()) for place, job in jobs] or [
                self.resource(None)
            ]
        key = name if catalog.asset(name) is not None else name.rpartition(":")[0]
        return [self.resource(catalog.asset_location(key), [key])]

    def check(self, caller: Caller, operation: str, resources: Sequence[Resource]) -> None:
        """Let only those go on who may.

        Raises:
            AccessRefusedError: when they may not.
        """
        for resource in resources:
            decision = self.decide(caller, operation, resource)
            if not decision.is_allowed:
                raise AccessRefusedError(f"{operation!r} is not allowed: {decision.reason}")

    async def require(
        self,
        caller: Caller,
        operation: str,
        resources: Sequence[Resource],
        what: dict[str, Any] | None = None,
    ) -> None:
        """Let only those go on who may; refusals are written down.

        Raises:
            AccessRefusedError: when they may not.
        """
        try:
            self.check(caller, operation, resources)
        except AccessRefusedError as refused:
            await self.note(caller, operation, what or {}, outcome="refused", message=str(refused))
            raise

    async def carry_out(
        self,
        caller: Caller,
        operation: str,
        resources: Sequence[Resource],
        change: Callable[[], Awaitable[T]],
        *,
        what: dict[str, Any],
        targets: Sequence[Target] = (),
        after: Callable[[T], dict[str, Any] | None] | None = None,
        judge: Judge[T] | None = None,
    ) -> T:
        """The result of a change that the caller may make; it is in the audit with what it was before and after.

        Raises:
            AccessRefusedError: when they may not.
        """
        await self.require(caller, operation, resources, what)
        return await self.audited(
            caller, operation, change, what=what, targets=targets, after=after, judge=judge
        )

    async def audited(
        self,
        caller: Caller,
        operation: str,
        change: Callable[[], Awaitable[T]],
        *,
        what: dict[str, Any],
        targets: Sequence[Target] = (),
        after: Callable[[T], dict[str, Any] | None] | None = None,
        judge: Judge[T] | None = None,
    ) -> T:
        """As ``carry_out``, where it was asked before whether the caller may. ``judge``: (outcome, message) of a result.

        The entry is part of the change's own transaction. One of its own tells of a change that failed, was refused, or
        turned out to change nothing.
        """
        change_of = Change(
            self.entry(caller, operation, what), targets, clock=self._clock, known=known_secrets()
        )
        try:
            with audited(change_of):
                result = await change()
        except Exception as exc:
            outcome = "refused" if isinstance(exc, (AccessRefusedError, LoginRefusedError)) else "failed"
            await self.note(caller, operation, change_of.what, outcome=outcome, message=str(exc))
            raise
        outcome, message = judge(result) if judge is not None else ("done", None)
        if outcome != "done" or not change_of.audit_ids:
            found = after(result) if after is not None else None
            await self.note(caller, operation, change_of.what, outcome=outcome, after=found, message=message)
        return result

    async def note(
        self,
        caller: Caller,
        operation: str,
        what: dict[str, Any],
        *,
        outcome: str = "done",
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
        message: str | None = None,
    ) -> None:
        """Write an entry of the audit; secrets in it are masked, long texts cut."""
        entry = self.entry(
            caller, operation, what, outcome=outcome, before=before, after=after, message=message
        )
        await self._database.write(self._database.ledger.audit.add, [entry])

    def entry(
        self,
        caller: Caller,
        operation: str,
        what: dict[str, Any],
        *,
        outcome: str = "done",
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
        message: str | None = None,
    ) -> NewAudit:
        """An entry of the audit; secrets in it are masked, long texts cut."""
        principal, known = caller.principal, known_secrets()
        return NewAudit(
            at=self._clock(),
            user=principal.name if principal else "",
            via=principal.via if principal else "nobody",
            operation=operation,
            what=kept(what, known) or {},
            outcome=outcome,
            surface=caller.surface,
            token_id=principal.token_id if principal else None,
            address=caller.address,
            before=kept(before, known),
            after=kept(after, known),
            message=kept_text(message, known),
        )
