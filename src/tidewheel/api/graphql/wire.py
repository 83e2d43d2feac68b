"""Turns what the schema's inputs and outputs share into ours and back: keys, tags, times, cursors, limits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tidewheel.api.graphql.answers import Answer
from tidewheel.values.keys import AssetCheckKey, AssetKey, check_text, split_check_text

REPOSITORY = "__repository__"
"""The name of every location's one repository, as clients know it."""
MODE = "default"
MAX_PAGE = 1_000
"""Entries that one page may have; a greater limit is cut to this."""


def asset_text(key: Mapping[str, Any]) -> str:
    """The wire text of an ``AssetKeyInput``."""
    return AssetKey(key["path"] or [""]).to_escaped_user_string()


def asset_texts(keys: Iterable[Mapping[str, Any]] | None) -> tuple[str, ...] | None:
    """The wire texts of several, or None."""
    return None if keys is None else tuple(asset_text(key) for key in keys)


def check_texts(handles: Iterable[Mapping[str, Any]] | None) -> tuple[str, ...] | None:
    """The wire texts of ``AssetCheckHandleInput``s, or None."""
    if handles is None:
        return None
    return tuple(check_text(asset_text(handle["asset_key"]), handle["name"]) for handle in handles)


def asset_key(text: str) -> AssetKey:
    """The ``AssetKey`` of a wire text."""
    return AssetKey.from_escaped_user_string(text)


def asset_keys(texts: Iterable[str]) -> list[AssetKey]:
    """Several of them."""
    return [asset_key(text) for text in texts]


def check_handle(text: str) -> Answer:
    """The ``AssetCheckhandle`` of a check's wire text."""
    asset, name = split_check_text(text)
    return {"name": name, "asset_key": asset_key(asset), "__typename": "AssetCheckhandle"}


def check_key(asset: str, name: str) -> AssetCheckKey:
    """The key of a check of an asset (wire text)."""
    return AssetCheckKey(asset_key(asset), name)


def key_values(pairs: Mapping[str, str]) -> list[Answer]:
    """Pairs as ``{key, value}`` in the order of the keys."""
    return [{"key": key, "value": pairs[key]} for key in sorted(pairs)]


def tag_mapping(tags: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """The mapping of ``ExecutionTag``s; the last of a name counts."""
    return {tag["key"]: tag["value"] for tag in tags or ()}


def page_limit(limit: int | None, default: int = MAX_PAGE) -> int:
    """A limit between 0 and the largest page."""
    return max(0, min(default if limit is None else limit, MAX_PAGE))


def millis(seconds: float) -> str:
    """A moment as events carry it: milliseconds since the epoch, as text."""
    return str(int(seconds * 1000))


def seconds_of_millis(text: str | None) -> float | None:
    """The inverse, of what a client sent.

    Raises:
        ValueError: when it is not a number.
    """
    return None if text is None else float(text) / 1000


def whole_cursor(cursor: str | None) -> int | None:
    """A cursor that is a number; None and an empty text mean none.

    Raises:
        ValueError: when it is something else.
    """
    if not cursor:
        return None
    if not re.fullmatch(r"\d{1,18}", cursor):
        raise ValueError(f"expected a cursor that this server gave out, got {cursor[:80]!r}")
    return int(cursor)


def owner_entry(owner: str, kind: str) -> Answer:
    """An owner as ``UserAssetOwner``/``TeamAssetOwner`` (kind ``Asset``) or as the ``Definition`` variant."""
    if owner.startswith("team:"):
        return {"__typename": f"Team{kind}Owner", "team": owner.removeprefix("team:")}
    return {"__typename": f"User{kind}Owner", "email": owner}
