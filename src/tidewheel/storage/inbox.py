"""The inbox in the database: what came from outside, kept until every consumer has been handed it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import bindparam, select

from tidewheel.storage import redeliveries
from tidewheel.storage.engines.backend import Backend, Unit, Upsert, in_chunks
from tidewheel.storage.tables.triggers import inbox, redelivery, watched_file
from tidewheel.values.inbox import (
    Backlog,
    Delivery,
    FileStat,
    ListingCommit,
    NewDelivery,
    Receipt,
    Redelivery,
    files_source,
)
from tidewheel.values.serde import decode, encode

_INSERT = inbox.insert()
_KNOWN = select(inbox.c.id, inbox.c.delivery_id, inbox.c.digest).where(
    inbox.c.source == bindparam("source"),
    inbox.c.delivery_id.in_(bindparam("delivery_ids", expanding=True)),
)
_NEXT = (
    select(inbox)
    .where(inbox.c.source == bindparam("source"), inbox.c.id > bindparam("after"))
    .order_by(inbox.c.id)
    .limit(bindparam("count", type_=sa.Integer))
)
_LAST_ID = select(sa.func.max(inbox.c.id))
_OLDEST = (
    select(inbox.c.received_at)
    .where(inbox.c.source == bindparam("source"), inbox.c.id > bindparam("after"))
    .order_by(inbox.c.id)
    .limit(1)
)
_SOURCES = select(inbox.c.source).distinct()
_LISTING = select(watched_file).where(watched_file.c.trigger_id == bindparam("trigger_id")).order_by("path")
_PUT_FILE = Upsert(watched_file, update=("size", "modified_at", "version"))
_DROP_FILE = watched_file.delete().where(
    watched_file.c.trigger_id == bindparam("b_trigger_id"), watched_file.c.path == bindparam("b_path")
)

_MARK = FileStat(path="")
"""Says that there has been a listing, also where it was empty."""


class SqlInbox:
    """An ``InboxPort`` over the ledger's database. Thread-safe."""

    def __init__(self, backend: Backend, write: Callable[..., AbstractContextManager[Unit]]) -> None:
        self._backend = backend
        self._write = write

    def put(self, deliveries: Sequence[NewDelivery]) -> list[Receipt]:
        with self._write(durable=True) as unit:
            return store(unit, deliveries)

    def get(self, delivery_id: int) -> Delivery | None:
        with self._backend.read() as conn:
            row = conn.execute(select(inbox).where(inbox.c.id == delivery_id)).first()
        return None if row is None else _to_delivery(row)

    def get_deliveries(
        self,
        source: str | None = None,
        *,
        after_id: int | None = None,
        before_id: int | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> list[Delivery]:
        statement = select(inbox).order_by(inbox.c.id.desc() if newest_first else inbox.c.id)
        if source is not None:
            statement = statement.where(inbox.c.source == source)
        if after_id is not None:
            statement = statement.where(inbox.c.id > after_id)
        if before_id is not None:
            statement = statement.where(inbox.c.id < before_id)
        if limit is not None:
            statement = statement.limit(limit)
        with self._backend.read() as conn:
            return [_to_delivery(row) for row in conn.execute(statement)]

    def last_delivery_id(self) -> int:
        with self._backend.read() as conn:
            return conn.execute(_LAST_ID).scalar() or 0

    def get_next(self, source: str, after_id: int, limit: int) -> list[Delivery]:
        with self._backend.read() as conn:
            rows = conn.execute(_NEXT, {"source": source, "after": after_id, "count": limit})
            return [_to_delivery(row) for row in rows]

    def count_waiting(self, source: str, after_id: int, limit: int = 100_000) -> Backlog:
        waiting = (
            select(inbox.c.id).where(inbox.c.source == source, inbox.c.id > after_id).limit(limit).subquery()
        )
        with self._backend.read() as conn:
            count = conn.execute(select(sa.func.count()).select_from(waiting)).scalar_one()
            oldest = conn.execute(_OLDEST, {"source": source, "after": after_id}).scalar()
        return Backlog(count=count, oldest_at=oldest)

    def get_redeliveries(self, trigger_id: str | None = None) -> list[Redelivery]:
        with self._backend.read() as conn:
            return redeliveries.load(conn, trigger_id)

    def hand_over_again(self, trigger_id: str, event_id: int, *, now: float) -> Redelivery:
        wanted = Redelivery(trigger_id=trigger_id, event_id=event_id, retry_at=now)
        with self._write() as unit:
            redeliveries.put(unit, [wanted])
        return wanted

    def forget_redelivery(self, trigger_id: str, event_id: int) -> bool:
        with self._write() as unit:
            return redeliveries.settle(unit, trigger_id, [event_id]) > 0

    def get_listing(self, trigger_id: str) -> list[FileStat] | None:
        with self._backend.read() as conn:
            rows = conn.execute(_LISTING, {"trigger_id": trigger_id}).all()
        if not rows:
            return None
        return [
            FileStat(path=row.path, size=row.size, modified_at=row.modified_at, version=row.version)
            for row in rows
            if row.path != _MARK.path
        ]

    def commit_listing(self, commit: ListingCommit) -> int:
        with self._write() as unit:
            first = (unit.execute(_LAST_ID).scalar() or 0) + 1
            source = files_source(commit.trigger_id)
            deliveries = [
                NewDelivery(
                    source=source,
                    # the same change may come again after another one; what makes it one event is its place
                    delivery_id=f"{first + place} {change.change} {change.path}",
                    received_at=commit.now,
                    body=msgspec.json.encode(change),
                )
                for place, change in enumerate(commit.changes)
            ]
            store(unit, deliveries)
            _store_listing(unit, commit)
        return len(deliveries)

    def prune(self, *, before: float, positions: Mapping[str, int], limit: int = 10_000) -> int:
        deleted = 0
        wanted = select(redelivery.c.event_id)
        with self._write() as unit:
            for source in list(unit.execute(_SOURCES).scalars()):
                old = select(inbox.c.id).where(
                    inbox.c.source == source, inbox.c.received_at < before, inbox.c.id.not_in(wanted)
                )
                if source in positions:
                    old = old.where(inbox.c.id <= positions[source])
                ids = list(unit.execute(old.order_by(inbox.c.id).limit(limit)).scalars())
                for chunk in in_chunks(ids):
                    unit.execute(inbox.delete().where(inbox.c.id.in_(chunk)))
                deleted += len(ids)
        return deleted


def store(unit: Unit, deliveries: Sequence[NewDelivery]) -> list[Receipt]:
    """Insert what is not there yet, in order; a receipt for each."""
    known = _load_known(unit, deliveries)
    fresh: list[NewDelivery] = []
    digests: list[bytes] = []
    marks: list[
        tuple[int, bool, bool]
    ] = []  # place among the fresh (or an id that is there), duplicate, conflict
    taken: dict[tuple[str, str], int] = {}
    for one in deliveries:
        key, digest = (one.source, one.delivery_id), _digest(one.body)
        if key in known:
            id_, before = known[key]
            marks.append((id_, True, digest != before))
        elif key in taken:
            marks.append((~taken[key], True, digest != digests[taken[key]]))
        else:
            taken[key] = len(fresh)
            marks.append((~len(fresh), False, False))
            fresh.append(one)
            digests.append(digest)
    ids = unit.take_ids(inbox, len(fresh))
    unit.write_rows(
        _INSERT,
        [_row(one, id_, digest) for one, id_, digest in zip(fresh, ids, digests, strict=True)],
    )
    return [
        Receipt(id=id_ if id_ >= 0 else ids[~id_], is_duplicate=duplicate, is_conflict=conflict)
        for id_, duplicate, conflict in marks
    ]


def _load_known(unit: Unit, deliveries: Sequence[NewDelivery]) -> dict[tuple[str, str], tuple[int, bytes]]:
    by_source: dict[str, set[str]] = {}
    for one in deliveries:
        by_source.setdefault(one.source, set()).add(one.delivery_id)
    known: dict[tuple[str, str], tuple[int, bytes]] = {}
    for source, delivery_ids in by_source.items():
        for chunk in in_chunks(sorted(delivery_ids)):
            for row in unit.execute(_KNOWN, {"source": source, "delivery_ids": chunk}):
                known[source, row.delivery_id] = (row.id, bytes(row.digest))
    return known


def _row(one: NewDelivery, id_: int, digest: bytes) -> dict[str, Any]:
    return {
        "id": id_,
        "source": one.source,
        "delivery_id": one.delivery_id,
        "received_at": one.received_at,
        "digest": digest,
        "headers": encode(one.headers),
        "body": one.body,
    }


def _digest(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=16).digest()


def _to_delivery(row: sa.Row[Any]) -> Delivery:
    return Delivery(
        id=row.id,
        source=row.source,
        delivery_id=row.delivery_id,
        received_at=row.received_at,
        body=bytes(row.body),
        headers=decode(row.headers, dict[str, str]),
    )


def _store_listing(unit: Unit, commit: ListingCommit) -> None:
    unit.upsert(
        _PUT_FILE,
        [
            {
                "trigger_id": commit.trigger_id,
                "path": stat.path,
                "size": stat.size,
                "modified_at": stat.modified_at,
                "version": stat.version,
            }
            for stat in (_MARK, *commit.present)
        ],
    )
    unit.write_rows(_DROP_FILE, [{"b_trigger_id": commit.trigger_id, "b_path": path} for path in commit.gone])
