"""Keeps pools and the slots that steps hold. A claim counts only while its run is in progress in the claim's epoch."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import and_, bindparam, select

from tidewheel.storage.engines.backend import Backend, Unit, Upsert
from tidewheel.storage.tables.main import run
from tidewheel.storage.tables.queue import pool, pool_claim
from tidewheel.values.pools import PoolAnswer, PoolClaim, PoolRecord
from tidewheel.values.status import IN_PROGRESS_STATUSES

_IS_LIVE = and_(
    run.c.run_id == pool_claim.c.run_id,
    run.c.epoch == pool_claim.c.epoch,
    run.c.status.in_([status.value for status in IN_PROGRESS_STATUSES]),
)
_IN_TURN = (
    pool_claim.c.held_since.is_(None),
    pool_claim.c.priority.desc(),
    pool_claim.c.asked_at,
    pool_claim.c.run_id,
)
_LIVE = select(pool_claim).join(run, _IS_LIVE).order_by(pool_claim.c.pool, *_IN_TURN)
_LIVE_OF = _LIVE.where(pool_claim.c.pool == bindparam("pool"))
_DROP_DEAD = pool_claim.delete().where(
    pool_claim.c.pool == bindparam("pool"), ~select(run.c.seq).where(_IS_LIVE).exists()
)
_SLOTS = select(pool.c.slots).where(pool.c.name == bindparam("name"))
_SET = Upsert(pool, update=("slots", "updated_at"))
_ASK = Upsert(pool_claim, update=("epoch", "asked_at", "priority", "held_since"))
_HOLD = (
    pool_claim.update()
    .where(
        pool_claim.c.pool == bindparam("b_pool"),
        pool_claim.c.run_id == bindparam("b_run_id"),
        pool_claim.c.step == bindparam("b_step"),
    )
    .values(held_since=bindparam("now"))
)


def claim(
    unit: Unit,
    name: str,
    run_id: str,
    epoch: int,
    step: str,
    *,
    priority: int,
    default_slots: int | None,
    now: float,
) -> PoolAnswer:
    """Ask for a slot for a step."""
    known = unit.execute(_SLOTS, {"name": name}).scalar()
    slots = default_slots if known is None else known
    unit.execute(_DROP_DEAD, {"pool": name})
    claims = [_to_claim(row) for row in unit.execute(_LIVE_OF, {"pool": name})]
    mine = next((one for one in claims if (one.run_id, one.step) == (run_id, step)), None)
    if mine is not None and mine.held_since is not None:
        return PoolAnswer(granted=True, slots=slots)
    if mine is None:
        mine = PoolClaim(pool=name, run_id=run_id, step=step, asked_at=now, priority=priority)
        unit.upsert(_ASK, [_row(mine, epoch)])
        claims.append(mine)
    waiting = sorted(
        (one for one in claims if one.held_since is None),
        key=lambda one: (-one.priority, one.asked_at, one.run_id, one.step),
    )
    ahead = waiting.index(mine)
    held = len(claims) - len(waiting)
    if slots is not None and held + ahead >= slots:
        return PoolAnswer(granted=False, ahead=ahead + max(0, held - slots), slots=slots)
    unit.execute(_HOLD, {"b_pool": name, "b_run_id": run_id, "b_step": step, "now": now})
    return PoolAnswer(granted=True, slots=slots)


def _row(one: PoolClaim, epoch: int) -> dict[str, Any]:
    return {
        "pool": one.pool,
        "run_id": one.run_id,
        "step": one.step,
        "epoch": epoch,
        "asked_at": one.asked_at,
        "priority": one.priority,
        "held_since": one.held_since,
    }


def _to_claim(row: sa.Row[Any]) -> PoolClaim:
    return PoolClaim(
        pool=row.pool,
        run_id=row.run_id,
        step=row.step,
        asked_at=row.asked_at,
        priority=row.priority,
        held_since=row.held_since,
    )


class SqlPools:
    """A ``PoolsPort`` over a database; every method is one transaction."""

    def __init__(self, backend: Backend, write: Callable[[], AbstractContextManager[Unit]]) -> None:
        """``write``: opens a write transaction of the ledger."""
        self._backend = backend
        self._write = write
        self._default_slots: int | None = None

    def use_default_slots(self, slots: int | None) -> None:
        self._default_slots = slots

    def get_all(self) -> list[PoolRecord]:
        claims: dict[str, list[PoolClaim]] = defaultdict(list)
        with self._backend.read() as conn:
            for row in conn.execute(_LIVE):
                claims[row.pool].append(_to_claim(row))
            slots: dict[str, int] = {row.name: row.slots for row in conn.execute(select(pool))}
        names = sorted({*claims, *slots})
        return [
            PoolRecord(name=name, slots=slots.get(name, self._default_slots), claims=tuple(claims[name]))
            for name in names
        ]

    def get_slots(self) -> dict[str, int]:
        with self._backend.read() as conn:
            return {row.name: row.slots for row in conn.execute(select(pool))}

    def get_held(self) -> dict[str, int]:
        with self._backend.read() as conn:
            return dict(Counter(row.pool for row in conn.execute(_LIVE) if row.held_since is not None))

    def set_slots(self, name: str, slots: int | None, *, now: float) -> None:
        with self._write() as unit:
            if slots is None:
                unit.execute(pool.delete().where(pool.c.name == name))
            else:
                unit.upsert(_SET, [{"name": name, "slots": slots, "updated_at": now}])

    def claim(
        self, name: str, run_id: str, epoch: int, step: str, *, priority: int, now: float
    ) -> PoolAnswer:
        with self._write() as unit:
            return claim(
                unit, name, run_id, epoch, step, priority=priority, default_slots=self._default_slots, now=now
            )

    def release(self, run_id: str, step: str) -> int:
        mine = and_(pool_claim.c.run_id == run_id, pool_claim.c.step == step)
        return self._drop(mine)

    def free(self, name: str | None = None, run_id: str | None = None) -> int:
        clauses = []
        if name is not None:
            clauses.append(pool_claim.c.pool == name)
        if run_id is not None:
            clauses.append(pool_claim.c.run_id == run_id)
        return self._drop(and_(sa.true(), *clauses))

    def _drop(self, which: sa.ColumnElement[bool]) -> int:
        with self._write() as unit:
            held = unit.execute(
                select(sa.func.count()).where(which, pool_claim.c.held_since.is_not(None))
            ).scalar_one()
            unit.execute(pool_claim.delete().where(which))
        return int(held)
