"""What is still owed after a request: when to try again, and when to stop trying.

A request is owed until a run has made what it asked for, a person waives it, or a newer request replaces it. A
failed attempt is repeated with a wait that doubles from one failure to the next. After so many equal failures in a row
the *breaker* opens: nothing is tried until the inputs or the code change, or a person says so.
"""

from __future__ import annotations

from typing import Literal, Optional, Union

import msgspec

MAX_DOUBLINGS = 32


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How often an equal failure is repeated, and how long to wait: doubling from `backoff_s` to `backoff_max_s`."""

    max_failures: int = 5
    backoff_s: float = 60.0
    backoff_max_s: float = 3600.0


Outcome = Literal["succeeded", "failed", "canceled", "in_progress"]


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One run for what is owed. `error` is a fingerprint: equal failures have equal ones."""

    outcome: Outcome
    ended_at: float = 0.0
    error: str = ""


class OwedFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one request. `changed_at`: when its inputs, its code or a person's wish changed last."""

    requested_at: float
    attempts: tuple[Attempt, ...] = ()
    changed_at: Optional[float] = None
    waived: bool = False
    replaced: bool = False
    now: float = 0.0
    policy: RetryPolicy = RetryPolicy()


class Settled(msgspec.Struct, frozen=True, kw_only=True, tag="settled"):
    """Nothing is owed any more, and why."""

    reason: Literal["succeeded", "waived", "replaced"]


class Running(msgspec.Struct, frozen=True, kw_only=True, tag="running"):
    """An attempt is under way."""


class Due(msgspec.Struct, frozen=True, kw_only=True, tag="due"):
    """To be run now, as the n-th attempt since the last change."""

    attempt: int


class Waiting(msgspec.Struct, frozen=True, kw_only=True, tag="waiting"):
    """To be run again at a time (seconds since the epoch), after so many equal failures."""

    until: float
    failures: int


class Stopped(msgspec.Struct, frozen=True, kw_only=True, tag="stopped"):
    """The breaker is open: so many equal failures in a row, the last at a time."""

    failures: int
    since: float
    error: str


OwedDecision = Union[Settled, Running, Due, Waiting, Stopped]


def decide_owed(facts: OwedFacts) -> OwedDecision:
    """What to do about one request."""
    if facts.waived:
        return Settled(reason="waived")
    if facts.replaced:
        return Settled(reason="replaced")
    if any(attempt.outcome == "succeeded" for attempt in facts.attempts):
        return Settled(reason="succeeded")
    if any(attempt.outcome == "in_progress" for attempt in facts.attempts):
        return Running()
    failures, last = equal_failures(facts.attempts, facts.changed_at)
    if last is None:
        return Due(attempt=1)
    if failures >= facts.policy.max_failures:
        return Stopped(failures=failures, since=last.ended_at, error=last.error)
    until = retry_at(facts.policy, failures, last.ended_at)
    if facts.now < until:
        return Waiting(until=until, failures=failures)
    return Due(attempt=failures + 1)


def equal_failures(attempts: tuple[Attempt, ...], changed_at: float | None) -> tuple[int, Attempt | None]:
    """How many failures with the same error end a list of attempts (in order), and the last of them.

    Cancelled attempts do not count either way. A change of inputs or code starts the count again.
    """
    failures = 0
    last: Attempt | None = None
    for attempt in reversed(attempts):
        if attempt.outcome == "canceled":
            continue
        if attempt.outcome != "failed" or (changed_at is not None and attempt.ended_at < changed_at):
            break
        if last is not None and attempt.error != last.error:
            break
        failures += 1
        last = last or attempt
    return failures, last


def is_allowed(policy: RetryPolicy, failures: int, failed_at: float, now: float) -> bool:
    """Whether a request may be made again after so many equal failures, the last at a time."""
    return failures < policy.max_failures and now >= retry_at(policy, failures, failed_at)


def retry_at(policy: RetryPolicy, failures: int, failed_at: float) -> float:
    """The end of the wait after so many failures; `failed_at` itself if there were none."""
    if failures < 1:
        return failed_at
    wait_s = policy.backoff_s * 2.0 ** min(failures - 1, MAX_DOUBLINGS)
    return failed_at + min(wait_s, policy.backoff_max_s)
