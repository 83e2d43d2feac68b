"""Keeps named sets of dynamic partition keys; each key has an ordinal that no other key of the set ever gets."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy import bindparam, select

from tidewheel.storage.engines.backend import Unit, Upsert, in_chunks
from tidewheel.storage.tables.main import dynamic_partition, dynamic_partition_set
from tidewheel.values.records import DynamicChange, PartitionChange

_OF_SET = (
    select(dynamic_partition.c.key, dynamic_partition.c.ordinal)
    .where(dynamic_partition.c.name == bindparam("name"))
    .order_by(dynamic_partition.c.ordinal)
)
_ALL = select(dynamic_partition.c.name, dynamic_partition.c.key, dynamic_partition.c.ordinal).order_by(
    dynamic_partition.c.name, dynamic_partition.c.ordinal
)
_NUMBERS = select(dynamic_partition_set.c.name, dynamic_partition_set.c.next_ordinal)
_SINCE = _OF_SET.where(dynamic_partition.c.ordinal >= bindparam("first"))
_NEXT = select(dynamic_partition_set.c.next_ordinal).where(dynamic_partition_set.c.name == bindparam("name"))
_SET_NEXT = Upsert(dynamic_partition_set, update=("next_ordinal",))
_INSERT = dynamic_partition.insert()


def load(conn: sa.Connection, name: str) -> list[tuple[str, int]]:
    """(key, ordinal) of a set, in order of addition."""
    return [(key, ordinal) for key, ordinal in conn.execute(_OF_SET, {"name": name})]


def load_all(conn: sa.Connection) -> dict[str, list[tuple[str, int]]]:
    """As ``load``, for every set that has keys."""
    found: dict[str, list[tuple[str, int]]] = {}
    for name, key, ordinal in conn.execute(_ALL):
        found.setdefault(name, []).append((key, ordinal))
    return found


def load_changes(conn: sa.Connection, known: Mapping[str, int]) -> list[DynamicChange]:
    """The sets whose next number is not the `known` one, each with what was added to it, or whole."""
    found = []
    for name, number in conn.execute(_NUMBERS).all():
        first = known.get(name, 0)
        if number == first:
            continue
        pairs = [(key, ordinal) for key, ordinal in conn.execute(_SINCE, {"name": name, "first": first})]
        is_whole = len(pairs) != number - first  # deleting takes a number too
        if is_whole:
            pairs = load(conn, name)
        found.append(DynamicChange(name=name, pairs=tuple(pairs), next_ordinal=number, is_whole=is_whole))
    return found


def change(unit: Unit, wanted: PartitionChange, *, now: float) -> None:
    """Add and delete keys; what is so already is left alone."""
    deleted = 0
    for chunk in in_chunks(wanted.delete):
        gone = unit.execute(
            dynamic_partition.delete().where(
                dynamic_partition.c.name == wanted.name, dynamic_partition.c.key.in_(chunk)
            )
        )
        deleted += gone.rowcount
    fresh = list(dict.fromkeys(wanted.add))
    known: set[str] = set()
    for chunk in in_chunks(fresh):
        known.update(
            unit.execute(
                select(dynamic_partition.c.key).where(
                    dynamic_partition.c.name == wanted.name, dynamic_partition.c.key.in_(chunk)
                )
            ).scalars()
        )
    fresh = [key for key in fresh if key not in known]
    if not fresh and not deleted:
        return
    first = unit.execute(_NEXT, {"name": wanted.name}).scalar() or 0
    first += bool(deleted)  # the number that is left out tells those who know the set that keys have gone
    unit.write_rows(
        _INSERT,
        [
            {"name": wanted.name, "key": key, "ordinal": first + place, "added_at": now}
            for place, key in enumerate(fresh)
        ],
    )
    unit.upsert(_SET_NEXT, [{"name": wanted.name, "next_ordinal": first + len(fresh)}])
