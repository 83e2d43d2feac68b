"""Keeps users, tokens, sessions, failed logins and the answers to requests that may come again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, select

from tidewheel.storage.engines.backend import Backend, Unit
from tidewheel.storage.tables.access import (
    access_session,
    access_token,
    access_user,
    idempotent_answer,
    login_failure,
)
from tidewheel.values.access import IdempotentAnswer, SessionRecord, TokenRecord, UserRecord
from tidewheel.values.serde import decode, encode

_USER = select(access_user.c.body).where(access_user.c.name == bindparam("name"))
_USER_OF_SUBJECT = select(access_user.c.body).where(access_user.c.oidc_subject == bindparam("subject"))
_TOKEN = select(access_token).where(access_token.c.token_id == bindparam("token_id"))
_SESSION = select(access_session).where(access_session.c.digest == bindparam("digest"))
_ANSWER = select(idempotent_answer).where(
    idempotent_answer.c.user == bindparam("user"), idempotent_answer.c.key == bindparam("key")
)


class SqlAccess:
    """An ``AccessPort`` over SQLite or Postgres."""

    def __init__(self, backend: Backend, write: Callable[[], AbstractContextManager[Unit]]) -> None:
        self._backend = backend
        self._write = write

    # -- users --------------------------------------------------------------------------------------------------
    def add_user(self, user: UserRecord) -> bool:
        with self._write() as unit:
            taken = unit.execute(_USER, {"name": user.name}).first()
            if taken is None and user.oidc_subject is not None:
                taken = unit.execute(_USER_OF_SUBJECT, {"subject": user.oidc_subject}).first()
            if taken is None:
                unit.execute(access_user.insert(), _user_row(user))
                unit.note_made("user", [user.name])
        return taken is None

    def put_user(self, user: UserRecord) -> None:
        with self._write() as unit:
            unit.execute(access_user.update().where(access_user.c.name == user.name), _user_row(user))

    def get_user(self, name: str) -> UserRecord | None:
        with self._backend.read() as conn:
            body = conn.execute(_USER, {"name": name}).scalar()
        return None if body is None else decode(body, UserRecord)

    def get_user_of_subject(self, oidc_subject: str) -> UserRecord | None:
        with self._backend.read() as conn:
            body = conn.execute(_USER_OF_SUBJECT, {"subject": oidc_subject}).scalar()
        return None if body is None else decode(body, UserRecord)

    def get_users(self) -> list[UserRecord]:
        with self._backend.read() as conn:
            bodies = conn.execute(select(access_user.c.body).order_by(access_user.c.name)).scalars()
            return [decode(body, UserRecord) for body in bodies]

    def get_is_set_up(self) -> bool:
        with self._backend.read() as conn:
            found = conn.execute(
                select(access_user.c.name).where(access_user.c.is_enabled.is_(True)).limit(1)
            )
            return found.first() is not None

    # -- tokens -------------------------------------------------------------------------------------------------
    def add_token(self, token: TokenRecord) -> None:
        row = {"token_id": token.token_id, "user": token.user, "last_used_at": None, "body": encode(token)}
        with self._write() as unit:
            unit.execute(access_token.insert(), row)
            unit.note_made("token", [token.token_id])

    def put_token(self, token: TokenRecord) -> None:
        changed = {"user": token.user, "body": encode(token)}
        with self._write() as unit:
            unit.execute(access_token.update().where(access_token.c.token_id == token.token_id), changed)

    def get_token(self, token_id: str) -> TokenRecord | None:
        with self._backend.read() as conn:
            row = conn.execute(_TOKEN, {"token_id": token_id}).first()
        return None if row is None else _token(row)

    def get_tokens(self, user: str | None = None) -> list[TokenRecord]:
        query = select(access_token)
        if user is not None:
            query = query.where(access_token.c.user == user)
        with self._backend.read() as conn:
            found = [_token(row) for row in conn.execute(query)]
        return sorted(found, key=lambda token: (token.created_at, token.token_id))

    def note_token_used(self, token_id: str, *, now: float) -> None:
        with self._write() as unit:
            unit.execute(
                access_token.update().where(access_token.c.token_id == token_id), {"last_used_at": now}
            )

    # -- sessions and logins ------------------------------------------------------------------------------------
    def add_session(self, session: SessionRecord) -> None:
        with self._write() as unit:
            unit.execute(delete(access_session).where(access_session.c.expires_at <= session.created_at))
            unit.execute(access_session.insert(), msgspec.structs.asdict(session))

    def get_session(self, digest: bytes) -> SessionRecord | None:
        with self._backend.read() as conn:
            row = conn.execute(_SESSION, {"digest": digest}).first()
        if row is None:
            return None
        return SessionRecord(**{**row._mapping, "digest": bytes(row.digest)})

    def end_session(self, digest: bytes) -> None:
        with self._write() as unit:
            unit.execute(delete(access_session).where(access_session.c.digest == digest))

    def add_login_failures(self, subjects: Sequence[str], *, now: float, forget_before: float) -> None:
        with self._write() as unit:
            unit.execute(delete(login_failure).where(login_failure.c.at < forget_before))
            unit.write_rows(login_failure.insert(), [{"subject": subject, "at": now} for subject in subjects])

    def get_login_failures(self, subject: str, *, since: float) -> list[float]:
        query = select(login_failure.c.at).where(
            login_failure.c.subject == subject, login_failure.c.at >= since
        )
        with self._backend.read() as conn:
            return list(conn.execute(query.order_by(login_failure.c.at)).scalars())

    def forget_login_failures(self, subject: str) -> None:
        with self._write() as unit:
            unit.execute(delete(login_failure).where(login_failure.c.subject == subject))

    # -- requests that may come again ---------------------------------------------------------------------------
    def claim_answer(
        self, user: str, key: str, fingerprint: bytes, *, now: float, forget_before: float
    ) -> IdempotentAnswer | None:
        with self._write() as unit:
            unit.execute(delete(idempotent_answer).where(idempotent_answer.c.created_at < forget_before))
            row = unit.execute(_ANSWER, {"user": user, "key": key}).first()
            if row is None:
                new = {"fingerprint": fingerprint, "created_at": now, "status": None, "body": b""}
                unit.execute(idempotent_answer.insert(), {"user": user, "key": key, **new})
                return None
        return IdempotentAnswer(
            fingerprint=bytes(row.fingerprint),
            created_at=row.created_at,
            status=row.status,
            body=bytes(row.body),
        )

    def put_answer(self, user: str, key: str, *, status: int, body: bytes) -> None:
        with self._write() as unit:
            unit.execute(
                idempotent_answer.update().where(*_is_answer(user, key)), {"status": status, "body": body}
            )

    def drop_answer(self, user: str, key: str) -> None:
        with self._write() as unit:
            unit.execute(delete(idempotent_answer).where(*_is_answer(user, key)))


def _is_answer(user: str, key: str) -> tuple[Any, Any]:
    return idempotent_answer.c.user == user, idempotent_answer.c.key == key


def _user_row(user: UserRecord) -> dict[str, Any]:
    return {
        "name": user.name,
        "oidc_subject": user.oidc_subject,
        "is_enabled": user.disabled_at is None,
        "body": encode(user),
    }


def _token(row: Any) -> TokenRecord:
    return msgspec.structs.replace(decode(row.body, TokenRecord), last_used_at=row.last_used_at)
