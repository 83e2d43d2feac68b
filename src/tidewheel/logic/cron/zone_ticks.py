"""How local times become instants in one stretch of constant offset: the daylight saving rule, in one place.

Two classes of expression behave differently where clocks change:

* *hourly* (every hour of the day is named): ticks follow elapsed time. A local time that is skipped does
  not tick; one that comes twice ticks twice.
* *daily* (everything else): each local time ticks once. One that is skipped ticks at the first instant
  after the gap, together with all others in that gap; one that comes twice ticks the second time.

In both classes, a stretch's ticks are a range of local times, after at most one tick exactly at the
stretch's start (the *head*) that stands for the times skipped there.
"""

from typing import NamedTuple

from tidewheel.logic.cron.local_times import LocalTimes
from tidewheel.logic.cron.zones import Stretch


class TickRange(NamedTuple):
    """The ticks in one stretch: `start` if `head`, then t - offset for each local time t in [low, high)."""

    start: int
    end: int
    offset: int
    head: bool
    low: int
    high: int


def ticks_in_stretch(times: LocalTimes, is_hourly: bool, stretch: Stretch) -> TickRange:
    """Apply the rule of this module's docstring to one stretch."""
    start, end, offset, before, after = stretch
    low, high = start + offset, end + offset
    head = False
    if not is_hourly:
        if before < offset and times.at_or_after(start + before) <= low:
            head, low = True, low + 1
        if after < offset:
            high = end + after
    return TickRange(start, end, offset, head, low, max(low, high))
