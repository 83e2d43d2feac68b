"""The tables of the condition engine: memories, evaluations, held requests and owed work."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, Column, Index, Table, Text

from tidewheel.storage.tables.metadata import BigId, Seconds, metadata
from tidewheel.values.conditions import HoldStatus, OwedStatus


def _one_of(values: type[HoldStatus | OwedStatus]) -> str:
    return f"status IN ({', '.join(repr(value.value) for value in values)})"


condition_memory = Table(
    "condition_memory",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("trigger_id", Text, nullable=False),
    Column("data", sa.LargeBinary, nullable=False),
    comment="what evaluations remember of a target, as of its sensor's position",
)

condition_evaluation = Table(
    "condition_evaluation",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("tick_id", BigId, nullable=False),
    Column("trigger_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("at", Seconds, nullable=False),
    Column("body", sa.LargeBinary, nullable=False, comment="the tree, its causes, the runs; msgpack, zlib"),
    sqlite_autoincrement=True,
    comment="evaluations that asked for something or failed",
)
Index(
    "ix_condition_evaluation_target",
    condition_evaluation.c.kind,
    condition_evaluation.c.name,
    condition_evaluation.c.id,
)
Index("ix_condition_evaluation_tick", condition_evaluation.c.tick_id)

condition_hold = Table(
    "condition_hold",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("trigger_id", Text, nullable=False),
    Column("at", Seconds, nullable=False),
    Column("status", Text, nullable=False),
    Column("wanted", sa.LargeBinary, nullable=False),
    Column("spec", sa.LargeBinary, nullable=False),
    Column("count", BigId, nullable=False),
    CheckConstraint(_one_of(HoldStatus), name="ck_condition_hold_status"),
    comment="requests of many partitions by new conditions, which wait for a yes",
)

owed_work = Table(
    "owed_work",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("partition", Text, primary_key=True),
    Column("trigger_id", Text, nullable=False),
    Column("requested_at", Seconds, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("failures", sa.Integer, nullable=False),
    Column("failed_at", Seconds, nullable=False),
    Column("error", Text, nullable=False),
    Column("code_version", Text, nullable=False),
    Column("status", Text, nullable=False),
    CheckConstraint(_one_of(OwedStatus), name="ck_owed_work_status"),
    comment="what was requested and has to be made yet",
)
Index("ix_owed_work_run", owed_work.c.run_id)
