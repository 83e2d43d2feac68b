"""Identifiers: time-ordered new ones, and ones derived from what they stand for."""

from __future__ import annotations

import hashlib
import uuid


def uuid_at(timestamp_s: float, entropy: bytes) -> str:
    """A version 7 uuid text: ordered by the time (milliseconds), the rest from 10 bytes of ``entropy``."""
    millis = int(timestamp_s * 1000) & ((1 << 48) - 1)
    tail = int.from_bytes(entropy[:10], "big") & ((1 << 74) - 1)
    value = (millis << 80) | (0x7 << 76) | ((tail >> 62) << 64) | (0b10 << 62) | (tail & ((1 << 62) - 1))
    return str(uuid.UUID(int=value))


def derived_run_id(trigger_id: str, tick_identity: str, index: int, timestamp_s: float) -> str:
    """The id of the ``index``-th run that a trigger's tick asks for.

    The same tick evaluated again gives the same ids, so a repeated evaluation cannot create a second run.
    ``tick_identity`` is the nominal time of a schedule's tick, or the version of the sensor's state that the
    evaluation started from; ``timestamp_s`` only makes the ids sort by time.
    """
    digest = hashlib.blake2b(f"{trigger_id}\0{tick_identity}\0{index}".encode(), digest_size=10).digest()
    return uuid_at(timestamp_s, digest)


def trigger_id(location: str, name: str) -> str:
    """The stable identity of a schedule or sensor: names are unique within a code location."""
    return f"{location}/{name}"


def location_of_trigger(identity: str) -> str:
    """The code location of a trigger's identity."""
    return identity.rpartition("/")[0]
