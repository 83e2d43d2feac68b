"""The tables of triggers beyond their own rows: policies' state and the inbox of what comes from outside."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, Index, Table, Text, UniqueConstraint

from tidewheel.storage.metadata import BigId, Seconds, metadata
from tidewheel.storage.schema import run

held_request = Table(
    "held_request",
    metadata,
    Column("held_id", BigId, primary_key=True, autoincrement=True),
    Column("trigger_id", Text, nullable=False),
    Column("run_id", Text, nullable=False, comment="the id that its run is to have"),
    Column("body", sa.LargeBinary, nullable=False, comment="the request, msgpack"),
    UniqueConstraint("run_id", name="uq_held_request_run_id"),
    sqlite_autoincrement=True,
    comment="requests of triggers that wait for their turn",
)
Index("ix_held_request_trigger", held_request.c.trigger_id, held_request.c.held_id)

pause = Table(
    "pause",
    metadata,
    Column("pause_id", BigId, primary_key=True, autoincrement=True),
    Column("created_at", Seconds, nullable=False),
    Column("expires_at", Seconds),
    Column("ended_at", Seconds),
    Column("body", sa.LargeBinary, nullable=False, comment="which triggers, why, by whom, msgpack"),
    sqlite_autoincrement=True,
    comment="pauses of triggers, also those that are over",
)

Index("ix_run_trigger_unfinished", run.c.trigger_id, sqlite_where=run.c.ended_at.is_(None))
