"""Keeps the audit: entries are added and read, never changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import msgspec
from sqlalchemy import select

from tidewheel.storage.audited import add, unaudited
from tidewheel.storage.engines.backend import Backend, Unit
from tidewheel.storage.tables.access import audit
from tidewheel.values.access import AuditEntry, NewAudit
from tidewheel.values.serde import decode


class SqlAudit:
    """An ``AuditPort`` over SQLite or Postgres."""

    def __init__(self, backend: Backend, write: Callable[[], AbstractContextManager[Unit]]) -> None:
        self._backend = backend
        self._write = write

    def add(self, entries: Sequence[NewAudit]) -> list[int]:
        with unaudited(), self._write() as unit:
            return add(unit, entries)

    def get(
        self,
        *,
        user: str | None = None,
        operation: str | None = None,
        outcome: str | None = None,
        limit: int = 100,
        before_id: int | None = None,
    ) -> list[AuditEntry]:
        query = select(audit.c.audit_id, audit.c.body).order_by(audit.c.audit_id.desc()).limit(limit)
        wanted = ((audit.c.user, user), (audit.c.operation, operation), (audit.c.outcome, outcome))
        for column, value in wanted:
            if value is not None:
                query = query.where(column == value)
        if before_id is not None:
            query = query.where(audit.c.audit_id < before_id)
        with self._backend.read() as conn:
            return [
                AuditEntry(audit_id=audit_id, **msgspec.structs.asdict(decode(body, NewAudit)))
                for audit_id, body in conn.execute(query)
            ]
