"""What each operand says of one subject, straight from the facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from tidewheel.logic.conditions import windows
from tidewheel.logic.conditions.errors import ConditionError
from tidewheel.logic.conditions.evidence import Answer, Stamp, dated, state, union
from tidewheel.logic.conditions.facts import Position, RunRef, SubjectFacts, Update, UserAnswer
from tidewheel.logic.conditions.naming import label_or_name
from tidewheel.logic.conditions.nodes import (
    AllNewUpdatesHaveRunTags,
    AnyNewUpdateHasRunTags,
    BackfillInProgress,
    CheckResultIs,
    Condition,
    CronTickPassed,
    DataVersionChanged,
    ExecutedWithRootTarget,
    ExecutedWithTags,
    ExecutionCanceled,
    ExecutionFailed,
    FailedSinceCron,
    FreshnessIs,
    InLatestTimeWindow,
    Missing,
    NewlyUpdated,
    ParentsNonexistent,
    RetryAllowed,
    RunInProgress,
    UpdatedSinceCron,
    UpdatedWithin,
    UserDefined,
)
from tidewheel.logic.conditions.owed import RetryPolicy, is_allowed
from tidewheel.logic.conditions.relations import answer_down, down_along
from tidewheel.logic.conditions.subjects import Key, Kind, Subject
from tidewheel.logic.conditions.timeline import Timeline
from tidewheel.logic.cron.tick_index import tick_index
from tidewheel.logic.partitions import projection
from tidewheel.logic.partitions.definitions import PartitionView
from tidewheel.logic.partitions.sets import PartitionSet, everything, nothing


class Scope(msgspec.Struct, frozen=True):
    """One operand's question: which subject, for which root target, between which two positions."""

    subject: Subject
    facts: SubjectFacts
    root: Key
    previous: Position | None
    position: Position
    view: PartitionView

    @property
    def everything(self) -> PartitionSet:
        """All existing partitions of the subject."""
        return everything(self.subject.partitions, self.view)

    @property
    def nothing(self) -> PartitionSet:
        """No partition of the subject."""
        return nothing(self.subject.partitions)

    def present(self, partitions: PartitionSet | None) -> PartitionSet:
        """A set of the facts, cut to what exists."""
        return self.nothing if partitions is None else partitions & self.everything


def leaf_answer(node: Condition, scope: Scope) -> Answer:
    """The answer of an operand that needs facts of its subject alone."""
    return LEAVES[type(node)](node, scope)


def new_updates(facts: SubjectFacts, previous: Position | None) -> tuple[Update, ...]:
    """The updates since the previous evaluation; none at the first one."""
    if previous is None or not facts.updates or facts.updates[-1].event_id <= previous.event_id:
        return ()
    return tuple(update for update in facts.updates if update.event_id > previous.event_id)


def updates_answer(
    updates: Iterable[Update], scope: Scope, holds: Callable[[Update], bool] | None = None, *, handles: bool
) -> Answer:
    """Where updates were; with `handles` their stamps say up to where their runs had read."""
    return union(
        (
            dated(
                update_stamp(update, scope, handles=handles), scope.present(update.partitions), scope.nothing
            )
            for update in updates
            if holds is None or holds(update)
        ),
        scope.nothing,
    )


def update_stamp(update: Update, scope: Scope, *, handles: bool) -> Stamp:
    """The date of an update, as a cause or as the end of the need for a run.

    Its time is held between the two evaluations that it was stored between. Clocks differ, and tests evaluate at times
    of their own; for what is compared with ticks it counts when the update became known.
    """
    earliest = update.at if scope.previous is None else scope.previous.at
    at = min(max(update.at, earliest), scope.position.at)
    run = update.run
    if run is None:
        return Stamp(at, update.event_id)
    return Stamp(at, update.event_id, run.started_after if handles else None, run.run_id)


def newly_updated(scope: Scope, *, handles: bool) -> Answer:
    """Where the subject was updated since the previous evaluation."""
    return updates_answer(new_updates(scope.facts, scope.previous), scope, handles=handles)


def inputs_updated(scope: Scope, inputs: Iterable[Scope], *, by_version: bool) -> Answer:
    """Where an input was updated (or changed) by a run that was not to make the subject too."""

    def counts(update: Update) -> bool:
        together = update.run is not None and run_includes(update.run, scope.subject.key)
        return not together and (update.version_changed or not by_version)

    answers = []
    for dep, one in zip(scope.subject.deps, inputs, strict=True):
        updates = new_updates(one.facts, scope.previous)
        if updates:
            answers.append(
                answer_down(dep.path, updates_answer(updates, one, counts, handles=False), scope.view)
            )
    return union(answers, scope.nothing)


def missing_with_inputs(scope: Scope, inputs: Iterable[Scope]) -> PartitionSet:
    """The missing partitions with an input that has been made."""
    missing = _missing(Missing(), scope).true
    found = scope.nothing
    if missing:
        for dep, one in zip(scope.subject.deps, inputs, strict=True):
            if one.facts.made is not None:
                found = found | (down_along(dep.path, one.present(one.facts.made), scope.view) & missing)
    return found


def require_kind(node: Condition, subject: Subject, kind: Kind) -> None:
    """Check that a node is asked of the right kind of subject; raises ConditionError."""
    if subject.key.kind != kind:
        expected = "an asset" if kind == "asset" else f"a {kind}"
        raise ConditionError(
            f"{label_or_name(node)}: expected to be asked of {expected}, "
            f"got the {subject.key.kind} {subject.key.name!r}; {_KIND_ADVICE[kind]}"
        )


_KIND_ADVICE: Mapping[Kind, str] = {
    "asset": "use it on an asset, or inside any_deps_match",
    "check": "put it inside any_checks_match or all_checks_match",
    "job": "use it on a job with assets",
}


def require_answer(answer: UserAnswer | None, node: UserDefined, root: Key, subject: Subject) -> UserAnswer:
    """What user code answered; raises ConditionError if it did not, failed, or named another asset's partitions."""
    if answer is None:
        raise ConditionError(
            f"condition {node.name!r} of {root}: expected an answer from user code, got none; "
            "evaluate it where the user's code is loaded"
        )
    if answer.error is not None:
        raise ConditionError(f"condition {node.name!r} of {root} failed: {answer.error}")
    if answer.true is not None and answer.true.spec != subject.partitions:
        raise ConditionError(
            f"condition {node.name!r} of {root}: expected a set of partitions of {subject.key}, "
            "got one of another asset; return a subset of the candidates"
        )
    return answer


def made_with(scope: Scope, target: Key) -> PartitionSet:
    """The partitions whose latest update comes from a run that was also to make `target`."""
    return _produced(scope, lambda run: run_includes(run, target))


def run_includes(run: RunRef, target: Key) -> bool:
    """Whether a run was to make a target; a job's runs include the job."""
    if target.kind == "job":
        return run.job_name == target.name
    return target in run.targets


def has_tags(run: RunRef | None, keys: Iterable[str], values: Iterable[tuple[str, str]]) -> bool:
    """Whether a run has all these tags; no run has none."""
    if run is None:
        return False
    tags = run.tags
    return all(key in tags for key in keys) and all(tags.get(key) == value for key, value in values)


def within_from(node: UpdatedWithin, position: Position) -> float:
    """The earliest moment of an update that still counts."""
    return position.at - node.duration_s


def latest_tick(cron: str, zone: str, now: float) -> float:
    """The latest tick at or before a moment."""
    index = tick_index(cron, zone)
    return float(index.instant_of(index.count_before(int(now // 1) + 1) - 1))


def next_tick(cron: str, zone: str, now: float) -> float:
    """The first tick after a moment."""
    index = tick_index(cron, zone)
    return float(index.instant_of(index.count_before(int(now // 1) + 1)))


def tick_between(cron: str, zone: str, previous: Position | None, position: Position) -> float | None:
    """The latest tick after the previous evaluation and up to this one, if any; none at the first (F3, C19)."""
    if previous is None:
        return None
    tick = latest_tick(cron, zone, position.at)
    return tick if tick > previous.at else None


# -- one function for each operand --------------------------------------------------------------------------------------


def _missing(_: Missing, scope: Scope) -> Answer:
    made = scope.facts.made
    return state(scope.everything if made is None else scope.everything - made)


def _run_in_progress(node: RunInProgress, scope: Scope) -> Answer:
    return _ongoing(scope.facts.run_in_progress, node.any_partition, scope)


def _backfill_in_progress(node: BackfillInProgress, scope: Scope) -> Answer:
    return _ongoing(scope.facts.backfill_in_progress, node.any_partition, scope)


def _ongoing(partitions: PartitionSet | None, any_partition: bool, scope: Scope) -> Answer:
    present = scope.present(partitions)
    return state(scope.everything if any_partition and present else present)


def _execution_failed(_: ExecutionFailed, scope: Scope) -> Answer:
    return state(scope.present(scope.facts.failed))


def _execution_canceled(_: ExecutionCanceled, scope: Scope) -> Answer:
    return state(scope.present(scope.facts.canceled))


def _in_latest_time_window(node: InLatestTimeWindow, scope: Scope) -> Answer:
    return state(windows.latest_partitions(scope.subject.partitions, node.lookback_s, scope.view))


def _executed_with_root_target(_: ExecutedWithRootTarget, scope: Scope) -> Answer:
    return state(made_with(scope, scope.root))


def _executed_with_tags(node: ExecutedWithTags, scope: Scope) -> Answer:
    return state(_produced(scope, lambda run: has_tags(run, node.tag_keys, node.tag_values)))


def _produced(scope: Scope, holds: Callable[[RunRef], bool]) -> PartitionSet:
    found = scope.nothing
    for production in scope.facts.producers:
        if holds(production.run):
            found = found | production.partitions
    return scope.present(found)


def _check_result(node: CheckResultIs, scope: Scope) -> Answer:
    require_kind(node, scope.subject, "check")
    return state(scope.present(scope.facts.check_passed if node.passed else scope.facts.check_failed))


def _freshness(node: FreshnessIs, scope: Scope) -> Answer:
    return state(scope.everything if scope.facts.freshness == node.state else scope.nothing)


def _updated_within(node: UpdatedWithin, scope: Scope) -> Answer:
    return _happened_since(scope.facts.update_times, within_from(node, scope.position), scope)


def _updated_since_cron(node: UpdatedSinceCron, scope: Scope) -> Answer:
    tick = latest_tick(node.cron, node.zone, scope.position.at)
    return _happened_since(scope.facts.update_times, tick, scope)


def _failed_since_cron(node: FailedSinceCron, scope: Scope) -> Answer:
    tick = latest_tick(node.cron, node.zone, scope.position.at)
    return _happened_since(scope.facts.failure_times, tick, scope)


def _happened_since(times: Timeline | None, moment: float, scope: Scope) -> Answer:
    return state(scope.nothing if times is None else scope.present(times.since(moment)))


def _parents_nonexistent(_: ParentsNonexistent, scope: Scope) -> Answer:
    found = scope.nothing
    for dep in scope.subject.deps:
        hop = dep.path[0]
        found = found | projection.upstream(hop.mapping, scope.everything, hop.up, scope.view).blocked
    return state(scope.present(found))


def _retry_allowed(node: RetryAllowed, scope: Scope) -> Answer:
    policy = RetryPolicy(
        max_failures=node.max_failures, backoff_s=node.backoff_s, backoff_max_s=node.backoff_max_s
    )
    allowed = scope.everything
    for one in scope.facts.attempts:
        if not is_allowed(policy, one.failures, one.failed_at, scope.position.at):
            allowed = allowed - one.partitions
    return state(allowed)


def _newly_updated(_: NewlyUpdated, scope: Scope) -> Answer:
    return newly_updated(scope, handles=scope.subject.key == scope.root)


def _data_version_changed(_: DataVersionChanged, scope: Scope) -> Answer:
    updates = new_updates(scope.facts, scope.previous)
    return updates_answer(updates, scope, lambda update: update.version_changed, handles=False)


def _cron_tick_passed(node: CronTickPassed, scope: Scope) -> Answer:
    tick = tick_between(node.cron, node.zone, scope.previous, scope.position)
    if tick is None:
        return state(scope.nothing)
    return dated(Stamp(tick), scope.everything, scope.nothing)


def _any_new_update_has_run_tags(node: AnyNewUpdateHasRunTags, scope: Scope) -> Answer:
    updates = new_updates(scope.facts, scope.previous)
    return updates_answer(
        updates, scope, lambda update: has_tags(update.run, node.tag_keys, node.tag_values), handles=False
    )


def _all_new_updates_have_run_tags(node: AllNewUpdatesHaveRunTags, scope: Scope) -> Answer:
    updates = new_updates(scope.facts, scope.previous)
    other = scope.nothing
    for update in updates:
        if not has_tags(update.run, node.tag_keys, node.tag_values):
            other = other | update.partitions
    found = updates_answer(updates, scope, handles=False)
    return Answer(
        found.true - other,
        found.weak,
        tuple((stamp, part - other) for stamp, part in found.layers if part - other),
    )


LEAVES: Mapping[type, Callable[[Any, Scope], Answer]] = {
    Missing: _missing,
    RunInProgress: _run_in_progress,
    BackfillInProgress: _backfill_in_progress,
    ExecutionFailed: _execution_failed,
    ExecutionCanceled: _execution_canceled,
    InLatestTimeWindow: _in_latest_time_window,
    ExecutedWithRootTarget: _executed_with_root_target,
    ExecutedWithTags: _executed_with_tags,
    CheckResultIs: _check_result,
    FreshnessIs: _freshness,
    UpdatedWithin: _updated_within,
    UpdatedSinceCron: _updated_since_cron,
    FailedSinceCron: _failed_since_cron,
    ParentsNonexistent: _parents_nonexistent,
    RetryAllowed: _retry_allowed,
    NewlyUpdated: _newly_updated,
    DataVersionChanged: _data_version_changed,
    CronTickPassed: _cron_tick_passed,
    AnyNewUpdateHasRunTags: _any_new_update_has_run_tags,
    AllNewUpdatesHaveRunTags: _all_new_updates_have_run_tags,
}
"""The operands that need nothing but facts of their subject."""
