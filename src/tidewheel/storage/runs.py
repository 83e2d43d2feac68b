"""Reads runs, and carries them between rows and records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Optional

import msgspec
import sqlalchemy as sa
from sqlalchemy import bindparam, select

from tidewheel.storage.engines.backend import IN_LIST_MAX, Unit, in_chunks
from tidewheel.storage.pages import read_pages
from tidewheel.storage.tables.main import run, run_tag
from tidewheel.values.records import RunFilter, RunRecord, UnfinishedRuns
from tidewheel.values.serde import decode, encode, from_json, to_json
from tidewheel.values.status import FINISHED_STATUSES, IN_PROGRESS_STATUSES, RunOrigin, RunStatus


class RunBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a run is to execute; never searched for, so it is stored in one piece."""

    assets: Optional[tuple[str, ...]] = None
    checks: Optional[tuple[str, ...]] = None
    steps: Optional[tuple[str, ...]] = None
    step_keys: Optional[tuple[str, ...]] = None
    run_config: dict[str, Any] = {}
    after: tuple[str, ...] = ()


class StoredRun(NamedTuple):
    """A run with what only the ledger knows of it."""

    record: RunRecord
    seq: int
    log_count: int


_PLAIN_FIELDS = (
    "run_id",
    "job_name",
    "location",
    "created_at",
    "updated_at",
    "epoch",
    "queued_at",
    "launched_at",
    "started_at",
    "ended_at",
    "priority",
    "trigger_id",
    "tick_id",
    "run_key",
    "partition",
    "parent_run_id",
    "root_run_id",
    "retry_number",
    "not_before",
    "worker_pid",
    "heartbeat_at",
    "intake_seq",
    "failure_reason",
    "cancel_requested",
)
_CHANGING = (
    "status",
    "updated_at",
    "epoch",
    "launched_at",
    "started_at",
    "ended_at",
    "worker_pid",
    "heartbeat_at",
    "intake_seq",
    "failure_reason",
    "cancel_requested",
)
_STATUSES = {status.value: status for status in RunStatus}
_ORIGINS = {origin.value: origin for origin in RunOrigin}

_SELECT = select(run)
_NEWEST_FIRST = _SELECT.order_by(run.c.seq.desc())
_BY_ID = _SELECT.where(run.c.run_id == bindparam("run_id"))
_QUEUED = (
    _SELECT.where(run.c.status == RunStatus.QUEUED.value)
    .order_by(run.c.priority.desc(), run.c.seq)
    .limit(bindparam("count", type_=sa.Integer))
)
# the status is written out: a parameter would hide that the partial index has all that is asked for
_QUEUED_OF = (
    _SELECT.where(
        run.c.status == sa.literal_column(f"'{RunStatus.QUEUED.value}'"), run.c.origin == bindparam("origin")
    )
    .order_by(run.c.priority.desc(), run.c.seq)
    .limit(bindparam("count", type_=sa.Integer))
)
_IN_PROGRESS = _SELECT.where(run.c.status.in_([status.value for status in IN_PROGRESS_STATUSES])).order_by(
    run.c.seq
)
_INSERT = run.insert()
_INSERT_TAG = run_tag.insert()
_UPDATE = (
    run.update()
    .where(run.c.seq == bindparam("b_seq"))
    .values({name: bindparam(name) for name in (*_CHANGING, "log_count", "tags")})
)


def to_record(row: sa.Row[Any]) -> RunRecord:
    """The record of a row of ``run``."""
    values = row._mapping
    fields = {name: values[name] for name in _PLAIN_FIELDS}
    body = decode(values["body"], RunBody)
    return RunRecord(
        status=_STATUSES[values["status"]],
        tags=from_json(values["tags"], dict[str, str]),
        assets=body.assets,
        checks=body.checks,
        steps=body.steps,
        step_keys=body.step_keys,
        run_config=body.run_config,
        after=body.after,
        origin=_ORIGINS[values["origin"]],
        **fields,
    )


def to_stored(row: sa.Row[Any]) -> StoredRun:
    """The record of a row, with the ledger's own columns."""
    return StoredRun(to_record(row), row.seq, row.log_count)


def insert(unit: Unit, runs: Sequence[StoredRun]) -> None:
    """Write new runs with their tags."""
    rows = []
    tags = []
    for record, seq, log_count in runs:
        body = RunBody(
            assets=record.assets,
            checks=record.checks,
            steps=record.steps,
            step_keys=record.step_keys,
            run_config=record.run_config,
            after=record.after,
        )
        row = {name: getattr(record, name) for name in _PLAIN_FIELDS}
        row["seq"] = seq
        row["log_count"] = log_count
        row["status"] = record.status.value
        row["origin"] = record.origin.value
        row["tags"] = to_json(record.tags)
        row["body"] = encode(body)
        rows.append(row)
        tags.extend(tag_rows(seq, record.tags))
    unit.write_rows(_INSERT, rows)
    unit.write_rows(_INSERT_TAG, tags)


def tag_rows(seq: int, tags: Mapping[str, str]) -> list[dict[str, Any]]:
    """Rows of ``run_tag``."""
    return [{"run_seq": seq, "name": name, "value": value} for name, value in tags.items()]


def update(unit: Unit, runs: Iterable[StoredRun]) -> None:
    """Write what can change of runs, their tags excepted from the search table (see ``set_tags``)."""
    rows = []
    for record, seq, log_count in runs:
        row = {name: getattr(record, name) for name in _CHANGING}
        row["status"] = record.status.value
        row["tags"] = to_json(record.tags)
        rows.append(row | {"log_count": log_count, "b_seq": seq})
    unit.write_rows(_UPDATE, rows)


def load(conn: sa.Connection, run_id: str) -> StoredRun | None:
    """One run."""
    row = conn.execute(_BY_ID, {"run_id": run_id}).first()
    return None if row is None else to_stored(row)


def load_many(conn: sa.Connection, run_ids: Iterable[str]) -> dict[str, StoredRun]:
    """Those of the given runs that exist."""
    ids = list(dict.fromkeys(run_ids))
    if len(ids) == 1:
        stored = load(conn, ids[0])
        return {} if stored is None else {ids[0]: stored}
    found = {}
    for chunk in in_chunks(ids):
        for row in conn.execute(_SELECT.where(run.c.run_id.in_(chunk))):
            found[row.run_id] = to_stored(row)
    return found


def load_unfinished_summary(conn: sa.Connection) -> dict[RunStatus, UnfinishedRuns]:
    """By status, how many runs have not ended and when the oldest was made; answered from an index."""
    unfinished = [status.value for status in RunStatus if status not in FINISHED_STATUSES]
    statement = (
        select(run.c.status, sa.func.count(), sa.func.min(run.c.created_at))
        .where(run.c.status.in_(unfinished))
        .group_by(run.c.status)
    )
    return {
        RunStatus(status): UnfinishedRuns(count=count, oldest_at=oldest)
        for status, count, oldest in conn.execute(statement)
    }


def load_queued(conn: sa.Connection, limit: int) -> list[RunRecord]:
    """Waiting runs in the order in which they are to be launched."""
    return [to_record(row) for row in conn.execute(_QUEUED, {"count": limit})]


def load_queued_by_origin(conn: sa.Connection, limit: int) -> list[RunRecord]:
    """The first waiting runs of each origin; of all together in the order of their creation within a priority."""
    rows = [
        row
        for origin in RunOrigin
        for row in conn.execute(_QUEUED_OF, {"origin": origin.value, "count": limit})
    ]
    rows.sort(key=lambda row: (-row.priority, row.seq))
    return [to_record(row) for row in rows]


def load_unfinished(conn: sa.Connection, run_ids: Iterable[str]) -> list[str]:
    """Those of some runs that have not ended."""
    found: list[str] = []
    for chunk in in_chunks(run_ids):
        statement = select(run.c.run_id).where(run.c.run_id.in_(chunk), run.c.ended_at.is_(None))
        found.extend(conn.execute(statement).scalars())
    return found


def load_in_progress(conn: sa.Connection) -> list[RunRecord]:
    """Runs that hold a slot."""
    return [to_record(row) for row in conn.execute(_IN_PROGRESS)]


def load_runs(
    conn: sa.Connection, filters: RunFilter | None, limit: int | None, cursor: str | None, ascending: bool
) -> list[RunRecord]:
    """Runs that match, by creation."""
    return [to_record(row) for row in conn.execute(runs_statement(filters, limit, cursor, ascending))]


def load_run_pages(
    conn: sa.Connection, pages: Sequence[tuple[RunFilter, int, str | None]]
) -> list[list[RunRecord]]:
    """For each (filters, limit, cursor) the newest runs that match; many pages are one query."""
    statements = [runs_statement(filters, limit, cursor, False) for filters, limit, cursor in pages]
    return [[to_record(row) for row in rows] for rows in read_pages(conn, statements, run.c.seq.name)]


def runs_statement(
    filters: RunFilter | None, limit: int | None, cursor: str | None, ascending: bool
) -> sa.Select[Any]:
    """The query behind ``load_runs``."""
    statement = _SELECT.where(*_clauses(filters)) if filters is not None else _SELECT
    if cursor is not None:
        reached = select(run.c.seq).where(run.c.run_id == cursor).scalar_subquery()
        statement = statement.where(run.c.seq > reached if ascending else run.c.seq < reached)
    order: sa.ColumnElement[Any] = run.c.seq
    if filters is not None and _is_by_time(filters, limit):
        # few runs are so young; SQLite would walk through all of them in order to spare itself the sorting of these
        order = run.c.seq + 0
    statement = statement.order_by(order if ascending else order.desc())
    return statement if limit is None else statement.limit(limit)


def _is_by_time(filters: RunFilter, limit: int | None) -> bool:
    return filters.updated_after is not None or (filters.created_after is not None and limit is None)


def count_runs(conn: sa.Connection, filters: RunFilter | None) -> int:
    """How many runs match."""
    statement = select(sa.func.count()).select_from(run)
    if filters is not None:
        statement = statement.where(*_clauses(filters))
    return conn.execute(statement).scalar_one()


def _clauses(filters: RunFilter) -> list[Any]:
    wanted: list[Any] = []
    for column, value in (
        (run.c.job_name, filters.job_name),
        (run.c.location, filters.location),
        (run.c.trigger_id, filters.trigger_id),
        (run.c.parent_run_id, filters.parent_run_id),
        (run.c.root_run_id, filters.root_run_id),
    ):
        if value is not None:
            wanted.append(column == value)
    for clause, bound in (
        (run.c.created_at.__gt__, filters.created_after),
        (run.c.created_at.__lt__, filters.created_before),
        (run.c.updated_at.__gt__, filters.updated_after),
        (run.c.updated_at.__lt__, filters.updated_before),
    ):
        if bound is not None:
            wanted.append(clause(bound))
    if filters.statuses is not None:
        # most runs have succeeded: walking back from the newest finds some sooner than sorting all of them does, which
        # is what SQLite does with several statuses; the expression hides the index
        is_common = RunStatus.SUCCESS in filters.statuses and len(filters.statuses) > 1
        status = run.c.status.concat("") if is_common else run.c.status
        wanted.append(status.in_([status.value for status in filters.statuses]))
    if filters.run_ids is not None:
        if len(filters.run_ids) > IN_LIST_MAX:
            raise ValueError(
                f"expected at most {IN_LIST_MAX} run ids in a filter, got {len(filters.run_ids)}; "
                "ask in several calls"
            )
        wanted.append(run.c.run_id.in_(filters.run_ids))
    for name, values in filters.tags.items():
        tagged = select(run_tag.c.run_seq).where(run_tag.c.name == name, run_tag.c.value.in_(values))
        wanted.append(run.c.seq.in_(tagged))
    return wanted
