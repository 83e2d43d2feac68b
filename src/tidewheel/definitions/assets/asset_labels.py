"""Names, groups, owners, tags and kinds of assets: what they may look like."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from tidewheel.errors import CheckError, InvalidDefinitionError
from tidewheel.values.keys import AssetKey
from tidewheel.values.tags import KIND_PREFIX

DEFAULT_GROUP = "default"
MAX_KINDS = 10

_NAME = re.compile(r"[A-Za-z0-9_]+\Z")
_GROUP = re.compile(r"[A-Za-z0-9_]+(/[A-Za-z0-9_]+)*\Z")
_TAG_KEY = re.compile(r"([A-Za-z0-9_.-]{1,63}/)?[A-Za-z0-9_.-]{1,63}\Z")
_TAG_VALUE = re.compile(r"[A-Za-z0-9_.-]{0,63}\Z")
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)*\.[^@\s.]{2,}\Z")

RESERVED_NAMES = frozenset(
    {
        *keyword.kwlist,
        *("bool", "dict", "float", "input", "int", "output", "str", "type"),
        *("arg_dict", "conf", "config", "context", "input_arg_dict", "meta", "output_arg_dict"),
    }
)


@lru_cache(maxsize=65536)
def require_name(name: str, what: str = "name") -> str:
    """A name of letters, digits and underscores.

    Raises:
        InvalidDefinitionError: for anything else.
    """
    if not isinstance(name, str) or not _NAME.match(name):
        raise InvalidDefinitionError(
            f"expected a {what} of letters, digits and underscores, got {name!r}; replace the other characters by _"
        )
    return name


@lru_cache(maxsize=65536)
def require_group(group_name: str | None) -> str | None:
    """A group name: names joined by slashes.

    Raises:
        InvalidDefinitionError: for anything else.
    """
    if group_name is None:
        return None
    if not isinstance(group_name, str) or not _GROUP.match(group_name):
        raise InvalidDefinitionError(
            f"expected a group name of letters, digits and underscores, in parts joined by '/', got {group_name!r}; "
            "replace the other characters by _"
        )
    return group_name


def require_owners(owners: Sequence[str] | None, key: AssetKey | str) -> tuple[str, ...]:
    """Owners, of an asset or of what a text names: e-mail addresses or ``team:`` names.

    Raises:
        InvalidDefinitionError: when one is neither.
    """
    if not owners:
        return ()
    subject = key if isinstance(key, str) else f"asset {key.to_user_string()!r}"
    for owner in owners:
        if not isinstance(owner, str):
            raise CheckError(f"{subject}: expected owners as texts, got {owner!r}")
        if not (owner.startswith("team:") and len(owner) > len("team:")) and not _EMAIL.match(owner):
            raise InvalidDefinitionError(
                f"{subject}: expected an owner as an e-mail address or 'team:name', got {owner!r}; "
                f"write for example 'team:{owner.split('@')[0] or 'data'}'"
            )
    return tuple(owners)


def require_tags(tags: Mapping[str, str] | None) -> dict[str, str]:
    """Tags of an asset: limited characters, text values.

    Raises:
        InvalidDefinitionError: when a key or value has other characters or is too long.
    """
    if not tags:
        return {}
    for key, value in tags.items():
        if not isinstance(key, str) or not _TAG_KEY.match(key.removeprefix(KIND_PREFIX)):
            raise InvalidDefinitionError(
                f"expected a tag key of at most 63 letters, digits, '_', '-', '.', perhaps after a 'namespace/', "
                f"got {key!r}; shorten it or replace the other characters"
            )
        if not isinstance(value, str):
            raise InvalidDefinitionError(
                f"tag {key!r}: expected a text as value, got {value!r} ({type(value).__name__}); write it as text"
            )
        if not _TAG_VALUE.match(value):
            raise InvalidDefinitionError(
                f"tag {key!r}: expected a value of at most 63 letters, digits, '_', '-', '.', got {value!r}; "
                "shorten it or replace the other characters"
            )
    return dict(tags)


def kind_tags(kinds: Collection[str] | None) -> dict[str, str]:
    """The tags that stand for kinds.

    Raises:
        InvalidDefinitionError: for more than ten kinds.
    """
    if not kinds:
        return {}
    if isinstance(kinds, str):
        raise CheckError(f"expected kinds as a set of texts, got {kinds!r}; write {{{kinds!r}}}")
    if len(kinds) > MAX_KINDS:
        raise InvalidDefinitionError(f"expected at most ten kinds, got {len(kinds)}; drop some")
    return {KIND_PREFIX + kind: "" for kind in kinds}


def kinds_of(tags: Mapping[str, str]) -> set[str]:
    """The kinds that tags stand for."""
    return {tag[len(KIND_PREFIX) :] for tag in tags if tag.startswith(KIND_PREFIX)}


def coerce_asset_key(arg: Any) -> AssetKey:
    """The key of a key, a text (one part, whatever it holds), a sequence of texts, or anything that has a ``key``.

    Raises:
        CheckError: for anything else.
    """
    if isinstance(arg, AssetKey):
        return arg
    if isinstance(arg, str):
        return AssetKey((arg,))
    if isinstance(arg, (list, tuple)) and arg and all(isinstance(part, str) for part in arg):
        return AssetKey(arg)
    key = getattr(arg, "key", None)
    if isinstance(key, AssetKey):
        return key
    raise CheckError(
        f"expected an asset: a key, a text, a list of texts, a spec or a definition, got {arg!r} "
        f"({type(arg).__name__}); pass AssetKey(...)"
    )


def key_prefix_parts(prefix: str | Sequence[str] | None) -> tuple[str, ...]:
    """A key prefix as parts.

    Raises:
        CheckError: when it is not text.
    """
    if prefix is None:
        return ()
    if isinstance(prefix, str):
        return (prefix,)
    parts = tuple(prefix)
    if not all(isinstance(part, str) for part in parts):
        raise CheckError(f"expected a key prefix as a text or a list of texts, got {prefix!r}")
    return parts


def describe_keys(keys: Iterable[AssetKey], limit: int = 10) -> str:
    """Some keys for a message."""
    texts = sorted(key.to_user_string() for key in keys)
    shown = ", ".join(repr(text) for text in texts[:limit])
    return shown + (f" and {len(texts) - limit} more" if len(texts) > limit else "")
