"""Hides secrets in what is shown or written down: the one place for the log, the audit, REST, GraphQL and the commands.

Secrets are: values under names that look secret, passwords in addresses, bearer tokens, our own tokens, and values that
this process knows to be secret (``know_secrets``: environment variables with such names, secrets of webhooks).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
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
_MARKS = (b"://", b"earer ", b"EARER ", b"tw_", b'"run_config":', b'"runConfig":')
"""What is in every text that an expression above can match, and where run configs are."""
RUN_CONFIGS = frozenset({"run_config", "runConfig"})
SHORTEST_KNOWN = 6
MAX_DEPTH = 60


def looks_secret(name: str) -> bool:
    """Whether a value under this name is better not shown."""
    return _SECRET_NAME.search(_CAMEL.sub("_", name)) is not None


class _Known:
    """The values that are secret in this process, and one expression for all of them."""

    def __init__(self) -> None:
        self.values: frozenset[str] = frozenset()
        self.expression: re.Pattern[str] | None = None
        self.encoded: tuple[bytes, ...] = ()

    def add(self, values: Iterable[str]) -> None:
        """Know more of them; what is short is too likely to be a word of its own."""
        found = self.values | {value for value in values if len(value) >= SHORTEST_KNOWN}
        if found != self.values:
            self.replace(found)

    def replace(self, values: frozenset[str]) -> None:
        """Know these and no others."""
        ordered = sorted(values, key=len, reverse=True)
        self.values = values
        self.expression = re.compile("|".join(map(re.escape, ordered))) if ordered else None
        # as they are in JSON and in msgpack
        self.encoded = tuple({form for one in ordered for form in (one.encode(), _json_text(one))})


_known = _Known()


def know_secrets(values: Iterable[str]) -> None:
    """Hide these values from now on wherever they turn up in what this process shows, logs or reports."""
    _known.add(values)


def forget_secrets() -> None:
    """Know no values any more."""
    _known.replace(frozenset())


def secret_values(environ: Mapping[str, str]) -> set[str]:
    """The values of those environment variables whose names look secret."""
    return {value for name, value in environ.items() if looks_secret(name)}


def holds_known(data: bytes) -> bool:
    """Whether a known secret is in what was encoded as JSON or msgpack."""
    return any(one in data for one in _known.encoded)


def needs_masking(data: bytes) -> bool:
    """Whether there may be a secret in what was encoded as JSON; False is certain."""
    return any(mark in data for mark in _MARKS) or holds_known(data)


def shown(value: Any, depth: int = 0) -> Any:
    """A copy of plain data as people are shown it: texts are masked, and run configs by the names in them too."""
    if isinstance(value, str):
        return mask_text(value)
    if depth > MAX_DEPTH:
        return value
    if isinstance(value, Mapping):
        return {
            key: masked(inner) if key in RUN_CONFIGS else shown(inner, depth + 1)
            for key, inner in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [shown(inner, depth + 1) for inner in value]
    return value


def _json_text(value: str) -> bytes:
    return json.dumps(value, ensure_ascii=False)[1:-1].encode()


def mask_text(text: str) -> str:
    """A text without the passwords of addresses, bearer tokens, our own tokens, and known secrets in it."""
    if _known.expression is not None:
        text = _known.expression.sub(MASK, text)
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
