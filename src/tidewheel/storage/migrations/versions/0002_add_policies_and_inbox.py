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
