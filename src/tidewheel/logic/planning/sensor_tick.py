"""When a sensor is due, and how long a failing one waits.

A sensor is evaluated when its minimum interval has passed since the start of its previous evaluation (semantics B1), or
at once when something it listens to happened. Failures in a row stretch the interval up to a limit, so that a broken
sensor does not burn the machine; the first success ends that.
"""

from __future__ import annotations

from typing import Optional

import msgspec

MIN_INTERVAL_S = 0.1
MAX_BACKOFF_S = 300.0


class SensorFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the decision needs; ``woken``: an event it listens to has come since its last evaluation."""

    is_running: bool
    minimum_interval_s: float
    now: float
    last_started_at: Optional[float] = None
    failures_in_a_row: int = 0
    woken: bool = False
    is_evaluating: bool = False
    retry_at: Optional[float] = None
    """When an event is to be handed over again."""


class SensorDecision(msgspec.Struct, frozen=True, kw_only=True):
    """Whether to evaluate now, and if not, when to look again (None: when something changes)."""

    evaluate: bool = False
    wake_at: Optional[float] = None


def decide_sensor_tick(facts: SensorFacts) -> SensorDecision:
    """Whether one sensor is due as of ``facts.now``."""
    if not facts.is_running or facts.is_evaluating:
        return SensorDecision()
    if facts.last_started_at is None:
        return SensorDecision(evaluate=True)
    interval = max(facts.minimum_interval_s, MIN_INTERVAL_S)
    if facts.failures_in_a_row > 0:
        due_at = facts.last_started_at + failure_interval_s(interval, facts.failures_in_a_row)
    elif facts.woken:
        due_at = facts.last_started_at
    else:
        due_at = facts.last_started_at + interval
    if facts.retry_at is not None and facts.failures_in_a_row == 0:
        due_at = min(due_at, facts.retry_at)
    if facts.now >= due_at:
        return SensorDecision(evaluate=True)
    return SensorDecision(wake_at=due_at)


def failure_interval_s(interval_s: float, failures_in_a_row: int) -> float:
    """The interval after some failures in a row: doubled each time after the first, up to a limit."""
    stretched = interval_s * float(2 ** min(failures_in_a_row - 1, 16))
    return max(interval_s, min(stretched, MAX_BACKOFF_S))
