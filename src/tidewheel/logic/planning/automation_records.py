"""Writes down why an automation tick requested what it did: the tree of each target, and the events behind it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tidewheel.logic.conditions.evaluate import NodeResult, TargetResult
from tidewheel.logic.conditions.evidence import Stamp
from tidewheel.logic.conditions.explain import Explanation, TargetExplanation, explain
from tidewheel.logic.conditions.facts import ConditionFacts
from tidewheel.logic.conditions.nodes import NewlyRequested, WillBeRequested
from tidewheel.logic.conditions.subjects import ConditionGraph, Key
from tidewheel.logic.partitions import codec
from tidewheel.logic.partitions.definitions import PartitionsSpec, PartitionView
from tidewheel.logic.partitions.errors import PartitionError
from tidewheel.logic.partitions.keys import key_of
from tidewheel.logic.partitions.sets import PartitionSet
from tidewheel.values.conditions import REQUEST, Cause, NewEvaluation
from tidewheel.values.events import StoredEvent
from tidewheel.values.serde import decode, encode

ROOT = "0"
"""The place of a tree's root; a node's place is its parent's with its number among its siblings."""
KEYS_SHOWN = 50
SET_BYTES_MAX = 2_048
"""Stored sets are a few bytes for each run of consecutive partitions; longer ones are not kept."""
CAUSES_SHOWN = 20


def build_evaluation(
    key: Key,
    requested: PartitionSet,
    *,
    at: float,
    view: PartitionView,
    run_ids: Iterable[str] = (),
    backfill_ids: Iterable[str] = (),
    result: TargetResult | None = None,
    facts: ConditionFacts | None = None,
    graph: ConditionGraph | None = None,
    events: Mapping[int, StoredEvent] | None = None,
    is_first: bool = False,
) -> NewEvaluation:
    """The record of a target that requested something; with `result` (and facts, graph) its tree and causes."""
    tree = b""
    causes: tuple[Cause, ...] = ()
    true_sets: dict[str, bytes] = {}
    if result is not None and facts is not None and graph is not None:
        tree = encode(explain(result, facts, graph))
        causes = tuple(_causes(result, requested, events or {}))
        if result.tree is not None:
            true_sets = dict(_true_sets(result.tree, ROOT))
    return NewEvaluation(
        kind=key.kind,
        name=key.name,
        at=at,
        requested=len(requested),
        partitions=_first_keys(requested, view),
        run_ids=tuple(run_ids),
        backfill_ids=tuple(backfill_ids),
        causes=causes,
        tree=tree,
        true_sets=true_sets,
        is_first=is_first,
    )


def explanation_of(evaluation: NewEvaluation) -> TargetExplanation | None:
    """The tree of a kept evaluation, if one was kept."""
    return decode(evaluation.tree, TargetExplanation) if evaluation.tree else None


def true_keys(
    evaluation: NewEvaluation, place: str, graph: ConditionGraph, view: PartitionView
) -> tuple[str, ...] | None:
    """The keys for which a node of a kept evaluation was true; None if that was not kept, or cannot be told any more.

    Keys of dynamic partitions that were removed since are left out.
    """
    explanation = explanation_of(evaluation)
    node = None if explanation is None else _node_at(explanation.tree, place)
    if node is None:
        return None
    stored = evaluation.true_sets.get(place)
    spec = graph[node.subject].partitions if node.subject in graph.subjects else None
    if spec is None or not node.true_count:
        return ()
    if stored is None:
        return None
    try:
        found = codec.decode(stored, spec)
    except PartitionError:
        return None  # the definition is another one now
    keys = (_key(spec, ordinal, view) for ordinal in found)
    return tuple(key for key in keys if key is not None)


def _key(spec: PartitionsSpec, ordinal: int, view: PartitionView) -> str | None:
    try:
        return key_of(spec, ordinal, view)
    except PartitionError:
        return None


def _node_at(tree: Explanation | None, place: str) -> Explanation | None:
    """The node at a place."""
    root, *numbers = place.split(".")
    if root != ROOT or not all(number.isdecimal() for number in numbers):
        return None
    for number in map(int, numbers):
        if tree is None or number >= len(tree.children):
            return None
        tree = tree.children[number]
    return tree


def _true_sets(tree: NodeResult, place: str) -> Iterator[tuple[str, bytes]]:
    if tree.true.spec is not None and tree.true:
        stored = codec.encode(tree.true)
        if len(stored) <= SET_BYTES_MAX:
            yield place, stored
    for number, child in enumerate(tree.children):
        yield from _true_sets(child, f"{place}.{number}")


def _first_keys(requested: PartitionSet, view: PartitionView) -> tuple[str, ...]:
    if requested.spec is None:
        return ()
    found = []
    for key in requested.keys(view):
        found.append(key)
        if len(found) == KEYS_SHOWN:
            break
    return tuple(found)


def _causes(
    result: TargetResult, requested: PartitionSet, events: Mapping[int, StoredEvent]
) -> Iterator[Cause]:
    """What dated evidence stands behind a request, the newest first."""
    found: dict[Stamp, NodeResult] = {}
    if result.tree is not None:
        for stamp, node in _stamps(result.tree, requested):
            found[stamp] = node  # the innermost node that has it names the subject it is about
    newest = sorted(found.items(), key=lambda one: (-one[0].at, -(one[0].event_id or 0)))
    for stamp, node in newest[:CAUSES_SHOWN]:
        subject = node.subject.name
        if isinstance(node.node, WillBeRequested | NewlyRequested):
            # its stamp has the newest event of the evaluation, so that it can be compared; it is not about that event
            yield Cause(at=stamp.at, type=REQUEST, subject=subject)
            continue
        stored = events.get(stamp.event_id) if stamp.event_id is not None else None
        if stored is None:
            yield Cause(at=stamp.at, event_id=stamp.event_id, subject=subject, run_id=stamp.run_id)
            continue
        event = stored.event
        yield Cause(
            at=stamp.at,
            event_id=stored.id,
            type=event.type.value,
            subject=event.asset or subject,
            partition=event.partition,
            run_id=event.run_id,
        )


def _stamps(tree: NodeResult, requested: PartitionSet) -> Iterator[tuple[Stamp, NodeResult]]:
    for stamp, covered in tree.evidence:
        if covered.spec != requested.spec or covered & requested:
            yield stamp, tree
    kind = type(tree.node).__name__
    inside = tree.children[:1] if kind == "Since" else () if kind == "Not" else tree.children
    for child in inside:
        if child.true:
            yield from _stamps(child, requested)
