"""Which runs a backfill makes next, and what it gives up: from what is wanted, done, failed and under way.

The rules (semantics E26 to E29):

* A partition is run when everything of the backfill that it needs is done, or is made by the same run. Assets share a run
  where definition, policy and partition are the same and they need each other, if at all, at the same key.
* What needs a partition that failed, was cancelled, was given up or does not exist is left out, and the reason is kept.
* Each partition is asked for once. When nothing is under way and nothing can be asked for, the rest is left out: a backfill
  always ends.

All sets are bitmaps; the cost follows the runs made and the stretches in the sets, not the number of partitions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Optional

import msgspec
from msgspec.structs import replace

from tidewheel.logic.partitions import projection
from tidewheel.logic.partitions.definitions import PartitionsSpec, PartitionView
from tidewheel.logic.partitions.mappings import Identity, PartitionMapping, TimeWindowMapping
from tidewheel.logic.partitions.sets import PartitionSet, nothing
from tidewheel.logic.planning.backfill_runs import ALL_IN_ONE, Stretch, is_one_spec, stretches


class BackfillDep(msgspec.Struct, frozen=True, kw_only=True):
    """What a part of a backfill needs of another asset, in the backfill or not."""

    name: str
    mapping: PartitionMapping
    spec: Optional[PartitionsSpec] = None


class BackfillTarget(msgspec.Struct, frozen=True, kw_only=True):
    """An asset (or a job) of a backfill.

    ``existing``: the partitions that can be run now. ``limit``: partitions per run, ``ALL_IN_ONE`` without one. ``unit``:
    targets with the same one are always made by the same run.
    """

    name: str
    location: str
    spec: Optional[PartitionsSpec]
    existing: PartitionSet
    limit: int = 1
    unit: str = ""
    deps: tuple[BackfillDep, ...] = ()


class TargetSets(msgspec.Struct, frozen=True, kw_only=True):
    """Of a target, the partitions that are wanted, those that were asked for or given up, and how these ended."""

    wanted: PartitionSet
    requested: PartitionSet
    done: PartitionSet
    failed: PartitionSet
    cancelled: PartitionSet
    left_out: PartitionSet

    @property
    def open(self) -> PartitionSet:
        """Wanted, and nothing was done for them."""
        return self.wanted - self.requested

    @property
    def lost(self) -> PartitionSet:
        """Not made, and not going to be."""
        return self.failed | self.cancelled | self.left_out

    @property
    def in_progress(self) -> PartitionSet:
        """Asked for, and not ended."""
        return self.requested - self.done - self.lost


def untouched(wanted: PartitionSet) -> TargetSets:
    """The sets of a target at the beginning."""
    empty = nothing(wanted.spec)
    return TargetSets(
        wanted=wanted, requested=empty, done=empty, failed=empty, cancelled=empty, left_out=empty
    )


class BackfillFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A backfill at one moment. ``run_limit``: how many runs may be made now."""

    targets: tuple[BackfillTarget, ...]
    sets: Mapping[str, TargetSets]
    view: PartitionView
    run_limit: int


class NextRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run to make: these targets, for one stretch of partitions."""

    targets: tuple[str, ...]
    location: str
    stretch: Stretch


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """Partitions that are not made, and why: ``upstream`` names what they need."""

    target: str
    partitions: PartitionSet
    reason: str
    upstream: str = ""


class BackfillDecision(msgspec.Struct, frozen=True, kw_only=True):
    """Runs to make, what is given up, the sets after it, and whether everything has ended."""

    runs: tuple[NextRun, ...]
    left_out: tuple[LeftOut, ...]
    sets: Mapping[str, TargetSets]
    is_over: bool


FAILED_UPSTREAM = "needs what was not made"
MISSING_UPSTREAM = "needs partitions that do not exist"
GONE = "does not exist any more"
CIRCLE = "waits for itself"


def decide_backfill_step(facts: BackfillFacts) -> BackfillDecision:
    """The next runs of a backfill."""
    step = _Step(facts)
    step.choose()
    runs = step.next_runs()
    if not runs and not step.has_open_work() and facts.run_limit > 0:
        step.leave_out_rest()
    is_over = not runs and all(_is_over(sets) for sets in step.sets.values())
    return BackfillDecision(runs=runs, left_out=tuple(step.left_out), sets=step.sets, is_over=is_over)


def _is_over(sets: TargetSets) -> bool:
    return sets.open.is_empty and sets.in_progress.is_empty


class _Block:
    """Targets with the same candidates: they share runs."""

    def __init__(self, targets: tuple[str, ...], bits: PartitionSet) -> None:
        self.targets = targets
        self.bits = bits


class _Step:
    def __init__(self, facts: BackfillFacts) -> None:
        self.facts = facts
        self.view = facts.view
        self.targets = {target.name: target for target in facts.targets}
        self.sets = dict(facts.sets)
        self.left_out: list[LeftOut] = []
        self.candidates: dict[str, PartitionSet] = {}
        self.alone: set[str] = set()
        """Targets that need their own earlier partitions and make them in one run: nothing may split that run."""
        self.blocks: dict[tuple[str, int, Optional[PartitionsSpec]], list[_Block]] = defaultdict(list)

    # -- what can be run --------------------------------------------------------------------------------------------------

    def choose(self) -> None:
        """Find the candidates of every unit, parents first, and sort them into blocks."""
        for unit in _units_in_order(self.facts.targets):
            self._give_up(unit)
            ready = self._ready(unit)
            for target in unit:
                self.candidates[target.name] = ready & self.sets[target.name].open
            if not ready.is_empty:
                self._sort_in(unit, ready)

    def _give_up(self, unit: Sequence[BackfillTarget]) -> None:
        for target in unit:
            open_ = self.sets[target.name].open
            self._leave_out(unit, open_ - target.existing, GONE)
            for dep in target.deps:
                open_ = self.sets[target.name].open
                if open_.is_empty:
                    break
                blocked = projection.upstream(dep.mapping, open_, dep.spec, self.view).blocked
                self._leave_out(unit, blocked, MISSING_UPSTREAM, dep.name)
                self._give_up_downstream(unit, target, dep)

    def _give_up_downstream(
        self, unit: Sequence[BackfillTarget], target: BackfillTarget, dep: BackfillDep
    ) -> None:
        known = self.sets.get(dep.name)
        if known is None:
            return
        lost = known.lost
        while not lost.is_empty:
            fed = self._down(lost, dep, target) & self.sets[target.name].open
            if fed.is_empty:
                return
            self._leave_out(unit, fed, FAILED_UPSTREAM, dep.name)
            if dep.name != target.name:
                return
            lost = fed  # an asset that needs its own earlier partitions: those behind are lost too

    def _leave_out(
        self, unit: Sequence[BackfillTarget], partitions: PartitionSet, reason: str, upstream: str = ""
    ) -> None:
        if partitions.is_empty:
            return
        for target in unit:
            sets = self.sets[target.name]
            fresh = partitions & sets.open
            if not fresh.is_empty:
                self.left_out.append(
                    LeftOut(target=target.name, partitions=fresh, reason=reason, upstream=upstream)
                )
                self.sets[target.name] = replace(
                    sets, requested=sets.requested | fresh, left_out=sets.left_out | fresh
                )

    def _ready(self, unit: Sequence[BackfillTarget]) -> PartitionSet:
        """What of a unit can be run: all it needs is done, or made by the same run."""
        open_ = self._open(unit)
        waiting = nothing(open_.spec)
        own: list[tuple[BackfillTarget, BackfillDep]] = []
        names = {target.name for target in unit}
        for target in unit:
            for dep in target.deps:
                if dep.name in names:
                    own.append((target, dep))
        own = [(one, dep) for one, dep in own if dep.name == one.name or not _is_same_key(dep, one)]
        if own and unit[0].limit == ALL_IN_ONE:
            self.alone |= names
        for target in unit:
            for dep in target.deps:
                if dep.name not in names and not open_.is_empty and dep.name in self.sets:
                    waiting = waiting | self._waits_for(target, dep)
        for target, dep in own:
            waiting = waiting | self._waits_for_own(target, dep, open_, waiting)
        ready = open_ - waiting
        return self._whole_pieces(own, ready) if names & self.alone else ready

    def _whole_pieces(
        self, own: Sequence[tuple[BackfillTarget, BackfillDep]], ready: PartitionSet
    ) -> PartitionSet:
        """The stretches that need nothing of another one that is not done."""
        kept = nothing(ready.spec)
        for stretch in stretches(ready, ALL_IN_ONE, self.view):
            piece = stretch.partitions
            outside = (
                self._down(self.sets[dep.name].wanted - self.sets[dep.name].done - piece, dep, target)
                for target, dep in own
            )
            if not any(fed.overlaps(piece) for fed in outside):
                kept = kept | piece
        return kept

    def _open(self, unit: Sequence[BackfillTarget]) -> PartitionSet:
        found = self.sets[unit[0].name].open
        for target in unit[1:]:
            found = found | self.sets[target.name].open
        return found

    def _waits_for(self, target: BackfillTarget, dep: BackfillDep) -> PartitionSet:
        upstream = self.sets[dep.name]
        pending = upstream.wanted - upstream.done
        above = self.targets[dep.name]
        apart = target.name in self.alone or above.name in self.alone
        if not apart and _are_kindred(target, above) and _is_same_key(dep, target):
            pending = pending - self.candidates[dep.name]
        return self._down(pending, dep, target)

    def _waits_for_own(
        self, target: BackfillTarget, dep: BackfillDep, open_: PartitionSet, waiting: PartitionSet
    ) -> PartitionSet:
        """What waits for other partitions of the same unit; a run without a limit makes them in their order."""
        sets = self.sets[dep.name]
        pending = sets.wanted - sets.done
        if target.limit != ALL_IN_ONE:
            return self._down(pending, dep, target)
        held = waiting | self._down(pending - open_, dep, target)
        edge = held & open_
        while not edge.is_empty:
            edge = (self._down(edge, dep, target) & open_) - held
            held = held | edge
        return held

    def _down(self, up: PartitionSet, dep: BackfillDep, target: BackfillTarget) -> PartitionSet:
        return projection.downstream(dep.mapping, up, target.spec, self.view)

    def _sort_in(self, unit: Sequence[BackfillTarget], ready: PartitionSet) -> None:
        """Put a unit into the blocks of its kind, splitting those that it has only a part of."""
        first = unit[0]
        names = tuple(target.name for target in unit)
        if first.name in self.alone:
            self.blocks[f"{first.location}/{first.name}", first.limit, first.spec] = [_Block(names, ready)]
            return
        kind = (first.location, first.limit, first.spec)
        blocks: list[_Block] = []
        for block in self.blocks[kind]:
            shared = block.bits & ready
            if shared.is_empty:
                blocks.append(block)
                continue
            blocks.append(_Block((*block.targets, *names), shared))
            rest = block.bits - shared
            if not rest.is_empty:
                blocks.append(_Block(block.targets, rest))
            ready = ready - shared
        if not ready.is_empty:
            blocks.append(_Block(names, ready))
        self.blocks[kind] = blocks

    # -- the runs ---------------------------------------------------------------------------------------------------------

    def next_runs(self) -> tuple[NextRun, ...]:
        """As many runs as are allowed; what they make is asked for."""
        runs: list[NextRun] = []
        for run in self._all_runs():
            if len(runs) >= self.facts.run_limit:
                break
            runs.append(run)
        taken: dict[str, PartitionSet] = {}
        for run in runs:
            for name in run.targets:
                known = taken.get(name)
                taken[name] = run.stretch.partitions if known is None else known | run.stretch.partitions
        for name, partitions in taken.items():
            sets = self.sets[name]
            self.sets[name] = replace(sets, requested=sets.requested | (partitions & sets.wanted))
        return tuple(runs)

    def _all_runs(self) -> Iterator[NextRun]:
        for (_, limit, _), blocks in self.blocks.items():
            for block in blocks:
                for stretch in stretches(block.bits, limit, self.view):
                    location = self.targets[block.targets[0]].location
                    yield NextRun(targets=block.targets, location=location, stretch=stretch)

    # -- the end ----------------------------------------------------------------------------------------------------------

    def has_open_work(self) -> bool:
        """Whether runs are under way that may make more possible."""
        return any(not sets.in_progress.is_empty for sets in self.sets.values())

    def leave_out_rest(self) -> None:
        """Nothing is under way and nothing can begin: the partitions that are left wait for each other."""
        for target in self.facts.targets:
            self._leave_out([target], self.sets[target.name].open, CIRCLE)


def _units_in_order(targets: Iterable[BackfillTarget]) -> list[list[BackfillTarget]]:
    """Targets that are always made together, those that others need first."""
    members: dict[str, list[BackfillTarget]] = defaultdict(list)
    unit_of = {}
    for target in targets:
        unit = target.unit or target.name
        if members[unit] and not _are_kindred(target, members[unit][0]):
            unit = target.name
        members[unit].append(target)
        unit_of[target.name] = unit
    above: dict[str, set[str]] = {
        unit: {
            unit_of[dep.name]
            for target in group
            for dep in target.deps
            if dep.name in unit_of and unit_of[dep.name] != unit
        }
        for unit, group in members.items()
        if group
    }
    try:
        order = list(TopologicalSorter(above).static_order())
    except CycleError:
        order = list(above)
    return [members[unit] for unit in order]


def _are_kindred(one: BackfillTarget, other: BackfillTarget) -> bool:
    """Whether one run can make both for the same partitions."""
    return one.location == other.location and one.limit == other.limit and is_one_spec(one.spec, other.spec)


def _is_same_key(dep: BackfillDep, target: BackfillTarget) -> bool:
    """Whether a partition needs just the one with the same key."""
    if not is_one_spec(dep.spec, target.spec):
        return False
    match dep.mapping:
        case Identity():
            return True
        case TimeWindowMapping(start_offset=start, end_offset=end):
            return start == 0 == end
        case _:
            return target.spec is None
