"""Keeps schedules' and sensors' state; every change raises a version, which commits compare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy import bindparam, select

from tidewheel.storage.engines.backend import Unit, in_chunks
from tidewheel.storage.tables.main import trigger
from tidewheel.values.records import TriggerRecord
from tidewheel.values.status import TriggerKind, TriggerStatus

_KINDS = {kind.value: kind for kind in TriggerKind}
_STATUSES = {status.value: status for status in TriggerStatus}
_BY_ID = select(trigger).where(trigger.c.trigger_id == bindparam("trigger_id"))
_BY_IDS = select(trigger).where(trigger.c.trigger_id.in_(bindparam("trigger_ids", expanding=True)))
_ALL = select(trigger).order_by(trigger.c.trigger_id)
_INSERT = trigger.insert()
_CHANGING = (
    "status",
    "version",
    "started_at",
    "frontier",
    "cursor",
    "position",
    "last_run_key",
    "last_tick_at",
    "failures_in_a_row",
    "definition",
)
_UPDATE_IF_UNCHANGED = (
    trigger.update()
    .where(trigger.c.trigger_id == bindparam("b_trigger_id"), trigger.c.version == bindparam("b_version"))
    .values({name: bindparam(name) for name in _CHANGING})
)


def _to_record(row: sa.Row[Any]) -> TriggerRecord:
    values = dict(row._mapping)
    values["kind"] = _KINDS[values["kind"]]
    values["status"] = _STATUSES[values["status"]]
    return TriggerRecord(**values)


def load(conn: sa.Connection, trigger_id: str) -> TriggerRecord | None:
    """One trigger."""
    row = conn.execute(_BY_ID, {"trigger_id": trigger_id}).first()
    return None if row is None else _to_record(row)


def load_many(conn: sa.Connection, trigger_ids: Sequence[str]) -> dict[str, TriggerRecord]:
    """Those of these triggers that there are, by id."""
    found: dict[str, TriggerRecord] = {}
    for chunk in in_chunks(trigger_ids):
        for row in conn.execute(_BY_IDS, {"trigger_ids": chunk}):
            record = _to_record(row)
            found[record.trigger_id] = record
    return found


def write(unit: Unit, changed: Sequence[TriggerRecord]) -> None:
    """Store records that were read in this very transaction, so that nobody can have changed them since."""
    rows = [
        {name: getattr(record, name) for name in _CHANGING}
        | {"status": record.status.value, "b_trigger_id": record.trigger_id, "b_version": record.version - 1}
        for record in changed
    ]
    unit.write_rows(_UPDATE_IF_UNCHANGED, rows)


def load_all(conn: sa.Connection, location: str | None) -> list[TriggerRecord]:
    """All triggers, or those of a location."""
    statement = _ALL if location is None else _ALL.where(trigger.c.location == location)
    return [_to_record(row) for row in conn.execute(statement)]


def ensure(unit: Unit, wanted: TriggerRecord) -> TriggerRecord:
    """The stored trigger of that id, or else the wanted one, which is stored."""
    return ensure_many(unit, [wanted])[0]


def ensure_many(unit: Unit, wanted: Sequence[TriggerRecord]) -> list[TriggerRecord]:
    """For each the stored trigger of that id, or else the wanted one, which is stored."""
    known = load_many(unit.conn, [record.trigger_id for record in wanted])
    fresh = {record.trigger_id: record for record in wanted if record.trigger_id not in known}
    unit.write_rows(
        _INSERT,
        [
            {column.name: getattr(record, column.name) for column in trigger.columns}
            | {"kind": record.kind.value, "status": record.status.value}
            for record in fresh.values()
        ],
    )
    return [known.get(record.trigger_id) or fresh[record.trigger_id] for record in wanted]


def change(unit: Unit, before: TriggerRecord, after: dict[str, Any]) -> TriggerRecord | None:
    """Store a trigger's new fields under the next version; None when somebody changed it since ``before`` was read."""
    row = {name: getattr(before, name) for name in _CHANGING} | after
    row["version"] = before.version + 1
    row["status"] = TriggerStatus(row["status"]).value
    guard = {"b_trigger_id": before.trigger_id, "b_version": before.version}
    if unit.execute(_UPDATE_IF_UNCHANGED, row | guard).rowcount == 0:
        return None
    return replace(before, **(row | {"status": _STATUSES[row["status"]]}))
