"""Decides how long somebody has to wait after failed logins."""

from __future__ import annotations

from collections.abc import Sequence

WINDOW_S = 900.0
"""Failures older than this are forgotten."""
FREE_FAILURES = 5
"""Failures of one name or address within the window that cost nothing."""
FIRST_WAIT_S = 5.0
LONGEST_WAIT_S = 900.0


def wait_after_failures(failed_at: Sequence[float], now: float) -> float:
    """Seconds until the next attempt is looked at; 0 when it is now. The wait doubles with each further failure."""
    recent = [moment for moment in failed_at if now - moment < WINDOW_S]
    if len(recent) < FREE_FAILURES:
        return 0.0
    wait = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(len(recent) - FREE_FAILURES, 20))
    return min(wait, max(0.0, max(recent) + wait - now))
