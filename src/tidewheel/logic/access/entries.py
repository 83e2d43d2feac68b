"""Makes what an entry of the audit tells fit to be kept: secrets masked, long texts and lists cut."""

from __future__ import annotations

from typing import Any

import msgspec

from tidewheel.logic.access.masking import KnownSecrets, mask_text, masked

MAX_TEXT = 2_000
MAX_ITEMS = 200


def kept(value: dict[str, Any] | None, known: KnownSecrets) -> dict[str, Any] | None:
    """A copy that msgpack can hold; None stays None."""
    if value is None:
        return None
    builtins = msgspec.to_builtins(value, builtin_types=(bytes,), enc_hook=str)
    plain: dict[str, Any] = _cut(masked(builtins, known))
    return plain


def kept_text(text: str | None, known: KnownSecrets) -> str | None:
    """A message; None for an empty one."""
    return mask_text(text, known)[:MAX_TEXT] if text else None


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        text = value if len(value) <= MAX_TEXT else value[:MAX_TEXT] + "…"
        return text.encode(errors="replace").decode()
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return str(value)
    if isinstance(value, bytes):
        return f"({len(value)} bytes)"
    if isinstance(value, dict):
        return {_cut(key): _cut(inner) for key, inner in list(value.items())[:MAX_ITEMS]}
    if isinstance(value, list):
        return [_cut(inner) for inner in value[:MAX_ITEMS]]
    return value
