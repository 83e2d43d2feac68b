"""Hides secrets in what is shown or written down: values under names that look secret, and passwords in addresses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MASK = "********"
_SECRET_NAME = re.compile(
    r"(?:^|[_\-.\s])(?:pass(?:word|wd|phrase)?|secrets?|tokens?|api[_\-]?keys?|access[_\-]?keys?|private[_\-]?keys?"
    r"|credentials?|authorization|cookies?|signing[_\-]?keys?|client[_\-]?secret|dsn)(?:$|[_\-.\s\d])",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ADDRESS_PASSWORD = re.compile(r"(?P<before>[a-z][a-z0-9+.\-]*://[^\s:/@]*:)[^\s@/]+(?=@)", re.IGNORECASE)
_BEARER = re.compile(r"\b(Bearer\s+)[A-Za-z0-9._~+/\-]{8,}=*", re.IGNORECASE)
_OWN_TOKEN = re.compile(r"\btw_[0-9a-f]{12}_[A-Za-z0-9_\-]{20,}")
MAX_DEPTH = 60


def looks_secret(name: str) -> bool:
    """Whether a value under this name is better not shown."""
    return _SECRET_NAME.search(_CAMEL.sub("_", name)) is not None


def mask_text(text: str) -> str:
    """A text without the passwords of addresses, bearer tokens and our own tokens in it."""
    text = _ADDRESS_PASSWORD.sub(rf"\g<before>{MASK}", text)
    text = _BEARER.sub(rf"\g<1>{MASK}", text)
    return _OWN_TOKEN.sub(f"tw_{MASK}", text)


def masked(value: Any, depth: int = 0) -> Any:
    """A copy of plain data in which secrets are masked.

    A mapping ``{"env": "NAME"}`` is shown: it names a variable and holds no value.
    """
    if depth > MAX_DEPTH:
        return MASK
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        return {str(key): _under(str(key), inner, depth) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(inner, depth + 1) for inner in value]
    return value


def _under(name: str, value: Any, depth: int) -> Any:
    if not looks_secret(name) or value is None or isinstance(value, bool):
        return masked(value, depth + 1)
    if isinstance(value, Mapping) and (set(value) == {"env"} or not value):
        return dict(value)
    return MASK
