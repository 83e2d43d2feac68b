"""The operands of compiled programs: those asked most as functions over bitmaps, the others through `leaves`."""

from __future__ import annotations

from math import inf, nextafter
from typing import Any

from tidewheel.logic.conditions import leaves
from tidewheel.logic.conditions.evidence import Answer, Stamp
from tidewheel.logic.conditions.facts import UserAnswer
from tidewheel.logic.conditions.latching import Latch, advance
from tidewheel.logic.conditions.memory import Noted
from tidewheel.logic.conditions.nodes import (
    AllNewUpdatesHaveRunTags,
    AnyNewUpdateHasRunTags,
    BackfillInProgress,
    Behind,
    CodeVersionChanged,
    Condition,
    CronTickPassed,
    DataVersionChanged,
    ExecutedWithRootTarget,
    InitialEvaluation,
    InLatestTimeWindow,
    Missing,
    NewlyRequested,
    NewlyUpdated,
    RetryAllowed,
    RunInProgress,
    UpdatedWithin,
    UserDefined,
    WillBeRequested,
)
from tidewheel.logic.conditions.owed import RetryPolicy, retry_at
from tidewheel.logic.conditions.relations import can_run_together
from tidewheel.logic.conditions.walking import Dated, Plain, SubjectState, Walk


def plain(node: Condition) -> Plain:
    """The function of an operand without memory of its own that returns where it is true."""
    match node:
        case Missing():
            return _missing
        case RunInProgress(any_partition=False):
            return _run_in_progress
        case BackfillInProgress(any_partition=False):
            return _backfill_in_progress
        case InLatestTimeWindow(lookback_s=lookback_s):
            return _in_latest_time_window(lookback_s)
        case InitialEvaluation():
            return _initial_evaluation
        case ExecutedWithRootTarget():
            return _executed_with_root_target
        case UpdatedWithin(duration_s=duration_s):
            return _updated_within(node, duration_s)
        case RetryAllowed():
            return _retry_allowed(node)
        case _:
            evidence = dated(node)
            return _general(node) if evidence is None else _truth(evidence)


def dated(node: Condition) -> Dated | None:
    """The function of an operand that returns an answer with evidence; None if it never has any."""
    match node:
        case NewlyUpdated():
            return _newly_updated(node)
        case NewlyRequested():
            return _newly_requested
        case WillBeRequested():
            return _will_be_requested
        case CronTickPassed(cron=cron, zone=zone):
            return _cron_tick_passed(cron, zone)
        case DataVersionChanged() | AnyNewUpdateHasRunTags() | AllNewUpdatesHaveRunTags():
            return _of_updates(node)
        case _:
            return None


def remembering(node: CodeVersionChanged | Behind | UserDefined, slot: int) -> Plain:
    """The function of an operand that remembers something in a slot."""
    match node:
        case CodeVersionChanged():
            return _code_version_changed(slot)
        case Behind(by_version=by_version):
            return _behind(slot, by_version)
        case UserDefined():
            return _user_defined(node, slot)


def bare(answer: Answer) -> Answer:
    """An answer of partition sets as one of bitmaps."""
    layers = tuple((stamp, covered.bits) for stamp, covered in answer.layers)
    return Answer(answer.true.bits, answer.weak.bits, layers)


def _truth(operand: Dated) -> Plain:
    def run(w: Walk, s: SubjectState) -> Any:
        return operand(w, s).true

    return run


def _general(node: Condition) -> Plain:
    def run(w: Walk, s: SubjectState) -> Any:
        return leaves.leaf_answer(node, w.scope(s)).true.bits

    return run


# -- facts that stay ----------------------------------------------------------------------------------------------------


def _missing(w: Walk, s: SubjectState) -> Any:
    made = s.facts.made
    return s.space.existing if made is None else s.space.existing - made.bits


def _run_in_progress(w: Walk, s: SubjectState) -> Any:
    running = s.facts.run_in_progress
    return s.space.empty if running is None else s.space.existing & running.bits


def _backfill_in_progress(w: Walk, s: SubjectState) -> Any:
    running = s.facts.backfill_in_progress
    return s.space.empty if running is None else s.space.existing & running.bits


def _in_latest_time_window(lookback_s: float | None) -> Plain:
    def run(w: Walk, s: SubjectState) -> Any:
        return s.space.latest(lookback_s, w.view)

    return run


def _executed_with_root_target(w: Walk, s: SubjectState) -> Any:
    found = s.space.empty
    target = w.root.state.subject.key
    for production in s.facts.producers:
        if leaves.run_includes(production.run, target):
            found = found | production.partitions.bits
    return found & s.space.existing if found else found


def _updated_within(node: UpdatedWithin, duration_s: float) -> Plain:
    def run(w: Walk, s: SubjectState) -> Any:
        times = s.facts.update_times
        first = None if times is None else times.next_from(leaves.within_from(node, w.position))
        if first is not None:
            w.wake(nextafter(first + duration_s, inf))
        return leaves.leaf_answer(node, w.scope(s)).true.bits

    return run


def _retry_allowed(node: RetryAllowed) -> Plain:
    policy = RetryPolicy(
        max_failures=node.max_failures, backoff_s=node.backoff_s, backoff_max_s=node.backoff_max_s
    )

    def run(w: Walk, s: SubjectState) -> Any:
        for one in s.facts.attempts:
            until = retry_at(policy, one.failures, one.failed_at)
            if one.failures < policy.max_failures and until > w.position.at:
                w.wake(until)
        return leaves.leaf_answer(node, w.scope(s)).true.bits

    return run


# -- facts that flash ---------------------------------------------------------------------------------------------------


def _initial_evaluation(w: Walk, s: SubjectState) -> Any:
    if not w.root.is_initial:
        return s.space.empty
    w.flash = True
    return s.space.existing


def _newly_updated(node: NewlyUpdated) -> Dated:
    def run(w: Walk, s: SubjectState) -> Answer:
        if not s.facts.updates or w.previous is None:
            return s.space.no_answer
        answer = leaves.leaf_answer(node, w.scope(s))
        if not answer.true:
            return s.space.no_answer
        w.flash = True
        return bare(answer)

    return run


def _of_updates(node: Condition) -> Dated:
    def run(w: Walk, s: SubjectState) -> Answer:
        if not s.facts.updates or w.previous is None:
            return s.space.no_answer
        answer = bare(leaves.leaf_answer(node, w.scope(s)))
        if answer.true:
            w.flash = True
        return answer

    return run


def _newly_requested(w: Walk, s: SubjectState) -> Answer:
    requested, position = w.last_request(s)
    if not requested or position is None:
        return s.space.no_answer
    present = requested & s.space.existing
    if not present:
        return s.space.no_answer
    w.flash = True
    return Answer(present, s.space.empty, ((Stamp(position.at, position.event_id), present),))


def _will_be_requested(w: Walk, s: SubjectState) -> Answer:
    if s.requests_round != w.round:
        return s.space.no_answer
    root = w.root.state.subject
    requested = w.requested_below(s, root.level) & s.space.existing
    if not requested or not can_run_together(root, s.subject, w.path):
        return s.space.no_answer
    w.flash = True
    now = Stamp(w.position.at, w.position.event_id)
    return Answer(requested, s.space.empty, ((now, requested),))


def _cron_tick_passed(cron: str, zone: str) -> Dated:
    def run(w: Walk, s: SubjectState) -> Answer:
        if w.previous is None:
            return s.space.no_answer
        tick = w.latest_tick(cron, zone)
        if tick <= w.previous.at or not s.space.existing:
            return s.space.no_answer
        w.flash = True
        return Answer(s.space.existing, s.space.empty, ((Stamp(tick), s.space.existing),))

    return run


# -- operands that remember ---------------------------------------------------------------------------------------------


def _code_version_changed(slot: int) -> Plain:
    def run(w: Walk, s: SubjectState) -> Any:
        known = w.recall(slot, s)
        version = s.subject.code_version
        w.keep_always(slot, s, Noted(version))
        if known is None or known.text is None or known.text == version:
            return s.space.empty
        w.flash = True
        return s.space.existing

    return run


def _behind(slot: int, by_version: bool) -> Plain:
    def run(w: Walk, s: SubjectState) -> Any:
        scope = w.scope(s)
        inputs = [w.scope(dep.state) for dep in s.deps]
        known = w.recall(slot, s)
        if known is None:
            stale = s.facts.behind_by_version if by_version else s.facts.behind
            known = Latch(s.space.empty if stale is None else stale.bits & s.space.existing)
        trigger = bare(leaves.inputs_updated(scope, inputs, by_version=by_version))
        reset = bare(leaves.newly_updated(scope, handles=True))
        if trigger.true or reset.true:
            w.flash = True
        latch = advance(known, trigger, reset, s.space.existing)
        w.keep_always(slot, s, latch)
        return latch.on | leaves.missing_with_inputs(scope, inputs).bits

    return run


def _user_defined(node: UserDefined, slot: int) -> Plain:
    def run(w: Walk, s: SubjectState) -> Any:
        root = w.root.state.subject.key
        answer: UserAnswer = leaves.require_answer(
            w.answers.get((root, node.slot, s.subject.key)), node, root, s.subject
        )
        w.keep_always(slot, s, Noted(answer.cursor))
        return s.space.empty if answer.true is None else answer.true.bits & s.space.existing

    return run
