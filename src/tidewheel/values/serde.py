"""The one place that turns values into bytes and back (msgpack for storage and sockets, JSON for people)."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_encoder = msgspec.msgpack.Encoder()
_decoders: dict[Any, msgspec.msgpack.Decoder[Any]] = {}


def encode(value: Any) -> bytes:
    """The value as msgpack bytes."""
    return _encoder.encode(value)


def decode(data: bytes | memoryview, as_type: type[T]) -> T:
    """The value of msgpack bytes, checked against a type.

    Raises:
        msgspec.ValidationError: when the bytes hold another shape.
    """
    decoder = _decoders.get(as_type)
    if decoder is None:
        decoder = _decoders[as_type] = msgspec.msgpack.Decoder(as_type)
    return decoder.decode(data)  # type: ignore[no-any-return]


def to_json(value: Any) -> str:
    """The value as JSON text."""
    return msgspec.json.encode(value).decode()


def from_json(text: str | bytes, as_type: type[T]) -> T:
    """The value of JSON text, checked against a type."""
    return msgspec.json.decode(text, type=as_type)
