"""Add backfills and pools."""

from __future__ import annotations

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema. Ledgers are not taken back: restore a backup instead."""
