"""Evaluates automation conditions on demand, for users' tests: `evaluate_automation_conditions`."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec

from tidewheel.definitions.assets.selection import AssetSelection
from tidewheel.definitions.automation.automation_condition import condition_of
from tidewheel.definitions.automation.automation_context import (
    AutomationContext,
    AutomationResult,
    EntitySubset,
)
from tidewheel.definitions.clock import as_seconds, now_s
from tidewheel.definitions.loading.collection import Definitions
from tidewheel.definitions.loading.snapshot import build_snapshot
from tidewheel.definitions.triggers.selectors import AssetJobKey
from tidewheel.errors import ParameterCheckError
from tidewheel.logic.conditions.codec import identity_of
from tidewheel.logic.conditions.errors import ConditionError
from tidewheel.logic.conditions.evaluate import Evaluation, NodeResult, evaluate, previous_position
from tidewheel.logic.conditions.facts import ConditionFacts, UserAnswer
from tidewheel.logic.conditions.memory import Noted, Progress, fitted, memory_key
from tidewheel.logic.conditions.nodes import UserDefined
from tidewheel.logic.conditions.reads import user_questions
from tidewheel.logic.conditions.rewrite import user_handles
from tidewheel.logic.conditions.subjects import Key, Subject, build_graph
from tidewheel.logic.partitions.definitions import PartitionView
from tidewheel.logic.partitions.sets import PartitionSet, everything, nothing
from tidewheel.runtime.conditions.condition_facts import gather_facts
from tidewheel.values.keys import AssetCheckKey, AssetKey
from tidewheel.worker.evaluation.condition_answers import (
    ask_condition,
    condition_of_target,
    moment,
    public_key,
)

LOCATION = "in_process"


class AutomationCursor(msgspec.Struct, frozen=True):
    """What an evaluation has to know of those before it; to be given to the next one."""

    progress: Progress


class EvaluateAutomationConditionsResult:
    """What an evaluation would request. ``results``: one for each asset, check or job with a condition, in order."""

    def __init__(
        self,
        cursor: AutomationCursor,
        results: Sequence[AutomationResult],
        requested_subsets: Iterable[EntitySubset],
    ) -> None:
        self.cursor = cursor
        self.results = list(results)
        self._requested = {subset.key: subset for subset in requested_subsets}

    @property
    def total_requested(self) -> int:
        """How many partitions (or unpartitioned assets, checks and jobs) their own conditions request."""
        return sum(result.true_subset.size for result in self.results)

    def get_requested_partitions(self, asset_key: Any) -> AbstractSet[str | None]:
        """The partition keys requested of an asset or check; ``{None}`` if it is not partitioned."""
        subset = self._requested.get(_coerced(asset_key))
        if subset is None:
            return set()
        return {partition for _, partition in subset.expensively_compute_asset_partitions()}

    def get_num_requested(self, asset_key: Any) -> int:
        """How many partitions of an asset or check are requested, with what is always made together with others."""
        subset = self._requested.get(_coerced(asset_key))
        return subset.size if subset is not None else 0


def evaluate_automation_conditions(
    defs: Definitions | Sequence[Any],
    instance: Any,
    asset_selection: AssetSelection | None = None,
    evaluation_time: datetime.datetime | None = None,
    cursor: AutomationCursor | None = None,
) -> EvaluateAutomationConditionsResult:
    """Evaluate the automation conditions of some definitions once, as the engine would, without requesting anything.

    ``evaluation_time`` (now, if not given; without a zone it counts as UTC) decides which partitions exist and which cron
    ticks have passed. Give the ``cursor`` of one result to the next call, so that conditions see what changed between.

    Raises:
        ConditionError: when the condition of some asset, check or job cannot be evaluated.
    """
    if cursor is not None and not isinstance(cursor, AutomationCursor):
        raise ParameterCheckError(
            f"evaluate_automation_conditions: expected the cursor of an earlier result, got {cursor!r}"
        )
    one = _Evaluating(defs, instance, asset_selection)
    now = now_s() if evaluation_time is None else as_seconds(evaluation_time)
    return one.run(cursor.progress if cursor is not None else Progress(), now)


class _NodeResultView(AutomationResult):
    """The result of a node whose children are looked at late."""

    def __init__(
        self,
        context: AutomationContext,
        true_subset: EntitySubset,
        children: Callable[[], list[AutomationResult]],
    ) -> None:
        super().__init__(context, true_subset)
        self._children = children

    @property
    def child_results(self) -> Sequence[AutomationResult]:
        """The results of the conditions inside."""
        return self._children()


class _Evaluating:
    """One call: the graph of the definitions, their objects, and the instance's ledger."""

    def __init__(self, defs: Definitions | Sequence[Any], instance: Any, selection: Any) -> None:
        self.defs = defs if isinstance(defs, Definitions) else Definitions(assets=list(defs))
        self.instance = instance
        self.graph = build_graph([build_snapshot(self.defs, LOCATION)])
        self._public_keys: dict[Key, Any] = {}
        self.targets = self._targets(selection)

    def run(self, progress: Progress, now: float) -> EvaluateAutomationConditionsResult:
        ledger = self.instance.ledger
        facts = gather_facts(ledger, self.graph, self.targets, progress, now=now)
        answers = dict(self._answers(facts, progress))
        facts = msgspec.structs.replace(facts, answers=answers)
        evaluation = evaluate(self.graph, facts, progress, self.targets)
        failed = {key: one.error for key, one in evaluation.results.items() if one.error is not None}
        if failed:
            lines = "\n".join(f"  {key}: {reason}" for key, reason in failed.items())
            raise ConditionError(
                f"{len(failed)} of {len(self.targets)} conditions cannot be evaluated:\n{lines}"
            )
        return EvaluateAutomationConditionsResult(
            AutomationCursor(evaluation.progress),
            [
                self._shown(one.tree, facts.view)
                for one in evaluation.results.values()
                if one.tree is not None
            ],
            self._requested(evaluation, facts.view),
        )

    def _targets(self, selection: Any) -> tuple[Key, ...]:
        if selection is None:
            return self.graph.targets
        chosen = AssetSelection.from_coercible(selection)
        graph = self.defs.resolved.graph
        keys = {_key_of(key) for key in chosen.resolve_inner(graph, True)}
        keys |= {_key_of(key) for key in chosen.resolve_checks_inner(graph, True)}
        return tuple(key for key in self.graph.targets if key in keys)

    # -- conditions of users' own classes ------------------------------------------------------------------------------

    def _answers(
        self, facts: ConditionFacts, progress: Progress
    ) -> Iterable[tuple[tuple[Key, int, Key], UserAnswer]]:
        for target in self.targets:
            try:
                asked = list(user_questions(self.graph, target))
            except ConditionError:
                continue  # it names an asset that does not exist: its evaluation says so
            if not asked:
                continue
            handles = user_handles(condition_of_target(self.defs, target))
            for node, subject in asked:
                condition = handles[node.slot]
                context = self._context(target, node, subject, condition, facts, progress)
                yield (target, node.slot, subject.key), ask_condition(condition, context)

    def _context(
        self,
        target: Key,
        node: UserDefined,
        subject: Subject,
        condition: Any,
        facts: ConditionFacts,
        progress: Progress,
    ) -> AutomationContext:
        memory = progress.targets.get(target)
        previous = previous_position(memory, progress)
        name = memory_key(identity_of(node), subject.key, target)
        noted = memory.nodes.get(name) if memory is not None else None
        root = self.graph[target].partitions
        return AutomationContext(
            condition=condition,
            key=self._public_key(subject.key),
            root_key=self._public_key(target),
            candidate_subset=self._subset(
                subject.key, everything(subject.partitions, facts.view), facts.view
            ),
            evaluation_time=moment(facts.position.at),
            cursor=noted.text if isinstance(noted, Noted) else None,
            previous_evaluation_time=None if previous is None else moment(previous.at),
            previous_requested=(
                None
                if memory is None
                else self._subset(target, fitted(memory.requested, root, facts.view), facts.view)
            ),
            max_storage_id=facts.position.event_id,
            asset_graph=self.defs.resolved.graph,
            instance=self.instance,
        )

    # -- results ---------------------------------------------------------------------------------------------------------

    def _shown(self, tree: NodeResult, view: PartitionView) -> AutomationResult:
        """The result of a node; those of the nodes inside it are made when they are asked for."""
        subset = self._subset(tree.subject, tree.true, view)
        context: AutomationContext = AutomationContext(
            condition=condition_of(tree.node),
            key=subset.key,
            candidate_subset=self._subset(tree.subject, tree.candidates, view),
            evaluation_time=moment(view.now),
            asset_graph=self.defs.resolved.graph,
            instance=self.instance,
        )
        return _NodeResultView(context, subset, lambda: [self._shown(one, view) for one in tree.children])

    def _requested(self, evaluation: Evaluation, view: PartitionView) -> list[EntitySubset]:
        """What is requested of each asset, check and job; an asset brings those always made together with it."""
        found: dict[Key, PartitionSet] = {}
        for key, requested in evaluation.requested.items():
            subject = self.graph[key]
            for one in (key, *subject.siblings):
                if self.graph[one].partitions == subject.partitions:
                    found[one] = found.get(one, nothing(subject.partitions)) | requested
        return [self._subset(key, members, view) for key, members in found.items()]

    def _subset(self, key: Key, members: PartitionSet, view: PartitionView) -> EntitySubset:
        public = self._public_key(key)
        node = self.defs.resolved.graph.nodes.get(public) if isinstance(public, AssetKey) else None
        return EntitySubset(public, members, view, node.partitions_def if node is not None else None)

    def _public_key(self, key: Key) -> Any:
        found = self._public_keys.get(key)
        if found is None:
            found = self._public_keys[key] = _public_key(key)
        return found


def _public_key(key: Key) -> Any:
    return AssetJobKey(key.name) if key.kind == "job" else public_key(key)


def _coerced(key: Any) -> Any:
    if isinstance(key, AssetCheckKey | AssetJobKey):
        return key
    return AssetKey.from_coercible_or_definition(key)


def _key_of(key: AssetKey | AssetCheckKey) -> Key:
    kind = "asset" if isinstance(key, AssetKey) else "check"
    return Key(kind, key.to_escaped_user_string())  # type: ignore[arg-type]
