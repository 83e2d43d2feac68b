"""Add what triggers' policies and the inbox keep."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Change the schema. Ledgers are not taken back: restore a backup instead."""
    _add_policies()
    _add_inbox()


def _add_policies() -> None:
    op.create_table(
        "held_request",
        sa.Column("held_id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("trigger_id", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False, comment="the id that its run is to have"),
        sa.Column("body", sa.LargeBinary, nullable=False, comment="the request, msgpack"),
        sa.PrimaryKeyConstraint("held_id", name="pk_held_request"),
        sa.UniqueConstraint("run_id", name="uq_held_request_run_id"),
        sqlite_autoincrement=True,
        comment="requests of triggers that wait for their turn",
    )
    op.create_index("ix_held_request_trigger", "held_request", ["trigger_id", "held_id"])
    op.create_table(
        "pause",
        sa.Column("pause_id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double),
        sa.Column("ended_at", sa.Double),
        sa.Column("body", sa.LargeBinary, nullable=False, comment="which triggers, why, by whom, msgpack"),
        sa.PrimaryKeyConstraint("pause_id", name="pk_pause"),
        sqlite_autoincrement=True,
        comment="pauses of triggers, also those that are over",
    )
    unfinished = sa.text("ended_at IS NULL")
    op.create_index(
        "ix_run_trigger_unfinished",
        "run",
        ["trigger_id"],
        sqlite_where=unfinished,
        postgresql_where=unfinished,
    )


def _add_inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("delivery_id", sa.Text, nullable=False, comment="the sender's name for it"),
        sa.Column("received_at", sa.Double, nullable=False),
        sa.Column(
            "digest",
            sa.LargeBinary,
            nullable=False,
            comment="of the body, to tell a repetition from a conflict",
        ),
        sa.Column("headers", sa.LargeBinary, nullable=False, comment="msgpack"),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_inbox"),
        sa.UniqueConstraint("source", "delivery_id", name="uq_inbox_source"),
        sqlite_autoincrement=True,
        comment="what came from outside; every consumer's trigger row has its position in it",
    )
    op.create_index("ix_inbox_source", "inbox", ["source", "id"])
    op.create_table(
        "redelivery",
        sa.Column("trigger_id", sa.Text, nullable=False),
        sa.Column("event_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("retry_at", sa.Double, comment="none: set aside"),
        sa.Column("failed_at", sa.Double),
        sa.Column("error", sa.LargeBinary, comment="msgpack"),
        sa.PrimaryKeyConstraint("trigger_id", "event_id", name="pk_redelivery"),
        sqlite_with_rowid=False,
        comment="events that a trigger is to be handed again",
    )
    op.create_table(
        "watched_file",
        sa.Column("trigger_id", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("modified_at", sa.Double),
        sa.Column("version", sa.Text),
        sa.PrimaryKeyConstraint("trigger_id", "path", name="pk_watched_file"),
        sqlite_with_rowid=False,
        comment="files as they were when file sensors were last told of them",
    )
