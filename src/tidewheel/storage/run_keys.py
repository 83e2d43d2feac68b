"""Which requests of a tick have a run key that is taken, and the taking of keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import bindparam, select

from tidewheel.logic.planning.policy import HeldRequest, KeyHolder, is_key_free
from tidewheel.storage.engines.backend import Unit, Upsert
from tidewheel.storage.tables.main import run, run_key
from tidewheel.values.policies import TriggerPolicy
from tidewheel.values.records import KeptRunKey, NewRun, TickCommit
from tidewheel.values.status import RunStatus

_NO_NOMINAL_TIME = 0.0

_KEY_HOLDERS = (
    select(run_key.c.job_name, run_key.c.run_key, run.c.run_id, run.c.created_at, run.c.status)
    .join(run, run.c.seq == run_key.c.run_seq)
    .where(
        run_key.c.trigger_id == bindparam("trigger_id"),
        run_key.c.scheduled_for == bindparam("scheduled_for"),
        run_key.c.run_key.in_(bindparam("keys", expanding=True)),
    )
)
_NEWEST_RETRY = (
    select(run.c.status).where(run.c.root_run_id == bindparam("run_id")).order_by(run.c.seq.desc()).limit(1)
)
_TAKE = Upsert(run_key, update=("run_seq",))


class Requests(NamedTuple):
    """A tick's runs, parted into those to create and those whose key is taken."""

    runs: list[NewRun]
    kept: tuple[KeptRunKey, ...]


def scope_of(scheduled_for: float | None) -> float:
    """A sensor's keys count for ever, a schedule's within one nominal time (semantics A57, B10, F16)."""
    return _NO_NOMINAL_TIME if scheduled_for is None else scheduled_for


def part(unit: Unit, wanted: TickCommit, held: Sequence[HeldRequest]) -> Requests:
    """The wanted runs without those whose key a run or a waiting request has."""
    keys = sorted({new.run_key for new in wanted.runs if new.run_key is not None})
    if not keys:
        return Requests(list(wanted.runs), ())
    holders = _holders(unit, wanted, keys)
    for one in held:
        if one.key_scope == scope_of(wanted.scheduled_for):
            for key in one.run_keys:
                holders.setdefault((one.run.job_name, key), one.run.run_id)
    runs: list[NewRun] = []
    kept: list[KeptRunKey] = []
    for new in wanted.runs:
        if new.run_key is None:
            runs.append(new)
            continue
        # the first request of a tick takes the key, later ones of the same tick find it taken
        holder = holders.setdefault((new.job_name, new.run_key), new.run_id)
        if holder == new.run_id:
            runs.append(new)
        else:
            kept.append(KeptRunKey(run_key=new.run_key, job_name=new.job_name, run_id=holder))
    return Requests(runs, tuple(kept))


def _holders(unit: Unit, wanted: TickCommit, keys: list[str]) -> dict[tuple[str, str], str]:
    scope = {
        "trigger_id": wanted.trigger_id,
        "scheduled_for": scope_of(wanted.scheduled_for),
        "keys": keys,
    }
    policy = wanted.policy or TriggerPolicy()
    found: dict[tuple[str, str], str] = {}
    for row in unit.execute(_KEY_HOLDERS, scope):
        if not is_key_free(policy, _holder(unit, row, policy), wanted.ended_at):
            found[row.job_name, row.run_key] = row.run_id
    return found


def _holder(unit: Unit, row: sa.Row[Any], policy: TriggerPolicy) -> KeyHolder:
    """The holder; what counts is how its newest automatic retry stands, since a retry does the same work."""
    status = row.status
    if policy.run_key_until_failed and status == RunStatus.FAILURE.value:
        status = unit.execute(_NEWEST_RETRY, {"run_id": row.run_id}).scalar() or status
    return KeyHolder(run_id=row.run_id, created_at=row.created_at, status=RunStatus(status))


class TakenKey(NamedTuple):
    """A key that a created run takes."""

    trigger_id: str
    job_name: str
    run_key: str
    scheduled_for: float
    run_seq: int


def take(unit: Unit, keys: Iterable[TakenKey]) -> None:
    """Let runs have their keys. Keys that were free again get a new holder."""
    rows: dict[tuple[str, str, str, float], dict[str, Any]] = {}
    for key in keys:
        rows.setdefault(key[:4], key._asdict())
    unit.upsert(_TAKE, list(rows.values()))


def reset(unit: Unit, trigger_id: str, key: str | None) -> int:
    """Free one key of a trigger, or all; how many were taken."""
    statement = run_key.delete().where(run_key.c.trigger_id == trigger_id)
    if key is not None:
        statement = statement.where(run_key.c.run_key == key)
    return unit.execute(statement).rowcount
