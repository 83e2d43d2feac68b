"""Whether a trigger's circuit breaker lets it be evaluated: closed, open after equal failures, half open for one trial.

Nothing is stored for it: the state follows from the newest failures alone. The trigger's newest evaluations (or its
newest finished runs) are looked at; when as many as the policy says have failed in the same way, the breaker is open
since the newest of them. After the delay it is half open: the trigger is evaluated once more. If that (or a run that
comes of it) fails in the same way, the newest failure is a new one and the breaker is open again; anything else closes it.
"""

from __future__ import annotations

import re
from typing import Literal, Optional

import msgspec

from tidewheel.values.policies import Breaker

_NUMBERS = re.compile(r"(0x)?[0-9][0-9a-f]*", re.IGNORECASE)


class FailureFact(msgspec.Struct, frozen=True, kw_only=True):
    """One failure: when, and what it said."""

    at: float
    headline: str

    @property
    def likeness(self) -> str:
        """What equal failures have in common: the headline but for its numbers."""
        return _NUMBERS.sub("#", self.headline)


class BreakerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The failures in a row, newest first: of evaluations and of runs. ``unfinished``: when runs not ended were created."""

    now: float
    evaluations: tuple[FailureFact, ...] = ()
    runs: tuple[FailureFact, ...] = ()
    unfinished: tuple[float, ...] = ()


class BreakerDecision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The state; when it is not closed: why, and from when on it is tried again."""

    state: Literal["closed", "open", "half_open"] = "closed"
    until: Optional[float] = None
    failures: int = 0
    of: Literal["evaluations", "runs"] = "evaluations"
    headline: str = ""

    def describe(self) -> str:
        """The sentence for people."""
        return (
            f"The circuit breaker is {self.state.replace('_', ' ')}: the last {self.failures} {self.of} failed in the "
            f"same way ({self.headline})."
        )


def decide_breaker(breaker: Breaker, facts: BreakerFacts) -> BreakerDecision:
    """The state of a breaker as of ``facts.now``."""
    for of, failures in (("evaluations", facts.evaluations), ("runs", facts.runs)):
        newest = failures[: breaker.failures]
        if len(newest) < breaker.failures or len({one.likeness for one in newest}) > 1:
            continue
        until = newest[0].at + breaker.delay_s
        on_trial = any(created >= until for created in facts.unfinished)
        is_open = facts.now < until or (of == "runs" and on_trial)
        return BreakerDecision(
            state="open" if is_open else "half_open",
            until=until,
            failures=len(newest),
            of="runs" if of == "runs" else "evaluations",
            headline=newest[0].headline,
        )
    return BreakerDecision()
