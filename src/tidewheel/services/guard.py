"""Has things done only for those who may, and writes down what was changed: for GraphQL, REST, webhooks and the CLI."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Optional, TypeVar

import msgspec

from tidewheel.errors import AccessRefusedError
from tidewheel.logic.access.decide import Decision, Resource, decide_access
from tidewheel.logic.access.masking import mask_text, masked
from tidewheel.services.catalog import Catalog
from tidewheel.services.database import Database
from tidewheel.storage.ports import LedgerPort
from tidewheel.values.access import NewAudit, Principal
from tidewheel.values.backfills import BackfillFields

logger = logging.getLogger("tidewheel.access")
T = TypeVar("T")
Judge = Callable[[T], tuple[str, str | None]]
"""(outcome, message) of a change's result, for the audit."""

MAX_TARGETS = 50
"""Things of one change whose state before and after is written down."""
MAX_TEXT = 2_000


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, and where. ``principal`` None: somebody who has not logged in."""

    principal: Optional[Principal]
    surface: str
    address: Optional[str] = None


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A thing that a change is about. ``kind``: ``run`` | ``trigger`` | ``asset``; ``name``: its id or key."""

    kind: str
    name: str


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
        """As ``carry_out``, where it was asked before whether the caller may. ``judge``: (outcome, message) of a result."""
        before = await self._states(targets)
        try:
            result = await change()
        except Exception as exc:
            outcome = "refused" if isinstance(exc, AccessRefusedError) else "failed"
            await self.note(caller, operation, what, outcome=outcome, before=before, message=str(exc))
            raise
        found = await self._states(targets)
        if after is not None:
            found = (found or {}) | (after(result) or {})
        outcome, message = judge(result) if judge is not None else ("done", None)
        await self.note(caller, operation, what, outcome=outcome, before=before, after=found, message=message)
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

    async def audited_write(
        self,
        caller: Caller,
        operation: str,
        change: Callable[[], T],
        *,
        what: dict[str, Any],
        targets: Sequence[Target] = (),
    ) -> T:
        """As ``audited``, for a change that is one write of the ledger: the change and its entry are one transaction, so
        that no end of the server in between can lose the entry."""
        before = await self._states(targets)

        def entry_of(result: T) -> NewAudit:
            known = msgspec.to_builtins(result, builtin_types=(bytes,), enc_hook=str)
            after = {"result": known} if isinstance(result, msgspec.Struct) else None
            return self.entry(caller, operation, what, before=before, after=after)

        try:
            return await self._database.write(self._database.ledger.change_with_entry, change, entry_of)
        except Exception as exc:
            await self.note(caller, operation, what, outcome="failed", before=before, message=str(exc))
            raise

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
        principal = caller.principal
        return NewAudit(
            at=self._clock(),
            user=principal.name if principal else "",
            via=principal.via if principal else "nobody",
            operation=operation,
            what=_shown(what) or {},
            outcome=outcome,
            surface=caller.surface,
            token_id=principal.token_id if principal else None,
            address=caller.address,
            before=_shown(before),
            after=_shown(after),
            message=mask_text(message)[:MAX_TEXT] if message else None,
        )

    async def _states(self, targets: Sequence[Target]) -> dict[str, Any] | None:
        if not targets:
            return None
        return await self._database.read(load_states, self._database.ledger, targets[:MAX_TARGETS])


def load_states(ledger: LedgerPort, targets: Sequence[Target]) -> dict[str, Any]:
    """What of runs, triggers and assets a change can change, by ``<kind> <name>``; what is unknown is None."""
    found: dict[str, Any] = {}
    for target in targets:
        found[f"{target.kind} {target.name}"] = _LOADERS[target.kind](ledger, target.name)
    return found


def _run_state(ledger: LedgerPort, run_id: str) -> dict[str, Any] | None:
    run = ledger.get_run(run_id)
    return None if run is None else {"status": run.status.value, "job": run.job_name}


def _trigger_state(ledger: LedgerPort, trigger_id: str) -> dict[str, Any] | None:
    trigger = ledger.get_trigger(trigger_id)
    return None if trigger is None else {"status": trigger.status.value, "cursor": trigger.cursor}


def _asset_state(ledger: LedgerPort, key: str) -> dict[str, Any] | None:
    state = ledger.get_asset_states([key]).get(key)
    if state is None:
        return None
    return {
        "last_materialization_id": state.last_materialization_id,
        "last_observation_id": state.last_observation_id,
    }


_LOADERS: dict[str, Callable[[LedgerPort, str], dict[str, Any] | None]] = {
    "run": _run_state,
    "trigger": _trigger_state,
    "asset": _asset_state,
}


def _shown(value: dict[str, Any] | None) -> dict[str, Any] | None:
    """A copy for the audit: masked, and cut where it is long. Only what msgpack can hold."""
    if value is None:
        return None
    plain: dict[str, Any] = _cut(masked(msgspec.to_builtins(value, builtin_types=(bytes,), enc_hook=str)))
    return plain


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT else value[:MAX_TEXT] + "…"
    if isinstance(value, bytes):
        return f"({len(value)} bytes)"
    if isinstance(value, dict):
        return {key: _cut(inner) for key, inner in list(value.items())[:200]}
    if isinstance(value, list):
        return [_cut(inner) for inner in value[:200]]
    return value
