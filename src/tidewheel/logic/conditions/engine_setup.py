"""Builds what the incremental engine works on: spaces, states, programs, watchers, and memory as bitmaps and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from tidewheel.logic.conditions.circles import condition_to_run
from tidewheel.logic.conditions.errors import ConditionError
from tidewheel.logic.conditions.latching import Latch
from tidewheel.logic.conditions.memory import (
    Dropped,
    NodeMemory,
    Noted,
    Progress,
    Seen,
    TargetMemory,
    fitted,
    fitted_node,
    memory_key,
    starts_anew,
)
from tidewheel.logic.conditions.nodes import (
    AllDeps,
    AnyDeps,
    Behind,
    Condition,
    NewlyTrue,
    ParentsNonexistent,
)
from tidewheel.logic.conditions.programs import compile_condition
from tidewheel.logic.conditions.reads import visits
from tidewheel.logic.conditions.relations import Path, deps_for
from tidewheel.logic.conditions.spaces import Link, Space
from tidewheel.logic.conditions.subjects import ConditionGraph, Key, Subject
from tidewheel.logic.conditions.walking import DepLink, Program, RootState, SubjectState, Walk
from tidewheel.logic.partitions.definitions import PartitionsSpec, PartitionView
from tidewheel.logic.partitions.sets import PartitionSet


class Setup(msgspec.Struct, kw_only=True):
    """The engine's working set. `roots` are in order of evaluation; `asking` are those that ask user code."""

    walk: Walk
    states: Mapping[Key, SubjectState]
    roots: list[RootState]
    spaces: list[Space]
    crons: dict[tuple[str, str], list[RootState]]
    asking: list[RootState]
    problems: dict[Key, str]


def build_setup(
    graph: ConditionGraph, targets: Iterable[Key], progress: Progress, view: PartitionView
) -> Setup:
    """The working set for some targets, with their memory restored."""
    return _Builder(graph, view).build(targets, progress)


def stored_memory(root: RootState, setup: Setup) -> TargetMemory:
    """The memory of a target in the form in which it is stored."""
    spec = root.state.space.spec
    nodes = {}
    if root.program is not None:
        for name, value in (root.memory or {}).items():
            number, key = name if isinstance(name, tuple) else (name, root.state.subject.key)
            slot = root.program.slots[number]
            stored = _as_stored(value, slot.node, setup.states[key].space.spec)
            nodes[memory_key(slot.identity, key, root.state.subject.key)] = stored
    requested = root.state.space.empty if root.requested is None else root.requested
    return TargetMemory(
        partitions=spec,
        requested=PartitionSet(spec, requested),
        nodes=nodes,
        held=root.held,
        condition=setup.walk.graph.condition_identity(root.state.subject.key),
    )


class _Builder:
    """Makes one setup; equal definitions, paths and conditions are made once and shared."""

    def __init__(self, graph: ConditionGraph, view: PartitionView) -> None:
        self.graph = graph
        self.view = view
        self.spaces: dict[PartitionsSpec | None, Space] = {}
        self.spaces_by_id: dict[int, Space] = {}
        self.links: dict[int, Link] = {}
        self.programs: dict[int, tuple[Condition, Program]] = {}
        self.problems: dict[Key, str] = {}
        self.crons: dict[tuple[str, str], list[RootState]] = {}

    def build(self, targets: Iterable[Key], progress: Progress) -> Setup:
        subjects = self.graph.subjects
        states = {key: SubjectState(one, self.space(one.partitions)) for key, one in subjects.items()}
        for state in states.values():
            if state.subject.deps:
                state.deps = tuple(
                    DepLink(states[dep.key], self.link(dep.path, states[dep.key].space, state.space))
                    for dep in state.subject.deps
                )
        roots = []
        for order, key in enumerate(targets):
            root = RootState(states[key], self.program(subjects[key]), order)
            states[key].root = root
            roots.append(root)
            self.subscribe(root, states)
            memory = progress.targets.get(key)
            if memory is not None:
                self.restore(root, memory, states)
        asking = [root for root in roots if root.program is not None and root.program.reads.asks_user]
        return Setup(
            walk=Walk(self.graph, states),
            states=states,
            roots=roots,
            spaces=[space for space in self.spaces.values() if not space.is_fixed],
            crons=self.crons,
            asking=asking,
            problems=self.problems,
        )

    def space(self, spec: PartitionsSpec | None) -> Space:
        """The space of a definition. Specs live as long as the graph, so their ids can stand for them."""
        found = self.spaces_by_id.get(id(spec))
        if found is None:
            found = self.spaces.get(spec)
            if found is None:
                found = self.spaces[spec] = Space(spec, self.view)
            self.spaces_by_id[id(spec)] = found
        return found

    def link(self, path: Path, of: Space, to: Space) -> Link:
        """The link of a path. Paths live as long as the graph too."""
        found = self.links.get(id(path))
        if found is None:
            found = self.links[id(path)] = Link(path, of, to)
        return found

    def program(self, subject: Subject) -> Program | None:
        """The program of a target; None, with the problem noted, if its condition cannot be compiled."""
        if subject.key in self.graph.problems:
            self.problems[subject.key] = self.graph.problems[subject.key]
            return None
        try:
            condition = condition_to_run(subject, self.graph)
        except ConditionError as reason:
            self.problems[subject.key] = str(reason)
            return None
        found = self.programs.get(id(condition))
        if found is None:
            found = self.programs[id(condition)] = (condition, compile_condition(condition))
        return found[1]

    def subscribe(self, root: RootState, states: Mapping[Key, SubjectState]) -> None:
        """Let a target know of changes of all that its program reads."""
        program, state = root.program, root.state
        if program is None:
            return
        self.watch_space(root, state.space)
        for index, dep in enumerate(state.deps):
            self.watch_space(root, dep.state.space)
            if program.reads.deps:
                dep.state.watch(root, index)
        for cron in program.reads.crons:
            self.crons.setdefault(cron, []).append(root)
        if program.reads.is_far:
            self.watch_far(root, states)

    def watch_far(self, root: RootState, states: Mapping[Key, SubjectState]) -> None:
        """Watch all subjects that a program visits, its target too: an operand may come back to it."""
        found: dict[Key, None] = {}
        try:
            for node, subject in visits(self.graph, root.state.subject.key):
                found[subject.key] = None
                if isinstance(node, Behind | ParentsNonexistent):
                    found.update(dict.fromkeys(dep.key for dep in subject.deps))
                if isinstance(node, AnyDeps | AllDeps):
                    for dep in deps_for(node, subject, self.graph):
                        for hop in dep.path:
                            self.watch_space(root, self.space(hop.down))
                            self.watch_space(root, self.space(hop.up))
        except ConditionError:
            pass  # an unknown subject: the evaluation will say so
        for key in found:
            states[key].watch(root, -1)
            self.watch_space(root, states[key].space)

    @staticmethod
    def watch_space(root: RootState, space: Space) -> None:
        if not space.is_fixed:
            space.roots[root] = None

    def restore(self, root: RootState, memory: TargetMemory, states: Mapping[Key, SubjectState]) -> None:
        """Turn stored memory into bitmaps; what belongs to no node or subject any more is left out."""
        spec = root.state.space.spec
        root.requested = root.state.space.shared(fitted(memory.requested, spec, self.view).bits)
        root.held = memory.held
        root.is_initial = starts_anew(memory, spec)
        if root.is_initial or root.program is None:
            return
        numbers = {slot.identity: number for number, slot in enumerate(root.program.slots)}
        restored: dict[Any, Any] = {}
        for name, stored in memory.nodes.items():
            identity, _, place = name.partition("@")
            kind, _, text = place.partition(":")
            key = Key(kind, text) if place else root.state.subject.key  # type: ignore[arg-type]
            if identity not in numbers or key not in states:
                continue
            number = numbers[identity]
            fitting = fitted_node(stored, states[key].space.spec, self.view)
            restored[(number, key) if place else number] = _as_bits(fitting, states[key].space)
        root.memory = restored or None


def _as_bits(memory: NodeMemory, space: Space) -> Any:
    match memory:
        case Seen(true=true) | Dropped(true=true):
            return space.shared(true.bits)
        case Latch(on=on, layers=layers):
            bits = tuple((stamp, space.shared(covered.bits)) for stamp, covered in layers)
            return Latch(space.shared(on.bits), bits)
        case Noted():
            return memory


def _as_stored(value: Any, node: Condition, spec: PartitionsSpec | None) -> NodeMemory:
    if isinstance(value, Latch):
        layers = tuple((stamp, PartitionSet(spec, covered)) for stamp, covered in value.layers)
        return Latch(PartitionSet(spec, value.on), layers)
    if isinstance(value, Noted):
        return value
    partitions = PartitionSet(spec, value)
    return Seen(partitions) if isinstance(node, NewlyTrue) else Dropped(partitions)
