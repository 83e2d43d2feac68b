"""Add what triggers' policies and the inbox keep."""

from __future__ import annotations

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema. Ledgers are not taken back: restore a backup instead."""
