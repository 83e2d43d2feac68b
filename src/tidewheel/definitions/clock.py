"""The one place where the user side reads the clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

_stopped: list[float] = []
"""Moments at which tests have stopped the clock; the last one counts."""


def utc_now() -> datetime:
    """The present moment, with the zone UTC."""
    return datetime.fromtimestamp(_stopped[-1], UTC) if _stopped else datetime.now(UTC)


@contextmanager
def stopped_at(seconds: float) -> Iterator[None]:
    """Within the block the clock stands, in the whole process: for tests."""
    _stopped.append(seconds)
    try:
        yield
    finally:
        _stopped.pop()


def now_s() -> float:
    """The present moment in seconds since the epoch."""
    return utc_now().timestamp()


def as_seconds(moment: datetime) -> float:
    """A datetime as seconds since the epoch; one without a zone counts as UTC."""
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
