"""Add the memories of conditions, their evaluations, held requests and owed work."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Change the schema. Ledgers are not taken back: restore a backup instead."""
    op.create_table(
        "condition_memory",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("trigger_id", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", name="pk_condition_memory"),
        comment="what evaluations remember of a target, as of its sensor's position",
    )
    op.create_table(
        "condition_evaluation",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("tick_id", BigId, nullable=False),
        sa.Column("trigger_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column(
            "body",
            sa.LargeBinary(),
            nullable=False,
            comment="the tree, its causes, the runs; msgpack, zlib",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_condition_evaluation"),
        sqlite_autoincrement=True,
        comment="evaluations that asked for something or failed",
    )
    op.create_index("ix_condition_evaluation_target", "condition_evaluation", ["kind", "name", "id"])
    op.create_index("ix_condition_evaluation_tick", "condition_evaluation", ["tick_id"])
    op.create_table(
        "condition_hold",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("trigger_id", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("wanted", sa.LargeBinary(), nullable=False),
        sa.Column("spec", sa.LargeBinary(), nullable=False),
        sa.Column("count", BigId, nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", name="pk_condition_hold"),
        sa.CheckConstraint("status IN ('WAITING', 'APPROVED', 'DECLINED')", name="ck_condition_hold_status"),
        comment="requests of many partitions by new conditions, which wait for a yes",
    )
    op.create_table(
        "owed_work",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("partition", sa.Text(), nullable=False),
        sa.Column("trigger_id", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.Double(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failed_at", sa.Double(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("code_version", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", "partition", name="pk_owed_work"),
        sa.CheckConstraint("status IN ('OWED', 'WAIVED')", name="ck_owed_work_status"),
        comment="what was requested and has to be made yet",
    )
    op.create_index("ix_owed_work_run", "owed_work", ["run_id"])
