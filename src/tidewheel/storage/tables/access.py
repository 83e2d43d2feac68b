"""The tables of users, tokens, sessions, answers to repeated requests, and the audit that nobody can change."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, Index, Table, Text, UniqueConstraint

from tidewheel.storage.tables.metadata import BigId, Seconds, add_after_creation, metadata

access_user = Table(
    "access_user",
    metadata,
    Column("name", Text, primary_key=True),
    Column("oidc_subject", Text),
    Column("is_enabled", sa.Boolean, nullable=False),
    Column("body", sa.LargeBinary, nullable=False, comment="values.access.UserRecord, msgpack"),
    UniqueConstraint("oidc_subject", name="uq_access_user_oidc_subject"),
)

access_token = Table(
    "access_token",
    metadata,
    Column("token_id", Text, primary_key=True),
    Column("user", Text, nullable=False),
    Column("last_used_at", Seconds),
    Column("body", sa.LargeBinary, nullable=False, comment="values.access.TokenRecord, msgpack"),
    Index("ix_access_token_user", "user"),
)

access_session = Table(
    "access_session",
    metadata,
    Column("digest", sa.LargeBinary, primary_key=True),
    Column("user", Text, nullable=False),
    Column("generation", sa.Integer, nullable=False),
    Column("created_at", Seconds, nullable=False),
    Column("expires_at", Seconds, nullable=False),
    Index("ix_access_session_expires_at", "expires_at"),
)

login_failure = Table(
    "login_failure",
    metadata,
    Column("failure_id", BigId, primary_key=True, autoincrement=True),
    Column("subject", Text, nullable=False, comment="name:... or address:..."),
    Column("at", Seconds, nullable=False),
    Index("ix_login_failure_subject", "subject", "at"),
    sqlite_autoincrement=True,
)

idempotent_answer = Table(
    "idempotent_answer",
    metadata,
    Column("user", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", sa.LargeBinary, nullable=False),
    Column("created_at", Seconds, nullable=False),
    Column("status", sa.Integer, comment="null: still being carried out"),
    Column("body", sa.LargeBinary, nullable=False),
    Index("ix_idempotent_answer_created_at", "created_at"),
)

audit = Table(
    "audit",
    metadata,
    Column("audit_id", BigId, primary_key=True, autoincrement=True),
    Column("at", Seconds, nullable=False),
    Column("user", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("body", sa.LargeBinary, nullable=False, comment="values.access.NewAudit, msgpack"),
    Index("ix_audit_user", "user", "audit_id"),
    Index("ix_audit_operation", "operation", "audit_id"),
    sqlite_autoincrement=True,
)

APPEND_ONLY = "entries of the audit are never changed"
PROTECT_AUDIT = {
    "sqlite": tuple(
        f"CREATE TRIGGER audit_no_{action.lower()} BEFORE {action} ON audit "
        f"BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY}'); END"
        for action in ("UPDATE", "DELETE")
    ),
    "postgresql": (
        "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{APPEND_ONLY}'; END $$",
        "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit "
        "FOR EACH ROW EXECUTE FUNCTION audit_is_append_only()",
        "CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()",
    ),
}
"""What keeps the audit as it is, by dialect: the database itself refuses, whoever asks."""

for _dialect, _statements in PROTECT_AUDIT.items():
    add_after_creation(_dialect, _statements)
