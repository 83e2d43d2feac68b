"""Time as Dagster's private modules give it to users' files and tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from tidewheel.definitions import clock as definition_clock
from tidewheel.runtime import clock as runtime_clock


def create_datetime(
    year: int,
    month: int,
    day: int,
    hour: int = 0,
    minute: int = 0,
    second: int = 0,
    microsecond: int = 0,
    tz: str | tzinfo | None = "UTC",
    fold: int | None = None,
) -> datetime:
    """A moment in a zone (a name or a tzinfo)."""
    zone = ZoneInfo(tz) if isinstance(tz, str) and tz != "UTC" else UTC if tz is None or tz == "UTC" else tz
    assert not isinstance(zone, str)
    return datetime(year, month, day, hour, minute, second, microsecond, tzinfo=zone, fold=fold or 0)


def get_current_datetime(tz: str | tzinfo = "UTC") -> datetime:
    """The present moment in a zone."""
    return definition_clock.utc_now().astimezone(get_timezone(tz))


def get_current_timestamp() -> float:
    """The present moment in seconds since the epoch."""
    return definition_clock.now_s()


def get_timezone(tz: str | tzinfo) -> tzinfo:
    """A zone by its name."""
    if not isinstance(tz, str):
        return tz
    return UTC if tz == "UTC" else ZoneInfo(tz)


def datetime_from_timestamp(timestamp: float, tz: str | tzinfo = "UTC") -> datetime:
    """Seconds since the epoch as a moment in a zone."""
    return datetime.fromtimestamp(timestamp, get_timezone(tz))


def parse_time_string(datetime_str: str) -> datetime:
    """A moment written as in ISO 8601; one without a zone is in UTC."""
    moment = datetime.fromisoformat(datetime_str)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def add_absolute_time(dt: datetime, **amounts: float) -> datetime:
    """A moment so much later in elapsed time (seconds, minutes, hours, days, weeks), in the same zone."""
    return (dt.astimezone(UTC) + timedelta(**amounts)).astimezone(dt.tzinfo)


def dst_safe_strptime(date_string: str, tz: str | tzinfo, fmt: str) -> datetime:
    """A moment read by a format; a zone in the text counts before the given one."""
    moment = datetime.strptime(date_string, fmt)  # noqa: DTZ007 - the zone is added below
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=get_timezone(tz))


@contextmanager
def freeze_time(new_now: datetime | float) -> Iterator[None]:
    """Within the block the engine's clocks stand at a moment (Python's own do not)."""
    seconds = new_now.timestamp() if isinstance(new_now, datetime) else float(new_now)
    with definition_clock.stopped_at(seconds), runtime_clock.stopped_at(seconds):
        yield
