"""Which nominal times of a schedule are owed now.

A schedule's *frontier* is the moment from which its nominal times are undecided: ticks at ``frontier <= t <= now`` are
due (semantics A31, A32). Of several due ones the newest ``max_catchup`` are owed (of those that are not too old) and
the older ones dropped (A34, F12); one that is due just now is owed in any case. Ticks of a pause whose missed ticks are
to be skipped are dropped too.
A tick whose evaluation failed and has retries left holds the frontier at its own nominal time, so that it is owed again
after a back-off even when later ones are due (F13). An edited schedule starts at the edit (F14): whoever stores a new
definition moves the frontier there.
"""

from __future__ import annotations

import datetime
import zoneinfo
from typing import Literal, Optional

import msgspec

from tidewheel.logic.cron.expression import CronExpression
from tidewheel.logic.cron.ticks import next_at_or_after, previous_at_or_before

AFTER_TICK_S = 1.0
"""Ticks are whole minutes apart, so the frontier behind a decided tick is one second after it."""

RETRY_BACKOFF_S = (1.0, 5.0, 15.0, 60.0)
MAX_CATCHUP = 10_000


class ScheduleFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the decision needs: the expressions and zone, the stored state, the time."""

    crons: tuple[CronExpression, ...]
    zone: str
    is_running: bool
    frontier: float
    now: float
    max_catchup: int = 1
    max_tick_retries: int = 0
    failures: int = 0
    """Failed attempts of the tick at the frontier; 0 when it was not tried."""
    last_attempt_at: Optional[float] = None
    window_s: Optional[float] = None
    """How old a missed tick may be to be owed still."""
    skipped_spans: tuple[tuple[float, float], ...] = ()
    """Spans (from, until) whose nominal times are not run."""


TickCause = Literal["on_time", "caught_up", "retry"]
LATE_S = 60.0


class OwedTick(msgspec.Struct, frozen=True, kw_only=True):
    """A tick to evaluate: its nominal time, which attempt this is, and why it is owed."""

    scheduled_for: float
    attempt: int
    cause: TickCause


class ScheduleDecision(msgspec.Struct, frozen=True, kw_only=True):
    """Owed ticks in order; how many due ones were dropped (and the newest of those); when to look again."""

    owed: tuple[OwedTick, ...] = ()
    dropped_count: int = 0
    dropped_until: Optional[float] = None
    wake_at: Optional[float] = None


def decide_schedule_tick(facts: ScheduleFacts) -> ScheduleDecision:
    """The owed ticks of one schedule as of ``facts.now``."""
    if not facts.is_running:
        return ScheduleDecision()
    retrying = facts.failures > 0 and facts.failures <= facts.max_tick_retries
    if retrying:
        backoff = RETRY_BACKOFF_S[min(facts.failures, len(RETRY_BACKOFF_S)) - 1]
        retry_at = (facts.last_attempt_at or facts.frontier) + backoff
        if facts.now < retry_at:
            return ScheduleDecision(wake_at=retry_at)
        retry = OwedTick(scheduled_for=facts.frontier, attempt=facts.failures + 1, cause="retry")
        return ScheduleDecision(owed=(retry,), wake_at=facts.now)
    due, dropped = _newest_due(facts)
    owed = tuple(
        OwedTick(
            scheduled_for=moment,
            attempt=1,
            cause="on_time" if facts.now - moment < LATE_S else "caught_up",
        )
        for moment in due
    )
    return ScheduleDecision(
        owed=owed,
        dropped_count=1 if dropped is not None else 0,
        dropped_until=dropped,
        wake_at=next_tick(facts.crons, facts.zone, max(facts.now, facts.frontier) + 0.001),
    )


def describe_dropped(until: float, zone: str) -> str:
    """The sentence about missed nominal times that are not run."""
    moment = datetime.datetime.fromtimestamp(until, zoneinfo.ZoneInfo(zone or "UTC"))
    return f"Nominal times up to {moment:%Y-%m-%d %H:%M} {zone or 'UTC'} were missed and are not run (catch-up policy)."


def next_tick(crons: tuple[CronExpression, ...], zone: str, at_or_after: float) -> float | None:
    """The first nominal time of the union of several expressions, or None when there is none any more."""
    moments = [next_at_or_after(cron, at_or_after, zone) for cron in crons]
    known = [moment for moment in moments if moment is not None]
    return min(known) if known else None


def frontier_after(scheduled_for: float, *, failed: bool, attempt: int, max_tick_retries: int) -> float:
    """Where the frontier goes when a tick has been evaluated: behind it, or onto it when it is to be retried."""
    if failed and attempt <= max_tick_retries:
        return scheduled_for
    return scheduled_for + AFTER_TICK_S


def _newest_due(facts: ScheduleFacts) -> tuple[list[float], float | None]:
    """The newest due times (ascending, at most ``max_catchup``) and the newest one that is dropped, if any."""
    keep = min(max(facts.max_catchup, 0), MAX_CATCHUP)
    found: list[float] = []
    dropped: float | None = None
    upto = facts.now
    while len(found) <= keep:
        latest = _latest_due(facts, upto)
        if latest is None:
            break
        span = next((span for span in facts.skipped_spans if span[0] <= latest < span[1]), None)
        if span is not None:
            dropped = latest if dropped is None else dropped
            upto = span[0] - 0.001
            continue
        age_s = facts.now - latest
        is_wanted = len(found) < keep and (facts.window_s is None or age_s <= facts.window_s)
        if not (is_wanted or age_s < LATE_S):
            dropped = latest if dropped is None else dropped
            break
        found.append(latest)
        upto = latest - 0.001
    return sorted(found), dropped


def _latest_due(facts: ScheduleFacts, upto: float) -> float | None:
    """The newest nominal time at or before a moment that is not decided."""
    moments = [previous_at_or_before(cron, upto, facts.zone) for cron in facts.crons]
    latest = max((moment for moment in moments if moment is not None), default=None)
    return None if latest is None or latest < facts.frontier else latest
