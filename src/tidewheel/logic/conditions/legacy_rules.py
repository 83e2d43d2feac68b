"""The older auto-materialize rules as conditions.

A rule that asks for runs does so until its target is requested or updated, and from the first evaluation on: unlike
the ready-made conditions, seeing a target for the first time does not count as handling it (semantics C75).
"""

from __future__ import annotations

from tidewheel.logic.conditions import presets
from tidewheel.logic.conditions.nodes import (
    AllDeps,
    And,
    AnyDeps,
    BackfillInProgress,
    Behind,
    Condition,
    CronTickPassed,
    ExecutedWithRootTarget,
    ExecutedWithTags,
    InitialEvaluation,
    InLatestTimeWindow,
    Limited,
    Missing,
    NewlyRequested,
    NewlyTrue,
    NewlyUpdated,
    Not,
    Or,
    ParentsNonexistent,
    RootMatches,
    RunInProgress,
    Since,
    UpdatedWithin,
    WillBeRequested,
)
from tidewheel.logic.conditions.rewrite import with_label


def policy(
    *, materialize: tuple[Condition, ...], skip: tuple[Condition, ...], limit: int | None
) -> Condition:
    """Some rule asks for runs and no rule holds them back, at most `limit` partitions at once."""
    wanted: Condition = And(
        operands=(
            Or(operands=materialize, label="materialize_rules"),
            Not(operand=Or(operands=skip, label="skip_rules")),
        )
    )
    return wanted if limit is None else Limited(operand=wanted, limit=limit)


def on_missing() -> Condition:
    """Missing, and not requested since it is."""
    return _until_made(NewlyTrue(operand=Missing()), "materialize_on_missing")


def on_parent_updated(run_tags: tuple[tuple[str, str], ...]) -> Condition:
    """A parent was updated (by a run with these tags) since the target was requested or made."""
    filters = (ExecutedWithTags(tag_values=run_tags),) if run_tags else ()
    updated = And(operands=(NewlyUpdated(), Not(operand=ExecutedWithRootTarget()), *filters))
    name = "materialize_on_parent_updated"
    if run_tags:
        name += "(" + ", ".join(f"{key}={value}" for key, value in run_tags) + ")"
    return _until_made(AnyDeps(operand=Or(operands=(updated, WillBeRequested()))), name)


def on_cron(tick: CronTickPassed, *, all_partitions: bool) -> Condition:
    """A tick has passed, or the target is new, since it was requested or made."""
    name = f"materialize_on_cron({tick.cron}, {tick.zone}{', all partitions' if all_partitions else ''})"
    due = _until_made(Or(operands=(tick, InitialEvaluation())), name)
    return due if all_partitions else And(operands=(InLatestTimeWindow(), due), label=name)


def on_required_for_freshness() -> Condition:
    """Never."""
    return Or(operands=(), label="materialize_on_required_for_freshness")


def parent_missing() -> Condition:
    """A parent is missing and will not be requested."""
    return with_label(presets.any_deps_missing(), "skip_on_parent_missing")


def parent_outdated(duration_s: float | None) -> Condition:
    """A parent is behind its own parents, and was not made in the last `duration_s` seconds."""
    if duration_s is None:
        return AnyDeps(operand=_outdated(), label="skip_on_parent_outdated")
    stale = And(operands=(_outdated(), Not(operand=UpdatedWithin(duration_s=duration_s))))
    return AnyDeps(operand=stale, label=f"skip_on_parent_outdated(minutes={duration_s / 60:g})")


def nonexistent_parents() -> Condition:
    """A required parent partition does not exist."""
    return ParentsNonexistent(label="skip_on_required_but_nonexistent_parents")


def backfill_in_progress(*, all_partitions: bool) -> Condition:
    """A backfill is to make it."""
    return BackfillInProgress(any_partition=all_partitions, label="skip_on_backfill_in_progress")


def run_in_progress() -> Condition:
    """A run is to make it."""
    return RunInProgress(label="skip_on_run_in_progress")


def not_all_parents_updated(*, every_partition: bool) -> Condition:
    """Some parent (with `every_partition`: some mapped partition of one) was not updated since the target was made."""
    made = RootMatches(operand=NewlyUpdated())
    updated = Or(operands=(Since(trigger=NewlyUpdated(), reset=made), WillBeRequested()))
    if every_partition:
        return AnyDeps(operand=Not(operand=updated), label="skip_on_not_all_parents_updated(every partition)")
    return Not(operand=AllDeps(operand=updated), label="skip_on_not_all_parents_updated")


def not_all_parents_updated_since_cron(updated: Condition) -> Condition:
    """Some parent was not updated since the latest tick."""
    return Not(operand=updated, label=f"skip_on_not_{updated.label}")


def _outdated() -> Condition:
    return And(operands=(Behind(), Not(operand=Missing()), Not(operand=WillBeRequested())))


def _until_made(trigger: Condition, label: str) -> Condition:
    return Since(trigger=trigger, reset=Or(operands=(NewlyRequested(), NewlyUpdated())), label=label)
