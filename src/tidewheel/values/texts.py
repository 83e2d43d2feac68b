"""Texts of user code, which may hold anything, as texts that can be stored and sent; and words with their numbers."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from tidewheel.values.serde import as_built_in

T = TypeVar("T", bound=msgspec.Struct)


def storable_text(text: str) -> str:
    """The text itself, or with what UTF-8 cannot hold (lone surrogates, as in names of files) written as escapes."""
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode()


def counted(number: int, noun: str) -> str:
    """``1 run``, ``2 runs``: for nouns whose plural has an s."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def with_storable_texts(value: T) -> T:
    """A copy of a struct, all of whose texts UTF-8 can hold."""
    plain = msgspec.to_builtins(value, builtin_types=(bytes,), enc_hook=as_built_in)
    return msgspec.convert(_cleaned(plain), type(value), builtin_types=(bytes,))


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(inner) for inner in value]
    return value
