"""Finds targets that wait for each other's requests of the same evaluation, which can never be answered."""

from __future__ import annotations

from collections.abc import Iterator

from tidewheel.logic.conditions.errors import ConditionError
from tidewheel.logic.conditions.expansion import expanded
from tidewheel.logic.conditions.nodes import AssetMatches, Condition, WillBeRequested
from tidewheel.logic.conditions.reads import visits
from tidewheel.logic.conditions.rewrite import walk
from tidewheel.logic.conditions.subjects import ConditionGraph, Key, Subject


def condition_to_run(subject: Subject, graph: ConditionGraph) -> Condition:
    """A target's condition, written out; raises ConditionError if it waits for a request that waits for its own."""
    condition = expanded(subject, graph)
    asks = graph.once(("asks elsewhere", id(condition)), lambda: _asks_elsewhere(condition))
    if asks:
        other = graph.once(("circle", subject.key), lambda: _circle(graph, subject.key))
        if other is not None:
            raise ConditionError(
                f"will_be_requested: expected {subject.key} to look at targets that are evaluated before it, got "
                f"{other}, whose request depends on that of {subject.key}; remove one of the two operands"
            )
    return condition


def _asks_elsewhere(condition: Condition) -> bool:
    """Whether `will_be_requested` is asked of a named asset: of dependencies it can be in no circle."""
    return any(
        isinstance(inner, WillBeRequested)
        for node in walk(condition)
        if isinstance(node, AssetMatches)
        for inner in walk(node)
    )


def _circle(graph: ConditionGraph, target: Key) -> Key | None:
    """A subject, not evaluated before the target, whose request the target asks for and that asks for the target's."""
    level = graph[target].level
    for start in _asked(graph, target):
        if start == target or graph[start].level < level:
            continue
        seen, waiting = {start}, [start]
        while waiting:
            for one in _asked(graph, waiting.pop()):
                if one == target:
                    return start
                if one not in seen:
                    seen.add(one)
                    waiting.append(one)
    return None


def _asked(graph: ConditionGraph, target: Key) -> Iterator[Key]:
    """The subjects whose requests of this evaluation a target asks for."""
    if graph[target].condition is None or target in graph.problems:
        return
    for node, subject in visits(graph, target):
        if isinstance(node, WillBeRequested):
            yield subject.key
