"""The composite conditions: what the ready-made names stand for."""

from __future__ import annotations

from tidewheel.logic.conditions.nodes import (
    AllChecks,
    AllDeps,
    And,
    AnyDeps,
    BackfillInProgress,
    Behind,
    CheckResultIs,
    Condition,
    CronTickPassed,
    ExecutedWithRootTarget,
    InitialEvaluation,
    InLatestTimeWindow,
    Missing,
    NewlyRequested,
    NewlyTrue,
    NewlyUpdated,
    Not,
    Or,
    RetryAllowed,
    RunInProgress,
    Since,
    WillBeRequested,
)


def in_progress() -> Condition:
    """A run or a backfill is to make it."""
    return Or(operands=(RunInProgress(), BackfillInProgress()), label="in_progress")


def newly_missing() -> Condition:
    """Missing, and not missing at the previous evaluation."""
    return NewlyTrue(operand=Missing(), label="newly_missing")


def handled() -> Condition:
    """What ends the need for a run: a request, an update, or that the target is seen for the first time."""
    return Or(operands=(NewlyRequested(), NewlyUpdated(), InitialEvaluation()), label="handled")


def since_last_handled(trigger: Condition) -> Condition:
    """The trigger has come after the last request, update or first evaluation."""
    return Since(trigger=trigger, reset=handled())


def any_deps_updated() -> Condition:
    """A dependency was updated by a run without the target, or will be requested."""
    updated = And(
        operands=(NewlyUpdated(), Not(operand=ExecutedWithRootTarget())), label="newly_updated_without_root"
    )
    return AnyDeps(operand=Or(operands=(updated, WillBeRequested())), label="any_deps_updated")


def any_deps_missing() -> Condition:
    """A dependency is missing and will not be requested."""
    missing = And(operands=(Missing(), Not(operand=WillBeRequested())))
    return AnyDeps(operand=missing, label="any_deps_missing")


def any_deps_in_progress() -> Condition:
    """A dependency is in progress."""
    return AnyDeps(operand=in_progress(), label="any_deps_in_progress")


def all_deps_updated_since_cron(cron: str, zone: str) -> Condition:
    """Every dependency was updated since the latest tick, or will be requested."""
    updated = Since(trigger=NewlyUpdated(), reset=CronTickPassed(cron=cron, zone=zone))
    return AllDeps(
        operand=Or(operands=(updated, WillBeRequested())),
        label=f"all_deps_updated_since_cron({cron}, {zone})",
    )


def all_deps_blocking_checks_passed() -> Condition:
    """Every blocking check of every dependency passed for the latest materialisation, or will be requested."""
    passed = Or(operands=(CheckResultIs(passed=True), WillBeRequested()))
    return AllDeps(
        operand=AllChecks(operand=passed, blocking_only=True, label="all_blocking_checks_passed"),
        label="all_deps_blocking_checks_passed",
    )


def eager() -> Condition:
    """Run when a dependency was updated, or when newly missing; wait for missing and running dependencies."""
    trigger = Or(operands=(newly_missing(), any_deps_updated()))
    return And(
        operands=(
            InLatestTimeWindow(),
            since_last_handled(trigger),
            Not(operand=any_deps_missing()),
            Not(operand=any_deps_in_progress()),
            Not(operand=in_progress()),
        ),
        label="eager",
    )


def on_cron(cron: str, zone: str) -> Condition:
    """Run once after each tick, when all dependencies were updated since the tick."""
    return And(
        operands=(
            InLatestTimeWindow(),
            since_last_handled(CronTickPassed(cron=cron, zone=zone)),
            all_deps_updated_since_cron(cron, zone),
        ),
        label=f"on_cron({cron}, {zone})",
    )


def on_missing() -> Condition:
    """Run once when newly missing and no dependency is missing."""
    missing = Since(trigger=NewlyTrue(operand=Missing()), reset=handled(), label="missing_since_last_handled")
    return And(operands=(InLatestTimeWindow(), missing, Not(operand=any_deps_missing())), label="on_missing")


def parent_materialized() -> Condition:
    """No dependency is missing."""
    return Not(operand=AnyDeps(operand=Missing()), label="parent_materialized")


def keep_up_to_date(
    *, max_failures: int = 5, backoff_s: float = 60.0, backoff_max_s: float = 3600.0
) -> Condition:
    """Run while missing or behind its inputs, again after failures (later and later, at most `max_failures` times)."""
    needed = Or(
        operands=(
            Missing(),
            Behind(by_version=True),
            AnyDeps(operand=WillBeRequested(), label="any_deps_requested"),
        ),
        label="not_up_to_date",
    )
    return And(
        operands=(
            InLatestTimeWindow(),
            needed,
            Not(operand=any_deps_missing()),
            Not(operand=any_deps_in_progress()),
            Not(operand=in_progress()),
            RetryAllowed(max_failures=max_failures, backoff_s=backoff_s, backoff_max_s=backoff_max_s),
        ),
        label="keep_up_to_date",
    )
