"""A third evaluator of conditions, as simple as can be: one partition after the other, with dictionaries and sets of Python.

It shares neither the algebra of answers nor the latches, memories or operands of the engine and the full evaluator: only the
trees, the graph, and the mapping of a single partition to those of another asset.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tidewheel.logic.conditions import nodes as n
from tidewheel.logic.conditions.circles import condition_to_run
from tidewheel.logic.conditions.codec import identity_of
from tidewheel.logic.conditions.evaluate import EVALUATION_ERRORS
from tidewheel.logic.conditions.evidence import Stamp
from tidewheel.logic.conditions.facts import ConditionFacts, Position, SubjectFacts, Update
from tidewheel.logic.conditions.memory import starts_anew
from tidewheel.logic.conditions.relations import between, can_run_together, checks_for, deps_for, down_along
from tidewheel.logic.conditions.relations import up_along as carried_up
from tidewheel.logic.conditions.subjects import ConditionGraph, Key, Subject
from tidewheel.logic.conditions.windows import latest_partitions
from tidewheel.logic.cron.tick_index import tick_index
from tidewheel.logic.partitions import projection
from tidewheel.logic.partitions.definitions import DynamicPartitions, MultiPartitions
from tidewheel.logic.partitions.keys import key_of
from tidewheel.logic.partitions.sets import everything, from_ordinals

MOST_STAMPS = 30
"""The engine joins evidence beyond a limit; histories that get there are not compared."""


class TooMuchEvidenceError(Exception):
    """A latch has more evidence than is compared."""


class Truth(NamedTuple):
    """That something is true of one partition: the events behind it, and whether it is so without any."""

    is_weak: bool
    stamps: frozenset[Stamp] = frozenset()


STATE = Truth(True)
True_ = dict[int, Truth]
"""By ordinal; what is not in it is false."""


class Remembered:
    """What is remembered of one target: partitions by name, so that other definitions find them again."""

    def __init__(self) -> None:
        self.requested: dict[Any, int] = {}
        self.spec: Any = None
        self.nodes: dict[tuple[str, Key], Any] = {}
        self.held: Position | None = None


class PlainEvaluator:
    """Evaluates some targets again and again."""

    def __init__(self, targets: tuple[Key, ...]) -> None:
        self.targets = targets
        self.position: Position | None = None
        self.memory: dict[Key, Remembered] = {}

    def advance(self, graph: ConditionGraph, facts: ConditionFacts) -> tuple[dict[Key, set[int]], set[Key]]:
        """What is requested, and which targets fail."""
        before, after = self.memory, dict(self.memory)
        requested: dict[Key, set[int]] = {}
        failed: set[Key] = set()
        made: list[tuple[Key, int, set[int]]] = []
        for key in graph.in_order(self.targets):
            known = before.get(key)
            try:
                if key in graph.problems:
                    raise EVALUATION_ERRORS[0](graph.problems[key])
                one = _One(self, graph, facts, key, made)
                found = set(one.truth(condition_to_run(graph[key], graph), graph[key], ()))
            except EVALUATION_ERRORS:
                failed.add(key)
                if known is not None and known.held is None and self.position is not None:
                    again = Remembered()
                    again.__dict__.update(known.__dict__)
                    again.held = self.position
                    after[key] = again
                continue
            memory = Remembered()
            memory.spec = graph[key].partitions
            memory.nodes = one.new
            memory.requested = {one.name(graph[key], ordinal): ordinal for ordinal in found}
            after[key] = memory
            if found:
                requested[key] = found
                together = [
                    one for one in graph[key].siblings if graph[one].partitions == graph[key].partitions
                ]
                made += [(each, graph[key].level, found) for each in (key, *together)]
        self.memory, self.position = after, facts.position
        return requested, failed


class _One:
    """One evaluation of one target."""

    def __init__(
        self,
        all_: PlainEvaluator,
        graph: ConditionGraph,
        facts: ConditionFacts,
        key: Key,
        made: list[tuple[Key, int, set[int]]],
    ) -> None:
        self.all, self.graph, self.facts, self.root, self.made = all_, graph, facts, graph[key], made
        self.view, self.now = facts.view, facts.position
        memory = all_.memory.get(key)
        self.previous = None if memory is None else memory.held or all_.position
        spec = self.root.partitions
        self.is_initial = memory is None or starts_anew(_Spec(memory.spec), spec)  # type: ignore[arg-type]
        self.known = {} if memory is None or self.is_initial else memory.nodes
        self.new: dict[tuple[str, Key], Any] = {}

    # -- partitions ------------------------------------------------------------------------------------------------

    def all_of(self, subject: Subject) -> set[int]:
        return set(everything(subject.partitions, self.view))

    def name(self, subject: Subject, ordinal: int) -> Any:
        """What a partition is remembered by: its key; of a dynamic key its number too, for it may be another one."""
        spec = subject.partitions
        if spec is None:
            return ""
        parts = [one for _, one in spec.dimensions] if isinstance(spec, MultiPartitions) else [spec]
        text = key_of(spec, ordinal, self.view)
        return (text, ordinal) if any(isinstance(one, DynamicPartitions) for one in parts) else text

    def named(self, subject: Subject) -> dict[Any, int]:
        return {self.name(subject, ordinal): ordinal for ordinal in self.all_of(subject)}

    def present(self, subject: Subject, partitions: Any) -> set[int]:
        return set() if partitions is None else set(partitions) & self.all_of(subject)

    def states(self, ordinals: set[int]) -> True_:
        return dict.fromkeys(ordinals, STATE)

    def carried(self, found: True_, path: Any, of: Subject, *, upwards: bool = False) -> True_:
        """Truth about one subject as truth about another, each partition by itself."""
        move = carried_up if upwards else down_along
        parts: list[True_] = []
        for ordinal, truth in found.items():
            single = (
                everything(None, self.view)
                if of.partitions is None
                else from_ordinals(of.partitions, [ordinal])
            )
            parts.append(dict.fromkeys(move(path, single, self.view), truth))
        return either(parts)

    def carried_between(self, found: True_, of: Subject, to: Subject) -> True_:
        if of.key == to.key:
            return found
        path, upwards = between(of, to)
        return self.carried(found, path, of, upwards=upwards)

    # -- nodes -----------------------------------------------------------------------------------------------------

    def truth(self, node: n.Condition, at: Subject, path: Any) -> True_:  # noqa: PLR0911 - one line for each node
        match node:
            case n.And(operands=operands):
                return both([self.truth(one, at, path) for one in operands], self.all_of(at))
            case n.Or(operands=operands):
                return either([self.truth(one, at, path) for one in operands])
            case n.Not(operand=operand):
                return self.states(self.all_of(at) - set(self.truth(operand, at, path)))
            case n.Requesting(operand=operand):
                return self.truth(operand, at, path)
            case n.NewlyTrue(operand=operand):
                inner = self.truth(operand, at, path)
                before = self.recall(node, at) or set()
                self.keep(node, at, {self.name(at, one) for one in inner})
                return {one: truth for one, truth in inner.items() if self.name(at, one) not in before}
            case n.Since(trigger=trigger, reset=reset):
                return self.since(node, at, self.truth(trigger, at, path), self.truth(reset, at, path))
            case n.Limited(operand=operand, limit=limit):
                inner = self.truth(operand, at, path)
                dropped = self.recall(node, at) or set()
                free = sorted(one for one in inner if self.name(at, one) not in dropped)
                taken = free if at.partitions is None else free[-limit:]
                self.keep(node, at, {self.name(at, one) for one in inner if one not in taken})
                return {one: inner[one] for one in taken}
            case n.AnyDeps() | n.AllDeps():
                return self.over(node, deps_for(node, at, self.graph), at, path)
            case n.AnyJobRoots() | n.AllJobRoots():
                self.require(at, "job")
                return self.over(node, at.deps, at, path)
            case n.AnyChecks() | n.AllChecks():
                self.require(at, "asset")
                parts = []
                for key in checks_for(node, at, self.graph):
                    check = self.graph[key]
                    parts.append(self.carried_between(self.truth(node.operand, check, path), check, at))
                return either(parts) if isinstance(node, n.AnyChecks) else both(parts, self.all_of(at))
            case n.AssetMatches(key=key, operand=operand):
                other = self.graph[Key("asset", key)]
                return self.carried_between(self.truth(operand, other, None), other, at)
            case n.RootMatches(operand=operand):
                return self.carried_between(self.truth(operand, self.root, ()), self.root, at)
            case _:
                return self.operand(node, at, path)

    def over(self, node: Any, deps: Any, at: Subject, path: Any) -> True_:
        parts = []
        for dep in deps:
            inner = self.truth(
                node.operand, self.graph[dep.key], None if path is None else (*path, *dep.path)
            )
            parts.append(self.carried(inner, dep.path, self.graph[dep.key]))
        is_any = isinstance(node, n.AnyDeps | n.AnyJobRoots)
        return either(parts) if is_any else both(parts, self.all_of(at))

    def since(self, node: n.Condition, at: Subject, trigger: True_, reset: True_) -> True_:
        before: dict[Any, frozenset[Stamp]] = self.recall(node, at) or {}
        after = latched(before, self.by_name(at, trigger), self.by_name(at, reset), self.named(at))
        self.keep(node, at, after)
        names = self.named(at)
        return {names[name]: Truth(not stamps, stamps) for name, stamps in after.items()}

    def by_name(self, at: Subject, found: True_) -> dict[Any, Truth]:
        return {self.name(at, ordinal): truth for ordinal, truth in found.items()}

    def recall(self, node: n.Condition, at: Subject) -> Any:
        return self.known.get((identity_of(node), at.key))

    def keep(self, node: n.Condition, at: Subject, value: Any) -> None:
        self.new[identity_of(node), at.key] = value

    def require(self, at: Subject, kind: str) -> None:
        if at.key.kind != kind:
            raise EVALUATION_ERRORS[0](f"not a {kind}")

    # -- operands --------------------------------------------------------------------------------------------------

    def operand(self, node: n.Condition, at: Subject, path: Any) -> True_:
        facts, every = self.facts.of(at.key), self.all_of(at)
        match node:
            case n.Missing():
                return self.states(every - self.present(at, facts.made))
            case n.RunInProgress(any_partition=any_):
                return self.states(self.ongoing(at, facts.run_in_progress, any_))
            case n.BackfillInProgress(any_partition=any_):
                return self.states(self.ongoing(at, facts.backfill_in_progress, any_))
            case n.ExecutionFailed():
                return self.states(self.present(at, facts.failed))
            case n.ExecutionCanceled():
                return self.states(self.present(at, facts.canceled))
            case n.InLatestTimeWindow(lookback_s=lookback_s):
                return self.states(set(latest_partitions(at.partitions, lookback_s, self.view)))
            case n.ExecutedWithRootTarget():
                return self.states(self.produced(at, facts, lambda run: self.includes(run, self.root.key)))
            case n.ExecutedWithTags():
                return self.states(self.produced(at, facts, lambda run: tagged(run, node)))
            case n.CheckResultIs(passed=passed):
                self.require(at, "check")
                return self.states(self.present(at, facts.check_passed if passed else facts.check_failed))
            case n.FreshnessIs(state=state):
                return self.states(every if facts.freshness == state else set())
            case n.UpdatedWithin(duration_s=duration_s):
                return self.states(self.since_moment(at, facts.update_times, self.now.at - duration_s))
            case n.UpdatedSinceCron(cron=cron, zone=zone):
                return self.states(self.since_moment(at, facts.update_times, self.tick(cron, zone)))
            case n.FailedSinceCron(cron=cron, zone=zone):
                return self.states(self.since_moment(at, facts.failure_times, self.tick(cron, zone)))
            case n.ParentsNonexistent():
                found: set[int] = set()
                for dep in at.deps:
                    hop, existing = dep.path[0], everything(at.partitions, self.view)
                    found |= set(projection.upstream(hop.mapping, existing, hop.up, self.view).blocked)
                return self.states(found & every)
            case n.RetryAllowed():
                return self.states(every - self.waiting(node, facts))
            case n.InitialEvaluation():
                return self.states(every if self.is_initial else set())
            case n.NewlyUpdated():
                return self.updated(at, handles=at.key == self.root.key)
            case n.DataVersionChanged():
                return self.updated(at, lambda update: update.version_changed)
            case n.AnyNewUpdateHasRunTags():
                return self.updated(at, lambda update: tagged(update.run, node))
            case n.AllNewUpdatesHaveRunTags():
                others: set[int] = set()
                for update in self.new_updates(at):
                    if not tagged(update.run, node):
                        others |= set(update.partitions)
                return {one: truth for one, truth in self.updated(at).items() if one not in others}
            case n.CronTickPassed(cron=cron, zone=zone):
                tick = self.tick(cron, zone)
                if self.previous is None or tick <= self.previous.at:
                    return {}
                return dict.fromkeys(every, Truth(False, frozenset({Stamp(tick)})))
            case n.CodeVersionChanged():
                known = self.recall(node, at)
                self.keep(node, at, (at.code_version,))
                changed = known is not None and known[0] is not None and known[0] != at.code_version
                return self.states(every if changed else set())
            case n.NewlyRequested():
                return self.newly_requested(at)
            case n.WillBeRequested():
                return self.will_be_requested(at, path)
            case n.Behind():
                return self.behind(node, at, facts)
            case n.UserDefined(slot=slot):
                answer = self.facts.answers.get((self.root.key, slot, at.key))
                if answer is None or answer.error is not None:
                    raise EVALUATION_ERRORS[0]("no answer")
                if answer.true is not None and answer.true.spec != at.partitions:
                    raise EVALUATION_ERRORS[0]("another asset's partitions")
                return self.states(self.present(at, answer.true))
            case _:
                raise AssertionError(f"the plain evaluator does not know {type(node).__name__}")

    def ongoing(self, at: Subject, partitions: Any, any_partition: bool) -> set[int]:
        present = self.present(at, partitions)
        return self.all_of(at) if any_partition and present else present

    def produced(self, at: Subject, facts: SubjectFacts, holds: Any) -> set[int]:
        found: set[int] = set()
        for one in facts.producers:
            if holds(one.run):
                found |= self.present(at, one.partitions)
        return found

    def includes(self, run: Any, target: Key) -> bool:
        return run.job_name == target.name if target.kind == "job" else target in run.targets

    def since_moment(self, at: Subject, times: Any, moment: float) -> set[int]:
        if times is None:
            return set()
        return {one for one, when in times.latest_moments().items() if when >= moment} & self.all_of(at)

    def tick(self, cron: str, zone: str) -> float:
        index = tick_index(cron, zone)
        return float(index.instant_of(index.count_before(int(self.now.at // 1) + 1) - 1))

    def waiting(self, node: n.RetryAllowed, facts: SubjectFacts) -> set[int]:
        found: set[int] = set()
        for one in facts.attempts:
            wait_s = min(node.backoff_s * 2 ** (one.failures - 1), node.backoff_max_s)
            if one.failures >= node.max_failures or self.now.at < one.failed_at + wait_s:
                found |= set(one.partitions)
        return found

    def new_updates(self, at: Subject) -> list[Update]:
        if self.previous is None:
            return []
        updates = self.facts.of(at.key).updates
        return [update for update in updates if update.event_id > self.previous.event_id]

    def updated(self, at: Subject, holds: Any = None, *, handles: bool = False) -> True_:
        parts = []
        for update in self.new_updates(at):
            if holds is not None and not holds(update):
                continue
            when = min(max(update.at, self.previous.at), self.now.at)  # type: ignore[union-attr]
            stamp = Stamp(when, update.event_id)
            if update.run is not None:
                reads_to = update.run.started_after if handles else None
                stamp = Stamp(when, update.event_id, reads_to, update.run.run_id)
            truth = Truth(False, frozenset({stamp}))
            parts.append(dict.fromkeys(self.present(at, update.partitions), truth))
        return either(parts)

    def newly_requested(self, at: Subject) -> True_:
        memory = self.all.memory.get(at.key)
        if memory is None or at.key not in self.all.targets:
            return {}
        position = memory.held or self.all.position
        assert position is not None
        is_single = (memory.spec is None) == (at.partitions is None)
        names = self.named(at)
        found = {names[name] for name in memory.requested if name in names} if is_single else set()
        return dict.fromkeys(found, Truth(False, frozenset({Stamp(position.at, position.event_id)})))

    def will_be_requested(self, at: Subject, path: Any) -> True_:
        found: set[int] = set()
        for key, level, requested in self.made:
            if key == at.key and level < self.root.level:
                found |= requested
        if not found or not can_run_together(self.root, at, path):
            return {}
        stamp = Stamp(self.now.at, self.now.event_id)
        return dict.fromkeys(found & self.all_of(at), Truth(False, frozenset({stamp})))

    def behind(self, node: n.Behind, at: Subject, facts: SubjectFacts) -> True_:
        before = self.recall(node, at)
        if before is None:
            stale = facts.behind_by_version if node.by_version else facts.behind
            before = {self.name(at, one): frozenset() for one in self.present(at, stale)}

        def counts(update: Update) -> bool:
            together = update.run is not None and self.includes(update.run, at.key)
            return not together and (update.version_changed or not node.by_version)

        trigger = either(
            [
                self.carried(self.updated(self.graph[dep.key], counts), dep.path, self.graph[dep.key])
                for dep in at.deps
            ]
        )
        reset = self.updated(at, handles=True)
        after = latched(before, self.by_name(at, trigger), self.by_name(at, reset), self.named(at))
        self.keep(node, at, after)
        names = self.named(at)
        found = {names[name] for name in after}
        missing = self.all_of(at) - self.present(at, facts.made)
        for dep in at.deps:
            up = self.graph[dep.key]
            made = self.states(self.present(up, self.facts.of(dep.key).made))
            found |= set(self.carried(made, dep.path, up)) & missing
        return self.states(found)


class _Spec(NamedTuple):
    """As much of a memory as tells whether a target starts anew."""

    partitions: Any


def either(parts: list[True_]) -> True_:
    """Where some are true."""
    found: True_ = {}
    for part in parts:
        for ordinal, truth in part.items():
            known = found.get(ordinal)
            is_weak = truth.is_weak or (known is not None and known.is_weak)
            found[ordinal] = Truth(is_weak, truth.stamps | (known.stamps if known else frozenset()))
    return found


def both(parts: list[True_], every: set[int]) -> True_:
    """Where all are true; without evidence only if none has any."""
    found = {}
    for ordinal in every:
        if all(ordinal in part for part in parts):
            stamps = frozenset().union(*(part[ordinal].stamps for part in parts))
            found[ordinal] = Truth(not stamps, stamps)
    return found


def latched(before: Any, trigger: dict[Any, Truth], reset: dict[Any, Truth], names: Any) -> dict[Any, Any]:
    """Which partitions are on after an evaluation, each with the evidence that no reset has dealt with."""
    after = {}
    for name in names:
        if name not in before and name not in trigger:
            continue
        stamps = before.get(name, frozenset()) | (trigger[name].stamps if name in trigger else frozenset())
        if name in reset:
            over = reset[name]
            stamps = frozenset(
                stamp
                for stamp in stamps
                if not over.is_weak and all(is_later(stamp, one) for one in over.stamps)
            )
            if not stamps:
                continue
        if len(stamps) > MOST_STAMPS:
            raise TooMuchEvidenceError
        after[name] = stamps
    return after


def is_later(trigger: Stamp, reset: Stamp) -> bool:
    """Whether a trigger came after a reset, or was not read by the run that reset it."""
    if trigger.event_id is None or reset.event_id is None:
        return trigger.at > reset.at
    same_run = bool(trigger.run_id) and trigger.run_id == reset.run_id
    limit = reset.event_id if reset.reads_to is None or same_run else reset.reads_to
    return trigger.event_id > limit


def tagged(run: Any, node: Any) -> bool:
    """Whether a run has all the tags that a node names."""
    if run is None:
        return False
    named = all(key in run.tags for key in node.tag_keys)
    return named and all(run.tags.get(key) == value for key, value in node.tag_values)
