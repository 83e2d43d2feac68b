"""Add users, tokens, sessions and the audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PROTECTION = {
    "sqlite": tuple(
        f"CREATE TRIGGER audit_no_{action.lower()} BEFORE {action} ON audit "
        "BEGIN SELECT RAISE(ABORT, 'entries of the audit are never changed'); END"
        for action in ("UPDATE", "DELETE")
    ),
    "postgresql": (
        "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'entries of the audit are never changed'; END $$",
        "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit "
        "FOR EACH ROW EXECUTE FUNCTION audit_is_append_only()",
        "CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()",
    ),
}


def upgrade() -> None:
    """Change the schema. Ledgers are not taken back: restore a backup instead."""
    _create_users_and_tokens()
    _create_sessions_and_answers()
    op.create_table(
        "audit",
        sa.Column("audit_id", BIG_ID, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False, comment="values.access.NewAudit, msgpack"),
        sa.PrimaryKeyConstraint("audit_id", name="pk_audit"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_user", "audit", ["user", "audit_id"])
    op.create_index("ix_audit_operation", "audit", ["operation", "audit_id"])
    for statement in PROTECTION[op.get_bind().dialect.name]:
        op.execute(statement)


def _create_users_and_tokens() -> None:
    op.create_table(
        "access_user",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("oidc_subject", sa.Text),
        sa.Column("is_enabled", sa.Boolean, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False, comment="values.access.UserRecord, msgpack"),
        sa.PrimaryKeyConstraint("name", name="pk_access_user"),
        sa.UniqueConstraint("oidc_subject", name="uq_access_user_oidc_subject"),
    )
    op.create_table(
        "access_token",
        sa.Column("token_id", sa.Text, nullable=False),
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("last_used_at", sa.Double),
        sa.Column("body", sa.LargeBinary, nullable=False, comment="values.access.TokenRecord, msgpack"),
        sa.PrimaryKeyConstraint("token_id", name="pk_access_token"),
    )
    op.create_index("ix_access_token_user", "access_token", ["user"])


def _create_sessions_and_answers() -> None:
    op.create_table(
        "access_session",
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_access_session"),
    )
    op.create_index("ix_access_session_expires_at", "access_session", ["expires_at"])
    op.create_table(
        "login_failure",
        sa.Column("failure_id", BIG_ID, primary_key=True, autoincrement=True),
        sa.Column("subject", sa.Text, nullable=False, comment="name:... or address:..."),
        sa.Column("at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("failure_id", name="pk_login_failure"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_login_failure_subject", "login_failure", ["subject", "at"])
    op.create_table(
        "idempotent_answer",
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("status", sa.Integer, comment="null: still being carried out"),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("user", "key", name="pk_idempotent_answer"),
    )
    op.create_index("ix_idempotent_answer_created_at", "idempotent_answer", ["created_at"])
