"""JSON schemas of config as they may leave user code: without the values that a file gives to what looks secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidewheel.logic.access.masking import looks_secret


def without_secret_defaults(schema: Mapping[str, Any], name: str = "") -> dict[str, Any]:
    """The schema without defaults under names that look secret, at any depth; names of variables stay."""
    found: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "default":
            if not (looks_secret(name) and not _is_variable(value)):
                found[key] = _cleared(value)
        elif key == "properties":
            found[key] = {one: without_secret_defaults(inner, one) for one, inner in value.items()}
        elif isinstance(value, Mapping):
            found[key] = without_secret_defaults(value, name)
        elif key == "anyOf":
            found[key] = [without_secret_defaults(inner, name) for inner in value]
        else:
            found[key] = value
    return found


def _cleared(value: Any) -> Any:
    """A default without what looks secret in it."""
    if isinstance(value, Mapping):
        return {
            key: _cleared(inner)
            for key, inner in value.items()
            if not looks_secret(str(key)) or _is_variable(inner)
        }
    return [_cleared(inner) for inner in value] if isinstance(value, list) else value


def _is_variable(value: Any) -> bool:
    return isinstance(value, Mapping) and set(value) == {"env"}
