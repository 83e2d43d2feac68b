"""Retention, and numbers for the doctor."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam, select

from tidewheel.storage import conditions, versions
from tidewheel.storage.engines.backend import Unit, in_chunks
from tidewheel.storage.tables.complete import metadata
from tidewheel.storage.tables.main import run_log, schema_version, tick
from tidewheel.values.status import TickStatus

# Chatter is stored in the order of time, more or less, so its oldest rows have the lowest ids: no index by time is
# needed, which every worker's batch would have to pay for.
_OLDEST_CHATTER = (
    select(run_log.c.id, run_log.c.timestamp)
    .order_by(run_log.c.id)
    .limit(bindparam("count", type_=sa.Integer))
)
_OLD_TICKS = (
    select(tick.c.tick_id)
    .where(tick.c.status == TickStatus.SKIPPED.value, tick.c.ended_at < bindparam("before"))
    .order_by(tick.c.ended_at)
    .limit(bindparam("count", type_=sa.Integer))
)


def prune(unit: Unit, *, chatter_before: float | None, ticks_before: float | None, limit: int) -> int:
    """Delete old chatter, old skipped ticks and old evaluations, at most ``limit`` of each; returns the number of rows."""
    deleted = 0
    if chatter_before is not None:
        oldest = unit.execute(_OLDEST_CHATTER, {"count": limit})
        ids = [row.id for row in oldest if row.timestamp < chatter_before]
        deleted += _delete(unit, run_log.c.id, ids)
    if ticks_before is not None:
        ids = list(unit.execute(_OLD_TICKS, {"before": ticks_before, "count": limit}).scalars())
        deleted += _delete(unit, tick.c.tick_id, ids)
        deleted += conditions.prune(unit, before=ticks_before, limit=limit)
    return deleted


def _delete(unit: Unit, key: sa.Column[Any], ids: list[int]) -> int:
    for chunk in in_chunks(ids):
        unit.execute(key.table.delete().where(key.in_(chunk)))
    return len(ids)


def load_stats(conn: sa.Connection, dialect: str, size_bytes: int) -> dict[str, Any]:
    """Schema revision, rows per table, size in bytes, dialect."""
    tables = [table for table in metadata.sorted_tables if table is not schema_version]
    rows = {
        table.name: conn.execute(select(sa.func.count()).select_from(table)).scalar_one() for table in tables
    }
    return {
        "dialect": dialect,
        "revision": versions.revision_of(conn),
        "rows": rows,
        "size_bytes": size_bytes,
    }
