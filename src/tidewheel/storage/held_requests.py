"""Requests that wait by their trigger's policy: decides about them inside a transaction, and carries that out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy import bindparam, select

from tidewheel.logic.planning.policy import (
    HeldRequest,
    PolicyDecision,
    PolicyFacts,
    ReadyRun,
    UnfinishedRun,
    decide_requests,
)
from tidewheel.storage import partitions, run_changes, run_keys
from tidewheel.storage.engines.backend import Unit
from tidewheel.storage.partitions import PartitionChanges
from tidewheel.storage.tables.main import run
from tidewheel.storage.tables.triggers import held_request
from tidewheel.values import tags as tag_names
from tidewheel.values.policies import TriggerPolicy
from tidewheel.values.records import NewRun
from tidewheel.values.serde import decode, encode
from tidewheel.values.status import RunStatus

_OF_TRIGGER = (
    select(held_request.c.body)
    .where(held_request.c.trigger_id == bindparam("trigger_id"))
    .order_by(held_request.c.held_id)
)
_INSERT = held_request.insert()
_DELETE = held_request.delete().where(held_request.c.run_id == bindparam("b_run_id"))
_UPDATE = (
    held_request.update().where(held_request.c.run_id == bindparam("b_run_id")).values(body=bindparam("body"))
)
_UNFINISHED = (
    select(run.c.run_id, run.c.status)
    .where(run.c.trigger_id == bindparam("trigger_id"), run.c.ended_at.is_(None))
    .order_by(run.c.seq)
)
_NEWEST = (
    select(run.c.created_at)
    .where(run.c.trigger_id == bindparam("trigger_id"), run.c.root_run_id.is_(None))
    .order_by(run.c.seq.desc())
    .limit(bindparam("count", type_=sa.Integer))
)


def load(conn: sa.Connection, trigger_id: str) -> list[HeldRequest]:
    """A trigger's waiting requests, oldest first."""
    return [decode(row.body, HeldRequest) for row in conn.execute(_OF_TRIGGER, {"trigger_id": trigger_id})]


def load_triggers(conn: sa.Connection) -> dict[str, int]:
    """How many requests wait, by trigger."""
    counts = select(held_request.c.trigger_id, sa.func.count()).group_by(held_request.c.trigger_id)
    return {row[0]: row[1] for row in conn.execute(counts)}


def decide(
    unit: Unit,
    trigger_id: str,
    policy: TriggerPolicy,
    new: Sequence[NewRun],
    *,
    held: Sequence[HeldRequest],
    occasion: int | None,
    now: float,
    key_scope: float = 0.0,
) -> PolicyDecision:
    """What becomes of a trigger's new and waiting requests, by what the ledger says now."""
    created: list[float] = []
    if policy.max_runs_per_hour is not None:
        newest = {"trigger_id": trigger_id, "count": policy.max_runs_per_hour}
        created = sorted(unit.execute(_NEWEST, newest).scalars())
    unfinished: tuple[UnfinishedRun, ...] = ()
    if policy.overlap != "allow":
        unfinished = tuple(
            UnfinishedRun(run_id=row.run_id, is_canceling=row.status == RunStatus.CANCELING.value)
            for row in unit.execute(_UNFINISHED, {"trigger_id": trigger_id})
        )
    facts = PolicyFacts(
        now=now,
        occasion=occasion,
        key_scope=key_scope,
        unfinished=unfinished,
        created_times=tuple(created),
        held=tuple(held),
    )
    return decide_requests(policy, facts, new)


class Carried(NamedTuple):
    """What was carried out: the created runs by tick, and the runs that were asked to stop."""

    run_ids: dict[int, tuple[str, ...]]
    canceled: tuple[str, ...]


def carry_out(
    unit: Unit,
    trigger_id: str,
    decision: PolicyDecision,
    held: Sequence[HeldRequest],
    *,
    now: float,
) -> Carried:
    """Create, hold and cancel as decided."""
    _store(unit, trigger_id, held, decision.held)
    canceled = []
    for run_id in decision.cancel:
        if run_changes.request_cancel(unit, run_id, now=now) is not None:
            canceled.append(run_id)
    by_tick: dict[int, tuple[str, ...]] = {}
    for ready in decision.create:
        by_tick[ready.occasion] = (*by_tick.get(ready.occasion, ()), ready.run.run_id)
    _create(unit, trigger_id, decision.create, now=now)
    return Carried(by_tick, tuple(canceled))


def _create(unit: Unit, trigger_id: str, ready: Sequence[ReadyRun], *, now: float) -> None:
    if not ready:
        return
    changes = PartitionChanges()
    created = run_changes.create(
        unit,
        [of_tick(one.run, one.occasion) for one in ready],
        now=now,
        changes=changes,
        of_ticks={one.run.run_id: (trigger_id, one.occasion) for one in ready},
    )
    run_keys.take(
        unit,
        [
            run_keys.TakenKey(trigger_id, stored.record.job_name, key, one.key_scope, stored.seq)
            for one, stored in zip(ready, created, strict=True)
            for key in one.run_keys
        ],
    )
    partitions.settle(unit, changes)


def of_tick(new: NewRun, tick_id: int | None) -> NewRun:
    """A run with the tags of its tick."""
    added = {tag_names.TICK: str(tick_id)}
    if tag_names.EVALUATION_ID in new.tags:
        added[tag_names.EVALUATION_ID] = str(tick_id)
    if new.run_key is not None:
        added[tag_names.RUN_KEY] = new.run_key
    return replace(new, tags=new.tags | added)


def _store(unit: Unit, trigger_id: str, before: Sequence[HeldRequest], after: Sequence[HeldRequest]) -> None:
    """Write what is different."""
    old = {one.run.run_id: one for one in before}
    new = {one.run.run_id: one for one in after}
    unit.write_rows(_DELETE, [{"b_run_id": run_id} for run_id in old if run_id not in new])
    unit.write_rows(
        _UPDATE,
        [
            {"b_run_id": run_id, "body": encode(one)}
            for run_id, one in new.items()
            if run_id in old and old[run_id] != one
        ],
    )
    fresh = [one for run_id, one in new.items() if run_id not in old]
    ids = unit.take_ids(held_request, len(fresh))
    unit.write_rows(
        _INSERT,
        [
            {"held_id": held_id, "trigger_id": trigger_id, "run_id": one.run.run_id, "body": encode(one)}
            for held_id, one in zip(ids, fresh, strict=True)
        ],
    )
