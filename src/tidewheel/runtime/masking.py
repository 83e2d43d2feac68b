"""What this process knows to be secret, and the masking of what it shows, logs and reports.

Known are environment variables whose names look secret, secrets of webhooks, and what a login's settings hold.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tidewheel.logic.access import masking
from tidewheel.logic.access.masking import KnownSecrets

_known = KnownSecrets()


def known_secrets() -> KnownSecrets:
    """What is known now."""
    return _known


def know_secrets(values: Iterable[str]) -> None:
    """Hide these values from now on wherever they turn up in what this process shows, logs or reports."""
    global _known
    _known = _known.and_more(values)


def forget_secrets() -> None:
    """Know no values any more."""
    global _known
    _known = KnownSecrets()


def holds_known(data: bytes) -> bool:
    """Whether a known secret is in what was encoded as JSON or msgpack."""
    return _known.are_in(data)


def needs_masking(data: bytes) -> bool:
    """Whether there may be a secret in what was encoded as JSON; False is certain."""
    return masking.needs_masking(data, _known)


def mask_text(text: str) -> str:
    """A text as people are shown it."""
    return masking.mask_text(text, _known)


def masked(value: Any) -> Any:
    """A copy of plain data without secrets: those under names that look so, and those in texts."""
    return masking.masked(value, _known)


def shown(value: Any) -> Any:
    """A copy of plain data as people are shown it: texts are masked, and run configs by the names in them too."""
    return masking.shown(value, _known)
