"""The contracts of the ledger's users, tokens and sessions, and of its audit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tidewheel.values.access import (
    AuditEntry,
    IdempotentAnswer,
    NewAudit,
    SessionRecord,
    TokenRecord,
    UserRecord,
)


class AccessPort(Protocol):
    """Users, tokens, sessions. Secrets come and go as digests only."""

    def add_user(self, user: UserRecord) -> bool:
        """Insert a user; False when the name or the OIDC subject is taken (nothing written)."""

    def put_user(self, user: UserRecord) -> None:
        """Replace a user."""

    def get_user(self, name: str) -> UserRecord | None: ...

    def get_user_of_subject(self, oidc_subject: str) -> UserRecord | None: ...

    def get_users(self) -> list[UserRecord]:
        """By name."""

    def get_is_set_up(self) -> bool:
        """Whether there is any user who is not disabled."""

    def add_token(self, token: TokenRecord) -> None: ...

    def put_token(self, token: TokenRecord) -> None:
        """Replace a token; when it was last used stays."""

    def get_token(self, token_id: str) -> TokenRecord | None: ...

    def get_tokens(self, user: str | None = None) -> list[TokenRecord]:
        """In order of creation."""

    def note_token_used(self, token_id: str, *, now: float) -> None: ...

    def add_session(self, session: SessionRecord) -> None:
        """Insert a session, and forget those that have expired."""

    def get_session(self, digest: bytes) -> SessionRecord | None: ...

    def end_session(self, digest: bytes) -> None: ...

    def add_login_failures(self, subjects: Sequence[str], *, now: float, forget_before: float) -> None:
        """Write down that a login failed, for each subject; older ones are deleted."""

    def get_login_failures(self, subject: str, *, since: float) -> list[float]: ...

    def forget_login_failures(self, subject: str) -> None: ...

    def claim_answer(
        self, user: str, key: str, fingerprint: bytes, *, now: float, forget_before: float
    ) -> IdempotentAnswer | None:
        """Take a key for a request that begins: None. What is known of the key when it is taken already."""

    def put_answer(self, user: str, key: str, *, status: int, body: bytes) -> None: ...

    def drop_answer(self, user: str, key: str) -> None:
        """Give a key free again: the request was not carried out."""


class AuditPort(Protocol):
    """What was changed by whom. There is no way to change or delete an entry; the database refuses it too."""

    def add(self, entries: Sequence[NewAudit]) -> list[int]: ...

    def get(
        self,
        *,
        user: str | None = None,
        operation: str | None = None,
        outcome: str | None = None,
        limit: int = 100,
        before_id: int | None = None,
    ) -> list[AuditEntry]:
        """Newest first."""
