"""Which facts a condition asks for, of which subjects, and which moments can change its answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator
from enum import IntFlag

import msgspec

from tidewheel.logic.conditions.codec import identity_of
from tidewheel.logic.conditions.errors import ConditionError
from tidewheel.logic.conditions.expansion import expanded
from tidewheel.logic.conditions.memory import memory_key
from tidewheel.logic.conditions.nodes import (
    AllChecks,
    AllDeps,
    AllJobRoots,
    AllNewUpdatesHaveRunTags,
    And,
    AnyChecks,
    AnyDeps,
    AnyJobRoots,
    AnyNewUpdateHasRunTags,
    AssetMatches,
    BackfillInProgress,
    Behind,
    CheckResultIs,
    Condition,
    CronTickPassed,
    DataVersionChanged,
    ExecutedWithRootTarget,
    ExecutedWithTags,
    ExecutionCanceled,
    ExecutionFailed,
    FailedSinceCron,
    FreshnessIs,
    Missing,
    NewlyRequested,
    NewlyUpdated,
    Not,
    ParentsNonexistent,
    RetryAllowed,
    RootMatches,
    RunInProgress,
    UpdatedSinceCron,
    UpdatedWithin,
    UserDefined,
    WillBeRequested,
    children_of,
)
from tidewheel.logic.conditions.relations import checks_for, deps_for
from tidewheel.logic.conditions.rewrite import walk
from tidewheel.logic.conditions.subjects import ConditionGraph, Key, Subject


class Fact(IntFlag):
    """The kinds of facts about a subject."""

    NONE = 0
    MADE = 1
    RUNS = 2
    BACKFILLS = 4
    FAILED = 8
    CANCELED = 16
    CHECK_RESULTS = 32
    FRESHNESS = 64
    UPDATES = 128
    PRODUCERS = 256
    UPDATE_TIMES = 512
    FAILURE_TIMES = 1024
    ATTEMPTS = 2048
    BEHIND = 4096
    LAST_REQUEST = 8192
    NEXT_REQUEST = 16384
    VERSIONS = 32768
    NEW_PRODUCERS = 65536


_READS: dict[type, Fact] = {
    Missing: Fact.MADE,
    RunInProgress: Fact.RUNS,
    BackfillInProgress: Fact.BACKFILLS,
    ExecutionFailed: Fact.FAILED,
    ExecutionCanceled: Fact.CANCELED,
    CheckResultIs: Fact.CHECK_RESULTS,
    FreshnessIs: Fact.FRESHNESS,
    NewlyUpdated: Fact.UPDATES,
    DataVersionChanged: Fact.UPDATES | Fact.VERSIONS,
    AnyNewUpdateHasRunTags: Fact.UPDATES,
    AllNewUpdatesHaveRunTags: Fact.UPDATES,
    ExecutedWithRootTarget: Fact.PRODUCERS,
    ExecutedWithTags: Fact.PRODUCERS,
    UpdatedWithin: Fact.UPDATE_TIMES,
    UpdatedSinceCron: Fact.UPDATE_TIMES,
    FailedSinceCron: Fact.FAILURE_TIMES,
    RetryAllowed: Fact.ATTEMPTS,
    Behind: Fact.MADE | Fact.UPDATES | Fact.BEHIND,
    NewlyRequested: Fact.LAST_REQUEST,
    WillBeRequested: Fact.NEXT_REQUEST,
}


class Reads(msgspec.Struct, frozen=True, kw_only=True):
    """What one condition asks for, whatever its target.

    `own` of the target, `deps` of its dependencies, `far` of any others (a set that says only which kinds).
    `is_far`: some operands are asked of others at all. `looks_back`: operands inside others ask for the target
    again. `crons`: pairs (cron string, zone) at whose ticks the answer can change. `asks_user`: user code is asked.
    """

    own: Fact = Fact.NONE
    deps: Fact = Fact.NONE
    far: Fact = Fact.NONE
    crons: tuple[tuple[str, str], ...] = ()
    is_far: bool = False
    looks_back: bool = False
    asks_user: bool = False


def reads_of(condition: Condition) -> Reads:
    """What a condition (with nothing left to expand) asks for."""
    found: dict[str, Fact] = defaultdict(lambda: Fact.NONE)
    crons: dict[tuple[str, str], None] = {}
    asks_user = False
    for node, place in _places(condition, "own"):
        found[place] |= _READS.get(type(node), Fact.NONE)
        if isinstance(node, CronTickPassed | UpdatedSinceCron | FailedSinceCron):
            crons[(node.cron, node.zone)] = None
        if isinstance(node, UserDefined):
            asks_user = True
        if isinstance(node, Behind):
            found["deps" if place == "own" else "far"] |= Fact.UPDATES | Fact.MADE
    places = list(_places(condition, "own"))
    return Reads(
        own=found["own"],
        deps=found["deps"],
        far=found["far"],
        crons=tuple(crons),
        is_far=any(
            place == "far" or (place == "deps" and isinstance(node, Behind | ParentsNonexistent))
            for node, place in places
        ),
        looks_back=any(isinstance(node, RootMatches) for node, _ in places),
        asks_user=asks_user,
    )


def needs_of(graph: ConditionGraph, target: Key, remembered: Container[str] = ()) -> dict[Key, Fact]:
    """The facts that the evaluation of one target asks for, by subject.

    `remembered`: the names of its nodes' memories. What only sets a memory at first is not needed any more.
    """
    found: dict[Key, Fact] = defaultdict(lambda: Fact.NONE)
    subject = graph[target]
    condition = expanded(subject, graph)
    simple = graph.once(("simple needs", id(condition)), lambda: _simple_needs(condition))
    if simple is not None:
        found[target] |= simple[0]
        for dep in subject.deps:
            found[dep.key] |= simple[1]
        return {key: facts for key, facts in found.items() if facts}
    narrowed = narrowed_operands(condition)
    for node, subject in visits(graph, target):
        if id(node) in narrowed:
            found[subject.key] |= Fact.NEW_PRODUCERS
            continue
        facts = _READS.get(type(node), Fact.NONE)
        if isinstance(node, Behind):
            if memory_key(identity_of(node), subject.key, target) in remembered:
                facts &= ~Fact.BEHIND
            wanted = Fact.UPDATES | Fact.MADE | (Fact.VERSIONS if node.by_version else Fact.NONE)
            for dep in subject.deps:
                found[dep.key] |= wanted | (facts & Fact.BEHIND and Fact.PRODUCERS)
            facts |= facts & Fact.BEHIND and Fact.PRODUCERS
        found[subject.key] |= facts
    return {key: facts for key, facts in found.items() if facts}


def _simple_needs(condition: Condition) -> tuple[Fact, Fact] | None:
    """What is asked of the target and of each dependency, where that is all; None if it takes a closer look."""
    reads = reads_of(condition)
    if reads.is_far or any(isinstance(node, Behind) for node in walk(condition)):
        return None
    narrowed = narrowed_operands(condition)
    found: dict[str, Fact] = defaultdict(lambda: Fact.NONE)
    for node, place in _places(condition, "own"):
        facts = Fact.NEW_PRODUCERS if id(node) in narrowed else _READS.get(type(node), Fact.NONE)
        found[place] |= facts
    return found["own"], found["deps"]


def with_upstream_requests(graph: ConditionGraph, target: Key, known: Container[Key]) -> tuple[Key, ...]:
    """A target and, of the `known` ones, all whose requests its evaluation asks for, directly or through others."""
    found = {target: None}
    waiting = [target]
    while waiting:
        one = waiting.pop()
        try:
            needs = {} if one in graph.problems else needs_of(graph, one)
        except ConditionError:
            continue  # it names an asset that does not exist: its evaluation says so
        for key, facts in needs.items():
            if not facts & Fact.NEXT_REQUEST or key not in graph.subjects:
                continue
            for maker in (key, *graph[key].siblings):
                if maker in known and maker not in found:
                    found[maker] = None
                    waiting.append(maker)
    return tuple(found)


def narrowed_operands(condition: Condition) -> set[int]:
    """The ids of operands about producing runs that are asked of new updates only: beside `newly_updated` in an AND."""
    found: set[int] = set()
    for node in walk(condition):
        if isinstance(node, And) and any(
            isinstance(one, NewlyUpdated | DataVersionChanged) for one in node.operands
        ):
            for operand in node.operands:
                inner = operand.operand if isinstance(operand, Not) else operand
                if isinstance(inner, ExecutedWithRootTarget | ExecutedWithTags):
                    found.add(id(inner))
    return found


def user_questions(graph: ConditionGraph, target: Key) -> Iterator[tuple[UserDefined, Subject]]:
    """The conditions of users' own classes that the evaluation of one target asks, and on which subjects."""
    condition = expanded(graph[target], graph)
    asks = graph.once(("asks user", id(condition)), lambda: reads_of(condition).asks_user)
    if not asks:
        return
    for node, subject in visits(graph, target):
        if isinstance(node, UserDefined):
            yield node, subject


def visits(graph: ConditionGraph, target: Key) -> Iterator[tuple[Condition, Subject]]:
    """Every node that the evaluation of a target visits, with the subject it is asked of."""
    root = graph[target]
    yield from _visits(graph, root, expanded(root, graph), root)


def _visits(
    graph: ConditionGraph, root: Subject, node: Condition, at: Subject
) -> Iterator[tuple[Condition, Subject]]:
    yield node, at
    for child in children_of(node):
        for subject in _subjects_inside(graph, root, node, at):
            yield from _visits(graph, root, child, subject)


def _subjects_inside(graph: ConditionGraph, root: Subject, node: Condition, at: Subject) -> list[Subject]:
    match node:
        case AnyDeps() | AllDeps():
            return [graph[dep.key] for dep in deps_for(node, at, graph)]
        case AnyJobRoots() | AllJobRoots():
            return [graph[dep.key] for dep in at.deps]
        case AnyChecks() | AllChecks():
            return [graph[key] for key in checks_for(node, at, graph)]
        case AssetMatches(key=key):
            return [graph[Key("asset", key)]]
        case RootMatches():
            return [root]
        case _:
            return [at]


def _places(node: Condition, place: str) -> Iterator[tuple[Condition, str]]:
    """The nodes of a tree with where they are asked: of the target, its dependencies, or further away."""
    yield node, place
    inside = place
    if isinstance(node, AnyDeps | AllDeps | AnyJobRoots | AllJobRoots):
        through = isinstance(node, AnyDeps | AllDeps) and node.through_virtual
        inside = "deps" if place == "own" and not through else "far"
    elif isinstance(node, AnyChecks | AllChecks | AssetMatches):
        inside = "far"
    elif isinstance(node, RootMatches):
        inside = "own"
    for child in children_of(node):
        yield from _places(child, inside)
