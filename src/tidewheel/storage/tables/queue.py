"""The tables of backfills and pools."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, Column, Index, Table, Text, UniqueConstraint

from tidewheel.storage.tables.metadata import BigId, Seconds, metadata
from tidewheel.values.backfills import LIVE_BACKFILL_STATUSES, BackfillStatus

_ALL = ", ".join(repr(status.value) for status in BackfillStatus)
_LIVE = [status.value for status in LIVE_BACKFILL_STATUSES]

backfill = Table(
    "backfill",
    metadata,
    Column("seq", BigId, primary_key=True, autoincrement=True),
    Column("backfill_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("version", sa.Integer, nullable=False),
    Column("attempt", sa.Integer, nullable=False),
    Column("created_at", Seconds, nullable=False),
    Column("updated_at", Seconds, nullable=False),
    Column("ended_at", Seconds),
    Column("job_name", Text),
    Column("trigger_id", Text),
    Column("tick_id", BigId),
    Column("fields", sa.LargeBinary, nullable=False, comment="what is asked for, msgpack"),
    Column("state", sa.LargeBinary, nullable=False, comment="how far it is: sets of partitions, msgpack"),
    UniqueConstraint("backfill_id", name="uq_backfill_backfill_id"),
    CheckConstraint(f"status IN ({_ALL})", name="ck_backfill_status"),
    sqlite_autoincrement=True,
)
Index("ix_backfill_status", backfill.c.status, backfill.c.seq)

backfill_run = Table(
    "backfill_run",
    metadata,
    Column("backfill_seq", BigId, sa.ForeignKey("backfill.seq", ondelete="CASCADE"), primary_key=True),
    Column("run_id", Text, primary_key=True),
    Column("is_counted", sa.Boolean, nullable=False, comment="its outcome is in the backfill's state"),
    Column("body", sa.LargeBinary, nullable=False, comment="what it is to make, msgpack"),
    sqlite_with_rowid=False,
)
Index(
    "ix_backfill_run_open",
    backfill_run.c.backfill_seq,
    sqlite_where=backfill_run.c.is_counted.is_(False),
)

pool = Table(
    "pool",
    metadata,
    Column("name", Text, primary_key=True),
    Column("slots", sa.Integer, nullable=False),
    Column("updated_at", Seconds, nullable=False),
    sqlite_with_rowid=False,
)

pool_claim = Table(
    "pool_claim",
    metadata,
    Column("pool", Text, primary_key=True),
    Column("run_id", Text, primary_key=True),
    Column("step", Text, primary_key=True),
    Column(
        "epoch", sa.Integer, nullable=False, comment="the launch whose worker holds or waits for the slot"
    ),
    Column("asked_at", Seconds, nullable=False),
    Column("priority", sa.Integer, nullable=False),
    Column("held_since", Seconds, comment="null while the step waits"),
    Index("ix_pool_claim_run", "run_id"),
    sqlite_with_rowid=False,
    comment="counts only while its run is in progress in that epoch: a slot dies with its holder",
)
