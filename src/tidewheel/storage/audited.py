"""Carries the audit's entry of a change into the transactions of the change: both last, or neither.

Who carries a change out names it (``audited``); whatever the ledger then writes in this context, in whatever thread the
context goes on, has an entry in the same transaction, with the state of the change's targets before and after it. A
transaction that changes nothing has none. Of a change that takes several transactions each has its entry; all but the
first refer to the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import msgspec

from tidewheel.logic.access.entries import kept
from tidewheel.logic.access.masking import KnownSecrets
from tidewheel.storage.audit_states import load_state
from tidewheel.storage.tables.access import audit
from tidewheel.values.access import NewAudit, Target
from tidewheel.values.serde import encode

if TYPE_CHECKING:
    import sqlalchemy as sa

    from tidewheel.storage.engines.backend import Unit

MAX_TARGETS = 50
"""Things of one change whose state before and after is written down."""

_current: ContextVar[Change | None] = ContextVar("tidewheel_audited_change", default=None)


class Change:
    """A change that is being carried out: its entry, and what it is about. ``known``: hidden in the states told of it."""

    def __init__(
        self,
        entry: NewAudit,
        targets: Sequence[Target] = (),
        *,
        clock: Callable[[], float],
        known: KnownSecrets,
    ) -> None:
        self._entry = entry
        self._targets = list(dict.fromkeys(targets))[:MAX_TARGETS]
        self._clock = clock
        self._known = known
        self._is_over = False
        self.audit_ids: list[int] = []
        """Of the entries that were committed."""

    @property
    def what(self) -> dict[str, Any]:
        """What the next entry says of it: everything in the first, later a reference to the first."""
        return self._entry.what if not self.audit_ids else {"continues": self.audit_ids[0]}

    @contextmanager
    def joined_with(self, unit: Unit) -> Iterator[None]:
        """Around what a transaction of this change does."""
        before = self._states(unit.conn, self._targets)
        made: list[Target] = []
        unit.begin_audit(made)
        yield
        if unit.has_written:
            found = [*self._targets, *made[:MAX_TARGETS]]
            after = self._states(unit.conn, found)
            entry = msgspec.structs.replace(
                self._entry,
                at=self._clock(),
                what=self.what,
                before=kept(before, self._known),
                after=kept(after, self._known),
            )
            unit.entry_ids = add(unit, [entry])

    def note_committed(self, audit_ids: Iterable[int]) -> None:
        """Entries have lasted."""
        self.audit_ids.extend(audit_ids)

    def _states(self, conn: sa.Connection, targets: Sequence[Target]) -> dict[str, Any] | None:
        if not targets:
            return None
        return {f"{target.kind} {target.name}": load_state(conn, target) for target in targets}


def add(unit: Unit, entries: Sequence[NewAudit]) -> list[int]:
    """Insert entries; their ids."""
    ids = list(unit.take_ids(audit, len(entries)))
    rows = [
        {
            "audit_id": audit_id,
            "at": entry.at,
            "user": entry.user,
            "operation": entry.operation,
            "outcome": entry.outcome,
            "body": encode(entry),
        }
        for audit_id, entry in zip(ids, entries, strict=True)
    ]
    unit.write_rows(audit.insert(), rows)
    return ids


def current_change() -> Change | None:
    """The change that is being carried out in this context."""
    change = _current.get()
    return None if change is None or change._is_over else change


@contextmanager
def audited(change: Change) -> Iterator[Change]:
    """What is written inside belongs to the change. Tasks that it leaves behind write on their own account."""
    token = _current.set(change)
    try:
        yield change
    finally:
        change._is_over = True
        _current.reset(token)


@contextmanager
def unaudited() -> Iterator[None]:
    """What is written inside is an entry itself, or nobody's change."""
    token = _current.set(None)
    try:
        yield
    finally:
        _current.reset(token)
