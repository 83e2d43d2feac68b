"""Writes a tick whole (its row, its runs, its events, its trigger's new state), and reads ticks back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Optional

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy import bindparam, select

from tidewheel.storage import (
    backfills,
    conditions,
    dynamic_partitions,
    intake,
    partitions,
    run_changes,
    triggers,
)
from tidewheel.storage.backend import Unit
from tidewheel.storage.partitions import PartitionChanges
from tidewheel.storage.runs import StoredRun
from tidewheel.storage.schema import run, run_key, tick
from tidewheel.values import tags as tag_names
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.records import (
    KeptRunKey,
    NewRun,
    RequestError,
    TickCommit,
    TickOutcome,
    TickRecord,
    TriggerRecord,
)
from tidewheel.values.serde import decode, encode
from tidewheel.values.status import RunOrigin, TickStatus, TriggerKind

STALE = TickOutcome(stale=True)
_NO_NOMINAL_TIME = 0.0
ORIGINS = {TriggerKind.SCHEDULE: RunOrigin.SCHEDULE, TriggerKind.SENSOR: RunOrigin.EVENT}


class TickBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What of a tick is only shown, never searched for."""

    skip_reason: Optional[str] = None
    error: Optional[ErrorInfo] = None
    cursor: Optional[str] = None
    run_ids: tuple[str, ...] = ()
    kept_keys: tuple[KeptRunKey, ...] = ()
    request_errors: tuple[RequestError, ...] = ()
    log: tuple[str, ...] = ()


class _Requests(NamedTuple):
    """A tick's runs, parted into those to create and those whose key is taken."""

    runs: list[NewRun]
    kept: tuple[KeptRunKey, ...]


_STATUSES = {status.value: status for status in TickStatus}
_INSERT = tick.insert()
_REPLACE = (
    tick.update()
    .where(tick.c.tick_id == bindparam("b_tick_id"))
    .values({name: bindparam(name) for name in ("status", "started_at", "ended_at", "attempt", "body")})
)
_SAME_NOMINAL_TIME = select(tick.c.tick_id, tick.c.status, tick.c.body).where(
    tick.c.trigger_id == bindparam("trigger_id"), tick.c.scheduled_for == bindparam("scheduled_for")
)
_KEY_HOLDERS = (
    select(run_key.c.job_name, run_key.c.run_key, run.c.run_id)
    .join(run, run.c.seq == run_key.c.run_seq)
    .where(
        run_key.c.trigger_id == bindparam("trigger_id"),
        run_key.c.scheduled_for == bindparam("scheduled_for"),
        run_key.c.run_key.in_(bindparam("keys", expanding=True)),
    )
)
_INSERT_KEY = run_key.insert()


def commit(unit: Unit, wanted: TickCommit) -> TickOutcome:
    """Write a tick, or nothing when the trigger has changed or the nominal time has been dealt with."""
    before = triggers.load(unit.conn, wanted.trigger_id)
    if before is None or before.version != wanted.expected_version:
        return STALE
    earlier = None
    if wanted.scheduled_for is not None:
        nominal = {"trigger_id": wanted.trigger_id, "scheduled_for": wanted.scheduled_for}
        earlier = unit.execute(_SAME_NOMINAL_TIME, nominal).first()
        if earlier is not None and earlier.status != TickStatus.FAILURE.value:
            return STALE
    after = triggers.change(unit, before, _next_state(wanted, before))
    if after is None:
        return STALE
    for change in wanted.partition_changes:
        dynamic_partitions.change(unit, change, now=wanted.ended_at)
    requests = _without_taken_keys(unit, wanted)
    tick_id = None
    if wanted.record_tick or requests.runs or wanted.backfills or earlier is not None:
        tick_id = earlier.tick_id if earlier is not None else unit.take_ids(tick, 1)[0]
        _write_tick(unit, wanted, after, requests, tick_id, earlier)
    if wanted.conditions is not None:
        conditions.write(unit, wanted.conditions, trigger_id=wanted.trigger_id, tick_id=tick_id)
    _create_runs(unit, wanted, requests, tick_id, ORIGINS[before.kind])
    backfills.create(
        unit, wanted.backfills, now=wanted.ended_at, trigger_id=wanted.trigger_id, tick_id=tick_id
    )
    if wanted.events:
        intake.record(unit, wanted.events)
    return TickOutcome(
        tick_id=tick_id,
        run_ids=tuple(new.run_id for new in requests.runs),
        kept_keys=requests.kept,
        version=after.version,
    )


def _next_state(wanted: TickCommit, before: TriggerRecord) -> dict[str, Any]:
    has_failed = wanted.status is TickStatus.FAILURE
    after: dict[str, Any] = {
        "last_tick_at": wanted.started_at,
        "failures_in_a_row": before.failures_in_a_row + 1 if has_failed else 0,
    }
    if wanted.frontier is not None:
        after["frontier"] = wanted.frontier
    if wanted.cursor_changed:
        after["cursor"] = wanted.cursor
    if wanted.position is not None:
        after["position"] = wanted.position
    keys = [new.run_key for new in wanted.runs if new.run_key is not None]
    if keys and not has_failed:
        after["last_run_key"] = keys[-1]
    return after


def _key_scope(wanted: TickCommit) -> float:
    """A sensor's keys count for ever, a schedule's within one nominal time (semantics A57, B10, F16)."""
    return _NO_NOMINAL_TIME if wanted.scheduled_for is None else wanted.scheduled_for


def _without_taken_keys(unit: Unit, wanted: TickCommit) -> _Requests:
    keys = sorted({new.run_key for new in wanted.runs if new.run_key is not None})
    if not keys:
        return _Requests(list(wanted.runs), ())
    scope = {"trigger_id": wanted.trigger_id, "scheduled_for": _key_scope(wanted), "keys": keys}
    holders = {(row.job_name, row.run_key): row.run_id for row in unit.execute(_KEY_HOLDERS, scope)}
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
    return _Requests(runs, tuple(kept))


def _write_tick(
    unit: Unit,
    wanted: TickCommit,
    after: TriggerRecord,
    requests: _Requests,
    tick_id: int,
    earlier: sa.Row[Any] | None,
) -> None:
    # runs of a failed attempt stay the tick's runs when it is tried again
    before_ids = decode(earlier.body, TickBody).run_ids if earlier is not None else ()
    run_ids = dict.fromkeys((*before_ids, *(new.run_id for new in requests.runs)))
    status = wanted.status
    if status is TickStatus.SUCCESS and wanted.runs and not run_ids:
        status = TickStatus.SKIPPED  # every key was taken (semantics B8)
    body = TickBody(
        skip_reason=wanted.skip_reason,
        error=wanted.error,
        cursor=after.cursor,
        run_ids=tuple(run_ids),
        kept_keys=requests.kept,
        request_errors=wanted.request_errors,
        log=wanted.log,
    )
    row = {
        "status": status.value,
        "started_at": wanted.started_at,
        "ended_at": wanted.ended_at,
        "attempt": wanted.attempt,
        "body": encode(body),
    }
    if earlier is not None:
        unit.execute(_REPLACE, row | {"b_tick_id": tick_id})
        return
    identity = {
        "tick_id": tick_id,
        "trigger_id": wanted.trigger_id,
        "scheduled_for": wanted.scheduled_for,
    }
    unit.execute(_INSERT, row | identity)


def _create_runs(
    unit: Unit, wanted: TickCommit, requests: _Requests, tick_id: int | None, origin: RunOrigin
) -> None:
    if not requests.runs:
        return
    changes = PartitionChanges()
    created = run_changes.create(
        unit,
        [_of_tick(new, tick_id, origin) for new in requests.runs],
        now=wanted.ended_at,
        changes=changes,
        trigger_id=wanted.trigger_id,
        tick_id=tick_id,
    )
    _take_keys(unit, wanted, created)
    partitions.settle(unit, changes)


def _of_tick(new: NewRun, tick_id: int | None, origin: RunOrigin) -> NewRun:
    added = {tag_names.TICK: str(tick_id)}
    if tag_names.EVALUATION_ID in new.tags:
        added[tag_names.EVALUATION_ID] = str(tick_id)
    if new.run_key is not None:
        added[tag_names.RUN_KEY] = new.run_key
    return replace(new, tags=new.tags | added, origin=origin)


def _take_keys(unit: Unit, wanted: TickCommit, created: Sequence[StoredRun]) -> None:
    scope = _key_scope(wanted)
    rows = {
        (stored.record.job_name, stored.record.run_key): {
            "trigger_id": wanted.trigger_id,
            "job_name": stored.record.job_name,
            "run_key": stored.record.run_key,
            "scheduled_for": scope,
            "run_seq": stored.seq,
        }
        for stored in created
        if stored.record.run_key is not None
    }
    if not rows:
        return
    keys = sorted({key for _, key in rows if key is not None})
    taken = unit.execute(
        _KEY_HOLDERS, {"trigger_id": wanted.trigger_id, "scheduled_for": scope, "keys": keys}
    )
    for row in taken:
        rows.pop((row.job_name, row.run_key), None)
    unit.write_rows(_INSERT_KEY, list(rows.values()))


def _to_record(row: sa.Row[Any]) -> TickRecord:
    body = decode(row.body, TickBody)
    return TickRecord(
        tick_id=row.tick_id,
        trigger_id=row.trigger_id,
        status=_STATUSES[row.status],
        started_at=row.started_at,
        ended_at=row.ended_at,
        scheduled_for=row.scheduled_for,
        attempt=row.attempt,
        **msgspec.structs.asdict(body),
    )


def load(conn: sa.Connection, tick_id: int) -> TickRecord | None:
    """One tick."""
    row = conn.execute(select(tick).where(tick.c.tick_id == tick_id)).first()
    return None if row is None else _to_record(row)


def load_ticks(
    conn: sa.Connection,
    trigger_id: str | None,
    statuses: Sequence[TickStatus] | None,
    limit: int | None,
    before_id: int | None,
) -> list[TickRecord]:
    """Ticks that match, newest first."""
    statement = select(tick).order_by(tick.c.tick_id.desc())
    if trigger_id is not None:
        statement = statement.where(tick.c.trigger_id == trigger_id)
    if statuses is not None:
        statement = statement.where(tick.c.status.in_([status.value for status in statuses]))
    if before_id is not None:
        statement = statement.where(tick.c.tick_id < before_id)
    if limit is not None:
        statement = statement.limit(limit)
    return [_to_record(row) for row in conn.execute(statement)]
