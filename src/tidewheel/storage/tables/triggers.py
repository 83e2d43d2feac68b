"""The tables of triggers beyond their own rows: policies' state and the inbox of what comes from outside."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, Index, Table, Text, UniqueConstraint

from tidewheel.storage.tables.main import run
from tidewheel.storage.tables.metadata import BigId, Seconds, metadata

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

inbox = Table(
    "inbox",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("source", Text, nullable=False),
    Column("delivery_id", Text, nullable=False, comment="the sender's name for it"),
    Column("received_at", Seconds, nullable=False),
    Column(
        "digest", sa.LargeBinary, nullable=False, comment="of the body, to tell a repetition from a conflict"
    ),
    Column("headers", sa.LargeBinary, nullable=False, comment="msgpack"),
    Column("body", sa.LargeBinary, nullable=False),
    UniqueConstraint("source", "delivery_id", name="uq_inbox_source"),
    sqlite_autoincrement=True,
    comment="what came from outside; every consumer's trigger row has its position in it",
)
Index("ix_inbox_source", inbox.c.source, inbox.c.id)

redelivery = Table(
    "redelivery",
    metadata,
    Column("trigger_id", Text, primary_key=True),
    Column("event_id", BigId, primary_key=True, autoincrement=False),
    Column("attempts", sa.Integer, nullable=False),
    Column("retry_at", Seconds, comment="none: set aside"),
    Column("failed_at", Seconds),
    Column("error", sa.LargeBinary, comment="msgpack"),
    sqlite_with_rowid=False,
    comment="events that a trigger is to be handed again",
)

watched_file = Table(
    "watched_file",
    metadata,
    Column("trigger_id", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("size", sa.BigInteger, nullable=False),
    Column("modified_at", Seconds),
    Column("version", Text),
    sqlite_with_rowid=False,
    comment="files as they were when file sensors were last told of them",
)
