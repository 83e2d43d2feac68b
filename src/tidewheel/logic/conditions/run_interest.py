"""What conditions ask of the runs behind a subject's partitions: runs that differ in nothing else count as one.

A million partitions were made by a million runs, but what is asked of a run ("did it have this tag", "was it to make me
too") has few answers. Kept by these answers, the runs behind all partitions are a handful of sets.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import msgspec

from tidewheel.logic.conditions.errors import ConditionError
from tidewheel.logic.conditions.expansion import expanded
from tidewheel.logic.conditions.facts import RunRef
from tidewheel.logic.conditions.nodes import Condition, ExecutedWithRootTarget, ExecutedWithTags
from tidewheel.logic.conditions.reads import reads_of, visits
from tidewheel.logic.conditions.rewrite import walk
from tidewheel.logic.conditions.subjects import ConditionGraph, Key

Likeness = tuple[frozenset[tuple[str, str]], frozenset[Key], str]
"""Runs with the same one are the same to all conditions: tags, targets, job."""

OTHER_VALUE = "\x00"
"""Stands for a tag's value that no condition names."""


class RunInterest(msgspec.Struct):
    """Which tags (their presence, their values), targets and jobs of runs are asked for."""

    tag_keys: set[str] = msgspec.field(default_factory=set)
    tag_values: set[tuple[str, str]] = msgspec.field(default_factory=set)
    targets: set[Key] = msgspec.field(default_factory=set)

    def likeness_of(self, run: RunRef) -> Likeness:
        """What is asked of a run."""
        tags = [pair for pair in self.tag_values if run.tags.get(pair[0]) == pair[1]]
        named = {key for key, _ in tags}
        tags += [(key, OTHER_VALUE) for key in self.tag_keys - named if key in run.tags]
        is_asked_job = any(key.kind == "job" and key.name == run.job_name for key in self.targets)
        return frozenset(tags), run.targets & self.targets, run.job_name if is_asked_job else ""


def run_of(likeness: Likeness) -> RunRef:
    """Any run with this likeness."""
    tags, targets, job_name = likeness
    return RunRef(run_id="", tags=dict(tags), targets=targets, job_name=job_name)


def run_interests(
    graph: ConditionGraph, targets: Iterable[Key], wanted: Collection[Key]
) -> dict[Key, RunInterest]:
    """What targets' conditions ask of the runs behind all partitions of the `wanted` subjects."""
    found = {key: RunInterest() for key in wanted}
    if not found:
        return found
    for target in targets:
        if target in graph.problems:
            continue
        try:
            if _may_ask(graph, target, found):
                _add(found, graph, target)
        except ConditionError:
            continue  # it names an asset that does not exist: its evaluation says so
    return found


def _may_ask(graph: ConditionGraph, target: Key, wanted: Collection[Key]) -> bool:
    condition = expanded(graph[target], graph)
    asks, is_far = graph.once(
        ("asks of runs", id(condition)), lambda: (_asks(condition), reads_of(condition).is_far)
    )
    return asks and (is_far or target in wanted or any(dep.key in wanted for dep in graph[target].deps))


def _asks(condition: Condition) -> bool:
    return any(isinstance(node, ExecutedWithRootTarget | ExecutedWithTags) for node in walk(condition))


def _add(found: Mapping[Key, RunInterest], graph: ConditionGraph, target: Key) -> None:
    for node, subject in visits(graph, target):
        interest = found.get(subject.key)
        if interest is None:
            continue
        match node:
            case ExecutedWithTags(tag_keys=keys, tag_values=values):
                interest.tag_keys.update(keys)
                interest.tag_values.update(values)
            case ExecutedWithRootTarget():
                interest.targets.add(target)
