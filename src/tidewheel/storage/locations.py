"""Keeps code locations' last good snapshots, and settings made at run time."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import bindparam, select

from tidewheel.storage.engines.backend import Unit, Upsert
from tidewheel.storage.tables.main import location, setting
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.records import LocationRecord
from tidewheel.values.serde import decode, encode

_UPSERT_LOCATION = Upsert(location, update=("snapshot", "fingerprint", "loaded_at", "failed_at", "errors"))
_LOCATIONS = select(location).order_by(location.c.name)
_UPSERT_SETTING = Upsert(setting, update=("value",))
_SETTING = select(setting.c.value).where(setting.c.key == bindparam("key"))


def put(unit: Unit, record: LocationRecord) -> None:
    """Store a location as a whole."""
    row = {
        "name": record.name,
        "snapshot": record.snapshot,
        "fingerprint": record.fingerprint,
        "loaded_at": record.loaded_at,
        "failed_at": record.failed_at,
        "errors": encode(record.errors),
    }
    unit.upsert(_UPSERT_LOCATION, [row])


def load_all(conn: sa.Connection) -> list[LocationRecord]:
    """All locations, by name."""
    return [
        LocationRecord(
            name=row.name,
            snapshot=row.snapshot,
            fingerprint=row.fingerprint,
            loaded_at=row.loaded_at,
            failed_at=row.failed_at,
            errors=decode(row.errors, tuple[ErrorInfo, ...]),
        )
        for row in conn.execute(_LOCATIONS)
    ]


def load_setting(conn: sa.Connection, key: str) -> str | None:
    """A setting's value."""
    value: str | None = conn.execute(_SETTING, {"key": key}).scalar()
    return value


def put_setting(unit: Unit, key: str, value: str | None) -> None:
    """Store a setting, or remove it when the value is None."""
    if value is None:
        unit.execute(setting.delete().where(setting.c.key == key))
    else:
        unit.upsert(_UPSERT_SETTING, [{"key": key, "value": value}])
