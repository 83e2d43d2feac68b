"""The one place that turns values into bytes and back (msgpack for storage and sockets, JSON for people)."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

DEPTH_MAX = 200
"""Levels of data from outside: reading and checking it takes a few calls within calls for each."""


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


def unwritable(value: Any) -> str | None:
    """Why a value cannot be written, in words; None when it can."""
    try:
        data = encode(value)
        # a level takes a byte at least: what is short is not deep
        if len(data) > DEPTH_MAX and not _is_shallow(msgspec.msgpack.decode(data)):
            return f"expected data nested at most {DEPTH_MAX} levels deep, got more"
    except OverflowError:
        return "expected whole numbers of at most 64 bits, got a larger one; write it as text"
    except UnicodeEncodeError as exc:
        return f"expected texts that UTF-8 can hold, got {ascii(exc.object)[:200]}"
    except RecursionError:
        return "expected data of a sensible depth, got it nested too deeply"
    except (TypeError, ValueError) as exc:
        return f"expected data that can be written as JSON, got: {exc}"
    return None


def _is_shallow(data: Any) -> bool:
    level = [data]
    for _ in range(DEPTH_MAX + 1):
        inner: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                inner.extend(one.values())
            elif isinstance(one, list):
                inner.extend(one)
        if not inner:
            return True
        level = inner
    return False


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
