"""Writes down why an automation tick requested what it did: the tree of each target, and the events behind it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tidewheel.logic.conditions.evaluate import NodeResult, TargetResult
from tidewheel.logic.conditions.evidence import Stamp
from tidewheel.logic.conditions.explain import TargetExplanation, explain
from tidewheel.logic.conditions.facts import ConditionFacts
from tidewheel.logic.conditions.subjects import ConditionGraph, Key
from tidewheel.logic.partitions.definitions import PartitionView
from tidewheel.logic.partitions.sets import PartitionSet
from tidewheel.values.conditions import Cause, NewEvaluation
from tidewheel.values.events import StoredEvent
from tidewheel.values.serde import decode, encode

KEYS_SHOWN = 50
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
    if result is not None and facts is not None and graph is not None:
        tree = encode(explain(result, facts, graph))
        causes = tuple(_causes(result, requested, events or {}))
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
        is_first=is_first,
    )


def explanation_of(evaluation: NewEvaluation) -> TargetExplanation | None:
    """The tree of a kept evaluation, if one was kept."""
    return decode(evaluation.tree, TargetExplanation) if evaluation.tree else None


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
    found: dict[Stamp, str] = {}
    if result.tree is not None:
        for stamp, subject in _stamps(result.tree, requested):
            found[stamp] = subject  # the innermost node that has it names the subject it is about
    newest = sorted(found.items(), key=lambda one: (-one[0].at, -(one[0].event_id or 0)))
    for stamp, subject in newest[:CAUSES_SHOWN]:
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


def _stamps(tree: NodeResult, requested: PartitionSet) -> Iterator[tuple[Stamp, str]]:
    for stamp, covered in tree.evidence:
        if covered.spec != requested.spec or covered & requested:
            yield stamp, tree.subject.name
    kind = type(tree.node).__name__
    inside = tree.children[:1] if kind == "Since" else () if kind == "Not" else tree.children
    for child in inside:
        if child.true:
            yield from _stamps(child, requested)
