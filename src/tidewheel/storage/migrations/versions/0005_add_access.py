"""Add users, tokens, sessions and the audit."""

from __future__ import annotations

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema. Ledgers are not taken back: restore a backup instead."""
