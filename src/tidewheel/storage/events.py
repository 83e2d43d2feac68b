"""Stores events and reads them back: those that last by id, a run's log by position."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple, Optional

import sqlalchemy as sa
from sqlalchemy import bindparam, select

from tidewheel.logic.runs.check_targets import Made, with_targets
from tidewheel.storage.engines.backend import IN_LIST_MAX, Unit, in_chunks
from tidewheel.storage.tables.main import asset_state, event, run_log
from tidewheel.values.events import FACT_EVENT_TYPES, Event, StoredEvent
from tidewheel.values.inbox import Backlog
from tidewheel.values.records import EventFilter
from tidewheel.values.serde import decode, encode


class Entry(NamedTuple):
    """An event to store, with its place in its run's log (none for events of no run, or of an unknown one)."""

    event: Event
    position: Optional[int]
    job_name: Optional[str]


class Fact(NamedTuple):
    """A lasting event that was stored, and its id."""

    id: int
    event: Event


_INSERT_FACT = event.insert()
_INSERT_CHATTER = run_log.insert()

_LOG = sa.union_all(
    select(event.c.position, event.c.body).where(
        event.c.run_id == bindparam("run_id"), event.c.position > bindparam("after")
    ),
    select(run_log.c.position, run_log.c.body).where(
        run_log.c.run_id == bindparam("run_id"), run_log.c.position > bindparam("after")
    ),
)
_WHOLE_LOG = _LOG.order_by("position")
_SOME_LOG = _WHOLE_LOG.limit(bindparam("count", type_=sa.Integer))
_LAST_ID = select(sa.func.max(event.c.id))
_NEWEST = select(
    asset_state.c.last_materialization_id,
    asset_state.c.last_materialization_run_id,
    asset_state.c.last_materialization_at,
).where(asset_state.c.asset == bindparam("asset"))


def append(unit: Unit, entries: Sequence[Entry]) -> list[Fact]:
    """Store events in this order; returns the lasting ones with their new ids."""
    facts: list[Entry] = []
    chatter: list[dict[str, Any]] = []
    for entry in entries:
        if entry.event.type in FACT_EVENT_TYPES:
            facts.append(entry)
        else:
            chatter.append(_chatter_row(entry))
    unit.write_rows(_INSERT_CHATTER, chatter)
    return _append_facts(unit, facts)


def append_with_ids(unit: Unit, entries: Sequence[Entry]) -> tuple[list[int], list[Fact]]:
    """As ``append``; returns the ids of all events too, where chatter's ids are of its own sequence."""
    lasting = [entry for entry in entries if entry.event.type in FACT_EVENT_TYPES]
    others = [entry for entry in entries if entry.event.type not in FACT_EVENT_TYPES]
    chatter_ids = unit.take_ids(run_log, len(others))
    unit.write_rows(
        _INSERT_CHATTER,
        [_chatter_row(entry) | {"id": id_} for id_, entry in zip(chatter_ids, others, strict=True)],
    )
    facts = _append_facts(unit, lasting)
    fact_ids, other_ids = iter([fact.id for fact in facts]), iter(chatter_ids)
    ids = [next(fact_ids if entry.event.type in FACT_EVENT_TYPES else other_ids) for entry in entries]
    return ids, facts


def _append_facts(unit: Unit, entries: Sequence[Entry]) -> list[Fact]:
    ids = unit.take_ids(event, len(entries))
    told = with_targets(ids, [entry.event for entry in entries], lambda asset: _newest(unit, asset))
    unit.write_rows(
        _INSERT_FACT,
        [
            {
                "id": id_,
                "run_id": happened.run_id,
                "position": position,
                "type": happened.type.value,
                "timestamp": happened.timestamp,
                "job_name": happened.job_name or job_name,
                "asset": happened.asset,
                "partition": happened.partition,
                "check_name": happened.check,
                "body": encode(happened),
            }
            for id_, happened, (_, position, job_name) in zip(ids, told, entries, strict=True)
        ],
    )
    return [Fact(id_, happened) for id_, happened in zip(ids, told, strict=True)]


def _newest(unit: Unit, asset: str) -> Made | None:
    """The newest materialisation of an asset, as of what is stored."""
    row = unit.conn.execute(_NEWEST, {"asset": asset}).first()
    return Made(*row) if row is not None and row[0] is not None else None


def _chatter_row(entry: Entry) -> dict[str, Any]:
    return {
        "run_id": entry.event.run_id,
        "position": entry.position,
        "timestamp": entry.event.timestamp,
        "body": encode(entry.event),
    }


def load_log(conn: sa.Connection, run_id: str, after: int, limit: int | None) -> list[StoredEvent]:
    """A run's log from a position on."""
    parameters: dict[str, Any] = {"run_id": run_id, "after": after}
    if limit is None:
        rows = conn.execute(_WHOLE_LOG, parameters)
    else:
        rows = conn.execute(_SOME_LOG, parameters | {"count": limit})
    return [StoredEvent(id=position, event=decode(body, Event)) for position, body in rows]


def load_last_id(conn: sa.Connection) -> int:
    """The newest lasting event's id, 0 when there is none."""
    return conn.execute(_LAST_ID).scalar() or 0


def load_events(
    conn: sa.Connection, filters: EventFilter, limit: int | None, ascending: bool
) -> list[StoredEvent]:
    """Lasting events that match, in id order."""
    statement = events_statement(filters, limit, ascending)
    return [StoredEvent(id=id_, event=decode(body, Event)) for id_, body in conn.execute(statement)]


def count_events(conn: sa.Connection, filters: EventFilter, limit: int) -> Backlog:
    """How many match, counted up to a limit, and the time of the oldest."""
    found = events_statement(filters, limit, True).with_only_columns(event.c.id).subquery()
    count = conn.execute(select(sa.func.count()).select_from(found)).scalar_one()
    if not count:
        return Backlog()
    oldest = conn.execute(
        events_statement(filters, 1, True).with_only_columns(event.c.timestamp)
    ).scalar_one()
    return Backlog(count=count, oldest_at=oldest)


def load_newest(
    conn: sa.Connection,
    types: Sequence[str],
    assets: Sequence[str],
    partitions: Sequence[str] | None,
    before_id: int | None,
) -> list[StoredEvent]:
    """The newest event of each asset, check, partition and type, in id order."""
    columns = event.c
    found: list[StoredEvent] = []
    some_partitions = [None] if partitions is None else list(in_chunks(partitions))
    for chunk, some in itertools.product(in_chunks(assets), some_partitions):
        # the expression hides the index by type, which would read the events of all assets
        wanted: list[sa.ColumnElement[bool]] = [
            columns.asset.in_(chunk),
            columns.type.concat("").in_(_texts(types) or []),
        ]
        if some is not None:
            wanted.append(columns.partition.in_(some))
        if before_id is not None:
            wanted.append(columns.id < before_id)
        groups = (columns.asset, columns.check_name, columns.partition, columns.type)
        newest = select(sa.func.max(columns.id)).where(*wanted).group_by(*groups)
        statement = select(columns.id, columns.body).where(columns.id.in_(newest)).order_by(columns.id)
        found.extend(StoredEvent(id=id_, event=decode(body, Event)) for id_, body in conn.execute(statement))
    return found if len(some_partitions) == 1 else sorted(found, key=lambda stored: stored.id)


def events_statement(filters: EventFilter, limit: int | None, ascending: bool) -> sa.Select[Any]:
    """The query behind ``load_events``.

    Raises:
        ValueError: when a list in the filter is too long for one query.
    """
    wanted: list[Any] = []
    # SQLite takes the index by type whenever there is one, and reads every asset's events; the expression hides it
    by_type = event.c.type if filters.assets is None and filters.run_ids is None else event.c.type.concat("")
    for column, name, values in (
        (by_type, "types", _texts(filters.types)),
        (event.c.asset, "assets", filters.assets),
        (event.c.partition, "partitions", filters.partitions),
        (event.c.run_id, "run_ids", filters.run_ids),
        (event.c.job_name, "job_names", filters.job_names),
        (event.c.id, "ids", filters.ids),
    ):
        if values is None:
            continue
        if len(values) > IN_LIST_MAX:
            raise ValueError(
                f"expected at most {IN_LIST_MAX} values of {name!r} in an event filter, got {len(values)}; "
                "ask in several calls"
            )
        wanted.append(column == values[0] if len(values) == 1 else column.in_(values))
    for clause, value in (
        (event.c.check_name.__eq__, filters.check),
        (event.c.id.__gt__, filters.after_id),
        (event.c.id.__lt__, filters.before_id),
        (event.c.timestamp.__gt__, filters.after_timestamp),
        (event.c.timestamp.__lt__, filters.before_timestamp),
    ):
        if value is not None:
            wanted.append(clause(value))
    statement = select(event.c.id, event.c.body).where(*wanted)
    statement = statement.order_by(event.c.id if ascending else event.c.id.desc())
    return statement if limit is None else statement.limit(limit)


def _texts(types: Sequence[str] | None) -> list[str] | None:
    # an EventType is a str too; the drivers want plain ones
    return None if types is None else [str(getattr(kind, "value", kind)) for kind in types]
