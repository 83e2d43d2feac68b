"""Writes a tick whole (its row, its runs, its events, its trigger's new state), and reads ticks back."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Optional

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy import bindparam, select

from tidewheel.logic.planning.policy import HeldRequest
from tidewheel.storage import (
    backfills,
    conditions,
    dynamic_partitions,
    held_requests,
    intake,
    partitions,
    redeliveries,
    run_changes,
    run_keys,
    triggers,
)
from tidewheel.storage.engines.backend import Unit, in_chunks
from tidewheel.storage.pages import read_pages
from tidewheel.storage.partitions import PartitionChanges
from tidewheel.storage.run_keys import Requests
from tidewheel.storage.runs import StoredRun
from tidewheel.storage.tables.main import tick
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.inbox import Redelivery
from tidewheel.values.policies import SetAside, TriggerPolicy
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
    failed_events: tuple[Redelivery, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    notes: tuple[str, ...] = ()
    is_unasked: bool = False


_STATUSES = {status.value: status for status in TickStatus}
_INSERT = tick.insert()
_REPLACE = (
    tick.update()
    .where(tick.c.tick_id == bindparam("b_tick_id"))
    .values({name: bindparam(name) for name in ("status", "started_at", "ended_at", "attempt", "body")})
)
_SAME_NOMINAL_TIMES = select(
    tick.c.tick_id, tick.c.trigger_id, tick.c.scheduled_for, tick.c.status, tick.c.body
).where(
    tick.c.trigger_id.in_(bindparam("trigger_ids", expanding=True)),
    tick.c.scheduled_for.in_(bindparam("moments", expanding=True)),
)
_NEWEST_TICK = (
    select(tick.c.body)
    .where(tick.c.trigger_id == bindparam("trigger_id"))
    .order_by(tick.c.tick_id.desc())
    .limit(1)
)


class _Prepared(NamedTuple):
    """A commit that is not stale, with what was read for it."""

    wanted: TickCommit
    before: TriggerRecord
    after: TriggerRecord
    requests: Requests
    held: list[HeldRequest]
    earlier: sa.Row[Any] | None


class _Written(NamedTuple):
    """A commit whose requests have been decided."""

    prepared: _Prepared
    tick_id: int | None
    runs: list[NewRun]
    is_created: bool = False
    """Whether the runs are there already, since a policy decided about them."""
    own_ids: tuple[str, ...] = ()
    """Runs of this tick's own requests; ``runs`` may have some that had waited since earlier ticks."""
    set_aside: tuple[SetAside, ...] = ()
    canceled: tuple[str, ...] = ()
    held_until: float | None = None


def commit(unit: Unit, wanted: TickCommit) -> TickOutcome:
    """Write a tick, or nothing when the trigger has changed or the nominal time has been dealt with."""
    return commit_many(unit, [wanted])[0]


def commit_many(unit: Unit, commits: Sequence[TickCommit]) -> list[TickOutcome]:
    """Write ticks of different triggers; each is stale or not by itself. Of several of one trigger only the first counts."""
    triggers_before = triggers.load_many(unit.conn, [wanted.trigger_id for wanted in commits])
    earlier = _load_earlier(unit, commits)
    outcomes: dict[int, TickOutcome] = {}
    prepared: list[tuple[int, _Prepared]] = []
    for place, wanted in enumerate(commits):
        before = triggers_before.pop(wanted.trigger_id, None)
        same = earlier.get((wanted.trigger_id, wanted.scheduled_for or 0.0))
        found = _prepare(unit, wanted, before, same)
        if isinstance(found, TickOutcome):
            outcomes[place] = found
        else:
            prepared.append((place, found))
    triggers.write(unit, [one.after for _, one in prepared])
    written = _write_ticks(unit, [one for _, one in prepared])
    _create_runs(unit, written)
    for (place, one), done in zip(prepared, written, strict=True):
        _write_besides(unit, one.wanted, done.tick_id)
        outcomes[place] = TickOutcome(
            tick_id=done.tick_id,
            run_ids=tuple(new.run_id for new in done.runs),
            kept_keys=one.requests.kept,
            version=one.after.version,
            set_aside=done.set_aside,
            canceled_run_ids=done.canceled,
            held_until=done.held_until,
        )
    return [outcomes[place] for place in range(len(commits))]


def _write_besides(unit: Unit, wanted: TickCommit, tick_id: int | None) -> None:
    """What a tick asks for beside runs."""
    trigger_id = wanted.trigger_id
    if wanted.conditions is not None:
        conditions.write(unit, wanted.conditions, trigger_id=trigger_id, tick_id=tick_id)
    if wanted.backfills:
        backfills.create(unit, wanted.backfills, now=wanted.ended_at, trigger_id=trigger_id, tick_id=tick_id)
    if wanted.events:
        intake.record(unit, wanted.events)
    redeliveries.put(unit, wanted.failed_events)
    redeliveries.settle(unit, wanted.trigger_id, wanted.settled_events)


def _load_earlier(unit: Unit, commits: Sequence[TickCommit]) -> dict[tuple[str, float], sa.Row[Any]]:
    """By trigger and nominal time, the ticks that are there already."""
    nominal = [one for one in commits if one.scheduled_for is not None]
    found: dict[tuple[str, float], sa.Row[Any]] = {}
    for chunk in in_chunks(nominal):
        wanted = {
            "trigger_ids": [one.trigger_id for one in chunk],
            "moments": list({one.scheduled_for for one in chunk}),
        }
        for row in unit.execute(_SAME_NOMINAL_TIMES, wanted):
            found[row.trigger_id, row.scheduled_for] = row
    return found


def _prepare(
    unit: Unit, wanted: TickCommit, before: TriggerRecord | None, earlier: sa.Row[Any] | None
) -> _Prepared | TickOutcome:
    if before is None or before.version != wanted.expected_version:
        return STALE
    if earlier is not None and earlier.status != TickStatus.FAILURE.value:
        return STALE
    has_keys = any(new.run_key is not None for new in wanted.runs)
    shapes = wanted.policy is not None and wanted.policy.shapes_requests
    held = held_requests.load(unit.conn, wanted.trigger_id) if has_keys or shapes else []
    requests = run_keys.part(unit, wanted, held)
    origin = ORIGINS[before.kind]
    requests = requests._replace(runs=[replace(new, origin=origin) for new in requests.runs])
    if wanted.runs and earlier is None and not _has_other_effect(wanted, before):
        refused = _refused_again(unit, wanted, requests)
        if refused is not None:
            return TickOutcome(
                version=before.version, kept_keys=requests.kept, set_aside=refused, is_repetition=True
            )
    for change in wanted.partition_changes:
        dynamic_partitions.change(unit, change, now=wanted.ended_at)
    after = replace(before, version=before.version + 1, **_next_state(wanted, before))
    return _Prepared(wanted, before, after, requests, held, earlier)


def _has_other_effect(wanted: TickCommit, before: TriggerRecord) -> bool:
    """Whether there is more to a sensor's tick than its requests."""
    return bool(
        wanted.partition_changes
        or wanted.events
        or wanted.failed_events
        or wanted.settled_events
        or wanted.log
        or wanted.conditions is not None
        or wanted.backfills
        or wanted.scheduled_for is not None
        or wanted.status is not TickStatus.SUCCESS
        or before.failures_in_a_row
        or (wanted.cursor_changed and wanted.cursor != before.cursor)
        or wanted.position not in (None, before.position)
    )


def _refused_again(unit: Unit, wanted: TickCommit, requests: Requests) -> tuple[SetAside, ...] | None:
    """The notes of a tick whose requests are all refused for the same reason as those of the trigger's newest tick."""
    dropped: tuple[SetAside, ...] = ()
    if requests.runs:
        policy = wanted.policy
        if policy is None or policy.overlap != "skip" or policy.debounce or policy.batch:
            return None
        only_overlap = TriggerPolicy(overlap="skip")
        decision = held_requests.decide(
            unit, wanted.trigger_id, only_overlap, requests.runs, held=(), occasion=0, now=wanted.ended_at
        )
        if decision.create:
            return None
        dropped = tuple(note for _, note in decision.set_aside)
    newest = unit.execute(_NEWEST_TICK, {"trigger_id": wanted.trigger_id}).first()
    if newest is None:
        return None
    body = decode(newest.body, TickBody)
    told = (body.kept_keys, body.set_aside, body.request_errors)
    return dropped if told == (requests.kept, dropped, wanted.request_errors) else None


def _next_state(wanted: TickCommit, before: TriggerRecord) -> dict[str, Any]:
    has_failed = wanted.status is TickStatus.FAILURE
    after: dict[str, Any] = {
        "last_tick_at": wanted.started_at,
    }
    if not wanted.is_unasked:
        after["failures_in_a_row"] = before.failures_in_a_row + 1 if wanted.counts_as_failure else 0
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


def _write_ticks(unit: Unit, prepared: Sequence[_Prepared]) -> list[_Written]:
    needs_row = [
        one.earlier is None and (one.wanted.record_tick or bool(one.requests.runs or one.wanted.backfills))
        for one in prepared
    ]
    ids = iter(unit.take_ids(tick, sum(needs_row)))
    rows: list[dict[str, Any]] = []
    written: list[_Written] = []
    for one, is_new in zip(prepared, needs_row, strict=True):
        tick_id = next(ids) if is_new else one.earlier.tick_id if one.earlier is not None else None
        done = _decided(unit, one, tick_id)
        written.append(done)
        if tick_id is None:
            continue
        row = _tick_row(done)
        if is_new:
            identity = {"tick_id": tick_id, "trigger_id": one.wanted.trigger_id}
            rows.append(row | identity | {"scheduled_for": one.wanted.scheduled_for})
        else:
            unit.execute(_REPLACE, row | {"b_tick_id": tick_id})
    unit.write_rows(_INSERT, rows)
    return written


def _decided(unit: Unit, one: _Prepared, tick_id: int | None) -> _Written:
    """What the trigger's policy makes of the requests. Without one they are the runs."""
    wanted = one.wanted
    policy = wanted.policy or TriggerPolicy()
    if tick_id is None or not (policy.shapes_requests or one.held):
        runs = one.requests.runs
        return _Written(one, tick_id, runs, own_ids=tuple(new.run_id for new in runs))
    decision = held_requests.decide(
        unit,
        wanted.trigger_id,
        policy,
        one.requests.runs,
        held=one.held,
        occasion=tick_id,
        now=wanted.ended_at,
        key_scope=run_keys.scope_of(wanted.scheduled_for),
    )
    carried = held_requests.carry_out(unit, wanted.trigger_id, decision, one.held, now=wanted.ended_at)
    others = {occasion: ids for occasion, ids in carried.run_ids.items() if occasion != tick_id}
    amend(unit, others, [pair for pair in decision.set_aside if pair[0] != tick_id])
    created = [ready.run for ready in decision.create]
    until = None if not decision.held else decision.wake_at or math.inf
    own = tuple(note for occasion, note in decision.set_aside if occasion == tick_id)
    own_ids = carried.run_ids.get(tick_id, ())
    return _Written(one, tick_id, created, True, own_ids, own, carried.canceled, until)


def _tick_row(done: _Written) -> dict[str, Any]:
    one, wanted = done.prepared, done.prepared.wanted
    # runs of a failed attempt stay the tick's runs when it is tried again
    before_ids = decode(one.earlier.body, TickBody).run_ids if one.earlier is not None else ()
    run_ids = dict.fromkeys((*before_ids, *done.own_ids))
    status = wanted.status
    waits = any(note.action == "held" for note in done.set_aside)
    if status is TickStatus.SUCCESS and wanted.runs and not run_ids and not waits:
        status = TickStatus.SKIPPED  # every key was taken (semantics B8), or everything was dropped
    body = TickBody(
        skip_reason=wanted.skip_reason,
        error=wanted.error,
        cursor=one.after.cursor,
        run_ids=tuple(run_ids),
        kept_keys=one.requests.kept,
        request_errors=wanted.request_errors,
        log=wanted.log,
        failed_events=wanted.failed_events,
        set_aside=done.set_aside,
        notes=wanted.notes,
        is_unasked=wanted.is_unasked,
    )
    return {
        "status": status.value,
        "started_at": wanted.started_at,
        "ended_at": wanted.ended_at,
        "attempt": wanted.attempt,
        "body": encode(body),
    }


def _create_runs(unit: Unit, written: Sequence[_Written]) -> None:
    """Create the runs of all ticks that no policy has created already, together."""
    by_end: dict[float, list[tuple[_Written, NewRun]]] = {}
    for done in written:
        if done.runs and not done.is_created:
            group = by_end.setdefault(done.prepared.wanted.ended_at, [])
            group.extend((done, new) for new in done.runs)
    for ended_at, group in by_end.items():
        changes = PartitionChanges()
        created = run_changes.create(
            unit,
            [held_requests.of_tick(new, done.tick_id) for done, new in group],
            now=ended_at,
            changes=changes,
            of_ticks={new.run_id: (done.prepared.wanted.trigger_id, done.tick_id) for done, new in group},
        )
        run_keys.take(unit, _taken(group, created))
        partitions.settle(unit, changes)


def _taken(
    group: Sequence[tuple[_Written, NewRun]], created: Sequence[StoredRun]
) -> Iterator[run_keys.TakenKey]:
    by_id = {stored.record.run_id: stored for stored in created}
    for done, new in group:
        if new.run_key is not None:
            wanted = done.prepared.wanted
            scope = run_keys.scope_of(wanted.scheduled_for)
            seq = by_id[new.run_id].seq
            yield run_keys.TakenKey(wanted.trigger_id, new.job_name, new.run_key, scope, seq)


def amend(unit: Unit, run_ids: Mapping[int, Sequence[str]], notes: Sequence[tuple[int, SetAside]]) -> None:
    """Add to ticks of the past what became of their requests that waited."""
    added: dict[int, list[SetAside]] = {tick_id: [] for tick_id in run_ids}
    for tick_id, note in notes:
        added.setdefault(tick_id, []).append(note)
    for tick_id, more in added.items():
        row = unit.execute(select(tick.c.body).where(tick.c.tick_id == tick_id)).first()
        if row is None:
            continue  # retention has taken it
        body = decode(row.body, TickBody)
        ids = tuple(dict.fromkeys((*body.run_ids, *run_ids.get(tick_id, ()))))
        changed = replace(body, run_ids=ids, set_aside=(*body.set_aside, *more))
        unit.execute(tick.update().where(tick.c.tick_id == tick_id).values(body=encode(changed)))


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
    statement = _ticks_statement(trigger_id, statuses, limit, before_id)
    return [_to_record(row) for row in conn.execute(statement)]


def load_tick_pages(
    conn: sa.Connection,
    pages: Sequence[tuple[str, Sequence[TickStatus] | None, int, int | None]],
) -> list[list[TickRecord]]:
    """For each (trigger, statuses, limit, id to begin before) the newest ticks; many pages are one query."""
    statements = [_ticks_statement(*page) for page in pages]
    return [[_to_record(row) for row in rows] for rows in read_pages(conn, statements, tick.c.tick_id.name)]


def _ticks_statement(
    trigger_id: str | None, statuses: Sequence[TickStatus] | None, limit: int | None, before_id: int | None
) -> sa.Select[Any]:
    statement = select(tick).order_by(tick.c.tick_id.desc())
    if trigger_id is not None:
        statement = statement.where(tick.c.trigger_id == trigger_id)
    if statuses is not None:
        statement = statement.where(tick.c.status.in_([status.value for status in statuses]))
    if before_id is not None:
        statement = statement.where(tick.c.tick_id < before_id)
    if limit is not None:
        statement = statement.limit(limit)
    return statement
