"""The one place of this layer that reads the clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

Clock = Callable[[], float]
"""Gives the present moment in seconds since the epoch, UTC."""


def now_s() -> float:
    """The present moment in seconds since the epoch, UTC."""
    return _stopped[-1] if _stopped else time.time()


_stopped: list[float] = []
"""Moments at which tests have stopped the clock; the last one counts."""


@contextmanager
def stopped_at(seconds: float) -> Iterator[None]:
    """Within the block the clock stands, in the whole process: for tests."""
    _stopped.append(seconds)
    try:
        yield
    finally:
        _stopped.pop()


def as_datetime(seconds: float) -> datetime:
    """A moment in seconds since the epoch as a datetime with the zone UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def as_seconds(moment: datetime) -> float:
    """A datetime in seconds since the epoch; one without a zone counts as UTC."""
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
