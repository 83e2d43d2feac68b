"""The one place that turns values into bytes and back (msgpack for storage and sockets, JSON for people)."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def fits_64_bits(number: int) -> bool:
    """Whether every form in which values are written has room for a whole number."""
    return -(2**63) <= number < 2**64


def as_built_in(value: Any) -> Any:
    """A value of a subclass of float, str, int or bytes as its plain kind, so that it can be written.

    Numbers and texts out of numerical libraries (``numpy.float64``, ``numpy.str_``) are such values. Whole numbers of
    more than 64 bits are written as texts of their digits.

    Raises:
        TypeError: when the value is nothing of the kind.
    """
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, int):
        return int(value) if fits_64_bits(value) else str(int(value))
    if isinstance(value, bytes):
        return bytes(value)
    raise TypeError(
        f"expected a value of a built-in kind, got {value!r} ({type(value).__name__}), which cannot be written; convert it"
    )


_encoder = msgspec.msgpack.Encoder(enc_hook=as_built_in)
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
    return msgspec.json.encode(value, enc_hook=as_built_in).decode()


def from_json(text: str | bytes, as_type: type[T]) -> T:
    """The value of JSON text, checked against a type."""
    return msgspec.json.decode(text, type=as_type)
