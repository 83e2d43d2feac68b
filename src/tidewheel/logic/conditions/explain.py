"""Says why a target was or was not requested: the tree with true and false, since when, and what it waits for.

Works on the result of the full evaluator, so that what is explained is what is decided. An explanation is a value; how
it is written is up to whoever shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Optional

import msgspec

from tidewheel.logic.conditions.evaluate import NodeResult, TargetResult
from tidewheel.logic.conditions.facts import ConditionFacts, SubjectFacts
from tidewheel.logic.conditions.leaves import latest_tick, next_tick
from tidewheel.logic.conditions.naming import description_of, name_of
from tidewheel.logic.conditions.nodes import (
    And,
    BackfillInProgress,
    CheckResultIs,
    CodeVersionChanged,
    Condition,
    CronTickPassed,
    ExecutionFailed,
    FailedSinceCron,
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
    UpdatedSinceCron,
    UpdatedWithin,
    WillBeRequested,
)
from tidewheel.logic.conditions.owed import RetryPolicy, retry_at
from tidewheel.logic.conditions.spaces import Space
from tidewheel.logic.conditions.subjects import ConditionGraph, Key
from tidewheel.logic.conditions.timeline import Timeline
from tidewheel.logic.partitions.sets import PartitionSet, from_ordinals


class Explanation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One node, explained.

    `is_true`: for the partition that was asked about; without one: for any partition. `true_count` of `asked_count`
    partitions. `since`: when it became so (seconds since the epoch), where that is known. `waits_for`: what has to
    happen for a false node to become true; empty for a true one. `next_change`: when time alone can next change it.
    """

    name: str
    subject: Key
    is_true: bool
    true_count: int
    asked_count: int
    label: Optional[str] = None
    description: str = ""
    since: Optional[float] = None
    waits_for: str = ""
    next_change: Optional[float] = None
    children: tuple[Explanation, ...] = ()


class TargetExplanation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A target's condition as of a moment: whether it asks for a run, its tree, and what it waits for, most telling first."""

    target: Key
    at: float
    is_requested: bool
    error: Optional[str] = None
    tree: Optional[Explanation] = None
    waits_for: tuple[str, ...] = ()
    next_change: Optional[float] = None


class Moments(msgspec.Struct, frozen=True, kw_only=True):
    """When a subject (or the one partition of it that is asked about) was last made, failed, and planned to be made."""

    made_at: Optional[float] = None
    failed_at: Optional[float] = None
    planned_at: Optional[float] = None


UNKNOWN = Moments()


def explain(
    result: TargetResult,
    facts: ConditionFacts,
    graph: ConditionGraph,
    *,
    ordinal: int | None = None,
    moments: Mapping[Key, Moments] | None = None,
) -> TargetExplanation:
    """Explain the result of one target; with `ordinal` for that partition of it only.

    Below operators over other subjects the answer is about all their partitions. `moments`: since when states hold, as
    far as evaluations do not ask for it.
    """
    if result.tree is None:
        return TargetExplanation(
            target=result.key, at=facts.position.at, is_requested=False, error=result.error
        )
    tree = _Explaining(facts, graph, result.key, ordinal, moments or {}).node(result.tree)
    return TargetExplanation(
        target=result.key,
        at=facts.position.at,
        is_requested=tree.is_true,
        tree=tree,
        waits_for=() if tree.is_true else tuple(dict.fromkeys(_obstacles(tree))),
        next_change=tree.next_change,
    )


class _Explaining:
    """One explanation: the facts, and which partition is asked about."""

    def __init__(
        self,
        facts: ConditionFacts,
        graph: ConditionGraph,
        target: Key,
        ordinal: int | None,
        moments: Mapping[Key, Moments],
    ) -> None:
        self.moments = moments
        self.facts = facts
        self.graph = graph
        self.target = target
        self.ordinal = ordinal

    def node(self, result: NodeResult) -> Explanation:
        children = tuple(self.node(child) for child in result.children)
        is_true = self.holds(result.subject, result.true)
        own = self.next_change(result)
        changes = [one for one in (own, *(child.next_change for child in children)) if one is not None]
        return Explanation(
            name=name_of(result.node),
            subject=result.subject,
            is_true=is_true,
            true_count=len(result.true),
            asked_count=len(result.candidates),
            label=result.node.label,
            description=description_of(result.node),
            since=self.since(result, is_true, children),
            waits_for="" if is_true else _wish(result.node, result.subject, children),
            next_change=min(changes, default=None),
            children=children,
        )

    def holds(self, subject: Key, true: PartitionSet) -> bool:
        if self.ordinal is not None and subject == self.target:
            return self.ordinal in true
        return bool(true)

    def since(
        self, result: NodeResult, is_true: bool, children: tuple[Explanation, ...] = ()
    ) -> float | None:
        """The newest event behind a true node, or the latest fact of a state."""
        if result.evidence and is_true:
            stamps = [stamp.at for stamp, covered in result.evidence if self.holds(result.subject, covered)]
            return max(stamps, default=None)
        facts, moments = self.facts.of(result.subject), self.moments.get(result.subject, UNKNOWN)
        match result.node:
            case Missing() | NewlyUpdated() if not is_true:
                return self.newest(result.subject, facts.update_times) or moments.made_at
            case ExecutionFailed() if is_true:
                return self.newest(result.subject, facts.failure_times) or moments.failed_at
            case RunInProgress() if is_true:
                return moments.planned_at
            case UpdatedSinceCron() | UpdatedWithin() if is_true:
                return self.newest(result.subject, facts.update_times)
            case FailedSinceCron() if is_true:
                return self.newest(result.subject, facts.failure_times)
            case CronTickPassed(cron=cron, zone=zone):
                return latest_tick(cron, zone, self.facts.position.at)
            case Not() if len(children) == 1:
                return children[0].since
            case And() if is_true:
                return _newest_of(children)
            case Or() if not is_true:
                return _newest_of(children)
            case _:
                return None

    def newest(self, subject: Key, times: Timeline | None) -> float | None:
        if times is None:
            return None
        spec = self.graph[subject].partitions
        if self.ordinal is None or subject != self.target or spec is None:
            return times.latest()
        return times.latest(from_ordinals(spec, [self.ordinal]))

    def next_change(self, result: NodeResult) -> float | None:
        """When time alone can next change what a node itself says."""
        now = self.facts.position.at
        facts: SubjectFacts = self.facts.of(result.subject)
        moments: list[float] = []
        match result.node:
            case CronTickPassed(cron=cron, zone=zone) | UpdatedSinceCron(cron=cron, zone=zone):
                return next_tick(cron, zone, now)
            case FailedSinceCron(cron=cron, zone=zone):
                return next_tick(cron, zone, now)
            case InLatestTimeWindow():
                space = Space(self.graph[result.subject].partitions, self.facts.view)
                return space.next_change(now)
            case UpdatedWithin(duration_s=duration_s):
                times = facts.update_times
                first = None if times is None else times.next_from(now - duration_s)
                moments = [] if first is None else [first + duration_s]
            case RetryAllowed():
                policy = RetryPolicy(
                    max_failures=result.node.max_failures,
                    backoff_s=result.node.backoff_s,
                    backoff_max_s=result.node.backoff_max_s,
                )
                open_ones = (one for one in facts.attempts if one.failures < policy.max_failures)
                moments = [retry_at(policy, one.failures, one.failed_at) for one in open_ones]
        return min((moment for moment in moments if moment > now), default=None)


def _newest_of(children: tuple[Explanation, ...]) -> float | None:
    """When the last of them became what they all are now; None where that is not known of each."""
    moments = [child.since for child in children if child.since is not None]
    return max(moments) if moments and len(moments) == len(children) else None


def _wish(node: Condition, subject: Key, children: tuple[Explanation, ...]) -> str:
    """What has to happen for a false node to become true, in words; empty where the children say it."""
    match node:
        case Missing():
            return f"{subject} to be missing"
        case NewlyUpdated():
            return f"an update of {subject}"
        case NewlyRequested() | WillBeRequested():
            return f"a request of {subject}"
        case RunInProgress():
            return f"a run of {subject}"
        case BackfillInProgress():
            return f"a backfill of {subject}"
        case CronTickPassed(cron=cron, zone=zone):
            return f"the next tick of {cron} ({zone})"
        case InLatestTimeWindow():
            return f"the partition of {subject} to be the latest"
        case CheckResultIs(passed=passed):
            return f"{subject} to {'pass' if passed else 'fail'} for the latest materialization"
        case CodeVersionChanged():
            return f"another code version of {subject}"
        case InitialEvaluation():
            return "the condition to be new"
        case RetryAllowed():
            return f"the wait after the failure of {subject} to end, or a change"
        case Since() | NewlyTrue() if children[0].is_true:
            return f"{_told(children[0])} to become true anew"
        case Not() if children:
            return f"an end of: {_told(children[0])}"
        case _:
            return "" if children else f"{name_of(node)} of {subject}"


def _told(explanation: Explanation) -> str:
    """A true node in words: its label, or its name and subject; what inside it is true."""
    what = explanation.label or f"{explanation.name} of {explanation.subject}"
    inside = [child for child in explanation.children if child.is_true]
    if explanation.label and len(inside) == 1 and inside[0].subject != explanation.subject:
        return f"{what} ({inside[0].subject})"
    return what


def _obstacles(explanation: Explanation) -> Iterable[str]:
    """What a false tree waits for, from the outside in: all false operands of an AND, any of an OR."""
    if explanation.is_true:
        return
    if explanation.waits_for:
        yield explanation.waits_for
        return
    for child in explanation.children:
        if explanation.name == "SINCE" and child is not explanation.children[0]:
            continue  # the reset is not waited for
        yield from _obstacles(child)
