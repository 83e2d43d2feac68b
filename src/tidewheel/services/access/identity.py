"""Recognises who asks: passwords, sessions, tokens, logins at an OIDC provider; and slows down those who guess."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Optional

import msgspec

from tidewheel.errors import LoginRefusedError
from tidewheel.logic.access.attempts import WINDOW_S, wait_after_failures
from tidewheel.runtime.secrets import Entropy, digest_of, is_password, is_same, new_secret, token_id_of
from tidewheel.services.database import Database
from tidewheel.storage.ports.access import AccessPort
from tidewheel.values.access import LOCAL, Grant, Principal, Role, SessionRecord, UserRecord

SET_UP_KNOWN_FOR_S = 1.0
TOKEN_USE_NOTED_EVERY_S = 60.0
LOGINS_AT_ONCE = 2
"""Passwords checked at the same time: each takes 19 MiB and a core."""
WRONG = "expected the name of a user and their password, got others"
WRONG_TOKEN = (
    "expected a valid token, got one that is unknown, expired or revoked; make one: tidewheel token create"
)


class IdentityOptions(msgspec.Struct, frozen=True, kw_only=True):
    """``is_public``: reachable from other machines, so that a login is always needed."""

    is_public: bool = False
    session_s: float = 72 * 3600.0
    oidc_role: Optional[Role] = None
    """What somebody may do whom the OIDC provider vouches for and nobody has added; None: nothing, they are refused."""


class Identity:
    """Who is who, over the ledger."""

    def __init__(
        self,
        database: Database,
        options: IdentityOptions,
        *,
        clock: Callable[[], float],
        entropy: Entropy = os.urandom,
    ) -> None:
        self.options = options
        self._database = database
        self._clock = clock
        self._entropy = entropy
        self._checking = asyncio.Semaphore(LOGINS_AT_ONCE)
        self._is_set_up = False
        self._set_up_read_at: float | None = None

    @property
    def _access(self) -> AccessPort:
        return self._database.ledger.access

    async def is_login_needed(self) -> bool:
        """Whether anybody must log in: there are users, or other machines can reach the server."""
        if self.options.is_public:
            return True
        now = self._clock()
        if self._set_up_read_at is None or not 0 <= now - self._set_up_read_at < SET_UP_KNOWN_FOR_S:
            self._is_set_up = await self._database.read(self._access.get_is_set_up)
            self._set_up_read_at = now
        return self._is_set_up

    async def anonymous(self) -> Principal | None:
        """Who somebody is that brings nothing: whoever is on this machine, as long as no login is needed."""
        return None if await self.is_login_needed() else LOCAL

    # -- tokens and sessions ------------------------------------------------------------------------------------
    async def of_token(self, token: str) -> Principal:
        """The principal of an API token.

        Raises:
            LoginRefusedError: when it is unknown, expired or revoked, or its user is disabled.
        """
        token_id = token_id_of(token)
        now = self._clock()
        record = await self._database.read(self._access.get_token, token_id) if token_id is not None else None
        if (
            record is None
            or not is_same(record.digest, digest_of(token))
            or record.revoked_at is not None
            or (record.expires_at is not None and record.expires_at <= now)
        ):
            raise LoginRefusedError(WRONG_TOKEN)
        user = await self._enabled_user(record.user)
        if user is None:
            raise LoginRefusedError(WRONG_TOKEN)
        if record.last_used_at is None or now - record.last_used_at >= TOKEN_USE_NOTED_EVERY_S:
            await self._database.write(self._access.note_token_used, record.token_id, now=now)
        return Principal(
            name=user.name,
            via="token",
            grants=user.grants,
            limits=record.limits,
            token_id=record.token_id,
        )

    async def of_session(self, cookie: str) -> Principal | None:
        """The principal of a session's cookie; None when it has ended."""
        digest = digest_of(cookie)
        session = await self._database.read(self._access.get_session, digest)
        if session is None or session.expires_at <= self._clock():
            return None
        user = await self._enabled_user(session.user)
        if user is None or user.generation != session.generation:
            return None
        return Principal(name=user.name, via="session", grants=user.grants, session_id=digest.hex()[:12])

    async def _enabled_user(self, name: str) -> UserRecord | None:
        user = await self._database.read(self._access.get_user, name)
        return None if user is None or user.disabled_at is not None else user

    # -- logins -------------------------------------------------------------------------------------------------
    async def log_in(self, name: str, password: str, address: str) -> tuple[UserRecord, str]:
        """(user, cookie of a new session) for a name and password.

        Raises:
            LoginRefusedError: see ``check_password``.
        """
        user = await self.check_password(name, password, address)
        return user, await self._new_session(user)

    async def check_password(self, name: str, password: str, address: str) -> UserRecord:
        """The user of a name and password.

        Raises:
            LoginRefusedError: when they are not right, or too many attempts of this name or address failed.
        """
        subjects = (f"name:{name[:200]}", f"address:{address[:200]}")
        async with self._checking:
            await self._require_patience(subjects)
            user = await self._database.read(self._access.get_user, name)
            known_hash = user.password_hash if user is not None and user.disabled_at is None else None
            is_right = await asyncio.to_thread(is_password, known_hash, password)
            now = self._clock()
            if not is_right or user is None:
                await self._database.write(
                    self._access.add_login_failures, subjects, now=now, forget_before=now - WINDOW_S
                )
                raise LoginRefusedError(WRONG)
            await self._database.write(self._access.forget_login_failures, subjects[0])
        return user

    async def log_in_with_oidc(
        self, issuer: str, subject: str, name: str | None
    ) -> tuple[UserRecord, str, bool]:
        """(user, cookie of a new session, whether the user is new) for somebody whom the OIDC provider vouches for.

        Raises:
            LoginRefusedError: when nobody has added them, and a role for newcomers is not set.
        """
        key = f"{issuer}|{subject}"
        user = await self._database.read(self._access.get_user_of_subject, key)
        is_new = False
        if user is None:
            user = await self._newcomer(key, name or subject)
            is_new = True
        if user.disabled_at is not None:
            raise LoginRefusedError(f"expected a user who is not disabled, got {user.name!r}")
        return user, await self._new_session(user), is_new

    async def _newcomer(self, key: str, name: str) -> UserRecord:
        role = self.options.oidc_role
        if role is None:
            raise LoginRefusedError(
                f"expected a known user, got {name!r}; an admin can add them (tidewheel user add NAME "
                f"--oidc-subject '{key}'), or set oidc_role for all newcomers"
            )
        user = UserRecord(
            name=name[:200], grants=(Grant(role=role),), created_at=self._clock(), oidc_subject=key
        )
        if not await self._database.write(self._access.add_user, user):
            # somebody else has this name: never let them be taken for each other
            user = msgspec.structs.replace(user, name=key[:400])
            await self._database.write(self._access.add_user, user)
        return user

    async def _require_patience(self, subjects: tuple[str, ...]) -> None:
        now = self._clock()
        waits = []
        for subject in subjects:
            failed = await self._database.read(self._access.get_login_failures, subject, since=now - WINDOW_S)
            waits.append(wait_after_failures(failed, now))
        if max(waits) > 0:
            raise LoginRefusedError(
                f"expected fewer failed logins; try again in {max(waits):.0f} seconds", wait_s=max(waits)
            )

    async def _new_session(self, user: UserRecord) -> str:
        cookie, now = new_secret(self._entropy), self._clock()
        session = SessionRecord(
            digest=digest_of(cookie),
            user=user.name,
            generation=user.generation,
            created_at=now,
            expires_at=now + self.options.session_s,
        )
        await self._database.write(self._access.add_session, session)
        return cookie

    async def log_out(self, cookie: str) -> None:
        """End a session."""
        await self._database.write(self._access.end_session, digest_of(cookie))
