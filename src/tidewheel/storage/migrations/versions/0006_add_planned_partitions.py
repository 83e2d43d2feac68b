"""Add the partitions that live runs for ranges are still to make."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Change the schema. Ledgers are not taken back: restore a backup instead."""
    op.create_table(
        "planned_partition",
        sa.Column("run_seq", BIG_ID, nullable=False),
        sa.Column("asset", sa.Text, nullable=False),
        sa.Column("partition", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("run_seq", "asset", "partition", name="pk_planned_partition"),
        sa.ForeignKeyConstraint(
            ["run_seq"], ["run.seq"], name="fk_planned_partition_run_seq", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
        comment="what live runs for a range of partitions are still to make",
    )
    op.create_index("ix_planned_partition_asset", "planned_partition", ["asset", "partition"])
