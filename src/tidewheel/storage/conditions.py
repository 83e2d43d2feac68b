"""Keeps condition memories, evaluations, held requests and owed work."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import sqlalchemy as sa
from msgspec.structs import asdict, replace
from sqlalchemy import bindparam, select, tuple_

from tidewheel.storage.engines.backend import Backend, Unit, Upsert, in_chunks
from tidewheel.storage.tables.conditions import (
    condition_evaluation,
    condition_hold,
    condition_memory,
    owed_work,
)
from tidewheel.values.conditions import (
    ConditionCommit,
    EvaluationRow,
    HeldRequest,
    HoldStatus,
    MemoryRow,
    NewEvaluation,
    OwedKey,
    OwedRow,
    OwedStatus,
)
from tidewheel.values.serde import decode, encode

COMPRESSION = 1
"""Trees are mostly names, and shrink to a fifth; more effort hardly gains anything."""

Write = Callable[[], AbstractContextManager[Unit]]

_PUT_MEMORY = Upsert(condition_memory, update=("trigger_id", "data"))
_PUT_HOLD = Upsert(condition_hold, update=("trigger_id", "at", "status", "wanted", "spec", "count"))
_DROP_HOLD = condition_hold.delete().where(
    condition_hold.c.kind == bindparam("b_kind"), condition_hold.c.name == bindparam("b_name")
)
_PUT_OWED = Upsert(
    owed_work,
    update=(
        "trigger_id",
        "requested_at",
        "run_id",
        "failures",
        "failed_at",
        "error",
        "code_version",
        "status",
    ),
)
_DROP_OWED = owed_work.delete().where(
    owed_work.c.kind == bindparam("b_kind"),
    owed_work.c.name == bindparam("b_name"),
    owed_work.c.partition == bindparam("b_partition"),
)
_INSERT_EVALUATION = condition_evaluation.insert()
_OLD = (
    select(condition_evaluation.c.id)
    .where(condition_evaluation.c.at < bindparam("before"))
    .order_by(condition_evaluation.c.id)
    .limit(bindparam("count", type_=sa.Integer))
)


def write(unit: Unit, wanted: ConditionCommit, *, trigger_id: str, tick_id: int | None) -> None:
    """Write what an automation tick changes; evaluations are kept under the tick's id."""
    unit.upsert(_PUT_MEMORY, [asdict(row) for row in wanted.memories])
    unit.upsert(_PUT_HOLD, [_hold_row(one) for one in wanted.held])
    unit.write_rows(_DROP_HOLD, [{"b_kind": kind, "b_name": name} for kind, name in wanted.released])
    unit.upsert(_PUT_OWED, [_owed_row(one) for one in _with_answers(unit, wanted)])
    unit.write_rows(
        _DROP_OWED,
        [{"b_kind": kind, "b_name": name, "b_partition": part} for kind, name, part in wanted.settled],
    )
    if tick_id is not None and wanted.evaluations:
        ids = unit.take_ids(condition_evaluation, len(wanted.evaluations))
        unit.write_rows(
            _INSERT_EVALUATION,
            [
                {
                    "id": id_,
                    "tick_id": tick_id,
                    "trigger_id": trigger_id,
                    "kind": one.kind,
                    "name": one.name,
                    "at": one.at,
                    "body": zlib.compress(encode(one), COMPRESSION),
                }
                for id_, one in zip(ids, wanted.evaluations, strict=True)
            ],
        )


def prune(unit: Unit, *, before: float, limit: int) -> int:
    """Delete old evaluations, at most so many; how many."""
    ids = list(unit.execute(_OLD, {"before": before, "count": limit}).scalars())
    for chunk in in_chunks(ids):
        unit.execute(condition_evaluation.delete().where(condition_evaluation.c.id.in_(chunk)))
    return len(ids)


def _with_answers(unit: Unit, wanted: ConditionCommit) -> list[OwedRow]:
    """What to write of owed work: where somebody answered after the decision had read the row, the answer stands."""
    known = {(row.kind, row.name, row.partition): row for row in wanted.owed_before}
    answered: dict[OwedKey, OwedRow] = {}
    for names in in_chunks(sorted({name for _, name, _ in known})):
        for found in unit.execute(select(owed_work).where(owed_work.c.name.in_(names))):
            row = _owed(found)
            place = (row.kind, row.name, row.partition)
            # nobody but the one sensor that owes it and the people who answer writes a row
            if place in known and known[place] != row:
                answered[place] = row
    written = []
    for row in wanted.owed:
        stands = answered.get((row.kind, row.name, row.partition))
        written.append(row if stands is None else replace(stands, run_id=row.run_id))
    return written


def _hold_row(held: HeldRequest) -> dict[str, Any]:
    return asdict(held) | {"status": held.status.value}


def _owed_row(owed: OwedRow) -> dict[str, Any]:
    return asdict(owed) | {"status": owed.status.value}


class Conditions:
    """A `ConditionsPort` over a database."""

    def __init__(self, backend: Backend, write: Write) -> None:
        self._backend = backend
        self._write = write

    def get_memories(self, keys: Sequence[tuple[str, str]] | None = None) -> list[MemoryRow]:
        with self._backend.read() as conn:
            if keys is None:
                return [MemoryRow(**row._mapping) for row in conn.execute(select(condition_memory))]
            found: list[MemoryRow] = []
            pair = tuple_(condition_memory.c.kind, condition_memory.c.name)
            for chunk in in_chunks(keys):
                rows = conn.execute(select(condition_memory).where(pair.in_(chunk)))
                found.extend(MemoryRow(**row._mapping) for row in rows)
            return found

    def get_evaluations(
        self,
        kind: str,
        name: str,
        *,
        limit: int | None = None,
        before_id: int | None = None,
        tick_id: int | None = None,
    ) -> list[EvaluationRow]:
        columns = condition_evaluation.c
        statement = select(condition_evaluation).where(columns.kind == kind, columns.name == name)
        if before_id is not None:
            statement = statement.where(columns.tick_id < before_id)
        if tick_id is not None:
            statement = statement.where(columns.tick_id == tick_id)
        statement = statement.order_by(columns.id.desc())
        with self._backend.read() as conn:
            return [
                _evaluation(row)
                for row in conn.execute(statement if limit is None else statement.limit(limit))
            ]

    def get_newest_evaluations(
        self, kind: str, names: Sequence[str], *, as_of: int | None = None
    ) -> dict[str, EvaluationRow]:
        columns = condition_evaluation.c
        found: dict[str, EvaluationRow] = {}
        with self._backend.read() as conn:
            for chunk in in_chunks(names):
                newest = select(sa.func.max(columns.id)).where(columns.kind == kind, columns.name.in_(chunk))
                if as_of is not None:
                    newest = newest.where(columns.tick_id <= as_of)
                wanted = select(condition_evaluation).where(columns.id.in_(newest.group_by(columns.name)))
                found |= {row.name: _evaluation(row) for row in conn.execute(wanted)}
        return found

    def get_evaluations_of_tick(self, tick_id: int) -> list[EvaluationRow]:
        columns = condition_evaluation.c
        statement = select(condition_evaluation).where(columns.tick_id == tick_id).order_by(columns.id)
        with self._backend.read() as conn:
            return [_evaluation(row) for row in conn.execute(statement)]

    def get_held(self) -> list[HeldRequest]:
        with self._backend.read() as conn:
            return [_held(row) for row in conn.execute(select(condition_hold).order_by(condition_hold.c.at))]

    def answer_held(self, kind: str, name: str, status: HoldStatus) -> HeldRequest | None:
        columns = condition_hold.c
        wanted = (columns.kind == kind, columns.name == name)
        with self._write() as unit:
            row = unit.execute(select(condition_hold).where(*wanted)).first()
            if row is None:
                return None
            unit.execute(condition_hold.update().where(*wanted).values(status=status.value))
            return replace(_held(row), status=status)


class Owed:
    """An `OwedPort` over a database."""

    def __init__(self, backend: Backend, write: Write) -> None:
        self._backend = backend
        self._write = write

    def get_all(self, name: str | None = None) -> list[OwedRow]:
        statement = select(owed_work).order_by(owed_work.c.requested_at, owed_work.c.name)
        if name is not None:
            statement = statement.where(owed_work.c.name == name)
        with self._backend.read() as conn:
            return [_owed(row) for row in conn.execute(statement)]

    def answer(self, kind: str, name: str, partition: str, status: OwedStatus) -> OwedRow | None:
        columns = owed_work.c
        wanted = (columns.kind == kind, columns.name == name, columns.partition == partition)
        with self._write() as unit:
            row = unit.execute(select(owed_work).where(*wanted)).first()
            if row is None:
                return None
            after = replace(_owed(row), status=status)
            if status is OwedStatus.OWED:
                after = replace(after, failures=0, error="")
            unit.execute(owed_work.update().where(*wanted).values(_owed_row(after)))
            return after


def _evaluation(row: sa.Row[Any]) -> EvaluationRow:
    return EvaluationRow(
        id=row.id,
        evaluation_id=row.tick_id,
        trigger_id=row.trigger_id,
        evaluation=decode(zlib.decompress(row.body), NewEvaluation),
    )


def _held(row: sa.Row[Any]) -> HeldRequest:
    values = dict(row._mapping)
    return HeldRequest(**(values | {"status": HoldStatus(values["status"])}))


def _owed(row: sa.Row[Any]) -> OwedRow:
    values = dict(row._mapping)
    return OwedRow(**(values | {"status": OwedStatus(values["status"])}))
