"""The one place of this layer that reads the clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], float]
"""Gives the present moment in seconds since the epoch, UTC."""


def now_s() -> float:
    """The present moment in seconds since the epoch, UTC."""
    return time.time()


def as_datetime(seconds: float) -> datetime:
    """A moment in seconds since the epoch as a datetime with the zone UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def as_seconds(moment: datetime) -> float:
    """A datetime in seconds since the epoch; one without a zone counts as UTC."""
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
