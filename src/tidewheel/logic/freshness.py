"""How old an asset's latest update may be, and whether it is too old at some moment.

Two rules. A window: at most so long ago. A deadline: at every tick of a cron expression there must have been an update
not longer than so long before the tick; between two ticks the last one counts.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, Optional

import msgspec

from tidewheel.logic.cron.expression import parse
from tidewheel.logic.cron.ticks import latest_ticks, next_after, previous_at_or_before

FreshnessState = Literal["passed", "warned", "failed"]

LEAST_S = 60.0
"""The shortest time that a freshness rule may speak of."""
_SAMPLE = 200
_SAMPLE_END_S = 2_000_000_000.0


class WindowFreshness(msgspec.Struct, frozen=True, kw_only=True, tag="window"):
    """An update must not be longer ago than ``fail_window_s``; after ``warn_window_s`` it is getting old."""

    fail_window_s: float
    warn_window_s: Optional[float] = None


class DeadlineFreshness(msgspec.Struct, frozen=True, kw_only=True, tag="deadline"):
    """At each tick of ``cron`` in ``zone``, an update must not be longer ago than ``lower_bound_s``."""

    cron: str
    lower_bound_s: float
    zone: str = "UTC"


FreshnessRule = WindowFreshness | DeadlineFreshness


def freshness_state(rule: FreshnessRule, updated_s: float | None, now_s: float) -> FreshnessState | None:
    """Whether an asset last updated at ``updated_s`` is fresh; None when it was never updated."""
    if updated_s is None:
        return None
    if isinstance(rule, DeadlineFreshness):
        return "passed" if updated_s >= earliest_update_s(rule, now_s) else "failed"
    age_s = now_s - updated_s
    if age_s > rule.fail_window_s:
        return "failed"
    return "warned" if rule.warn_window_s is not None and age_s > rule.warn_window_s else "passed"


def earliest_update_s(rule: FreshnessRule, now_s: float) -> float:
    """An update at or after this moment is recent enough."""
    if isinstance(rule, WindowFreshness):
        return now_s - rule.fail_window_s
    return last_deadline_s(rule.cron, rule.zone, now_s) - rule.lower_bound_s


def next_change_s(rule: FreshnessRule, updated_s: float | None, now_s: float) -> float | None:
    """The next moment at which the state may be another one without any update; None when there is none.

    A window's state changes just after the moment that is given.
    """
    if updated_s is None:
        return None
    if isinstance(rule, DeadlineFreshness):
        return next_deadline_s(rule.cron, rule.zone, now_s)
    ends = [updated_s + window for window in (rule.warn_window_s, rule.fail_window_s) if window is not None]
    return min((end for end in ends if end >= now_s), default=None)


def last_deadline_s(cron: str, zone: str, now_s: float) -> float:
    """The last tick at or before a moment."""
    return previous_at_or_before(parse(cron), now_s, zone)


def next_deadline_s(cron: str, zone: str, now_s: float) -> float:
    """The first tick after a moment."""
    return next_after(parse(cron), now_s, zone)


def smallest_interval_s(cron: str) -> float:
    """The shortest time between two ticks, clock changes left aside; found in a sample of ticks."""
    ticks = latest_ticks([parse(cron)], 0.0, _SAMPLE_END_S, "UTC", limit=_SAMPLE)
    return min((after - before for before, after in pairwise(ticks)), default=float("inf"))
