"""From what conditions request to runs and backfills.

The rule (semantics C58 to C62):

* Targets of one location that want the same key of the same partitions definition (or are unpartitioned) share a run.
* An asset that wants several partitions gets a backfill, together with all requested assets it is connected to.
* What is always made together is requested together. Checks ride along with their asset, unless they have a condition
  of their own and were not requested.
* Where one run needs what another one makes (an offset mapping, an unpartitioned parent of a partition), a backfill keeps
  the order; without backfills the runs say what they wait for (F11).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, Optional

import msgspec

from tidewheel.logic.conditions.nodes import RunOptions
from tidewheel.logic.conditions.relations import up_along
from tidewheel.logic.conditions.rewrite import options_of
from tidewheel.logic.conditions.subjects import ConditionGraph, Key
from tidewheel.logic.partitions.codec import fingerprint
from tidewheel.logic.partitions.definitions import PartitionView
from tidewheel.logic.partitions.keys import key_of
from tidewheel.logic.partitions.sets import PartitionSet, from_ordinals, nothing

IMPLICIT_ASSET_JOB = "__ASSET_JOB"


class WantedRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run to make: assets and checks as wire texts, for one partition or none.

    Of the implicit asset job, or of a job with a condition (then without a selection). `after`: the positions of runs
    of the same decision that have to end first.
    """

    location: str
    job_name: str = IMPLICIT_ASSET_JOB
    assets: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    partition: Optional[str] = None
    options: RunOptions = RunOptions()
    after: tuple[int, ...] = ()


class WantedBackfill(msgspec.Struct, frozen=True, kw_only=True):
    """A backfill to make: the partitions of each asset (all of it, if it is not partitioned), in order of levels."""

    location: str
    partitions: tuple[tuple[str, PartitionSet], ...]
    checks: tuple[str, ...] = ()
    options: RunOptions = RunOptions()


class WantedWork(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one evaluation asks for."""

    runs: tuple[WantedRun, ...] = ()
    backfills: tuple[WantedBackfill, ...] = ()


def decide_work(
    graph: ConditionGraph,
    requested: Mapping[Key, PartitionSet],
    view: PartitionView,
    *,
    emit_backfills: bool = True,
) -> WantedWork:
    """The runs and backfills for some requests."""
    one = _Grouping(graph, _with_siblings(graph, requested), view)
    wide = one.wide_groups() if emit_backfills else []
    backfilled = {key for group in wide for key in group}
    assets = [key for key in one.wanted if key.kind == "asset" and key not in backfilled]
    runs = one.runs(graph.in_order(assets))
    runs += one.job_runs()
    return WantedWork(runs=tuple(runs), backfills=tuple(one.backfill(group) for group in wide))


class _RunKey(NamedTuple):
    """What targets have in common that share a run. `apart`: set where they must not."""

    location: str
    definition: str
    ordinal: int
    options: RunOptions
    apart: str = ""


class _Grouping:
    """The requests of one evaluation, and how they hang together."""

    def __init__(
        self, graph: ConditionGraph, wanted: Mapping[Key, PartitionSet], view: PartitionView
    ) -> None:
        self.graph = graph
        self.wanted = dict(wanted)
        self.view = view
        self.split: set[Key] = set()

    # -- backfills -------------------------------------------------------------------------------------------------------

    def wide_groups(self) -> list[list[Key]]:
        """The connected requested assets of which one wants several partitions, or needs another run's result."""
        groups = []
        for group in self.connected():
            several = any(len(self.wanted[key]) > 1 for key in group)
            if several or any(True for key in group for _ in self.needed_elsewhere(key)):
                groups.append(group)
        return groups

    def connected(self) -> Iterator[list[Key]]:
        """The requested assets by location and connection, each group in order of levels."""
        left = {key for key in self.wanted if key.kind == "asset"}
        for start in self.graph.in_order(left):
            if start not in left:
                continue
            left.discard(start)
            group, edge = {start}, [start]
            while edge:
                key = edge.pop()
                near = [dep.key for dep in self.graph[key].deps]
                near += [*self.graph.child_assets(key), *self.graph[key].siblings]
                for one in near:
                    if one in left and self.graph[one].location == self.graph[start].location:
                        left.discard(one)
                        group.add(one)
                        edge.append(one)
            yield list(self.graph.in_order(group))

    def backfill(self, group: list[Key]) -> WantedBackfill:
        """The backfill of a group."""
        checks = {check: None for key in group for check in self.riding_checks(key)}
        return WantedBackfill(
            location=self.graph[group[0]].location,
            partitions=tuple((key.name, self.wanted[key]) for key in group),
            checks=tuple(sorted(check.name for check in checks)),
            options=_joined_options(options_of(self.graph[key].condition) for key in group),
        )

    # -- runs ------------------------------------------------------------------------------------------------------------

    def runs(self, assets: Iterable[Key]) -> list[WantedRun]:
        """The runs of some assets, and of the checks that no other run takes along."""
        self.split_groups()
        members: dict[_RunKey, list[Key]] = defaultdict(list)
        place: dict[tuple[Key, int], _RunKey] = {}
        for key in assets:
            for ordinal in self.wanted[key]:
                run = self.run_key(key, ordinal)
                members[run].append(key)
                place[(key, ordinal)] = run
        covered = {check for key in self.wanted if key.kind == "asset" for check in self.riding_checks(key)}
        for key in self.graph.in_order(one for one in self.wanted if one.kind == "check"):
            if key not in covered:
                for ordinal in self.wanted[key]:
                    members[self.run_key(key, ordinal)].append(key)
        order = list(members)
        waits = self.waits(place)
        return [
            self.run(run, members[run], tuple(sorted(order.index(one) for one in waits.get(run, ()))))
            for run in order
        ]

    def split_groups(self) -> None:
        """Find the assets that get runs of their own, so that runs can wait for each other without a circle."""
        for group in self.connected():
            if any(True for key in group for _ in self.needed_elsewhere(key)):
                self.split.update(group)

    def run_key(self, key: Key, ordinal: int) -> _RunKey:
        subject = self.graph[key]
        options = options_of(subject.condition)
        together = not options.alone and key not in self.split
        apart = "" if together else min((key, *subject.siblings)).name
        return _RunKey(subject.location, fingerprint(subject.partitions), ordinal, options, apart)

    def run(self, run: _RunKey, members: list[Key], after: tuple[int, ...]) -> WantedRun:
        assets = [key for key in members if key.kind == "asset"]
        checks = {check: None for key in assets for check in self.riding_checks(key)}
        checks.update({key: None for key in members if key.kind == "check"})
        spec = self.graph[members[0]].partitions
        return WantedRun(
            location=run.location,
            assets=tuple(key.name for key in assets),
            checks=tuple(sorted(check.name for check in checks)),
            partition=None if spec is None else key_of(spec, run.ordinal, self.view),
            options=run.options,
            after=after,
        )

    def job_runs(self) -> list[WantedRun]:
        """One run of the whole job for each partition that a job wants."""
        runs = []
        for key in self.graph.in_order(one for one in self.wanted if one.kind == "job"):
            subject = self.graph[key]
            for ordinal in self.wanted[key]:
                spec = subject.partitions
                runs.append(
                    WantedRun(
                        location=subject.location,
                        job_name=key.name,
                        partition=None if spec is None else key_of(spec, ordinal, self.view),
                        options=options_of(subject.condition),
                    )
                )
        return runs

    def riding_checks(self, asset: Key) -> list[Key]:
        """The checks that run with an asset: those without a condition, and the requested ones (C62)."""
        return [
            key for key in self.graph[asset].checks if self.graph[key].condition is None or key in self.wanted
        ]

    # -- order -----------------------------------------------------------------------------------------------------------

    def needed_elsewhere(self, key: Key) -> Iterator[tuple[int, Key, PartitionSet]]:
        """For each wanted partition of an asset: requested inputs of it that a run for its key would not make."""
        subject = self.graph[key]
        for dep in subject.deps:
            theirs = self.wanted.get(dep.key)
            if theirs is None:
                continue
            same = self.graph[dep.key].partitions == subject.partitions
            for ordinal in self.wanted[key]:
                mine = self.one(key, ordinal)
                needed = up_along(dep.path, mine, self.view) & theirs
                if same:
                    needed = needed - self.one(dep.key, ordinal)
                if needed:
                    yield ordinal, dep.key, needed

    def waits(self, place: Mapping[tuple[Key, int], _RunKey]) -> dict[_RunKey, set[_RunKey]]:
        """Which runs have to end before others."""
        found: dict[_RunKey, set[_RunKey]] = defaultdict(set)
        for key, ordinal in place:
            subject = self.graph[key]
            for dep in subject.deps:
                theirs = self.wanted.get(dep.key)
                if theirs is None:
                    continue
                for needed in up_along(dep.path, self.one(key, ordinal), self.view) & theirs:
                    before, after = place.get((dep.key, needed)), place[(key, ordinal)]
                    if before is not None and before != after:
                        found[after].add(before)
        return found

    def one(self, key: Key, ordinal: int) -> PartitionSet:
        spec = self.graph[key].partitions
        return self.wanted[key] if spec is None else from_ordinals(spec, [ordinal])


def _with_siblings(graph: ConditionGraph, requested: Mapping[Key, PartitionSet]) -> dict[Key, PartitionSet]:
    """The requests with what is always made together with them (C61)."""
    wanted: dict[Key, PartitionSet] = {}
    for key, members in requested.items():
        subject = graph[key]
        for one in (key, *subject.siblings):
            if members and graph[one].partitions == subject.partitions:
                wanted[one] = wanted.get(one, nothing(subject.partitions)) | members
    return wanted


def _joined_options(options: Iterable[RunOptions]) -> RunOptions:
    """The options of a backfill of several assets: all tags, the highest priority, the smallest size; the first config."""
    found = list(dict.fromkeys(options))
    tags: dict[str, str] = {}
    for one in found:
        tags.update(one.tags)
    sizes = [one.max_partitions for one in found if one.max_partitions is not None]
    return RunOptions(
        tags=tuple(sorted(tags.items())),
        priority=max((one.priority for one in found), default=0),
        run_config=next((one.run_config for one in found if one.run_config), ""),
        max_partitions=min(sizes, default=None),
        alone=any(one.alone for one in found),
    )
