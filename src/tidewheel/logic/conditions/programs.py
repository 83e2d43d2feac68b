"""Compiles a condition into a program: functions over bitmaps that all targets with this condition share.

A program has *slots* (the nodes that remember something) and *dep operators* at the target itself, whose parts are
kept for each dependency, so that a change of one dependency costs one part. A function takes the walk (`Walk`) and
the subject it is asked of; `plain` ones return a bitmap, `dated` ones an `Answer` with evidence, which only `since`
needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from tidewheel.logic.conditions import program_leaves
from tidewheel.logic.conditions.codec import identity_of
from tidewheel.logic.conditions.evidence import Answer, intersection, restricted, union
from tidewheel.logic.conditions.latching import Latch, advance
from tidewheel.logic.conditions.leaves import require_kind
from tidewheel.logic.conditions.limits import last_partitions
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
    Limited,
    NewlyTrue,
    Not,
    Or,
    Requesting,
    RootMatches,
    Since,
    UserDefined,
)
from tidewheel.logic.conditions.reads import reads_of
from tidewheel.logic.conditions.subjects import Key
from tidewheel.logic.conditions.walking import Dated, Plain, Program, Slot, SubjectState, Walk
from tidewheel.logic.partitions.sets import PartitionSet


def compile_condition(condition: Condition) -> Program:
    """The program of a condition that has nothing left to expand."""
    compiler = _Compiler()
    run = compiler.plain(condition, at_root=True)
    return Program(run, tuple(compiler.slots), tuple(compiler.operators), reads_of(condition))


class _Compiler:
    """Builds the functions of one program and numbers its slots and operators."""

    def __init__(self) -> None:
        self.slots: list[Slot] = []
        self.operators: list[AnyDeps | AllDeps | AnyJobRoots | AllJobRoots] = []

    def slot(self, node: Condition) -> int:
        """The number of a node's slot; nodes that ask the same share one."""
        identity = identity_of(node)
        for number, known in enumerate(self.slots):
            if known.identity == identity:
                return number
        self.slots.append(Slot(identity, node))
        return len(self.slots) - 1

    def plain(self, node: Condition, *, at_root: bool) -> Plain:
        """A function that returns where a node is true."""
        match node:
            case And(operands=operands):
                return _and([self.plain(one, at_root=at_root) for one in operands])
            case Or(operands=operands):
                return _or([self.plain(one, at_root=at_root) for one in operands])
            case Not(operand=operand):
                return _not(self.plain(operand, at_root=at_root))
            case NewlyTrue(operand=operand):
                return _newly_true(self.slot(node), self.plain(operand, at_root=at_root))
            case Since(trigger=trigger, reset=reset):
                return _since(
                    self.slot(node), self.dated(trigger, at_root=at_root), self.dated(reset, at_root=at_root)
                )
            case Limited(operand=operand, limit=limit):
                return _limited(self.slot(node), self.plain(operand, at_root=at_root), limit)
            case Requesting(operand=operand):
                return self.plain(operand, at_root=at_root)
            case AnyDeps() | AnyJobRoots():
                inner = self.plain(node.operand, at_root=False)
                return _any_deps(node, self.operator(node, at_root), inner, _UNION)
            case AllDeps() | AllJobRoots():
                inner = self.plain(node.operand, at_root=False)
                return _all_deps(node, self.operator(node, at_root), inner, _INTERSECTION)
            case AnyChecks() | AllChecks() | AssetMatches() | RootMatches():
                return _truth(self.dated(node, at_root=at_root))
            case UserDefined() | CodeVersionChanged() | Behind():
                return program_leaves.remembering(node, self.slot(node))
            case _:
                return program_leaves.plain(node)

    def dated(self, node: Condition, *, at_root: bool) -> Dated:
        """A function that returns where a node is true, with evidence."""
        match node:
            case And(operands=operands):
                return _dated_and([self.dated(one, at_root=at_root) for one in operands])
            case Or(operands=operands):
                return _dated_or([self.dated(one, at_root=at_root) for one in operands])
            case NewlyTrue(operand=operand):
                return _dated_newly_true(self.slot(node), self.dated(operand, at_root=at_root))
            case Since(trigger=trigger, reset=reset):
                return _dated_since(
                    self.slot(node), self.dated(trigger, at_root=at_root), self.dated(reset, at_root=at_root)
                )
            case Limited(operand=operand, limit=limit):
                return _dated_limited(self.slot(node), self.dated(operand, at_root=at_root), limit)
            case Requesting(operand=operand):
                return self.dated(operand, at_root=at_root)
            case AnyDeps() | AnyJobRoots():
                inner = self.dated(node.operand, at_root=False)
                return _any_deps(node, self.operator(node, at_root), inner, _DATED_UNION)
            case AllDeps() | AllJobRoots():
                inner = self.dated(node.operand, at_root=False)
                return _all_deps(node, self.operator(node, at_root), inner, _DATED_INTERSECTION)
            case AnyChecks() | AllChecks():
                return _checks(node, self.dated(node.operand, at_root=False))
            case AssetMatches(key=key, operand=operand):
                return _asset_matches(Key("asset", key), self.dated(operand, at_root=False))
            case RootMatches(operand=operand):
                return _root_matches(self.dated(operand, at_root=False))
            case _:
                return program_leaves.dated(node) or _weak(self.plain(node, at_root=at_root))

    def operator(self, node: AnyDeps | AllDeps | AnyJobRoots | AllJobRoots, at_root: bool) -> int | None:
        """The number under which the target keeps the parts of a dep operator; None further away."""
        if not at_root:
            return None
        self.operators.append(node)
        return len(self.operators) - 1


# -- operators on the same subject --------------------------------------------------------------------------------------


def _and(operands: list[Plain]) -> Plain:
    first, rest = operands[0], operands[1:]

    def run(w: Walk, s: SubjectState) -> Any:
        found = first(w, s)
        for operand in rest:  # all are run: what they remember must not depend on their order (F9)
            found = found & operand(w, s)
        return found

    return run


def _or(operands: list[Plain]) -> Plain:
    def run(w: Walk, s: SubjectState) -> Any:
        found = s.space.empty
        for operand in operands:
            true = operand(w, s)
            if true:
                found = found | true if found else true
        return found

    return run


def _not(operand: Plain) -> Plain:
    def run(w: Walk, s: SubjectState) -> Any:
        true = operand(w, s)
        return s.space.existing - true if true else s.space.existing

    return run


def _newly_true(slot: int, operand: Plain) -> Plain:
    def run(w: Walk, s: SubjectState) -> Any:
        true = operand(w, s)
        before = w.recall(slot, s)
        if before is None:
            if not true:
                return true
            w.keep(slot, s, true)
            w.flash = True
            return true
        w.keep(slot, s, true)
        newly = true - before
        if newly:
            w.flash = True
        return newly

    return run


def _dated_newly_true(slot: int, operand: Dated) -> Dated:
    def run(w: Walk, s: SubjectState) -> Answer:
        inner = operand(w, s)
        before = w.recall(slot, s)
        if before is None and not inner.true:
            return inner
        w.keep(slot, s, inner.true)
        newly = inner.true if before is None else inner.true - before
        if not newly:
            return s.space.no_answer
        w.flash = True
        return restricted(inner, newly)

    return run


def _since(slot: int, trigger: Dated, reset: Dated) -> Plain:
    def run(w: Walk, s: SubjectState) -> Any:
        return _latched(w, s, slot, trigger(w, s), reset(w, s)).on

    return run


def _dated_since(slot: int, trigger: Dated, reset: Dated) -> Dated:
    def run(w: Walk, s: SubjectState) -> Answer:
        return _latched(w, s, slot, trigger(w, s), reset(w, s)).answer()

    return run


def _latched(w: Walk, s: SubjectState, slot: int, trigger: Answer, reset: Answer) -> Latch:
    known = w.recall(slot, s)
    if known is None:
        known = s.space.off
        if not trigger.true:
            return known
    latch = advance(known, trigger, reset, s.space.existing)
    w.keep(slot, s, latch)
    return latch


def _limited(slot: int, operand: Plain, limit: int) -> Plain:
    def run(w: Walk, s: SubjectState) -> Any:
        return _taken(w, s, slot, operand(w, s), limit)

    return run


def _dated_limited(slot: int, operand: Dated, limit: int) -> Dated:
    def run(w: Walk, s: SubjectState) -> Answer:
        inner = operand(w, s)
        return restricted(inner, _taken(w, s, slot, inner.true, limit))

    return run


def _taken(w: Walk, s: SubjectState, slot: int, true: Any, limit: int) -> Any:
    dropped = w.recall(slot, s)
    free = true if dropped is None else true - dropped
    taken = last_partitions(PartitionSet(s.space.spec, free), limit).bits
    w.keep(slot, s, true - taken)
    return taken


def _dated_and(operands: list[Dated]) -> Dated:
    def run(w: Walk, s: SubjectState) -> Answer:
        return intersection([operand(w, s) for operand in operands], s.space.existing)

    return run


def _dated_or(operands: list[Dated]) -> Dated:
    def run(w: Walk, s: SubjectState) -> Answer:
        found = [answer for answer in [operand(w, s) for operand in operands] if answer.true]
        if not found:
            return s.space.no_answer
        return found[0] if len(found) == 1 else union(found, s.space.empty)

    return run


def _weak(operand: Plain) -> Dated:
    def run(w: Walk, s: SubjectState) -> Answer:
        true = operand(w, s)
        return Answer(true, true) if true else s.space.no_answer

    return run


def _truth(operand: Dated) -> Plain:
    def run(w: Walk, s: SubjectState) -> Any:
        return operand(w, s).true

    return run


# -- operators over other subjects --------------------------------------------------------------------------------------


class _Combination(NamedTuple):
    """How parts are made from what an operand returned, and put together."""

    part: Callable[[Any, Any, Any], Any]  # link, returned value, view -> part, or None for nothing
    joined: Callable[[Iterable[Any], Any], Any]  # parts, what to begin with
    nothing: Callable[[Any], Any]  # space
    everything: Callable[[Any], Any]  # space


def _plain_part(link: Any, true: Any, view: Any) -> Any:
    return (link.carry(true, view) or None) if true else None


def _dated_part(link: Any, answer: Answer, view: Any) -> Answer | None:
    if not answer.true:
        return None
    carried = link.carry_answer(answer, view)
    return carried if carried.true else None


def _plain_union(parts: Iterable[Any], found: Any) -> Any:
    for part in parts:
        found = found | part
    return found


def _plain_intersection(parts: Iterable[Any], found: Any) -> Any:
    for part in parts:
        found = found & part
    return found


_UNION = _Combination(_plain_part, _plain_union, lambda space: space.empty, lambda space: space.existing)
_INTERSECTION = _UNION._replace(joined=_plain_intersection)
_DATED_UNION = _Combination(_dated_part, union, lambda space: space.no_answer, lambda space: space.existing)
_DATED_INTERSECTION = _DATED_UNION._replace(joined=intersection)


def _any_deps(
    node: AnyDeps | AnyJobRoots | AllDeps | AllJobRoots,
    number: int | None,
    operand: Callable[[Walk, SubjectState], Any],
    combination: _Combination,
) -> Callable[[Walk, SubjectState], Any]:
    def run(w: Walk, s: SubjectState) -> Any:
        parts, _ = _parts(w, s, node, number, operand, combination)
        if not parts:
            return combination.nothing(s.space)
        if len(parts) == 1:
            return next(iter(parts.values()))
        return combination.joined(parts.values(), s.space.empty)

    return run


def _all_deps(
    node: AnyDeps | AnyJobRoots | AllDeps | AllJobRoots,
    number: int | None,
    operand: Callable[[Walk, SubjectState], Any],
    combination: _Combination,
) -> Callable[[Walk, SubjectState], Any]:
    def run(w: Walk, s: SubjectState) -> Any:
        parts, wanted = _parts(w, s, node, number, operand, combination)
        if len(parts) < wanted:
            return combination.nothing(s.space)
        return combination.joined(parts.values(), s.space.existing)

    return run


def _parts(
    w: Walk,
    s: SubjectState,
    node: AnyDeps | AnyJobRoots | AllDeps | AllJobRoots,
    number: int | None,
    operand: Callable[[Walk, SubjectState], Any],
    combination: _Combination,
) -> tuple[dict[int, Any], int]:
    """What each dependency contributes (nothing is left out), and how many dependencies are looked at.

    At the target itself the parts are kept, and only those of marked dependencies worked out again.
    """
    if isinstance(node, AnyJobRoots | AllJobRoots):
        require_kind(node, s.subject, "job")
    deps = w.links(node, s)
    keeps = number is not None and s is w.root.state and not getattr(node, "through_virtual", False)
    marked: Iterable[int] = range(len(deps))
    parts: dict[int, Any] = {}
    if keeps and w.dirty is not None:
        marked, parts = w.dirty, w.root.parts_of(number)  # type: ignore[arg-type]
    outer, path = w.flash, w.path
    for index in marked:
        dep = deps[index]
        if dep is None:
            continue
        w.flash = False
        w.path = None if path is None else (*path, *dep.link.path) if path else dep.link.path
        part = combination.part(dep.link, operand(w, dep.state), w.view)
        if w.flash:
            outer = True
            if keeps:
                w.again.add(index)
        if part is None:
            parts.pop(index, None)
        else:
            parts[index] = part
    w.flash, w.path = outer, path
    if keeps:
        w.root.keep_parts(number, parts)  # type: ignore[arg-type]  # keeps: there is a number
    return parts, w.wanted(node, s)


def _checks(node: AnyChecks | AllChecks, operand: Dated) -> Dated:
    def run(w: Walk, s: SubjectState) -> Answer:
        require_kind(node, s.subject, "asset")
        answers = []
        for check in w.checks(node, s):
            answers.append(w.link(check, s).carry_answer(operand(w, check), w.view))
        if isinstance(node, AnyChecks):
            return union(answers, s.space.empty)
        return intersection(answers, s.space.existing)

    return run


def _asset_matches(key: Key, operand: Dated) -> Dated:
    def run(w: Walk, s: SubjectState) -> Answer:
        other, path = w.state_of(key), w.path
        w.path = None
        answer = operand(w, other)
        w.path = path
        return answer if other is s else w.link(other, s).carry_answer(answer, w.view)

    return run


def _root_matches(operand: Dated) -> Dated:
    def run(w: Walk, s: SubjectState) -> Answer:
        root, path = w.root.state, w.path
        w.path = ()
        answer = operand(w, root)
        w.path = path
        return answer if root is s else w.link(root, s).carry_answer(answer, w.view)

    return run
