"""Leases with fencing epochs: one holder at a time, and a former holder can be told from the present one."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from tidewheel.storage.engines.backend import Unit, Upsert
from tidewheel.storage.tables.main import lease

_HELD = select(lease).where(lease.c.name == bindparam("name"))
_UPSERT = Upsert(lease, update=("holder", "epoch", "expires_at"))
_RELEASE = (
    lease.update()
    .where(lease.c.name == bindparam("b_name"), lease.c.holder == bindparam("b_holder"))
    .values(holder=None, expires_at=0.0)
)


def acquire(unit: Unit, name: str, holder: str, *, now: float, ttl_s: float) -> int | None:
    """Take or keep a lease until ``now + ttl_s``; its epoch, or None while somebody else has it."""
    row = unit.execute(_HELD, {"name": name}).first()
    epoch = 1 if row is None else row.epoch
    if row is not None and row.holder != holder:
        if row.holder is not None and row.expires_at > now:
            return None
        epoch += 1
    unit.upsert(_UPSERT, [{"name": name, "holder": holder, "epoch": epoch, "expires_at": now + ttl_s}])
    return epoch


def release(unit: Unit, name: str, holder: str) -> None:
    """Give a lease up, if it is the holder's. Its epoch stays, so that the next holder gets a higher one."""
    unit.execute(_RELEASE, {"b_name": name, "b_holder": holder})
