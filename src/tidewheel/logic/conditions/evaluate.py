"""Evaluates conditions in full: every target, every node, every time. The measure for the incremental engine.

Targets are evaluated in the order of their levels and see the requests of lower levels. A target whose evaluation
fails requests nothing and keeps its memory; all others go on (F8). Every operand is evaluated on all partitions, so
that what is remembered does not depend on the order of operands (F9); *candidates* are for showing only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Optional

import msgspec

from tidewheel.logic.conditions import leaves
from tidewheel.logic.conditions.circles import condition_to_run
from tidewheel.logic.conditions.codec import identity_of
from tidewheel.logic.conditions.errors import ConditionError
from tidewheel.logic.conditions.evidence import Answer, Stamp, dated, intersection, restricted, state, union
from tidewheel.logic.conditions.facts import ConditionFacts, Position
from tidewheel.logic.conditions.latching import Latch, advance
from tidewheel.logic.conditions.leaves import Scope
from tidewheel.logic.conditions.limits import last_partitions
from tidewheel.logic.conditions.memory import (
    Dropped,
    NodeMemory,
    Noted,
    Progress,
    Seen,
    TargetMemory,
    fitted,
    fitted_node,
    is_default,
    memory_key,
    starts_anew,
)
from tidewheel.logic.conditions.nodes import (
    AllChecks,
    AllDeps,
    AllJobRoots,
    And,
    AnyChecks,
    AnyDeps,
    AnyJobRoots,
    AssetMatches,
    Behind,
    CodeVersionChanged,
    Condition,
    InitialEvaluation,
    Limited,
    NewlyRequested,
    NewlyTrue,
    Not,
    Or,
    Requesting,
    RootMatches,
    Since,
    UserDefined,
    WillBeRequested,
)
from tidewheel.logic.conditions.relations import (
    Path,
    answer_between,
    answer_down,
    can_run_together,
    checks_for,
    deps_for,
)
from tidewheel.logic.conditions.subjects import ConditionGraph, Dep, Key, Subject
from tidewheel.logic.cron.errors import CronError
from tidewheel.logic.partitions.errors import PartitionError
from tidewheel.logic.partitions.sets import PartitionSet, everything, nothing

EVALUATION_ERRORS = (ConditionError, PartitionError, CronError)
"""What makes the evaluation of one target fail, and of that target only."""


class NodeResult(msgspec.Struct, frozen=True, kw_only=True):
    """One node on one subject: where it is true, where it was asked, the dated evidence, what is inside it."""

    node: Condition
    subject: Key
    true: PartitionSet
    candidates: PartitionSet
    evidence: tuple[tuple[Stamp, PartitionSet], ...] = ()
    children: tuple[NodeResult, ...] = ()


class TargetResult(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one target: the partitions to request, or why its evaluation failed."""

    key: Key
    requested: PartitionSet
    tree: Optional[NodeResult] = None
    error: Optional[str] = None


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """What came of all targets, in order of evaluation, and the progress to store."""

    results: Mapping[Key, TargetResult]
    progress: Progress

    @property
    def requested(self) -> Mapping[Key, PartitionSet]:
        """The partitions to request of each target that requests any."""
        return {key: one.requested for key, one in self.results.items() if one.requested}


class Requests:
    """What was requested so far in one evaluation of some targets, with what is always made together with it."""

    def __init__(self, graph: ConditionGraph, targets: Iterable[Key]) -> None:
        self._graph = graph
        self.targets = frozenset(targets)
        self._made: dict[Key, list[tuple[int, PartitionSet]]] = defaultdict(list)

    def add(self, subject: Subject, requested: PartitionSet) -> None:
        """Note the request of a target."""
        if not requested:
            return
        self._made[subject.key].append((subject.level, requested))
        for key in subject.siblings:
            if self._graph[key].partitions == subject.partitions:
                self._made[key].append((subject.level, requested))

    def below(self, subject: Subject, level: int) -> PartitionSet:
        """What targets of lower levels requested of a subject."""
        found = nothing(subject.partitions)
        for made_at, requested in self._made.get(subject.key, ()):
            if made_at < level:
                found = found | requested
        return found


def evaluate(
    graph: ConditionGraph,
    facts: ConditionFacts,
    progress: Progress,
    targets: Iterable[Key] | None = None,
) -> Evaluation:
    """Evaluate targets (all, if not said otherwise) as of the facts' position."""
    chosen = graph.targets if targets is None else graph.in_order(targets)
    requests = Requests(graph, chosen)
    results: dict[Key, TargetResult] = {}
    memories = dict(progress.targets)
    for key in chosen:
        result, memory = evaluate_target(graph, facts, progress, key, requests)
        results[key] = result
        requests.add(graph[key], result.requested)
        if memory is not None:
            memories[key] = memory
    return Evaluation(results=results, progress=Progress(position=facts.position, targets=memories))


def evaluate_target(
    graph: ConditionGraph, facts: ConditionFacts, progress: Progress, key: Key, requests: Requests
) -> tuple[TargetResult, TargetMemory | None]:
    """Evaluate one target after those of lower levels; returns its result and new memory."""
    subject = graph[key]
    known = progress.targets.get(key)
    try:
        if key in graph.problems:
            raise ConditionError(graph.problems[key])
        one = _TargetEvaluation(graph, facts, progress, subject, requests)
        tree = one.run()
        return TargetResult(key=key, requested=tree.true, tree=tree), one.remembered(tree.true)
    except EVALUATION_ERRORS as reason:
        failed = TargetResult(key=key, requested=nothing(subject.partitions), error=str(reason))
        if known is None or known.held is not None or progress.position is None:
            return failed, known
        return failed, msgspec.structs.replace(known, held=progress.position)


class _At(NamedTuple):
    """Where in the graph a node is evaluated: a subject, and the way to it from the root, if it is a dependency."""

    subject: Subject
    path: Optional[Path]


class _TargetEvaluation:
    """One evaluation of one target: a walk over its tree that collects the new memory."""

    def __init__(
        self,
        graph: ConditionGraph,
        facts: ConditionFacts,
        progress: Progress,
        root: Subject,
        requests: Requests,
    ) -> None:
        self.graph = graph
        self.facts = facts
        self.progress = progress
        self.root = root
        self.requests = requests
        memory = progress.targets.get(root.key)
        self.previous = previous_position(memory, progress)
        self.is_initial = starts_anew(memory, root.partitions)
        self.known: Mapping[str, NodeMemory] = {} if memory is None or self.is_initial else memory.nodes
        self.new: dict[str, NodeMemory] = {}

    def run(self) -> NodeResult:
        at = _At(self.root, ())
        tree, _ = self.evaluate(condition_to_run(self.root, self.graph), at, self.everything(at))
        return tree

    def remembered(self, requested: PartitionSet) -> TargetMemory:
        return TargetMemory(
            partitions=self.root.partitions,
            requested=requested,
            nodes=self.new,
            condition=self.graph.condition_identity(self.root.key),
        )

    def evaluate(self, node: Condition, at: _At, candidates: PartitionSet) -> tuple[NodeResult, Answer]:
        """The result of a node, and its answer with evidence."""
        answer, children = self.answer(node, at, candidates)
        result = NodeResult(
            node=node,
            subject=at.subject.key,
            true=answer.true,
            candidates=candidates,
            evidence=answer.layers,
            children=tuple(children),
        )
        return result, answer

    def answer(self, node: Condition, at: _At, candidates: PartitionSet) -> tuple[Answer, list[NodeResult]]:
        match node:
            case And(operands=operands):
                return self.conjunction(operands, at, candidates)
            case Or(operands=operands):
                pairs = [self.evaluate(operand, at, candidates) for operand in operands]
                return union((answer for _, answer in pairs), self.nothing(at)), [tree for tree, _ in pairs]
            case Not(operand=operand):
                tree, inner = self.evaluate(operand, at, candidates)
                return state(self.everything(at) - inner.true), [tree]
            case NewlyTrue(operand=operand):
                return self.newly_true(node, operand, at)
            case Since():
                return self.since(node, at)
            case Limited():
                return self.limited(node, at)
            case Requesting(operand=operand):
                tree, inner = self.evaluate(operand, at, candidates)
                return inner, [tree]
            case AnyDeps():
                return self.over_deps(node, deps_for(node, at.subject, self.graph), at)
            case AllDeps():
                return self.over_deps(node, deps_for(node, at.subject, self.graph), at)
            case AnyJobRoots() | AllJobRoots():
                leaves.require_kind(node, at.subject, "job")
                return self.over_deps(node, at.subject.deps, at)
            case AnyChecks() | AllChecks():
                return self.over_checks(node, at)
            case AssetMatches(key=key, operand=operand):
                other = _At(self.graph[Key("asset", key)], None)
                tree, inner = self.evaluate(operand, other, self.everything(other))
                return self.carried(other, at, inner), [tree]
            case RootMatches(operand=operand):
                root = _At(self.root, ())
                tree, inner = self.evaluate(operand, root, self.everything(root))
                return self.carried(root, at, inner), [tree]
            case _:
                return self.operand(node, at), []

    # -- operators on the same subject -----------------------------------------------------------------------------

    def conjunction(
        self, operands: tuple[Condition, ...], at: _At, candidates: PartitionSet
    ) -> tuple[Answer, list[NodeResult]]:
        answers, trees, left = [], [], candidates
        for operand in operands:
            tree, inner = self.evaluate(operand, at, left)
            left = left & inner.true
            trees.append(tree)
            answers.append(inner)
        return intersection(answers, self.everything(at)), trees

    def newly_true(self, node: NewlyTrue, operand: Condition, at: _At) -> tuple[Answer, list[NodeResult]]:
        tree, inner = self.evaluate(operand, at, self.everything(at))
        known = self.recall(node, at)
        before = known.true if isinstance(known, Seen) else self.nothing(at)
        self.keep(node, at, Seen(inner.true))
        return restricted(inner, inner.true - before), [tree]

    def since(self, node: Since, at: _At) -> tuple[Answer, list[NodeResult]]:
        trigger_tree, trigger = self.evaluate(node.trigger, at, self.everything(at))
        reset_tree, reset = self.evaluate(node.reset, at, self.everything(at))
        known = self.recall(node, at)
        latch = known if isinstance(known, Latch) else Latch(self.nothing(at))
        latch = advance(latch, trigger, reset, self.everything(at))
        self.keep(node, at, latch)
        return latch.answer(), [trigger_tree, reset_tree]

    def limited(self, node: Limited, at: _At) -> tuple[Answer, list[NodeResult]]:
        tree, inner = self.evaluate(node.operand, at, self.everything(at))
        known = self.recall(node, at)
        dropped = known.true & inner.true if isinstance(known, Dropped) else self.nothing(at)
        taken = last_partitions(inner.true - dropped, node.limit)
        self.keep(node, at, Dropped(inner.true - taken))
        return restricted(inner, taken), [tree]

    # -- operators over other subjects -----------------------------------------------------------------------------

    def over_deps(
        self, node: AnyDeps | AllDeps | AnyJobRoots | AllJobRoots, deps: Iterable[Dep], at: _At
    ) -> tuple[Answer, list[NodeResult]]:
        answers, trees = [], []
        for dep in deps:
            path = None if at.path is None else (*at.path, *dep.path)
            other = _At(self.graph[dep.key], path)
            tree, inner = self.evaluate(node.operand, other, self.everything(other))
            answers.append(answer_down(dep.path, inner, self.facts.view))
            trees.append(tree)
        if isinstance(node, AnyDeps | AnyJobRoots):
            return union(answers, self.nothing(at)), trees
        return intersection(answers, self.everything(at)), trees

    def over_checks(self, node: AnyChecks | AllChecks, at: _At) -> tuple[Answer, list[NodeResult]]:
        leaves.require_kind(node, at.subject, "asset")
        answers, trees = [], []
        for key in checks_for(node, at.subject, self.graph):
            other = _At(self.graph[key], at.path)
            tree, inner = self.evaluate(node.operand, other, self.everything(other))
            answers.append(self.carried(other, at, inner))
            trees.append(tree)
        if isinstance(node, AnyChecks):
            return union(answers, self.nothing(at)), trees
        return intersection(answers, self.everything(at)), trees

    def carried(self, of: _At, to: _At, answer: Answer) -> Answer:
        return answer_between(of.subject, to.subject, answer, self.facts.view)

    # -- operands --------------------------------------------------------------------------------------------------

    def operand(self, node: Condition, at: _At) -> Answer:
        match node:
            case InitialEvaluation():
                return state(self.everything(at) if self.is_initial else self.nothing(at))
            case NewlyRequested():
                return self.newly_requested(at)
            case WillBeRequested():
                return self.will_be_requested(at)
            case CodeVersionChanged():
                return self.code_version_changed(node, at)
            case Behind():
                return self.behind(node, at)
            case UserDefined():
                return self.user_defined(node, at)
            case _:
                return leaves.leaf_answer(node, self.scope(at))

    def newly_requested(self, at: _At) -> Answer:
        memory = self.progress.targets.get(at.subject.key)
        position = previous_position(memory, self.progress)
        if memory is None or position is None or at.subject.key not in self.requests.targets:
            return state(self.nothing(at))
        requested = fitted(memory.requested, at.subject.partitions, self.facts.view) & self.everything(at)
        return dated(Stamp(position.at, position.event_id), requested, self.nothing(at))

    def will_be_requested(self, at: _At) -> Answer:
        requested = self.requests.below(at.subject, self.root.level)
        if not requested or not can_run_together(self.root, at.subject, at.path):
            return state(self.nothing(at))
        now = Stamp(self.facts.position.at, self.facts.position.event_id)
        return dated(now, requested & self.everything(at), self.nothing(at))

    def code_version_changed(self, node: CodeVersionChanged, at: _At) -> Answer:
        version = at.subject.code_version
        known = self.recall(node, at)
        self.keep(node, at, Noted(version))
        changed = isinstance(known, Noted) and known.text is not None and known.text != version
        return state(self.everything(at) if changed else self.nothing(at))

    def behind(self, node: Behind, at: _At) -> Answer:
        """A latch that the facts set at first: behind since an input changed, until made again."""
        scope = self.scope(at)
        inputs = [self.scope(_At(self.graph[dep.key], None)) for dep in at.subject.deps]
        known = self.recall(node, at)
        if not isinstance(known, Latch):
            stale = scope.facts.behind_by_version if node.by_version else scope.facts.behind
            known = Latch(scope.present(stale))
        trigger = leaves.inputs_updated(scope, inputs, by_version=node.by_version)
        latch = advance(known, trigger, leaves.newly_updated(scope, handles=True), self.everything(at))
        self.keep(node, at, latch, always=True)
        return state(latch.on | leaves.missing_with_inputs(scope, inputs))

    def user_defined(self, node: UserDefined, at: _At) -> Answer:
        answer = leaves.require_answer(
            self.facts.answers.get((self.root.key, node.slot, at.subject.key)),
            node,
            self.root.key,
            at.subject,
        )
        true = self.nothing(at) if answer.true is None else answer.true
        self.keep(node, at, Noted(answer.cursor))
        return state(true & self.everything(at))

    # -- what is at hand -------------------------------------------------------------------------------------------

    def scope(self, at: _At) -> Scope:
        return Scope(
            at.subject,
            self.facts.of(at.subject.key),
            self.root.key,
            self.previous,
            self.facts.position,
            self.facts.view,
        )

    def everything(self, at: _At) -> PartitionSet:
        return everything(at.subject.partitions, self.facts.view)

    def nothing(self, at: _At) -> PartitionSet:
        return nothing(at.subject.partitions)

    def recall(self, node: Condition, at: _At) -> NodeMemory | None:
        known = self.known.get(memory_key(identity_of(node), at.subject.key, self.root.key))
        return None if known is None else fitted_node(known, at.subject.partitions, self.facts.view)

    def keep(self, node: Condition, at: _At, memory: NodeMemory, *, always: bool = False) -> None:
        if always or not is_default(memory):
            self.new[memory_key(identity_of(node), at.subject.key, self.root.key)] = memory


def previous_position(memory: TargetMemory | None, progress: Progress) -> Position | None:
    """The position of a target's last evaluation; None before the first."""
    if memory is None:
        return None
    return memory.held or progress.position
