"""Who asks, and what they were granted: roles, grants, principals, and the records that are kept of them."""

from __future__ import annotations

from enum import Enum
from typing import Any, Optional

import msgspec


class Role(str, Enum):
    """What somebody may do; each role may do all that the one before it may."""

    VIEWER = "viewer"
    """See everything but the audit and other people's tokens."""
    LAUNCHER = "launcher"
    """Besides: launch, re-execute and end runs and backfills, report events, try triggers."""
    EDITOR = "editor"
    """Besides: start and stop triggers, set cursors, change partitions and limits, wipe, delete, reload, replay."""
    ADMIN = "admin"
    """Besides: users, tokens, audit."""

    @property
    def rank(self) -> int:
        """Higher may do more."""
        return _RANKS[self]


_RANKS = {role: place for place, role in enumerate(Role)}


class Grant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A role, everywhere or only in some code locations and for some asset groups.

    None: all. A grant for groups covers what is about assets of these groups only, and nothing that is about no assets.
    """

    role: Role
    locations: Optional[tuple[str, ...]] = None
    groups: Optional[tuple[str, ...]] = None

    @property
    def is_whole(self) -> bool:
        """Whether it holds for everything."""
        return self.locations is None and self.groups is None


class Principal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who asks: a user, and the token they ask with. ``limits``: a token's own bounds within its user's grants."""

    name: str
    via: str = "local"
    """How they were recognised: ``local`` | ``session`` | ``token`` | ``webhook`` | ``system``."""
    grants: tuple[Grant, ...] = ()
    limits: Optional[tuple[Grant, ...]] = None
    token_id: Optional[str] = None
    session_id: Optional[str] = None


LOCAL = Principal(name="local", grants=(Grant(role=Role.ADMIN),))
"""Whoever is on the machine of a server that nobody else can reach."""


class UserRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A user. ``password_hash`` None: they log in through the OIDC provider only."""

    name: str
    grants: tuple[Grant, ...]
    created_at: float
    password_hash: Optional[str] = None
    oidc_subject: Optional[str] = None
    disabled_at: Optional[float] = None
    last_login_at: Optional[float] = None
    generation: int = 1
    """Grows when all of the user's sessions are to end (a new password, a disabled user)."""


class TokenRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An API token; of its secret only the digest is kept."""

    token_id: str
    user: str
    digest: bytes
    label: str
    created_at: float
    expires_at: Optional[float] = None
    limits: Optional[tuple[Grant, ...]] = None
    last_used_at: Optional[float] = None
    revoked_at: Optional[float] = None


class SessionRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A browser's session; the cookie's value is kept as a digest only."""

    digest: bytes
    user: str
    generation: int
    created_at: float
    expires_at: float


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A thing that a change is about. ``kind``: ``run`` | ``trigger`` | ``asset`` | ``backfill`` | ``pool`` | ``user`` |
    ``token``; ``name``: its id or key."""

    kind: str
    name: str


class NewAudit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is written down of one change, or of an attempt that was refused.

    ``outcome``: ``done`` | ``refused`` | ``failed``. Secrets are masked before an entry is made.
    """

    at: float
    user: str
    via: str
    operation: str
    what: dict[str, Any]
    outcome: str = "done"
    surface: str = ""
    """Where it was asked: ``graphql`` | ``rest`` | ``webhook`` | ``cli`` | ``login``."""
    token_id: Optional[str] = None
    address: Optional[str] = None
    before: Optional[dict[str, Any]] = None
    after: Optional[dict[str, Any]] = None
    message: Optional[str] = None


class AuditEntry(NewAudit, frozen=True, kw_only=True, omit_defaults=True):
    """A stored entry of the audit."""

    audit_id: int


class IdempotentAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was answered to a request with an idempotency key. ``status`` None: it is still being carried out."""

    fingerprint: bytes
    created_at: float
    status: Optional[int] = None
    body: bytes = b""
