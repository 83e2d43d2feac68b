"""Add backfills and pools."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Change the schema. Ledgers are not taken back: restore a backup instead."""
    _add_origins()
    _add_backfills()
    _add_pools()


def _add_origins() -> None:
    op.add_column(
        "run",
        sa.Column(
            "origin",
            sa.Text,
            nullable=False,
            server_default="manual",
            comment="what asked for it: schedule, event, backfill, manual",
        ),
    )
    op.create_index(
        "ix_run_queued_origin",
        "run",
        ["origin", sa.text("priority DESC"), "seq"],
        sqlite_where=sa.text("status = 'QUEUED'"),
        postgresql_where=sa.text("status = 'QUEUED'"),
    )


def _add_backfills() -> None:
    op.create_table(
        "backfill",
        sa.Column("seq", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("backfill_id", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
        sa.Column("ended_at", sa.Double),
        sa.Column("job_name", sa.Text),
        sa.Column("trigger_id", sa.Text),
        sa.Column("tick_id", BIG_ID),
        sa.Column("fields", sa.LargeBinary, nullable=False, comment="what is asked for, msgpack"),
        sa.Column(
            "state", sa.LargeBinary, nullable=False, comment="how far it is: sets of partitions, msgpack"
        ),
        sa.PrimaryKeyConstraint("seq", name="pk_backfill"),
        sa.UniqueConstraint("backfill_id", name="uq_backfill_backfill_id"),
        sa.CheckConstraint(
            "status IN ('REQUESTED', 'CANCELING', 'CANCELED', 'COMPLETED_SUCCESS', 'COMPLETED_FAILED', 'FAILED')",
            name="ck_backfill_status",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_backfill_status", "backfill", ["status", "seq"])
    op.create_table(
        "backfill_run",
        sa.Column("backfill_seq", BIG_ID, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("is_counted", sa.Boolean, nullable=False, comment="its outcome is in the backfill's state"),
        sa.Column("body", sa.LargeBinary, nullable=False, comment="what it is to make, msgpack"),
        sa.PrimaryKeyConstraint("backfill_seq", "run_id", name="pk_backfill_run"),
        sa.ForeignKeyConstraint(
            ["backfill_seq"], ["backfill.seq"], name="fk_backfill_run_backfill_seq", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_backfill_run_open",
        "backfill_run",
        ["backfill_seq"],
        sqlite_where=sa.text("is_counted IS 0"),
        postgresql_where=sa.text("is_counted IS false"),
    )


def _add_pools() -> None:
    op.create_table(
        "pool",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("slots", sa.Integer, nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_pool"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "pool_claim",
        sa.Column("pool", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column(
            "epoch",
            sa.Integer,
            nullable=False,
            comment="the launch whose worker holds or waits for the slot",
        ),
        sa.Column("asked_at", sa.Double, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("held_since", sa.Double, comment="null while the step waits"),
        sa.PrimaryKeyConstraint("pool", "run_id", "step", name="pk_pool_claim"),
        sqlite_with_rowid=False,
        comment="counts only while its run is in progress in that epoch: a slot dies with its holder",
    )
    op.create_index("ix_pool_claim_run", "pool_claim", ["run_id"])
