"""Adds, changes and lists users and tokens: what the commands and REST do, over the ledger."""

from __future__ import annotations

import os

import msgspec

from tidewheel.errors import InvalidInvocationError, did_you_mean
from tidewheel.runtime.secrets import Entropy, hash_password, new_token
from tidewheel.storage.ports.access import AccessPort
from tidewheel.values.access import Grant, Role, TokenRecord, UserRecord

DAY_S = 86_400.0


def add_user(
    access: AccessPort,
    name: str,
    grants: tuple[Grant, ...],
    *,
    password: str | None,
    oidc_subject: str | None = None,
    now: float,
) -> UserRecord:
    """A new user.

    Raises:
        InvalidInvocationError: when the name is taken or not one, or the password is too short.
    """
    if not name or not name.isprintable() or name != name.strip():
        raise InvalidInvocationError(f"expected a name without spaces at its ends, got {name!r}")
    user = UserRecord(
        name=name,
        grants=grants,
        created_at=now,
        password_hash=hash_password(password) if password is not None else None,
        oidc_subject=oidc_subject,
    )
    if not access.add_user(user):
        raise InvalidInvocationError(f"expected a name or subject that is free, got {name!r} which exists")
    return user


def set_password(access: AccessPort, name: str, password: str) -> UserRecord:
    """Give a user a new password and end their sessions.

    Raises:
        InvalidInvocationError: when there is no such user, or the password is too short.
    """
    user = find_user(access, name)
    changed = msgspec.structs.replace(
        user, password_hash=hash_password(password), generation=user.generation + 1
    )
    access.put_user(changed)
    return changed


def set_enabled(access: AccessPort, name: str, enabled: bool, *, now: float) -> UserRecord:
    """Disable a user, whose sessions and tokens end with it, or enable them again.

    Raises:
        InvalidInvocationError: when there is no such user.
    """
    user = find_user(access, name)
    disabled_at = None if enabled else user.disabled_at or now
    changed = msgspec.structs.replace(user, disabled_at=disabled_at, generation=user.generation + 1)
    access.put_user(changed)
    return changed


def create_token(
    access: AccessPort,
    user: str,
    label: str,
    *,
    limits: tuple[Grant, ...] | None,
    expires_in_days: float | None,
    now: float,
    entropy: Entropy = os.urandom,
) -> tuple[TokenRecord, str]:
    """(record, token) of a new API token; nobody can find the token out again.

    Raises:
        InvalidInvocationError: when there is no such user.
    """
    found = find_user(access, user)
    if found.disabled_at is not None:
        raise InvalidInvocationError(f"expected a user who is not disabled, got {user!r}")
    token_id, token, digest = new_token(entropy)
    record = TokenRecord(
        token_id=token_id,
        user=user,
        digest=digest,
        label=label,
        created_at=now,
        expires_at=None if expires_in_days is None else now + expires_in_days * DAY_S,
        limits=limits,
    )
    access.add_token(record)
    return record, token


def revoke_token(access: AccessPort, token_id: str, *, now: float) -> TokenRecord:
    """End a token.

    Raises:
        InvalidInvocationError: when there is no such token.
    """
    record = access.get_token(token_id)
    if record is None:
        known = [token.token_id for token in access.get_tokens()]
        raise InvalidInvocationError(
            f"expected the id of a token, got {token_id!r}; {did_you_mean(token_id, known)}"
        )
    changed = msgspec.structs.replace(record, revoked_at=record.revoked_at or now)
    access.put_token(changed)
    return changed


def find_user(access: AccessPort, name: str) -> UserRecord:
    """A user.

    Raises:
        InvalidInvocationError: when there is no such user.
    """
    user = access.get_user(name)
    if user is None:
        known = [known.name for known in access.get_users()]
        raise InvalidInvocationError(
            f"expected the name of a user, got {name!r}; {did_you_mean(name, known)}"
        )
    return user


def parse_grant(text: str) -> Grant:
    """The grant of ``role`` or ``role@location=a,b;group=c``.

    Raises:
        InvalidInvocationError: when it is none.
    """
    role, _, scope = text.partition("@")
    parts: dict[str, tuple[str, ...]] = {}
    for part in filter(None, scope.split(";")):
        kind, _, names = part.partition("=")
        if kind not in ("location", "group") or not names:
            raise InvalidInvocationError(
                f"expected ROLE or ROLE@location=A,B;group=C, got {text!r}; parts are 'location' and 'group'"
            )
        parts[kind] = tuple(names.split(","))
    roles = [known.value for known in Role]
    if role not in roles:
        raise InvalidInvocationError(f"expected a role, got {role!r}; {did_you_mean(role, roles)}")
    return Grant(role=Role(role), locations=parts.get("location"), groups=parts.get("group"))


def grant_text(grant: Grant) -> str:
    """A grant as ``parse_grant`` reads it."""
    parts = []
    if grant.locations is not None:
        parts.append("location=" + ",".join(grant.locations))
    if grant.groups is not None:
        parts.append("group=" + ",".join(grant.groups))
    return grant.role.value + ("@" + ";".join(parts) if parts else "")


def shown_user(user: UserRecord) -> dict[str, object]:
    """A user as they are shown: without anything secret."""
    return {
        "name": user.name,
        "grants": [grant_text(grant) for grant in user.grants],
        "created_at": user.created_at,
        "disabled_at": user.disabled_at,
        "has_password": user.password_hash is not None,
        "oidc_subject": user.oidc_subject,
    }


def shown_token(token: TokenRecord) -> dict[str, object]:
    """A token as it is shown: without anything secret."""
    return {
        "token_id": token.token_id,
        "user": token.user,
        "label": token.label,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
        "revoked_at": token.revoked_at,
        "limits": None if token.limits is None else [grant_text(limit) for limit in token.limits],
    }
