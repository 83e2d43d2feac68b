"""Carries sets of partitions from one subject to another, along the dependencies between them."""

from __future__ import annotations

from collections.abc import Sequence

from tidewheel.logic.conditions.evidence import Answer
from tidewheel.logic.conditions.nodes import AllChecks, AllDeps, AnyChecks, AnyDeps
from tidewheel.logic.conditions.selecting import selected_assets, selected_checks
from tidewheel.logic.conditions.selections import Selection
from tidewheel.logic.conditions.subjects import ConditionGraph, Dep, Hop, Key, Subject, through_virtual
from tidewheel.logic.partitions import projection
from tidewheel.logic.partitions.definitions import PartitionView
from tidewheel.logic.partitions.mappings import Identity, TimeWindowMapping, default_mapping
from tidewheel.logic.partitions.sets import PartitionSet, existing, nothing

Path = tuple[Hop, ...]
"""Steps from a subject up to one that it depends on; the first hop is the subject's own dependency."""


def down_along(path: Path, up: PartitionSet, view: PartitionView) -> PartitionSet:
    """The existing partitions at the lower end of a path that need one of `up`."""
    for hop in reversed(path):
        up = _down(hop, up, view)
    return up


def up_along(path: Path, down: PartitionSet, view: PartitionView) -> PartitionSet:
    """The existing partitions at the upper end of a path that those of `down` need."""
    for hop in path:
        down = projection.upstream(hop.mapping, down, hop.up, view).existing
    return down


def answer_down(path: Path, answer: Answer, view: PartitionView) -> Answer:
    """An answer about the upper end of a path as one about the lower end, with its evidence."""
    if not answer.layers:
        true = down_along(path, answer.true, view)
        return Answer(true, true)
    return Answer(
        down_along(path, answer.true, view),
        down_along(path, answer.weak, view),
        tuple((stamp, down_along(path, covered, view)) for stamp, covered in answer.layers),
    )


def answer_up(path: Path, answer: Answer, view: PartitionView) -> Answer:
    """An answer about the lower end of a path as one about the upper end, with its evidence."""
    return Answer(
        up_along(path, answer.true, view),
        up_along(path, answer.weak, view),
        tuple((stamp, up_along(path, covered, view)) for stamp, covered in answer.layers),
    )


def between(of: Subject, to: Subject) -> tuple[Path, bool]:
    """How to carry sets of one subject to another: a path, and whether it is to be walked up.

    Along the dependency if one depends on the other, else as a dependency without a mapping would do.
    """
    for dep in to.deps:
        if dep.key == of.key:
            return dep.path, False
    for dep in of.deps:
        if dep.key == to.key:
            return dep.path, True
    return (Hop(default_mapping(to.partitions, of.partitions), to.partitions, of.partitions),), False


def answer_between(of: Subject, to: Subject, answer: Answer, view: PartitionView) -> Answer:
    """An answer about one subject as one about another."""
    if of.key == to.key:
        return answer
    path, upwards = between(of, to)
    return answer_up(path, answer, view) if upwards else answer_down(path, answer, view)


def deps_for(node: AnyDeps | AllDeps, subject: Subject, graph: ConditionGraph) -> Sequence[Dep]:
    """The dependencies that an operator looks at, after `allow`, `ignore` and virtual assets."""
    deps: Sequence[Dep] = subject.deps
    if node.through_virtual:
        deps = through_virtual(graph, deps)
    if node.allow is not None:
        allowed = _chosen(node.allow, graph)
        deps = [dep for dep in deps if dep.key in allowed]
    if node.ignore is not None:
        ignored = _chosen(node.ignore, graph)
        deps = [dep for dep in deps if dep.key not in ignored]
    return deps


def checks_for(node: AnyChecks | AllChecks, subject: Subject, graph: ConditionGraph) -> Sequence[Key]:
    """The checks that an operator looks at, after `blocking_only`, `allow` and `ignore`."""
    checks: Sequence[Key] = subject.checks
    if node.blocking_only:
        checks = [key for key in checks if graph[key].blocking]
    if node.allow is not None:
        allowed = _chosen_checks(node.allow, graph)
        checks = [key for key in checks if key in allowed]
    if node.ignore is not None:
        ignored = _chosen_checks(node.ignore, graph)
        checks = [key for key in checks if key not in ignored]
    return checks


def can_run_together(root: Subject, subject: Subject, path: Path | None) -> bool:
    """Whether a run for one partition key can make both (C21): one location, one definition, kindred keys.

    `path` leads from the root to the subject where it is known; mappings other than identity and time windows
    would need other keys in the same run.
    """
    if root.key == subject.key or root.location != subject.location or root.partitions != subject.partitions:
        return False
    if subject.key.kind == "asset" and subject.asset_kind != "materializable":
        return False
    return all(isinstance(hop.mapping, Identity | TimeWindowMapping) for hop in path or ())


def _chosen(selection: Selection, graph: ConditionGraph) -> frozenset[Key]:
    return graph.once(("assets", selection), lambda: selected_assets(selection, graph))


def _chosen_checks(selection: Selection, graph: ConditionGraph) -> frozenset[Key]:
    return graph.once(("checks", selection), lambda: selected_checks(selection, graph))


def _down(hop: Hop, up: PartitionSet, view: PartitionView) -> PartitionSet:
    if not up:
        return nothing(hop.down)
    if isinstance(hop.mapping, Identity) and hop.down is hop.up:
        return existing(up, view)
    return projection.downstream(hop.mapping, up, hop.down, view)
