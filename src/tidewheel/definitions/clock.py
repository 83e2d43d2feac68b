"""The one place where the user side reads the clock."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The present moment, with the zone UTC."""
    return datetime.now(UTC)


def now_s() -> float:
    """The present moment in seconds since the epoch."""
    return utc_now().timestamp()


def as_seconds(moment: datetime) -> float:
    """A datetime as seconds since the epoch; one without a zone counts as UTC."""
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
