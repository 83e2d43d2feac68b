"""Add the memories of conditions, their evaluations and owed work."""

from __future__ import annotations

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema. Ledgers are not taken back: restore a backup instead."""
