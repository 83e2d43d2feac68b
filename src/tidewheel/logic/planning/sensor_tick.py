"""When a sensor is due, and how long a failing one waits.

A sensor is evaluated when its minimum interval has passed since the start of its previous evaluation (semantics B1), or
at once when something it listens to happened. Failures in a row stretch the interval up to a limit, so that a broken
sensor does not burn the machine; the first success ends that.
"""

from __future__ import annotations

import hashlib
import math
from typing import Optional

import msgspec

MIN_INTERVAL_S = 0.1
SPREAD_FREE = 20
SPREAD_PER_SENSOR_S = 0.02
GRAIN_SHARE = 0.02
MIN_GRAIN_S = 0.1
MAX_GRAIN_S = 0.5
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
    served_since: float = 0.0
    start_delay_s: float = 0.0
    """How long after ``served_since`` its first evaluation is, so that many sensors do not all begin at once."""


class SensorDecision(msgspec.Struct, frozen=True, kw_only=True):
    """Whether to evaluate now, and if not, when to look again (None: when something changes)."""

    evaluate: bool = False
    wake_at: Optional[float] = None


def decide_sensor_tick(facts: SensorFacts) -> SensorDecision:
    """Whether one sensor is due as of ``facts.now``."""
    if not facts.is_running or facts.is_evaluating:
        return SensorDecision()
    if facts.last_started_at is None:
        first_at = facts.served_since + facts.start_delay_s
        if facts.now >= first_at or facts.woken:
            return SensorDecision(evaluate=True)
        return SensorDecision(wake_at=first_at)
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
    return SensorDecision(wake_at=on_grain(due_at, interval))


def start_spread_s(count: int, interval_s: float) -> float:
    """Over which time the first evaluations of so many sensors are spread: none to speak of for a few."""
    return min(interval_s, count * SPREAD_PER_SENSOR_S) if count > SPREAD_FREE else 0.0


def start_delay_s(trigger_id: str, spread_s: float) -> float:
    """A sensor's own place in the spread: always the same one."""
    place = hashlib.blake2b(trigger_id.encode(), digest_size=4).digest()
    return int.from_bytes(place, "big") / 2**32 * spread_s


def on_grain(moment: float, interval_s: float) -> float:
    """The moment, a little later where nobody minds, so that several sensors are evaluated in one go."""
    grain_s = min(MAX_GRAIN_S, interval_s * GRAIN_SHARE)
    if grain_s < MIN_GRAIN_S:
        return moment
    return math.ceil(moment / grain_s) * grain_s


def failure_interval_s(interval_s: float, failures_in_a_row: int) -> float:
    """The interval after some failures in a row: doubled each time after the first, up to a limit."""
    stretched = interval_s * float(2 ** min(failures_in_a_row - 1, 16))
    return max(interval_s, min(stretched, MAX_BACKOFF_S))
