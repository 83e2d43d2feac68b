"""What to do about a run whose worker is late, silent or gone, and whether a failed run is tried again.

Every run ends: a worker that never came, that died or that is silent beyond its time gets its run failed, and by policy
the run is tried again as a new run (semantics D16-D20, D41, D42).
"""

from __future__ import annotations

from typing import Literal, Optional, Union

import msgspec

from tidewheel.values.records import RunRecord
from tidewheel.values.status import RunStatus
from tidewheel.values.tags import (
    MAX_RETRIES,
    MAX_RUNTIME,
    RETRY_ON_ASSET_OR_OP_FAILURE,
    RETRY_STRATEGY,
    SERVER_STOPS,
)

MAX_SERVER_STOPS = 20
"""How often a run is tried again because the server was stopped; such a run seems to outlast every uptime."""

WorkerState = Literal["connected", "starting", "gone", "unknown"]
"""``connected``: talks to us. ``starting``: asked for, not heard of yet. ``gone``: its process has ended.
``unknown``: not connected, but its process may live (a restart of the server, a cut connection)."""


class RecoveryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Limits in seconds and the retry policy of the instance."""

    start_timeout_s: float = 180.0
    silence_timeout_s: float = 60.0
    cancel_timeout_s: float = 30.0
    max_runtime_s: Optional[float] = None
    lost_worker_retries: int = 1
    max_retries: int = 0
    retry_on_step_failure: bool = True


class RecoveryFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One run in progress, what is known of its worker, the time."""

    run: RunRecord
    worker: WorkerState
    now: float
    policy: RecoveryPolicy
    silent_since: Optional[float] = None
    """When the worker was last heard of; for a restarted server not before its own start."""
    exit_text: Optional[str] = None
    """How the worker's process ended, in words, where that is known."""


class LeaveAlone(msgspec.Struct, frozen=True, kw_only=True, tag="leave"):
    """Nothing to do before ``look_again_at``."""

    look_again_at: Optional[float] = None


class FailRun(msgspec.Struct, frozen=True, kw_only=True, tag="fail"):
    """End the run as FAILURE (or CANCELED, when it was being cancelled); ``kill``: its process may still live."""

    status: RunStatus
    reason: str
    message: str
    kill: bool = False


class TerminateRun(msgspec.Struct, frozen=True, kw_only=True, tag="terminate"):
    """Ask the worker to stop: the run is over its maximum runtime."""

    reason: str
    message: str


RecoveryDecision = Union[LeaveAlone, FailRun, TerminateRun]


def decide_recovery(facts: RecoveryFacts) -> RecoveryDecision:
    """What to do about one run in progress."""
    run, now, policy = facts.run, facts.now, facts.policy
    ended_as = RunStatus.CANCELED if run.status is RunStatus.CANCELING else RunStatus.FAILURE
    if facts.worker == "gone":
        return FailRun(
            status=ended_as,
            reason="WORKER_LOST",
            message="The run's worker process ended without finishing the run"
            + (f" ({facts.exit_text})." if facts.exit_text else "."),
        )
    if facts.worker == "starting":
        deadline = (run.launched_at or run.updated_at) + policy.start_timeout_s
        if now >= deadline:
            return FailRun(
                status=ended_as,
                reason="START_TIMEOUT",
                message=f"No worker reported for the run within {policy.start_timeout_s:g} s of its launch.",
                kill=True,
            )
        return LeaveAlone(look_again_at=deadline)
    if facts.worker == "unknown":
        deadline = (facts.silent_since or run.updated_at) + policy.silence_timeout_s
        if now >= deadline:
            return FailRun(
                status=ended_as,
                reason="WORKER_LOST",
                message=f"The run's worker was not heard of for {policy.silence_timeout_s:g} s.",
                kill=True,
            )
        return LeaveAlone(look_again_at=deadline)
    return _connected(facts)


def _connected(facts: RecoveryFacts) -> RecoveryDecision:
    run, now, policy = facts.run, facts.now, facts.policy
    if run.status is RunStatus.CANCELING:
        deadline = run.updated_at + policy.cancel_timeout_s
        if now >= deadline:
            return FailRun(
                status=RunStatus.CANCELED,
                reason="CANCEL_TIMEOUT",
                message=f"The run did not stop within {policy.cancel_timeout_s:g} s of its cancellation.",
                kill=True,
            )
        return LeaveAlone(look_again_at=deadline)
    limit = max_runtime_s(run, policy)
    if limit is not None and run.started_at is not None:
        deadline = run.started_at + limit
        if now >= deadline:
            return FailRun(
                status=RunStatus.FAILURE,
                reason="MAX_RUNTIME",
                message=f"The run took longer than its limit of {limit:g} s.",
                kill=True,
            )
        return LeaveAlone(look_again_at=deadline)
    return LeaveAlone()


def max_runtime_s(run: RunRecord, policy: RecoveryPolicy) -> float | None:
    """The run's limit: its tag if that is a positive number, else the instance's (F33)."""
    text = run.tags.get(MAX_RUNTIME)
    if text is not None:
        try:
            value = float(text)
        except ValueError:
            return policy.max_runtime_s
        return value if value > 0 else policy.max_runtime_s
    return policy.max_runtime_s


RetryStrategy = Literal["FROM_FAILURE", "ALL_STEPS"]


class RetryRun(msgspec.Struct, frozen=True, kw_only=True):
    """Try the run again, as attempt number ``retry_number``."""

    retry_number: int
    strategy: RetryStrategy
    server_stops: int = 0
    """Attempts before it that ended only because the server was stopped; they do not count as retries."""


def decide_run_retry(
    run: RunRecord, *, status: RunStatus, reason: str | None, policy: RecoveryPolicy
) -> RetryRun | None:
    """Whether a run that just ended is tried again.

    Cancelled runs never are (D19). A run that lost its worker gets the larger of the instance's lost-worker retries and
    its own; one failed by a step only when the instance or its tags say so. Where retries of lost workers are allowed at
    all, an orderly stop of the server costs none of them, up to ``MAX_SERVER_STOPS``.
    """
    if status is not RunStatus.FAILURE:
        return None
    own = _whole_number(run.tags.get(MAX_RETRIES), policy.max_retries)
    allowed = own
    if reason in ("WORKER_LOST", "START_TIMEOUT", "SERVER_STOPPED"):
        allowed = max(own, policy.lost_worker_retries) if MAX_RETRIES not in run.tags else own
    elif not _flag(run.tags.get(RETRY_ON_ASSET_OR_OP_FAILURE), policy.retry_on_step_failure):
        allowed = 0
    stops = min(_whole_number(run.tags.get(SERVER_STOPS), 0), run.retry_number)
    if reason == "SERVER_STOPPED":
        if not allowed or stops >= MAX_SERVER_STOPS:
            return None
        stops += 1
    elif run.retry_number - stops >= allowed:
        return None
    strategy = run.tags.get(RETRY_STRATEGY)
    return RetryRun(
        retry_number=run.retry_number + 1,
        strategy="ALL_STEPS" if strategy == "ALL_STEPS" else "FROM_FAILURE",
        server_stops=stops,
    )


def _whole_number(text: str | None, default: int) -> int:
    if text is None:
        return default
    try:
        return max(int(text), 0)
    except ValueError:
        return 0


def _flag(text: str | None, default: bool) -> bool:
    return default if text is None else text.strip().lower() != "false"
