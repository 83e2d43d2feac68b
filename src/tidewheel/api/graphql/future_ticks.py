"""The nominal times of schedules around a moment."""

from __future__ import annotations

from collections.abc import Iterator

from tidewheel.logic.cron.expression import CronExpression, parse
from tidewheel.logic.cron.ticks import next_after_any, previous_at_or_before_any
from tidewheel.logic.graph.specs import ScheduleNode


def future_ticks(schedule: ScheduleNode, start: float, until: float | None) -> Iterator[float]:
    """Ticks at or after ``start`` (and before ``until``), one after the other."""
    crons = _parsed(schedule)
    tick = next_after_any(crons, start - 1, schedule.zone)
    while tick < start:
        tick = next_after_any(crons, tick, schedule.zone)
    while until is None or tick < until:
        yield tick
        tick = next_after_any(crons, tick, schedule.zone)


def nominal_ticks(schedule: ScheduleNode, moment: float, before: int, after: int) -> list[float]:
    """``before`` ticks before the moment and ``after`` ticks from it on, ascending."""
    crons = _parsed(schedule)
    ticks: list[float] = []
    reached = moment
    for _ in range(before):
        reached = previous_at_or_before_any(crons, reached - 1e-3, schedule.zone)
        ticks.append(reached)
    ticks.reverse()
    upcoming = future_ticks(schedule, moment, None)
    ticks.extend(next(upcoming) for _ in range(after))
    return ticks


def _parsed(schedule: ScheduleNode) -> tuple[CronExpression, ...]:
    return tuple(parse(cron) for cron in schedule.crons)
