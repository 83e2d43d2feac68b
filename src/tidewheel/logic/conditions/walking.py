"""What the incremental engine keeps of each subject and target, and the walk over one target's program."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Optional

from tidewheel.logic.conditions import leaves, relations
from tidewheel.logic.conditions.evidence import Answer
from tidewheel.logic.conditions.facts import NO_FACTS, ConditionFacts, Position, SubjectFacts
from tidewheel.logic.conditions.latching import Latch
from tidewheel.logic.conditions.nodes import (
    AllChecks,
    AllDeps,
    AllJobRoots,
    AnyChecks,
    AnyDeps,
    AnyJobRoots,
    Condition,
)
from tidewheel.logic.conditions.reads import Reads
from tidewheel.logic.conditions.spaces import Link, Space
from tidewheel.logic.conditions.subjects import ConditionGraph, Key, Subject
from tidewheel.logic.partitions.definitions import PartitionView

Plain = Callable[["Walk", "SubjectState"], Any]
"""A compiled node that returns the bitmap where it is true."""
Dated = Callable[["Walk", "SubjectState"], Answer]
"""A compiled node that returns an answer with evidence."""


class Slot(NamedTuple):
    """A node with memory: its identity, by which memory is stored."""

    identity: str
    node: Condition


class Program(NamedTuple):
    """A compiled condition."""

    run: Plain
    slots: tuple[Slot, ...]
    operators: tuple[AnyDeps | AllDeps | AnyJobRoots | AllJobRoots, ...]
    reads: Reads


NO_DEPS: tuple[Any, ...] = ()


class DepLink(NamedTuple):
    """A subject upstream and how its partitions relate to the dependent's."""

    state: SubjectState
    link: Link


class SubjectState:
    """One subject: its facts, its neighbours, who watches it, and what was requested of it in this round."""

    __slots__ = ("deps", "facts", "requests", "requests_round", "root", "space", "subject", "watchers")

    def __init__(self, subject: Subject, space: Space) -> None:
        self.subject = subject
        self.space = space
        self.facts: SubjectFacts = NO_FACTS
        self.deps: tuple[DepLink, ...] = NO_DEPS
        self.root: Optional[RootState] = None
        self.watchers: list[tuple[RootState, int]] | tuple[tuple[RootState, int], ...] = ()
        self.requests: list[tuple[int, Any]] | tuple[()] = ()
        self.requests_round = -1

    def watch(self, root: RootState, index: int) -> None:
        """Let a target know of changes here: as its dependency number `index`, or (-1) as something else."""
        if isinstance(self.watchers, list):
            self.watchers.append((root, index))
        elif not self.watchers:
            self.watchers = ((root, index),)  # most have one
        else:
            self.watchers = [*self.watchers, (root, index)]


class RootState:
    """One target: its program, its memory, the parts of its dep operators, and its last request."""

    __slots__ = (
        "before",
        "before_position",
        "held",
        "is_initial",
        "memory",
        "order",
        "parts",
        "program",
        "requested",
        "round",
        "state",
    )

    def __init__(self, state: SubjectState, program: Program | None, order: int) -> None:
        self.state = state
        self.program = program
        self.order = order
        self.memory: dict[Any, Any] | None = None
        self.parts: list[dict[int, Any] | None] | None = None
        self.requested: Any = None
        """What the last evaluation that succeeded requested; None before the first."""
        self.before: Any = None
        self.before_position: Optional[Position] = None
        self.round = -1
        self.held: Optional[Position] = None
        self.is_initial = True

    def parts_of(self, number: int) -> dict[int, Any]:
        """The kept parts of a dep operator."""
        parts = None if self.parts is None else self.parts[number]
        return {} if parts is None else parts

    def keep_parts(self, number: int, parts: dict[int, Any]) -> None:
        """Keep the parts of a dep operator; nothing is kept of none."""
        if self.parts is None:
            if not parts:
                return
            self.parts = [None] * len(self.program.operators) if self.program is not None else []
        self.parts[number] = parts or None
        if not parts and not any(self.parts):
            self.parts = None

    def commit(self, walk: Walk, requested: Any) -> bool:
        """Take over what a walk has found; whether anything that is stored has changed."""
        changed = self.requested is None or self.held is not None or self.requested != requested
        staged = walk.staged
        if self.memory is not None and walk.dirty is None:
            stale = [name for name in self.memory if name not in staged]
            for name in stale:  # every node was visited: these belong to an older condition or dependency
                del self.memory[name]
                changed = True
        for name, value in staged.items():
            known = None if self.memory is None else self.memory.get(name)
            if known == value:
                continue
            changed = True
            if value is None:
                del self.memory[name]  # type: ignore[union-attr]  # it is known
            else:
                if self.memory is None:
                    self.memory = {}
                self.memory[name] = value
        if not self.memory:
            self.memory = None
        self.before, self.before_position = self.requested, walk.previous
        self.requested = requested
        self.round = walk.round
        self.held = None
        self.is_initial = False
        return changed


class Walk:
    """One target's evaluation in progress: what its program's functions ask of the engine."""

    def __init__(self, graph: ConditionGraph, states: Mapping[Key, SubjectState]) -> None:
        self.graph = graph
        self.states = states
        self.round = 0
        self.position = Position(0.0, 0)
        self.engine_previous: Optional[Position] = None
        self.view = PartitionView(now=0.0)
        self.answers: Mapping[Any, Any] = {}
        self.ticks: dict[tuple[str, str], float] = {}
        self._chosen: dict[tuple[int, Key], Any] = {}
        self._links: dict[tuple[Key, Key], Link] = {}
        # of the target at hand
        self.root: RootState = None  # type: ignore[assignment]  # set by begin()
        self.previous: Optional[Position] = None
        self.dirty: Optional[Sequence[int]] = None
        self.again: set[int] = set()
        self.path: Optional[relations.Path] = ()
        self.flash = False
        self.wake_at: Optional[float] = None
        self.staged: dict[Any, Any] = {}

    def start_round(self, facts: ConditionFacts, previous: Position | None) -> None:
        """Turn to a new position."""
        self.round += 1
        self.position = facts.position
        self.view = facts.view
        self.answers = facts.answers
        self.engine_previous = previous
        self.ticks.clear()

    def begin(self, root: RootState, dirty: Sequence[int] | None) -> None:
        """Turn to a target; `dirty`: the dependencies to look at again, None for all."""
        self.root = root
        self.previous = self.previous_of(root)
        self.dirty = dirty
        self.again = set()
        self.path = ()
        self.flash = False
        self.wake_at = None
        self.staged = {}

    def previous_of(self, root: RootState) -> Position | None:
        """The position of a target's last evaluation before this round."""
        if root.requested is None:
            return None
        if root.round == self.round:
            return root.before_position
        return root.held or self.engine_previous

    # -- memory ----------------------------------------------------------------------------------------------------

    def recall(self, slot: int, s: SubjectState) -> Any:
        """What a slot remembers for a subject from earlier evaluations, or None."""
        memory = self.root.memory
        if memory is None:
            return None
        return memory.get(slot if s is self.root.state else (slot, s.subject.key))

    def keep(self, slot: int, s: SubjectState, value: Any) -> None:
        """Remember something; what equals nothing is forgotten."""
        if isinstance(value, Latch):
            kept: Any = value if value.on else None
        else:
            kept = s.space.shared(value) if value else None
        self.staged[slot if s is self.root.state else (slot, s.subject.key)] = kept

    def keep_always(self, slot: int, s: SubjectState, value: Any) -> None:
        """Remember something whatever it is."""
        self.staged[slot if s is self.root.state else (slot, s.subject.key)] = value

    # -- other subjects --------------------------------------------------------------------------------------------

    def state_of(self, key: Key) -> SubjectState:
        """The state of a subject; raises ConditionError if there is none."""
        found = self.states.get(key)
        if found is None:
            return self.states[self.graph[key].key]
        return found

    def links(
        self, node: AnyDeps | AllDeps | AnyJobRoots | AllJobRoots, s: SubjectState
    ) -> Sequence[DepLink | None]:
        """The dependencies that an operator looks at, at their places; None at the place of a deselected one."""
        if isinstance(node, AnyJobRoots | AllJobRoots) or (
            node.allow is None and node.ignore is None and not node.through_virtual
        ):
            return s.deps
        return self._once(node, s, lambda: self._chosen_links(node, s))  # type: ignore[no-any-return]

    def wanted(self, node: AnyDeps | AllDeps | AnyJobRoots | AllJobRoots, s: SubjectState) -> int:
        """How many dependencies an operator looks at."""
        links = self.links(node, s)
        return len(links) if links is s.deps else sum(1 for one in links if one is not None)

    def checks(self, node: AnyChecks | AllChecks, s: SubjectState) -> Sequence[SubjectState]:
        """The checks that an operator looks at."""
        return self._once(  # type: ignore[no-any-return]
            node,
            s,
            lambda: [self.states[key] for key in relations.checks_for(node, s.subject, self.graph)],
        )

    def link(self, of: SubjectState, to: SubjectState) -> Link:
        """How sets of one subject become sets of another."""
        name = (of.subject.key, to.subject.key)
        found = self._links.get(name)
        if found is None:
            path, upwards = relations.between(of.subject, to.subject)
            found = self._links[name] = Link(path, of.space, to.space, upwards=upwards)
        return found

    def _chosen_links(self, node: AnyDeps | AllDeps, s: SubjectState) -> list[DepLink | None]:
        chosen = relations.deps_for(node, s.subject, self.graph)
        if node.through_virtual:
            states = [self.states[dep.key] for dep in chosen]
            return [
                DepLink(state, Link(dep.path, state.space, s.space))
                for dep, state in zip(chosen, states, strict=True)
            ]
        keys = {dep.key for dep in chosen}
        return [dep if dep.state.subject.key in keys else None for dep in s.deps]

    def _once(self, node: Any, s: SubjectState, make: Callable[[], Any]) -> Any:
        name = (id(node), s.subject.key)
        found = self._chosen.get(name)
        if found is None:
            found = self._chosen[name] = (node, make())  # the node is kept, so that its id stays its own
        return found[1]

    # -- requests and time -----------------------------------------------------------------------------------------

    def requested_below(self, s: SubjectState, level: int) -> Any:
        """What targets of lower levels have requested of a subject in this round."""
        found = s.space.empty
        if s.requests_round == self.round:
            for made_at, requested in s.requests:
                if made_at < level:
                    found = found | requested
        return found

    def last_request(self, s: SubjectState) -> tuple[Any, Position | None]:
        """What a target requested at its evaluation before this one, and when that was."""
        root = s.root
        if root is None:
            return s.space.empty, None
        requested = root.before if root.round == self.round else root.requested
        return (s.space.empty if requested is None else requested), self.previous_of(root)

    def latest_tick(self, cron: str, zone: str) -> float:
        """The latest tick up to now."""
        found = self.ticks.get((cron, zone))
        if found is None:
            found = self.ticks[(cron, zone)] = leaves.latest_tick(cron, zone, self.position.at)
        return found

    def scope(self, s: SubjectState) -> leaves.Scope:
        """The question about one subject in the form that the general operands take."""
        return leaves.Scope(
            s.subject, s.facts, self.root.state.subject.key, self.previous, self.position, self.view
        )

    def wake(self, at: float) -> None:
        """Look at the target again at a time, if nothing happens before."""
        if self.wake_at is None or at < self.wake_at:
            self.wake_at = at
