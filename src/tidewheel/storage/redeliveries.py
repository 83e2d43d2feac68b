"""Keeps the events that triggers are to be handed again: written in ticks' transactions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam, select

from tidewheel.storage.engines.backend import Unit, Upsert
from tidewheel.storage.tables.triggers import redelivery
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.inbox import Redelivery
from tidewheel.values.serde import decode, encode

_UPSERT = Upsert(redelivery, update=("attempts", "retry_at", "failed_at", "error"))
_DELETE = redelivery.delete().where(
    redelivery.c.trigger_id == bindparam("b_trigger_id"), redelivery.c.event_id == bindparam("b_event_id")
)
_ALL = select(redelivery).order_by(redelivery.c.trigger_id, redelivery.c.event_id)
_OF_TRIGGER = _ALL.where(redelivery.c.trigger_id == bindparam("trigger_id"))


def put(unit: Unit, wanted: Sequence[Redelivery]) -> None:
    """Store or change what is to be handed over again."""
    unit.upsert(_UPSERT, [_row(one) for one in wanted])


def settle(unit: Unit, trigger_id: str, event_ids: Sequence[int]) -> int:
    """Forget events that have been handed over, or were given up; how many there were."""
    found = 0
    for event_id in event_ids:
        found += unit.execute(_DELETE, {"b_trigger_id": trigger_id, "b_event_id": event_id}).rowcount
    return found


def load(conn: sa.Connection, trigger_id: str | None) -> list[Redelivery]:
    """Those of a trigger, or all, by event id."""
    found = (
        conn.execute(_ALL) if trigger_id is None else conn.execute(_OF_TRIGGER, {"trigger_id": trigger_id})
    )
    return [
        Redelivery(
            trigger_id=row.trigger_id,
            event_id=row.event_id,
            attempts=row.attempts,
            retry_at=row.retry_at,
            failed_at=row.failed_at,
            error=None if row.error is None else decode(row.error, ErrorInfo),
        )
        for row in found
    ]


def _row(one: Redelivery) -> dict[str, Any]:
    return {
        "trigger_id": one.trigger_id,
        "event_id": one.event_id,
        "attempts": one.attempts,
        "retry_at": one.retry_at,
        "failed_at": one.failed_at,
        "error": None if one.error is None else encode(one.error),
    }
