"""Hides secrets in what is shown or written down: the one place for the log, the audit, REST, GraphQL and the commands.

Secrets are: values under names that look secret, passwords in addresses, bearer tokens, our own tokens, and values that
are known to be secret (``KnownSecrets``; those of a process are kept by ``runtime.masking``).
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


class KnownSecrets:
    """Values that are secret, and one expression for all of them; it never changes.

    What is short is left out: it is too likely to be a word of its own.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        self.values = frozenset(value for value in values if len(value) >= SHORTEST_KNOWN)
        ordered = sorted(self.values, key=len, reverse=True)
        self.expression = re.compile("|".join(map(re.escape, ordered))) if ordered else None
        # as they are in JSON and in msgpack
        self.encoded = tuple({form for one in ordered for form in (one.encode(), _json_text(one))})

    def and_more(self, values: Iterable[str]) -> KnownSecrets:
        """These and others; itself when they are known already."""
        found = KnownSecrets(values)
        return self if found.values <= self.values else KnownSecrets(self.values | found.values)

    def are_in(self, data: bytes) -> bool:
        """Whether one of them is in what was encoded as JSON or msgpack."""
        return any(one in data for one in self.encoded)


def secret_values(environ: Mapping[str, str]) -> set[str]:
    """The values of those environment variables whose names look secret."""
    return {value for name, value in environ.items() if looks_secret(name)}


def needs_masking(data: bytes, known: KnownSecrets) -> bool:
    """Whether there may be a secret in what was encoded as JSON; False is certain."""
    return any(mark in data for mark in _MARKS) or known.are_in(data)


def shown(value: Any, known: KnownSecrets, depth: int = 0) -> Any:
    """A copy of plain data as people are shown it: texts are masked, and run configs by the names in them too."""
    if isinstance(value, str):
        return mask_text(value, known)
    if depth > MAX_DEPTH:
        return value
    if isinstance(value, Mapping):
        return {
            key: masked(inner, known) if key in RUN_CONFIGS else shown(inner, known, depth + 1)
            for key, inner in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [shown(inner, known, depth + 1) for inner in value]
    return value


def _json_text(value: str) -> bytes:
    return json.dumps(value, ensure_ascii=False)[1:-1].encode()


def mask_text(text: str, known: KnownSecrets) -> str:
    """A text without the passwords of addresses, bearer tokens, our own tokens, and known secrets in it."""
    if known.expression is not None:
        text = known.expression.sub(MASK, text)
    text = _ADDRESS_PASSWORD.sub(rf"\g<before>{MASK}", text)
    text = _BEARER.sub(rf"\g<1>{MASK}", text)
    return _OWN_TOKEN.sub(f"tw_{MASK}", text)


def masked(value: Any, known: KnownSecrets, depth: int = 0) -> Any:
    """A copy of plain data in which secrets are masked.

    A mapping ``{"env": "NAME"}`` is shown: it names a variable and holds no value.
    """
    if depth > MAX_DEPTH:
        return MASK
    if isinstance(value, str):
        return mask_text(value, known)
    if isinstance(value, Mapping):
        return {str(key): _under(str(key), inner, known, depth) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(inner, known, depth + 1) for inner in value]
    return value


def _under(name: str, value: Any, known: KnownSecrets, depth: int) -> Any:
    if not looks_secret(name) or value is None or isinstance(value, bool):
        return masked(value, known, depth + 1)
    if isinstance(value, Mapping) and (set(value) == {"env"} or not value):
        return dict(value)
    return MASK
