"""Users, tokens and the audit as commands work with them: of a home here, or of a server elsewhere."""

from __future__ import annotations

import getpass
from typing import Any

from tidewheel.cli.home import OpenHome, OpenServer
from tidewheel.runtime.clock import now_s
from tidewheel.runtime.remote.rest_client import RestClient, in_path
from tidewheel.services.access import accounts
from tidewheel.values.access import AuditEntry, Grant

Shown = dict[str, Any]


class LocalAccounts:
    """Over the ledger of a home: through the server that serves it, or directly."""

    def __init__(self, opened: OpenHome) -> None:
        self._ledger = opened.ledger

    def add_user(
        self, name: str, grants: tuple[Grant, ...], password: str | None, oidc_subject: str | None
    ) -> Shown:
        """Add a user."""
        user = accounts.add_user(
            self._ledger.access,
            name,
            grants,
            password=password,
            oidc_subject=oidc_subject,
            now=now_s(),
        )
        return accounts.shown_user(user)

    def users(self) -> list[Shown]:
        """All users."""
        return [accounts.shown_user(user) for user in self._ledger.access.get_users()]

    def set_password(self, name: str, password: str) -> Shown:
        """Give a user a new password."""
        user = accounts.set_password(self._ledger.access, name, password)
        return accounts.shown_user(user)

    def set_enabled(self, name: str, enabled: bool) -> Shown:
        """Disable a user, or enable them again."""
        user = accounts.set_enabled(self._ledger.access, name, enabled, now=now_s())
        return accounts.shown_user(user)

    def create_token(
        self,
        user: str | None,
        label: str,
        limits: tuple[Grant, ...] | None,
        expires_in_days: float | None,
    ) -> Shown:
        """Make a token; of the only user, if none is named."""
        if user is None:
            known = [found.name for found in self._ledger.access.get_users() if found.disabled_at is None]
            user = known[0] if len(known) == 1 else getpass.getuser()
        record, token = accounts.create_token(
            self._ledger.access, user, label, limits=limits, expires_in_days=expires_in_days, now=now_s()
        )
        return {**accounts.shown_token(record), "token": token}

    def tokens(self, user: str | None) -> list[Shown]:
        """All tokens, or one user's."""
        return [accounts.shown_token(token) for token in self._ledger.access.get_tokens(user)]

    def revoke_token(self, token_id: str) -> Shown:
        """End a token."""
        record = accounts.revoke_token(self._ledger.access, token_id, now=now_s())
        return accounts.shown_token(record)

    def audit(
        self, user: str | None, operation: str | None, outcome: str | None, limit: int
    ) -> list[AuditEntry]:
        """The newest entries of the audit."""
        return self._ledger.audit.get(user=user, operation=operation, outcome=outcome, limit=limit)


class RemoteAccounts:
    """Over REST."""

    def __init__(self, client: RestClient) -> None:
        self._client = client

    def add_user(
        self, name: str, grants: tuple[Grant, ...], password: str | None, oidc_subject: str | None
    ) -> Shown:
        """Add a user."""
        body = {"name": name, "grants": grants, "password": password, "oidc_subject": oidc_subject}
        return self._client.send("POST", "/users", body, Shown)

    def users(self) -> list[Shown]:
        """All users."""
        return list(self._client.items("/users", Shown))

    def set_password(self, name: str, password: str) -> Shown:
        """Give a user a new password."""
        return self._client.send("POST", f"/users/{in_path(name)}/password", {"password": password}, Shown)

    def set_enabled(self, name: str, enabled: bool) -> Shown:
        """Disable a user, or enable them again."""
        change = "enable" if enabled else "disable"
        return self._client.send("POST", f"/users/{in_path(name)}/{change}", None, Shown)

    def create_token(
        self,
        user: str | None,
        label: str,
        limits: tuple[Grant, ...] | None,
        expires_in_days: float | None,
    ) -> Shown:
        """Make a token, of the caller if no other user is named."""
        body = {"user": user, "label": label, "limits": limits, "expires_in_days": expires_in_days}
        return self._client.send("POST", "/tokens", body, Shown)

    def tokens(self, user: str | None) -> list[Shown]:
        """All tokens that the caller may see, or one user's."""
        found = self._client.items("/tokens", Shown)
        return [token for token in found if user in (None, token["user"])]

    def revoke_token(self, token_id: str) -> Shown:
        """End a token."""
        return self._client.send("POST", f"/tokens/{in_path(token_id)}/revoke", None, Shown)

    def audit(
        self, user: str | None, operation: str | None, outcome: str | None, limit: int
    ) -> list[AuditEntry]:
        """The newest entries of the audit."""
        query = {"user": user, "operation": operation, "outcome": outcome}
        return list(self._client.items("/audit", AuditEntry, most=limit, **query))


def accounts_of(opened: OpenHome) -> LocalAccounts | RemoteAccounts:
    """The accounts of what was opened."""
    return RemoteAccounts(opened.client) if isinstance(opened, OpenServer) else LocalAccounts(opened)


def parse_grants(roles: tuple[str, ...]) -> tuple[Grant, ...]:
    """The grants of ``--role`` options."""
    return tuple(accounts.parse_grant(role) for role in roles)
