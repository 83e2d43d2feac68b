"""Changed copies of condition trees: one function for each rewrite.

Where a rewrite reaches is part of its meaning for users (semantics C52 to C56) and is said in each docstring.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from tidewheel.logic.conditions.errors import ConditionError
from tidewheel.logic.conditions.naming import expression_of, label_or_name, name_of
from tidewheel.logic.conditions.nodes import (
    AllChecks,
    AllDeps,
    And,
    AnyChecks,
    AnyDeps,
    Condition,
    Limited,
    NewlyTrue,
    Not,
    Or,
    Requesting,
    RunOptions,
    Since,
    UserDefined,
    children_of,
    with_children,
)
from tidewheel.logic.conditions.selections import Selection, joined

_SPREADING = (And, Or, Not, Since, Limited, Requesting)
"""Operators on the same target: what is asked of them is passed on to the conditions inside."""


def walk(node: Condition) -> Iterator[Condition]:
    """The node and all inside it, parents first, left to right."""
    yield node
    for child in children_of(node):
        yield from walk(child)


def mapped(node: Condition, change: Callable[[Condition], Condition]) -> Condition:
    """The tree with `change` applied to each node, children first."""
    children = children_of(node)
    changed = tuple(mapped(child, change) for child in children)
    same = all(new is old for new, old in zip(changed, children, strict=True))
    return change(node if same else with_children(node, changed))


def conjunction(left: Condition, right: Condition) -> And:
    """Both; unlabelled ANDs become one."""
    return And(operands=(*_flat(left, And), *_flat(right, And)))


def disjunction(left: Condition, right: Condition) -> Or:
    """Either; unlabelled ORs become one."""
    return Or(operands=(*_flat(left, Or), *_flat(right, Or)))


def with_label(node: Condition, label: str | None) -> Condition:
    """The node under another label."""
    return msgspec.structs.replace(node, label=label)


def bare(node: Condition) -> Condition:
    """The tree without labels and run options: only what decides where it is true."""

    def change(one: Condition) -> Condition:
        if isinstance(one, Requesting):
            return one.operand
        return one if one.label is None else with_label(one, None)

    return mapped(node, change)


def with_slots(node: Condition) -> Condition:
    """The tree with user-defined conditions numbered in order (equal objects share a number), without handles."""
    seen: list[UserDefined] = []

    def number(one: Condition) -> Condition:
        if not isinstance(one, UserDefined) or one.handle is None:
            return one
        if one not in seen:
            seen.append(one)
        return msgspec.structs.replace(one, slot=seen.index(one), handle=None)

    return mapped(node, number)


def user_handles(node: Condition) -> tuple[object, ...]:
    """The users' objects of a tree, by the numbers that `with_slots` gives."""
    seen: list[UserDefined] = []

    def note(one: Condition) -> Condition:
        if isinstance(one, UserDefined) and one.handle is not None and one not in seen:
            seen.append(one)
        return one

    mapped(node, note)
    return tuple(one.handle for one in seen)


def replaced(node: Condition, old: Condition | str, new: Condition) -> Condition:
    """The tree with every occurrence of `old` (a condition, a label or a name) replaced, the root included.

    Reaches through every operator but `newly_true` and those over checks. Without an occurrence: the same tree.
    """
    if node == old or (isinstance(old, str) and old in (node.label, name_of(node))):
        return new
    if isinstance(node, NewlyTrue | AnyChecks | AllChecks):
        return node
    return _with_changed_children(node, lambda child: replaced(child, old, new))


def with_options(node: Condition, options: RunOptions) -> Condition:
    """The condition with other options for its runs."""
    inner = node.operand if isinstance(node, Requesting) else node
    return Requesting(operand=inner, options=options, label=node.label)


def options_of(node: Condition | None) -> RunOptions:
    """The options for the runs of a condition: those of its root."""
    return node.options if isinstance(node, Requesting) else RunOptions()


def without(node: Condition, operand: Condition) -> Condition:
    """An AND less one of its operands, under the same label; raises ConditionError if that cannot be."""
    if not isinstance(node, And):
        raise ConditionError(
            f"without: expected an AND of several conditions, got {label_or_name(node)!r}; "
            "build the condition from its parts instead"
        )
    if operand not in node.operands:
        known = ", ".join(repr(expression_of(one)) for one in node.operands)
        raise ConditionError(
            f"without: expected one of the operands {known}, got {expression_of(operand)!r}; "
            "give an operand exactly as it stands there (a negated one negated)"
        )
    left = tuple(one for one in node.operands if one != operand)
    if len(left) < 2:
        raise ConditionError(
            f"without: expected at least two operands to be left, got {len(left)}; use the operand by itself"
        )
    return msgspec.structs.replace(node, operands=left)


def allowing(node: Condition, selection: Selection) -> Condition:
    """The tree whose operators over dependencies and checks look at this selection only; repeated calls unite.

    Reaches through AND, OR, NOT, since and operators over dependencies; raises ConditionError for other roots.
    """
    _require_selectable(node, "allow")
    return _selecting(node, lambda one: {"allow": joined(one.allow, selection)})


def ignoring(node: Condition, selection: Selection) -> Condition:
    """The tree whose operators over dependencies and checks leave this selection out; reaches as `allowing`."""
    _require_selectable(node, "ignore")
    return _selecting(node, lambda one: {"ignore": joined(one.ignore, selection)})


def through_virtual(node: Condition, value: bool) -> Condition:
    """The tree whose operators over dependencies look through virtual assets at what is above them."""

    def change(one: Condition) -> Condition:
        if isinstance(one, AnyDeps | AllDeps):
            return msgspec.structs.replace(one, through_virtual=value)
        return one

    return mapped(node, change)


_WithSelection = AnyDeps | AllDeps | AnyChecks | AllChecks


def _selecting(node: Condition, fields: Callable[[_WithSelection], dict[str, Selection]]) -> Condition:
    if isinstance(node, AnyDeps | AllDeps | AnyChecks | AllChecks):
        return msgspec.structs.replace(node, **fields(node))  # type: ignore[arg-type]
    if isinstance(node, _SPREADING):
        return _with_changed_children(node, lambda child: _selecting(child, fields))
    return node


def _require_selectable(node: Condition, method: str) -> None:
    if not isinstance(node, (*_SPREADING, AnyDeps, AllDeps, AnyChecks, AllChecks)):
        raise ConditionError(
            f"{method}: expected a condition over dependencies or checks, or a combination of such, "
            f"got {label_or_name(node)!r}; call it on the any_deps/all_deps/checks condition"
        )


def _with_changed_children(node: Condition, change: Callable[[Condition], Condition]) -> Condition:
    children = children_of(node)
    changed = tuple(change(child) for child in children)
    if all(new is old for new, old in zip(changed, children, strict=True)):
        return node
    return with_children(node, changed)


def _flat(node: Condition, kind: type[And] | type[Or]) -> tuple[Condition, ...]:
    if isinstance(node, kind) and node.label is None:
        return node.operands
    return (node,)
