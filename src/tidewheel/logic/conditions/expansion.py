"""Writes out what a tree says of other conditions: `any_downstream_conditions` as the conditions it stands for."""

from __future__ import annotations

from tidewheel.logic.conditions.errors import ConditionError
from tidewheel.logic.conditions.nodes import AnyDownstream, Condition, Or, UserDefined
from tidewheel.logic.conditions.rewrite import mapped, walk
from tidewheel.logic.conditions.subjects import ConditionGraph, Key, Subject


def expanded(subject: Subject, graph: ConditionGraph) -> Condition:
    """The condition of a target with `any_downstream_conditions` written out."""
    condition = subject.condition
    if condition is None:
        raise ConditionError(f"condition: expected {subject.key} to have one, got none; give it one")
    # trees are shared between targets and live as long as the graph, so their ids can stand for them
    asks = graph.once(("asks downstream", id(condition)), lambda: _asks_downstream(condition))
    if not asks:
        return condition
    return graph.once(("expanded", subject.key), lambda: _expanded(condition, subject.key, graph))


def _expanded(condition: Condition, key: Key, graph: ConditionGraph) -> Condition:
    operands = tuple(_without_downstream(one) for one in _downstream_conditions(key, graph))

    def change(node: Condition) -> Condition:
        if not isinstance(node, AnyDownstream):
            return node
        return Or(operands=operands, label=node.label or "any_downstream_conditions")

    return mapped(condition, change)


def _without_downstream(condition: Condition) -> Condition:
    """The condition with its own `any_downstream_conditions` never true: those conditions are collected already."""
    return mapped(condition, lambda node: Or(operands=()) if isinstance(node, AnyDownstream) else node)


def _downstream_conditions(key: Key, graph: ConditionGraph) -> list[Condition]:
    """The different conditions of the assets downstream, looking further through those that have none of their own."""
    found: list[Condition] = []
    seen, waiting = {key}, [key]
    while waiting:
        for child in graph.child_assets(waiting.pop(0)):
            if child in seen:
                continue
            seen.add(child)
            condition = graph[child].condition
            if condition is not None and any(isinstance(node, UserDefined) for node in walk(condition)):
                raise ConditionError(
                    f"any_downstream_conditions of {key}: expected ready-made conditions downstream, got one of a "
                    f"class of the user's on {child}; write the condition of {key} out"
                )
            if condition is None:
                waiting.append(child)
                continue
            if _asks_downstream(condition):
                waiting.append(child)
            if not isinstance(condition, AnyDownstream) and condition not in found:
                found.append(condition)
    return found


def _asks_downstream(condition: Condition) -> bool:
    return any(isinstance(node, AnyDownstream) for node in walk(condition))
