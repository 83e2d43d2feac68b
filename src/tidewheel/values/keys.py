"""Names of assets and checks, and their text forms.

On the control side and on the wire an asset is its *user string* (``"a/b"``, a slash inside a part is written ``\\/``)
and a check is ``"a/b:check_name"``; check names cannot hold a colon, so the last colon separates. ``AssetKey`` and
``AssetCheckKey`` are what users write and read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NewType

from tidewheel.values.pydantic_fields import usable_as_field

AssetKeyText = NewType("AssetKeyText", str)
CheckKeyText = NewType("CheckKeyText", str)
RunId = NewType("RunId", str)

_UNESCAPED_SLASH = re.compile(r"(?<!\\)/")


def split_user_string(text: str) -> tuple[str, ...]:
    """The parts of an escaped user string: ``"a\\/b/c"`` gives ``("a/b", "c")``."""
    return tuple(part.replace("\\/", "/") for part in _UNESCAPED_SLASH.split(text))


def join_user_string(parts: Iterable[str]) -> str:
    """The escaped user string of some parts; the inverse of :func:`split_user_string`."""
    return "/".join(part.replace("/", "\\/") for part in parts)


@usable_as_field
class AssetKey:
    """The identity of an asset: one or more text parts.

    ``AssetKey("a")`` has one part (even if the text holds a slash), ``AssetKey(["a", "b"])`` has two. Immutable,
    hashable, ordered by parts.

    Raises:
        TypeError: when the argument is neither a string nor a sequence of strings.
        ValueError: when there is no part at all.
    """

    __slots__ = ("_hash", "_parts")
    _parts: tuple[str, ...]
    _hash: int

    def __init__(self, path: str | Sequence[str]) -> None:
        parts = (path,) if isinstance(path, str) else tuple(path)
        if not all(isinstance(part, str) for part in parts):
            raise TypeError(f"expected an asset key as a string or a sequence of strings, got {path!r}")
        if not parts:
            raise ValueError("expected an asset key with at least one part, got an empty sequence")
        object.__setattr__(self, "_parts", parts)
        object.__setattr__(self, "_hash", hash(parts))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"AssetKey cannot be changed (attribute {name!r}); make a new one instead")

    @property
    def path(self) -> list[str]:
        """The parts, as a list."""
        return list(self._parts)

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts."""
        return self._parts

    def to_user_string(self) -> str:
        """The parts joined by slashes, not escaped: ``"a/b"``."""
        return "/".join(self._parts)

    def to_escaped_user_string(self) -> str:
        """The parts joined by slashes, slashes inside a part escaped; unambiguous, used on the wire."""
        return join_user_string(self._parts)

    def to_string(self) -> str:
        """The key as a JSON list: ``'["a", "b"]'``."""
        return json.dumps(list(self._parts))

    def to_db_string(self) -> str:
        """The key as a JSON list, as Dagster's tables and event filters spell it."""
        return self.to_string()

    def to_graphql_input(self) -> Mapping[str, Sequence[str]]:
        """The key as the GraphQL input object ``{"path": [...]}``."""
        return {"path": self.path}

    def to_python_identifier(self, suffix: str | None = None) -> str:
        """The key as a Python identifier: parts joined by two underscores, other characters replaced."""
        text = "__".join(self._parts)
        if suffix is not None:
            text = f"{text}__{suffix}"
        return re.sub(r"[^A-Za-z0-9_]", "_", text)

    @staticmethod
    def from_user_string(asset_key_string: str) -> AssetKey:
        """The key of a slash-joined text: ``"a/b"`` has two parts."""
        return AssetKey(asset_key_string.split("/"))

    @staticmethod
    def from_escaped_user_string(asset_key_string: str) -> AssetKey:
        """The key of an escaped user string (the inverse of ``to_escaped_user_string``)."""
        return AssetKey(split_user_string(asset_key_string))

    @staticmethod
    def from_db_string(asset_key_string: str | None) -> AssetKey | None:
        """The key of a JSON list; ``None`` gives ``None``."""
        if not asset_key_string:
            return None
        if asset_key_string.startswith("["):
            return AssetKey(json.loads(asset_key_string))
        return AssetKey.from_user_string(asset_key_string)

    @staticmethod
    def from_graphql_input(graphql_input_asset_key: Mapping[str, Sequence[str]]) -> AssetKey:
        """The key of the GraphQL input object ``{"path": [...]}``."""
        return AssetKey(graphql_input_asset_key["path"])

    @staticmethod
    def from_coercible(arg: Any) -> AssetKey:
        """The key of an AssetKey, a slash-joined string, or a sequence of strings.

        Raises:
            TypeError: for anything else.
        """
        if isinstance(arg, AssetKey):
            return arg
        if isinstance(arg, str):
            return AssetKey.from_user_string(arg)
        if isinstance(arg, (list, tuple)) and all(isinstance(part, str) for part in arg):
            return AssetKey(arg)
        raise TypeError(f"expected an AssetKey, a string or a list of strings, got {arg!r}")

    @staticmethod
    def from_coercible_or_definition(arg: Any) -> AssetKey:
        """As ``from_coercible``, and an object with a ``key`` (an asset definition or spec) gives that key."""
        key = getattr(arg, "key", None)
        return key if isinstance(key, AssetKey) else AssetKey.from_coercible(arg)

    def has_prefix(self, prefix: Sequence[str]) -> bool:
        """Whether the first parts are these."""
        return self._parts[: len(prefix)] == tuple(prefix)

    def with_prefix(self, prefix: str | Sequence[str]) -> AssetKey:
        """A key with these parts in front."""
        head = (prefix,) if isinstance(prefix, str) else tuple(prefix)
        return AssetKey(head + self._parts)

    def __iter__(self) -> Iterator[list[str]]:
        yield list(self._parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AssetKey) and self._parts == other._parts

    def __lt__(self, other: AssetKey) -> bool:
        return self._parts < other._parts

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[type[AssetKey], tuple[list[str]]]:
        return (AssetKey, (list(self._parts),))

    def __repr__(self) -> str:
        return f"AssetKey({list(self._parts)!r})"


@usable_as_field
class AssetCheckKey:
    """The identity of a check: the asset it checks and its name. Immutable, hashable."""

    __slots__ = ("asset_key", "name")
    asset_key: AssetKey
    name: str

    def __init__(self, asset_key: AssetKey, name: str) -> None:
        object.__setattr__(self, "asset_key", asset_key)
        object.__setattr__(self, "name", name)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"AssetCheckKey cannot be changed (attribute {name!r}); make a new one instead")

    def to_user_string(self) -> str:
        """``"a/b:check_name"``."""
        return f"{self.asset_key.to_user_string()}:{self.name}"

    def to_escaped_user_string(self) -> str:
        """As ``to_user_string`` with escaped parts; unambiguous, used on the wire."""
        return f"{self.asset_key.to_escaped_user_string()}:{self.name}"

    @staticmethod
    def from_escaped_user_string(text: str) -> AssetCheckKey:
        """The inverse of ``to_escaped_user_string``."""
        asset, _, name = text.rpartition(":")
        return AssetCheckKey(AssetKey.from_escaped_user_string(asset), name)

    def with_asset_key_prefix(self, prefix: str | Sequence[str]) -> AssetCheckKey:
        """The same check name on the asset with these parts in front."""
        return AssetCheckKey(self.asset_key.with_prefix(prefix), self.name)

    def replace_key(self, key: AssetKey) -> AssetCheckKey:
        """The same check name on another asset."""
        return AssetCheckKey(key, self.name)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, AssetCheckKey) and self.asset_key == other.asset_key and self.name == other.name
        )

    def __lt__(self, other: AssetCheckKey) -> bool:
        return (self.asset_key, self.name) < (other.asset_key, other.name)

    def __hash__(self) -> int:
        return hash((self.asset_key, self.name))

    def __reduce__(self) -> tuple[type[AssetCheckKey], tuple[AssetKey, str]]:
        return (AssetCheckKey, (self.asset_key, self.name))

    def __repr__(self) -> str:
        return f"AssetCheckKey(asset_key={self.asset_key!r}, name={self.name!r})"


AssetOrCheckKey = AssetKey | AssetCheckKey


def check_text(asset: str, name: str) -> str:
    """The wire form of a check from the asset's wire form and the check's name."""
    return f"{asset}:{name}"


def split_check_text(text: str) -> tuple[str, str]:
    """(asset's wire form, check name) of a check's wire form."""
    asset, _, name = text.rpartition(":")
    return asset, name
