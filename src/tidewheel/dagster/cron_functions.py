"""Ticks of cron strings as Dagster's private modules give them to users' files and tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

from tidewheel.dagster.time_functions import datetime_from_timestamp
from tidewheel.errors import CheckError
from tidewheel.logic.cron.errors import CronError
from tidewheel.logic.cron.expression import parse
from tidewheel.logic.cron.ticks import (
    next_after,
    next_after_any,
    next_at_or_after,
    previous_at_or_before,
    previous_before,
)

_COMPARED_TICKS = 1_000
"""So many gaps are looked at for the smallest one of a cron string."""


def is_valid_cron_string(cron_string: str) -> bool:
    """Whether a text is a cron expression of five fields, or one of the names such as `@daily`."""
    try:
        parse(cron_string)
    except CronError:
        return False
    return True


def is_valid_cron_schedule(cron_schedule: str | Sequence[str]) -> bool:
    """Whether a cron expression, or each of several, can be understood."""
    several = [cron_schedule] if isinstance(cron_schedule, str) else cron_schedule
    return bool(several) and all(is_valid_cron_string(one) for one in several)


def get_next_cron_tick(cron_schedule: str, current_time: datetime, timezone: str | None) -> datetime:
    """The first tick after a moment."""
    return _moment(next_after(parse(cron_schedule), current_time.timestamp(), _zone(timezone)), timezone)


def get_latest_completed_cron_tick(
    cron_schedule: str, current_time: datetime, timezone: str | None
) -> datetime:
    """The last tick up to a moment, the moment itself included."""
    tick = previous_at_or_before(parse(cron_schedule), current_time.timestamp(), _zone(timezone))
    return _moment(tick, timezone)


def get_smallest_cron_interval(cron_string: str, execution_timezone: str | None = None) -> timedelta:
    """The shortest time between two ticks that follow each other, seen over the next thousand.

    Raises:
        CheckError: when the expression cannot be understood.
    """
    if not is_valid_cron_string(cron_string):
        raise CheckError(f"expected a cron expression, got {cron_string!r}")
    ticks = list(islice(cron_string_iterator(0, cron_string, execution_timezone), _COMPARED_TICKS))
    return min(later - earlier for earlier, later in pairwise(ticks))


def cron_string_iterator(
    start_timestamp: float, cron_string: str, execution_timezone: str | None, start_offset: int = 0
) -> Iterator[datetime]:
    """The ticks from a moment on, without an end; a negative offset begins so many ticks earlier."""
    expression, zone = parse(cron_string), _zone(execution_timezone)
    tick = next_at_or_after(expression, start_timestamp, zone)
    for _ in range(-start_offset):
        tick = previous_before(expression, tick, zone)
    while True:
        yield _moment(tick, execution_timezone)
        tick = next_after(expression, tick, zone)


def reverse_cron_string_iterator(
    end_timestamp: float, cron_string: str, execution_timezone: str | None
) -> Iterator[datetime]:
    """The ticks from a moment back, without an end."""
    expression, zone = parse(cron_string), _zone(execution_timezone)
    tick = previous_at_or_before(expression, end_timestamp, zone)
    while True:
        yield _moment(tick, execution_timezone)
        tick = previous_before(expression, tick, zone)


def schedule_execution_time_iterator(
    start_timestamp: float, cron_schedule: str | Sequence[str], execution_timezone: str | None
) -> Iterator[datetime]:
    """The ticks of one or several cron expressions from a moment on, without an end, each moment once."""
    several = [cron_schedule] if isinstance(cron_schedule, str) else cron_schedule
    expressions, zone = [parse(one) for one in several], _zone(execution_timezone)
    tick = min(next_at_or_after(one, start_timestamp, zone) for one in expressions)
    while True:
        yield _moment(tick, execution_timezone)
        tick = next_after_any(expressions, tick, zone)


def _zone(timezone: str | None) -> str:
    return timezone or "UTC"


def _moment(tick: float, timezone: str | None) -> datetime:
    return datetime_from_timestamp(tick, _zone(timezone)) if timezone else datetime.fromtimestamp(tick, UTC)
