"""The stored form of a condition: one version byte, then msgpack. Only this module knows bytes of trees."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256

import msgspec

from tidewheel.logic.conditions.errors import ConditionError
from tidewheel.logic.conditions.nodes import Condition, UserDefined
from tidewheel.logic.conditions.rewrite import bare, walk, with_slots

VERSION = 1

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Condition] = msgspec.msgpack.Decoder(Condition)


def encode(condition: Condition) -> bytes:
    """The stored form. User-defined conditions are numbered and lose their handles."""
    if any(isinstance(node, UserDefined) for node in walk(condition)):
        return _encoded(with_slots(condition))
    return _encoded_plain(condition)


def _encoded(condition: Condition) -> bytes:
    return bytes([VERSION]) + _encoder.encode(condition)


@lru_cache(maxsize=1024)
def _encoded_plain(condition: Condition) -> bytes:
    """Remembered, since many assets have equal conditions."""
    return _encoded(condition)


def decode(data: bytes) -> Condition:
    """The condition of a stored form; raises ConditionError for damage or another version."""
    if not data or data[0] != VERSION:
        raise ConditionError(
            f"stored condition: expected version {VERSION}, got {data[:1].hex() or 'nothing'!r}; "
            "reload the code location"
        )
    try:
        return _decoder.decode(data[1:])
    except (msgspec.DecodeError, msgspec.ValidationError) as reason:
        raise ConditionError(
            f"stored condition: expected a tree of known nodes, got {len(data)} bytes that are not ({reason}); "
            "reload the code location with this version"
        ) from reason


@lru_cache(maxsize=4096)
def identity_of(condition: Condition) -> str:
    """16 hexadecimal digits that two conditions share exactly when they are always true together by form.

    Labels and run options do not count, nor does the place in a larger tree: it is what memory is kept by (C41).
    """
    return sha256(_encoder.encode(bare(with_slots(condition)))).hexdigest()[:16]
