"""Makes and checks secrets: passwords (argon2), API tokens and session cookies (random, kept as digests)."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from functools import cache
from typing import Any

from tidewheel.errors import InvalidInvocationError

MIN_PASSWORD_LENGTH = 12
MAX_PASSWORD_LENGTH = 1024
TOKEN_BYTES = 32
TOKEN_ID_BYTES = 6
_TOKEN = re.compile(r"tw_([0-9a-f]{12})_([A-Za-z0-9_\-]{43})")
_MEMORY_KIB, _PASSES = 19_456, 2

Entropy = Callable[[int], bytes]


@cache
def _hasher() -> Any:
    from argon2 import PasswordHasher  # noqa: PLC0415 - only servers with users and the user commands need it

    return PasswordHasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=1)


@cache
def _nobodys_hash() -> str:
    return str(_hasher().hash(os.urandom(16).hex()))


def hash_password(password: str) -> str:
    """The argon2id hash of a password, with its salt and costs.

    Raises:
        InvalidInvocationError: when it is too short or too long.
    """
    if not MIN_PASSWORD_LENGTH <= len(password) <= MAX_PASSWORD_LENGTH:
        raise InvalidInvocationError(
            f"expected a password of {MIN_PASSWORD_LENGTH} to {MAX_PASSWORD_LENGTH} characters, got {len(password)}"
        )
    return str(_hasher().hash(password))


def is_password(password_hash: str | None, password: str) -> bool:
    """Whether the password is the one of the hash. Without a hash (no such user) it takes as long, and is not."""
    from argon2.exceptions import Argon2Error, InvalidHashError  # noqa: PLC0415 - as above

    if len(password) > MAX_PASSWORD_LENGTH:
        return False
    try:
        _hasher().verify(password_hash or _nobodys_hash(), password)
    except (Argon2Error, InvalidHashError):
        return False
    return password_hash is not None


def new_secret(entropy: Entropy = os.urandom) -> str:
    """A random text that nobody can guess, for cookies and forms."""
    return urlsafe_b64encode(entropy(TOKEN_BYTES)).decode().rstrip("=")


def new_token(entropy: Entropy = os.urandom) -> tuple[str, str, bytes]:
    """(id, token, digest) of a new API token. The token is shown once; the digest is what is kept."""
    token_id = entropy(TOKEN_ID_BYTES).hex()
    token = f"tw_{token_id}_{new_secret(entropy)}"
    return token_id, token, digest_of(token)


def token_id_of(token: str) -> str | None:
    """The id in the text of a token; None when the text is no token."""
    match = _TOKEN.fullmatch(token)
    return match.group(1) if match else None


def digest_of(secret: str) -> bytes:
    """What is kept of a random secret. It has 256 random bits, so that a plain hash is enough."""
    return hashlib.sha256(secret.encode()).digest()


def is_same(first: bytes, second: bytes) -> bool:
    """Whether two digests are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(first, second)
