"""Whether and when a failed step is tried again.

A step's own request (``RetryRequested``) has its own limit and goes before the policy; ``Failure(allow_retries=False)``
ends the step at once. The random number for jitter is an argument, so that the decision is a pure function.
"""

from __future__ import annotations

from typing import Literal, Optional

import msgspec

Backoff = Literal["LINEAR", "EXPONENTIAL"]
Jitter = Literal["FULL", "PLUS_MINUS"]


class RetryRule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How often a failed step is tried again, and after which delay (seconds)."""

    max_retries: int = 1
    delay_s: Optional[float] = None
    backoff: Optional[Backoff] = None
    jitter: Optional[Jitter] = None


class RetryRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the step itself asked for when it failed."""

    max_retries: int = 1
    wait_s: Optional[float] = None


class RetryDecision(msgspec.Struct, frozen=True, kw_only=True):
    """Try again after ``wait_s`` seconds, or not at all; ``retries_left`` counts those after this one."""

    again: bool
    wait_s: float = 0.0
    retries_left: int = 0


GIVE_UP = RetryDecision(again=False)


def decide_step_retry(
    *,
    retries_done: int,
    rule: RetryRule | None = None,
    request: RetryRequest | None = None,
    is_allowed: bool = True,
    randomness: float = 0.5,
) -> RetryDecision:
    """The fate of a failed step that has been retried ``retries_done`` times.

    ``randomness`` lies in [0, 1); it only moves the delay of a rule with jitter.
    """
    if not is_allowed:
        return GIVE_UP
    if request is not None:
        if retries_done >= request.max_retries:
            return GIVE_UP
        left = request.max_retries - retries_done - 1
        return RetryDecision(again=True, wait_s=max(request.wait_s or 0.0, 0.0), retries_left=left)
    if rule is None or retries_done >= rule.max_retries:
        return GIVE_UP
    return RetryDecision(
        again=True,
        wait_s=retry_delay_s(rule, retry=retries_done + 1, randomness=randomness),
        retries_left=rule.max_retries - retries_done - 1,
    )


def retry_delay_s(rule: RetryRule, *, retry: int, randomness: float = 0.5) -> float:
    """The delay in seconds before the ``retry``-th repetition (from 1)."""
    base = rule.delay_s or 0.0
    if rule.backoff == "LINEAR":
        delay = base * retry
    elif rule.backoff == "EXPONENTIAL":
        delay = base * (2**retry - 1)
    else:
        delay = base
    if rule.jitter == "FULL":
        delay *= randomness
    elif rule.jitter == "PLUS_MINUS":
        delay += base * (2 * randomness - 1)
    return max(delay, 0.0)
