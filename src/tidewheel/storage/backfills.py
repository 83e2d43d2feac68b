"""Keeps backfills: what was asked for, how far it is, and the runs whose outcome is still to be counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Optional

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy import bindparam, select

from tidewheel.storage import partitions, run_changes, runs
from tidewheel.storage.engines.backend import Backend, Unit, in_chunks
from tidewheel.storage.partitions import PartitionChanges
from tidewheel.storage.tables.main import event, run, run_tag
from tidewheel.storage.tables.queue import backfill, backfill_run
from tidewheel.values import tags as tag_names
from tidewheel.values.backfill_steps import (
    BackfillCancellation,
    BackfillCommit,
    BackfillRun,
    BackfillRunCount,
    OpenBackfillRun,
)
from tidewheel.values.backfills import (
    LIVE_BACKFILL_STATUSES,
    BackfillCounts,
    BackfillFields,
    BackfillFilter,
    BackfillRecord,
    BackfillStatus,
    NewBackfill,
    PartProgress,
)
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.events import EventType
from tidewheel.values.records import RunRecord
from tidewheel.values.serde import decode, encode
from tidewheel.values.status import RunStatus


class BackfillState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What of a backfill changes with every step and is never searched for."""

    progress: dict[str, PartProgress] = {}
    counts: BackfillCounts = BackfillCounts()
    error: Optional[ErrorInfo] = None
    problems: tuple[str, ...] = ()


_LIVE = [status.value for status in LIVE_BACKFILL_STATUSES]
_NEWEST_FIRST = select(backfill).order_by(backfill.c.seq.desc())
_BY_ID = select(backfill).where(backfill.c.backfill_id == bindparam("backfill_id"))
_LIVE_ONES = select(backfill).where(backfill.c.status.in_(_LIVE)).order_by(backfill.c.seq)
_INSERT = backfill.insert()
_UPDATE = (
    backfill.update()
    .where(backfill.c.seq == bindparam("b_seq"))
    .values(
        {
            name: bindparam(name)
            for name in ("status", "version", "attempt", "updated_at", "ended_at", "state")
        }
    )
)
_INSERT_RUN = backfill_run.insert()
_COUNT_RUN = (
    backfill_run.update()
    .where(backfill_run.c.backfill_seq == bindparam("b_seq"), backfill_run.c.run_id == bindparam("b_run_id"))
    .values(is_counted=True)
)
_OPEN_RUNS = (
    select(backfill_run.c.run_id, backfill_run.c.body)
    .join(backfill, backfill.c.seq == backfill_run.c.backfill_seq)
    .where(backfill.c.backfill_id == bindparam("backfill_id"), backfill_run.c.is_counted.is_(False))
    .order_by(backfill_run.c.run_id)
)
_RUN_COUNTS = (
    select(run.c.status, sa.func.count())
    .join(run_tag, run_tag.c.run_seq == run.c.seq)
    .where(run_tag.c.name == tag_names.BACKFILL, run_tag.c.value == bindparam("backfill_id"))
    .group_by(run.c.status)
)


def create(
    unit: Unit,
    wanted: Sequence[NewBackfill],
    *,
    now: float,
    trigger_id: str | None = None,
    tick_id: int | None = None,
) -> list[BackfillRecord]:
    """Insert backfills; of an id that exists the backfill is returned as it is. In the wanted order."""
    records = []
    for new in wanted:
        known = load(unit.conn, new.backfill_id)
        if known is None:
            known = BackfillRecord(
                backfill_id=new.backfill_id,
                status=BackfillStatus.REQUESTED,
                version=1,
                created_at=now,
                updated_at=now,
                fields=new.fields,
                counts=BackfillCounts(wanted=sum(part.count for part in new.fields.parts)),
                trigger_id=trigger_id,
                tick_id=tick_id,
            )
            [seq] = unit.take_ids(backfill, 1)
            unit.execute(_INSERT, _new_row(known, seq))
            unit.note_made("backfill", [new.backfill_id])
        records.append(known)
    return records


def _new_row(record: BackfillRecord, seq: int) -> dict[str, Any]:
    return _changing_row(record) | {
        "seq": seq,
        "backfill_id": record.backfill_id,
        "created_at": record.created_at,
        "job_name": record.fields.job_name,
        "trigger_id": record.trigger_id,
        "tick_id": record.tick_id,
        "fields": encode(record.fields),
    }


def _changing_row(record: BackfillRecord) -> dict[str, Any]:
    state = BackfillState(
        progress=record.progress, counts=record.counts, error=record.error, problems=record.problems
    )
    return {
        "status": record.status.value,
        "version": record.version,
        "attempt": record.attempt,
        "updated_at": record.updated_at,
        "ended_at": record.ended_at,
        "state": encode(state),
    }


def _to_record(row: sa.Row[Any]) -> BackfillRecord:
    state = decode(row.state, BackfillState)
    return BackfillRecord(
        backfill_id=row.backfill_id,
        status=BackfillStatus(row.status),
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        fields=decode(row.fields, BackfillFields),
        attempt=row.attempt,
        ended_at=row.ended_at,
        trigger_id=row.trigger_id,
        tick_id=row.tick_id,
        **msgspec.structs.asdict(state),
    )


def load(conn: sa.Connection, backfill_id: str) -> BackfillRecord | None:
    """One backfill."""
    row = conn.execute(_BY_ID, {"backfill_id": backfill_id}).first()
    return None if row is None else _to_record(row)


def load_open_runs(conn: sa.Connection, backfill_id: str) -> list[OpenBackfillRun]:
    """The runs whose outcome is not counted, with their newest attempts and what failed ones have made."""
    rows = conn.execute(_OPEN_RUNS, {"backfill_id": backfill_id}).all()
    attempts = _load_attempts(conn, [row.run_id for row in rows])
    latest = {root: tries[-1] for root, tries in attempts.items()}
    stopped = [
        root for root, newest in latest.items() if newest.is_finished and newest.status != RunStatus.SUCCESS
    ]
    made = _load_made(conn, {one.run_id: root for root in stopped for one in attempts[root]})
    return [
        OpenBackfillRun(
            run=BackfillRun(run_id=row.run_id, partitions=decode(row.body, dict[str, bytes])),
            latest=latest.get(row.run_id),
            made=tuple(made.get(row.run_id, ())),
        )
        for row in rows
    ]


def _load_attempts(conn: sa.Connection, roots: Sequence[str]) -> dict[str, list[RunRecord]]:
    """Per first run, it and all later attempts at it, oldest first."""
    found: dict[str, list[tuple[int, RunRecord]]] = defaultdict(list)
    for chunk in in_chunks(roots):
        for column in (run.c.run_id, run.c.root_run_id):
            for row in conn.execute(select(run).where(column.in_(chunk))):
                record = runs.to_record(row)
                root = record.run_id if column is run.c.run_id else record.root_run_id or record.run_id
                if column is run.c.run_id or record.run_id != root:
                    found[root].append((row.seq, record))
    return {root: [record for _, record in sorted(tries)] for root, tries in found.items()}


def _load_made(
    conn: sa.Connection, root_of: dict[str, str]
) -> dict[str, dict[tuple[str, Optional[str]], None]]:
    made: dict[str, dict[tuple[str, Optional[str]], None]] = defaultdict(dict)
    for chunk in in_chunks(root_of):
        statement = select(event.c.run_id, event.c.asset, event.c.partition).where(
            event.c.run_id.in_(chunk), event.c.type == EventType.ASSET_MATERIALIZATION.value
        )
        for run_id, asset, key in conn.execute(statement):
            made[root_of[run_id]][asset, key] = None
    return made


def commit_step(unit: Unit, commit: BackfillCommit, *, now: float) -> BackfillRecord | None:
    """Write one step, or nothing when the backfill has changed since it was read."""
    row = unit.execute(_BY_ID, {"backfill_id": commit.backfill_id}).first()
    if row is None or row.version != commit.expected_version:
        return None
    before = _to_record(row)
    is_live = commit.status in LIVE_BACKFILL_STATUSES
    after = replace(
        before,
        status=commit.status,
        version=before.version + 1,
        attempt=before.attempt if commit.attempt is None else commit.attempt,
        updated_at=now,
        ended_at=None if is_live else now,
        progress=commit.progress,
        counts=commit.counts,
        error=commit.error,
        problems=before.problems if commit.problems is None else commit.problems,
    )
    unit.execute(_UPDATE, _changing_row(after) | {"b_seq": row.seq})
    unit.write_rows(_COUNT_RUN, [{"b_seq": row.seq, "b_run_id": run_id} for run_id in commit.counted])
    changes = PartitionChanges()
    run_changes.create(
        unit, commit.runs, now=now, changes=changes, trigger_id=before.trigger_id, tick_id=before.tick_id
    )
    unit.write_rows(
        _INSERT_RUN,
        [
            {
                "backfill_seq": row.seq,
                "run_id": one.run_id,
                "is_counted": False,
                "body": encode(one.partitions),
            }
            for one in commit.run_parts
        ],
    )
    partitions.settle(unit, changes)
    return after


def cancel(unit: Unit, backfill_id: str, *, now: float) -> BackfillCancellation | None:
    """Stop a backfill and its runs; what was never started is counted by the next step."""
    row = unit.execute(_BY_ID, {"backfill_id": backfill_id}).first()
    if row is None or row.status not in _LIVE:
        return None
    before = _to_record(row)
    after = before
    if before.status is not BackfillStatus.CANCELING:
        after = replace(before, status=BackfillStatus.CANCELING, version=before.version + 1, updated_at=now)
        unit.execute(_UPDATE, _changing_row(after) | {"b_seq": row.seq})
    live = [
        one.latest.run_id
        for one in load_open_runs(unit.conn, backfill_id)
        if one.latest is not None and not one.latest.is_finished
    ]
    asked = run_changes.request_cancels(unit, live, now=now)
    stopping = tuple(run.run_id for run in asked if run.status is RunStatus.CANCELING)
    return BackfillCancellation(backfill=after, stopping=stopping)


def _clauses(filters: BackfillFilter | None) -> list[Any]:
    if filters is None:
        return []
    clauses: list[Any] = []
    if filters.statuses is not None:
        clauses.append(backfill.c.status.in_([status.value for status in filters.statuses]))
    if filters.backfill_ids is not None:
        clauses.append(backfill.c.backfill_id.in_(filters.backfill_ids))
    if filters.job_name is not None:
        clauses.append(backfill.c.job_name == filters.job_name)
    if filters.created_after is not None:
        clauses.append(backfill.c.created_at > filters.created_after)
    if filters.created_before is not None:
        clauses.append(backfill.c.created_at < filters.created_before)
    return clauses


class SqlBackfills:
    """A ``BackfillsPort`` over a database; every method is one transaction."""

    def __init__(self, backend: Backend, write: Callable[[], AbstractContextManager[Unit]]) -> None:
        """``write``: opens a write transaction of the ledger."""
        self._backend = backend
        self._write = write

    def create(self, new: Sequence[NewBackfill], *, now: float) -> list[BackfillRecord]:
        with self._write() as unit:
            return create(unit, new, now=now)

    def get(self, backfill_id: str) -> BackfillRecord | None:
        with self._backend.read() as conn:
            return load(conn, backfill_id)

    def get_many(
        self,
        filters: BackfillFilter | None = None,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> list[BackfillRecord]:
        statement = _NEWEST_FIRST.where(*_clauses(filters))
        if cursor is not None:
            reached = select(backfill.c.seq).where(backfill.c.backfill_id == cursor).scalar_subquery()
            statement = statement.where(backfill.c.seq < reached)
        if limit is not None:
            statement = statement.limit(limit)
        with self._backend.read() as conn:
            return [_to_record(row) for row in conn.execute(statement)]

    def get_count(self, filters: BackfillFilter | None = None) -> int:
        with self._backend.read() as conn:
            statement = select(sa.func.count()).select_from(backfill).where(*_clauses(filters))
            return conn.execute(statement).scalar_one()

    def get_live(self) -> list[BackfillRecord]:
        with self._backend.read() as conn:
            return [_to_record(row) for row in conn.execute(_LIVE_ONES)]

    def get_open_runs(self, backfill_id: str) -> list[OpenBackfillRun]:
        with self._backend.read() as conn:
            return load_open_runs(conn, backfill_id)

    def get_run_counts(self, backfill_id: str) -> list[BackfillRunCount]:
        with self._backend.read() as conn:
            rows = conn.execute(_RUN_COUNTS, {"backfill_id": backfill_id})
            return [BackfillRunCount(status=RunStatus(status), count=count) for status, count in rows]

    def commit_step(self, commit: BackfillCommit, *, now: float) -> BackfillRecord | None:
        with self._write() as unit:
            return commit_step(unit, commit, now=now)

    def cancel(self, backfill_id: str, *, now: float) -> BackfillCancellation | None:
        with self._write() as unit:
            return cancel(unit, backfill_id, now=now)
