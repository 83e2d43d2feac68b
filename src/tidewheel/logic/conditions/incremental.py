"""Evaluates conditions by change: only what an event, a timer or the previous evaluation has marked.

The rules that make this equal to evaluating everything:

* A target is marked when a fact changes that its program reads, of itself or of another subject. Dependencies are
  marked one by one; the parts that the others contributed are kept.
* Time marks the readers of a cron string at its ticks, and those of a partitions definition when a window ends.
* What *flashes* (is true for one evaluation only) marks its target for the next evaluation too. So does a request.
* A request marks the targets above it that look at requests, in the same evaluation.
* A target whose evaluation failed, or that asks user code, is marked always.

Nothing else can change an answer: an unmarked target requests nothing, and what it remembers stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from heapq import heappop, heappush
from typing import Any, Optional

import msgspec

from tidewheel.logic.conditions.engine_setup import Setup, build_setup, stored_memory
from tidewheel.logic.conditions.errors import ConditionError
from tidewheel.logic.conditions.evaluate import EVALUATION_ERRORS
from tidewheel.logic.conditions.facts import ConditionFacts, Position, SubjectFacts
from tidewheel.logic.conditions.leaves import next_tick
from tidewheel.logic.conditions.memory import Progress, TargetMemory
from tidewheel.logic.conditions.reads import Fact
from tidewheel.logic.conditions.spaces import Space
from tidewheel.logic.conditions.subjects import ConditionGraph, Key
from tidewheel.logic.conditions.walking import RootState, SubjectState
from tidewheel.logic.partitions.definitions import PartitionView
from tidewheel.logic.partitions.sets import PartitionSet

_FIELDS = tuple(
    (name, int(fact))
    for name, fact in (
        ("made", Fact.MADE),
        ("run_in_progress", Fact.RUNS),
        ("backfill_in_progress", Fact.BACKFILLS),
        ("failed", Fact.FAILED),
        ("canceled", Fact.CANCELED),
        ("check_passed", Fact.CHECK_RESULTS),
        ("check_failed", Fact.CHECK_RESULTS),
        ("freshness", Fact.FRESHNESS),
        ("producers", Fact.PRODUCERS),
        ("update_times", Fact.UPDATE_TIMES),
        ("failure_times", Fact.FAILURE_TIMES),
        ("attempts", Fact.ATTEMPTS),
        ("behind", Fact.BEHIND),
        ("behind_by_version", Fact.BEHIND),
    )
)
_UPDATES = int(Fact.UPDATES)
_NEXT_REQUEST = int(Fact.NEXT_REQUEST)
_LAST_REQUEST = int(Fact.LAST_REQUEST)

Marks = dict[RootState, Optional[set[int]]]
"""Targets to walk, each with the dependencies to look at again; None: with all of them."""


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One evaluation: what to request, which targets failed and why, and the memories to store.

    `walked` counts the targets that were looked at. `wake_at`: when time alone can next change something.
    `is_settled`: without a change, the next evaluation would find nothing to do.
    """

    position: Position
    requested: Mapping[Key, PartitionSet]
    errors: Mapping[Key, str]
    memories: Mapping[Key, TargetMemory]
    walked: int
    wake_at: Optional[float]
    is_settled: bool


class ConditionEngine:
    """The evaluator of one set of targets, from evaluation to evaluation.

    It is given the whole graph and the stored progress once, and the changed facts each time. The first evaluation
    needs the facts about all subjects that have any; it looks at every target.
    """

    def __init__(
        self, graph: ConditionGraph, progress: Progress, targets: Iterable[Key] | None = None
    ) -> None:
        self.graph = graph
        self._stored = progress
        self._targets = graph.targets if targets is None else graph.in_order(targets)
        self._position = progress.position
        self._setup: Optional[Setup] = None
        self._is_first = True
        self._marks: Marks = {}
        self._flashed: list[SubjectState] = []
        self._timers: list[tuple[float, int, Any]] = []
        self._timer_count = 0
        self._held: set[RootState] = set()

    # -- one evaluation --------------------------------------------------------------------------------------------

    def advance(self, facts: ConditionFacts) -> Round:
        """Evaluate as of a new position; `facts.subjects` holds the facts that changed, complete by subject."""
        if self._setup is None:
            self._begin(facts)
        else:
            self._turn_to(facts)
        self._take(facts)
        return self._walk(facts)

    def progress(self) -> Progress:
        """Everything that has to be stored to go on elsewhere."""
        if self._setup is None:
            return self._stored
        targets = dict(self._stored.targets)
        for root in self._setup.roots:
            if root.requested is not None:
                targets[root.state.subject.key] = self._memory_of(root)
        return Progress(position=self._position, targets=targets)

    def known_facts(self, facts: ConditionFacts) -> ConditionFacts:
        """All facts as of the latest evaluation, which was given `facts`: for explaining what it found."""
        known = _KnownFacts(self._ready.states)
        return msgspec.structs.replace(facts, subjects=known)

    @property
    def oldest_held(self) -> Position | None:
        """The position of the target that failures have left behind furthest."""
        return min((root.held for root in self._held if root.held is not None), default=None, key=_event_id)

    def _begin(self, facts: ConditionFacts) -> None:
        self._setup = build_setup(self.graph, self._targets, self._stored, facts.view)
        self._held = {root for root in self._setup.roots if root.held is not None}
        self._marks = dict.fromkeys(self._setup.roots)
        self._restart_timers(facts.view.now)
        self._setup.walk.start_round(facts, self._position)

    def _turn_to(self, facts: ConditionFacts) -> None:
        setup = self._ready
        view, before = facts.view, setup.walk.view
        for state in self._flashed:
            state.facts = msgspec.structs.replace(state.facts, updates=self._retained(state.facts))
        self._flashed = [state for state in self._flashed if state.facts.updates]
        setup.walk.start_round(facts, self._position)
        if view.now < before.now:
            for space in setup.spaces:
                space.refresh(view)
            self._marks = dict.fromkeys(setup.roots)
            self._restart_timers(view.now)
            return
        if view.dynamic_keys is not before.dynamic_keys:
            changed = _changed_names(before, view)
            for space in setup.spaces:
                if space.dynamic_names & changed and space.refresh(view):
                    self._mark_all(space.roots)
        self._ring(view)

    def _take(self, facts: ConditionFacts) -> None:
        """Take over changed facts and mark who reads them."""
        setup = self._ready
        for key, new in facts.subjects.items():
            state = setup.states.get(key)
            if state is None:
                continue
            changed = _difference(state.facts, new)
            if state.facts.updates and new.updates:
                known = {update.event_id for update in new.updates}
                older = tuple(one for one in state.facts.updates if one.event_id not in known)
                new = msgspec.structs.replace(new, updates=(*older, *new.updates))
            elif state.facts.updates:
                new = msgspec.structs.replace(new, updates=state.facts.updates)
            state.facts = new
            if new.updates:
                self._flashed.append(state)
            if changed:
                self._mark_readers(state, changed, self._marks)
        for root in setup.asking:
            self._mark(self._marks, root, None)

    def _walk(self, facts: ConditionFacts) -> Round:
        setup = self._ready
        walk, roots = setup.walk, setup.roots
        marks, self._marks = self._marks, {}
        waiting = sorted(root.order for root in marks)
        requested: dict[Key, PartitionSet] = {}
        errors: dict[Key, str] = {}
        memories: dict[Key, TargetMemory] = {}
        walked = 0
        while waiting:
            root = roots[heappop(waiting)]
            key = root.state.subject.key
            dirty = marks[root]
            walk.begin(root, None if dirty is None else sorted(dirty))
            walked += 1
            try:
                if root.program is None:
                    raise ConditionError(setup.problems[key])
                found = root.state.space.shared(root.program.run(walk, root.state))
            except EVALUATION_ERRORS as reason:
                errors[key] = str(reason)
                if self._hold(root):
                    memories[key] = self._memory_of(root)
                continue
            if root.held is not None:
                self._held.discard(root)
                self._marks[root] = None
            if root.commit(walk, found) or self._is_first:
                memory = stored_memory(root, setup)
                if not self._is_first or memory != self._stored.targets.get(key):
                    memories[key] = memory
            if found:
                requested[key] = PartitionSet(root.state.space.spec, found)
                self._spread(root, found, marks, waiting)
            self._look_again(root, found)
        self._position = facts.position
        self._is_first = False
        return Round(
            position=facts.position,
            requested=requested,
            errors=errors,
            memories=memories,
            walked=walked,
            wake_at=self._timers[0][0] if self._timers else None,
            is_settled=not self._marks and not setup.asking,
        )

    def _spread(self, root: RootState, found: Any, marks: Marks, waiting: list[int]) -> None:
        """Tell of a request: in this round to targets of higher levels, in the next to those that look back."""
        setup = self._ready
        subject = root.state.subject
        states = [root.state]
        for key in subject.siblings:
            sibling = setup.states[key]
            if sibling.space is root.state.space:
                states.append(sibling)
        for state in states:
            if state.requests_round != setup.walk.round:
                state.requests_round, state.requests = setup.walk.round, []
            state.requests.append((subject.level, found))  # type: ignore[union-attr]  # a list, since above
            for reader, index in state.watchers:
                mask = _mask(reader, index)
                if mask & _NEXT_REQUEST and reader.order > root.order:
                    if reader not in marks:
                        heappush(waiting, reader.order)
                    self._mark(marks, reader, None if index < 0 else index)
        self._mark_readers(root.state, _LAST_REQUEST, self._marks)
        self._mark_own(self._marks, root)

    def _look_again(self, root: RootState, found: Any) -> None:
        """Mark a target for the next evaluation where this one saw something that flashes."""
        walk = self._ready.walk
        if walk.flash or walk.again:
            self._mark_own(self._marks, root)
            for index in walk.again:
                self._mark(self._marks, root, index)
        if walk.wake_at is not None:
            self._set_timer(walk.wake_at, root)

    def _hold(self, root: RootState) -> bool:
        """Leave a target where it was before its failure; whether that has to be stored."""
        root.parts = None
        self._marks[root] = None
        if root.requested is None or root.held is not None or self._position is None:
            return False
        root.held = self._position
        self._held.add(root)
        return True

    def _memory_of(self, root: RootState) -> TargetMemory:
        """The memory to store; of a target that has only failed since the start, what was stored before."""
        stored = self._stored.targets.get(root.state.subject.key)
        if root.round < 0 and stored is not None:
            return msgspec.structs.replace(stored, held=root.held)
        return stored_memory(root, self._ready)

    def _retained(self, facts: SubjectFacts) -> tuple[Any, ...]:
        """The updates that a target which was left behind still has to see."""
        if not self._held:
            return ()
        oldest = min(root.held.event_id for root in self._held if root.held is not None)
        return tuple(update for update in facts.updates if update.event_id > oldest)

    # -- marks -----------------------------------------------------------------------------------------------------

    def _mark_readers(self, state: SubjectState, changed: int, marks: Marks) -> None:
        own = state.root
        if own is not None and own.program is not None and int(own.program.reads.own) & changed:
            self._mark_own(marks, own)
        for reader, index in state.watchers:
            if _mask(reader, index) & changed:
                self._mark(marks, reader, None if index < 0 else index)

    def _mark_own(self, marks: Marks, root: RootState) -> None:
        """Mark a target for a change of its own, with all dependencies if operands inside look back at it."""
        if root.program is None or root.program.reads.looks_back:
            marks[root] = None
        elif root not in marks:
            marks[root] = set()

    @staticmethod
    def _mark(marks: Marks, root: RootState, index: int | None) -> None:
        known = marks.setdefault(root, set())
        if index is None:
            marks[root] = None
        elif known is not None:
            known.add(index)

    def _mark_all(self, roots: Iterable[RootState]) -> None:
        for root in roots:
            self._marks[root] = None

    # -- time ------------------------------------------------------------------------------------------------------

    def _restart_timers(self, now: float) -> None:
        setup = self._ready
        self._timers = []
        for space in setup.spaces:
            self._set_timer(space.next_change(now), space)
        for cron in setup.crons:
            self._set_timer(next_tick(cron[0], cron[1], now), cron)

    def _set_timer(self, at: float | None, what: Any) -> None:
        if at is not None:
            self._timer_count += 1
            heappush(self._timers, (at, self._timer_count, what))

    def _ring(self, view: PartitionView) -> None:
        """Mark what the timers that are due stand for, and set them again."""
        setup = self._ready
        while self._timers and self._timers[0][0] <= view.now:
            _, _, what = heappop(self._timers)
            if isinstance(what, Space):
                if what.refresh(view):
                    self._mark_all(what.roots)
                self._set_timer(what.next_change(view.now), what)
            elif isinstance(what, RootState):
                self._marks[what] = None
            else:
                self._mark_all(setup.crons[what])
                cron, zone = what
                self._set_timer(next_tick(cron, zone, view.now), what)

    @property
    def _ready(self) -> Setup:
        assert self._setup is not None, "the engine begins with its first evaluation"
        return self._setup


class _KnownFacts(Mapping[Key, SubjectFacts]):
    """The facts of all subjects, as the engine holds them."""

    def __init__(self, states: Mapping[Key, SubjectState]) -> None:
        self._states = states

    def __getitem__(self, key: Key) -> SubjectFacts:
        return self._states[key].facts

    def __iter__(self) -> Iterator[Key]:
        return iter(self._states)

    def __len__(self) -> int:
        return len(self._states)


def _event_id(position: Position) -> int:
    return position.event_id


def _mask(root: RootState, index: int) -> int:
    if root.program is None:
        return 0
    return int(root.program.reads.deps if index >= 0 else root.program.reads.far)


def _difference(old: SubjectFacts, new: SubjectFacts) -> int:
    """The kinds of facts that differ; updates count whenever there are any."""
    changed = _UPDATES if new.updates else 0
    for name, fact in _FIELDS:
        before, after = getattr(old, name), getattr(new, name)
        if before is not after and before != after:
            changed |= fact
    return changed


def _changed_names(before: PartitionView, after: PartitionView) -> frozenset[str]:
    names = {*before.dynamic_keys, *after.dynamic_keys}
    return frozenset(
        name for name in names if before.dynamic_keys.get(name) is not after.dynamic_keys.get(name)
    )
