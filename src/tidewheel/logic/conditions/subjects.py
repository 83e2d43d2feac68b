"""Everything that conditions are about: assets, checks and jobs of all code locations as one graph.

A *subject* is one of them; a *target* is a subject with a condition. Levels order an evaluation: a subject is
evaluated after all it depends on, and the checks of an asset before the asset's children (so that a check's request
is seen by them, F10).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, Literal, NamedTuple, Optional, TypeVar

import msgspec

from tidewheel.logic.conditions import codec
from tidewheel.logic.conditions.errors import ConditionError
from tidewheel.logic.conditions.nodes import Condition
from tidewheel.logic.graph.specs import AssetNode, CheckNode, JobNode, LocationSnapshot
from tidewheel.logic.partitions.definitions import PartitionsSpec
from tidewheel.logic.partitions.mappings import PartitionMapping, default_mapping

T = TypeVar("T")
Kind = Literal["asset", "check", "job"]


class Key(NamedTuple):
    """The identity of a subject: its kind and wire text (`a/b`, `a/b:check`, a job's name)."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        """The name, jobs marked as such."""
        return f"job {self.name}" if self.kind == "job" else self.name


class Hop(NamedTuple):
    """One step of a relation between partitions: how `down` depends on `up`."""

    mapping: PartitionMapping
    down: Optional[PartitionsSpec]
    up: Optional[PartitionsSpec]


class Dep(NamedTuple):
    """A subject upstream, and the steps to it, from the dependent one on (several through virtual assets)."""

    key: Key
    path: tuple[Hop, ...]


class Subject(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One asset, check or job.

    `deps`: what it depends on (a check: its asset first; a job: its root assets). `checks`: an asset's checks.
    `siblings`: assets always made together with it. `asset_kind` is that of `AssetNode`, or `undeclared`.
    """

    key: Key
    location: str
    partitions: Optional[PartitionsSpec] = None
    deps: tuple[Dep, ...] = ()
    checks: tuple[Key, ...] = ()
    siblings: tuple[Key, ...] = ()
    asset_kind: str = ""
    asset_spec: Optional[AssetNode] = None
    is_virtual: bool = False
    blocking: bool = False
    code_version: Optional[str] = None
    condition: Optional[Condition] = None
    level: int = 0


class ConditionGraph:
    """All subjects, who depends on whom, and what could not be read. Immutable; caches fill as questions come."""

    def __init__(self, subjects: Mapping[Key, Subject], problems: Mapping[Key, str] | None = None) -> None:
        self.subjects = dict(subjects)
        self.problems = dict(problems or {})
        self._known: dict[object, Any] = {}

    def __getitem__(self, key: Key) -> Subject:
        """The subject of a key; raises ConditionError if there is none."""
        found = self.subjects.get(key)
        if found is None:
            raise ConditionError(
                f"condition: expected an {key.kind} that exists, got {key.name!r}; "
                "correct the name, or remove the operand that names it"
            )
        return found

    def once(self, question: object, answer: Callable[[], T]) -> T:
        """The answer to a question about this graph, worked out the first time it is asked."""
        if question not in self._known:
            self._known[question] = answer()
        return self._known[question]  # type: ignore[no-any-return]

    def condition_identity(self, key: Key) -> str:
        """What tells a target's condition from others; empty without one."""
        condition = self[key].condition
        if condition is None:
            return ""
        return self.once(("identity", id(condition)), lambda: codec.identity_of(condition))

    @cached_property
    def dependents(self) -> Mapping[Key, tuple[Key, ...]]:
        """Who depends directly on each subject (itself excluded)."""
        found: dict[Key, list[Key]] = defaultdict(list)
        for subject in self.subjects.values():
            for key in dict.fromkeys(dep.key for dep in subject.deps):
                if key != subject.key:
                    found[key].append(subject.key)
        return {key: tuple(keys) for key, keys in found.items()}

    @cached_property
    def targets(self) -> tuple[Key, ...]:
        """All subjects with a condition, in order of evaluation."""
        return self.in_order(
            key for key, one in self.subjects.items() if one.condition is not None or key in self.problems
        )

    def in_order(self, keys: Iterable[Key]) -> tuple[Key, ...]:
        """Keys in order of evaluation: by level, then by kind and name."""
        return tuple(sorted(keys, key=lambda key: (self.subjects[key].level, key)))

    def child_assets(self, key: Key) -> tuple[Key, ...]:
        """The assets that depend directly on one."""
        return tuple(one for one in self.dependents.get(key, ()) if one.kind == "asset")


def build_graph(locations: Iterable[LocationSnapshot]) -> ConditionGraph:
    """The graph of all code locations. A condition that cannot be read is a problem of its target alone (F8)."""
    owners = _owners(locations)
    problems: dict[Key, str] = {}
    specs = _Specs({key: node.partitions for key, (_, node) in owners.items()})
    subjects: dict[Key, Subject] = {}
    trees: dict[bytes, Condition] = {}
    for key, (location, node) in owners.items():
        condition = _decoded(key, node.condition, trees, problems)
        if isinstance(node, AssetNode):
            subjects[key] = _asset(key, location, node, condition, specs)
        elif isinstance(node, CheckNode):
            subjects[key] = _check(key, location, node, condition, specs)
        else:
            subjects[key] = _job(key, location, node, condition, owners, specs)
    for subject in list(subjects.values()):
        for dep in subject.deps:
            if dep.key not in subjects:
                subjects[dep.key] = Subject(key=dep.key, location="", asset_kind="undeclared")
    for key, checks in _checks_by_asset(subjects).items():
        subjects[key] = msgspec.structs.replace(subjects[key], checks=checks)
    levels = _levels(subjects)
    return ConditionGraph(
        {key: msgspec.structs.replace(one, level=levels[key]) for key, one in subjects.items()}, problems
    )


def through_virtual(graph: ConditionGraph, deps: Iterable[Dep]) -> tuple[Dep, ...]:
    """The dependencies with virtual assets replaced by what these depend on."""
    found: list[Dep] = []
    waiting = list(deps)[::-1]
    while waiting:
        dep = waiting.pop()
        subject = graph[dep.key]
        if not subject.is_virtual:
            found.append(dep)
            continue
        above = [Dep(one.key, (*dep.path, *one.path)) for one in subject.deps if one.key != dep.key]
        waiting.extend(above[::-1])
    return tuple(found)


_Owner = tuple[str, AssetNode | CheckNode | JobNode]
_RANK = {"materializable": 0, "observable": 1}


def _owners(locations: Iterable[LocationSnapshot]) -> dict[Key, _Owner]:
    """Who defines each subject: of several locations the one that makes it, else the first by name."""
    owners: dict[Key, _Owner] = {}
    for location in sorted(locations, key=lambda one: one.name):
        found: list[tuple[Key, AssetNode | CheckNode | JobNode]] = []
        found.extend((Key("asset", node.key), node) for node in location.assets)
        found.extend((Key("check", f"{node.asset}:{node.name}"), node) for node in location.checks)
        found.extend((Key("job", node.name), node) for node in location.jobs if node.condition is not None)
        for key, node in found:
            known = owners.get(key)
            if known is None or _rank(node) < _rank(known[1]):
                owners[key] = (location.name, node)
    return owners


def _rank(node: AssetNode | CheckNode | JobNode) -> int:
    return _RANK.get(node.kind, 2) if isinstance(node, AssetNode) else 0


def _decoded(
    key: Key, data: bytes | None, trees: dict[bytes, Condition], problems: dict[Key, str]
) -> Condition | None:
    """The condition of a stored form; equal forms give the very same tree, which targets then share."""
    if data is None:
        return None
    try:
        if data not in trees:
            trees[data] = codec.decode(data)
        return trees[data]
    except ConditionError as reason:
        problems[key] = str(reason)
        return None


class _Specs:
    """The partitions of all subjects, and the dependencies between them; what is equal is made once and shared."""

    def __init__(self, partitions: Mapping[Key, Optional[PartitionsSpec]]) -> None:
        self._partitions = partitions
        self._paths: dict[Hop, tuple[Hop, ...]] = {}
        self._keys = {key: key for key in partitions}
        self._deps: dict[tuple[Key, int], Dep] = {}

    def dep(self, key: Key, mapping: PartitionMapping | None, down: PartitionsSpec | None) -> Dep:
        """A dependency on a subject; without a mapping the default one."""
        up = self._partitions.get(key)
        hop = Hop(mapping or default_mapping(down, up), down, up)
        path = self._paths.setdefault(hop, (hop,))
        name = (self._keys.setdefault(key, key), id(path))
        found = self._deps.get(name)
        if found is None:
            found = self._deps[name] = Dep(name[0], path)
        return found


def _asset(key: Key, location: str, node: AssetNode, condition: Condition | None, specs: _Specs) -> Subject:
    return Subject(
        key=key,
        location=location,
        partitions=node.partitions,
        deps=tuple(specs.dep(Key("asset", one.asset), one.mapping, node.partitions) for one in node.deps),
        siblings=tuple(Key("asset", one) for one in node.required_siblings if one != node.key),
        asset_kind=node.kind,
        asset_spec=node,
        is_virtual=node.is_virtual,
        code_version=node.code_version,
        condition=condition,
    )


def _check(key: Key, location: str, node: CheckNode, condition: Condition | None, specs: _Specs) -> Subject:
    upstream = dict.fromkeys((node.asset, *node.deps))
    return Subject(
        key=key,
        location=location,
        partitions=node.partitions,
        deps=tuple(specs.dep(Key("asset", one), None, node.partitions) for one in upstream),
        blocking=node.blocking,
        condition=condition,
    )


def _job(
    key: Key,
    location: str,
    node: JobNode,
    condition: Condition | None,
    owners: Mapping[Key, _Owner],
    specs: _Specs,
) -> Subject:
    inside = {Key("asset", one) for one in node.assets}
    roots = [one for one in sorted(inside) if not _parents(owners, one) & (inside - {one})]
    return Subject(
        key=key,
        location=location,
        partitions=node.partitions,
        deps=tuple(specs.dep(one, None, node.partitions) for one in roots),
        condition=condition,
    )


def _parents(owners: Mapping[Key, _Owner], key: Key) -> set[Key]:
    node = owners[key][1] if key in owners else None
    return {Key("asset", dep.asset) for dep in node.deps} if isinstance(node, AssetNode) else set()


def _checks_by_asset(subjects: Mapping[Key, Subject]) -> dict[Key, tuple[Key, ...]]:
    found: dict[Key, list[Key]] = defaultdict(list)
    for key in sorted(subjects):
        if key.kind == "check":
            found[subjects[key].deps[0].key].append(key)
    return {key: tuple(checks) for key, checks in found.items()}


def _levels(subjects: Mapping[Key, Subject]) -> dict[Key, int]:
    """The longest way to each subject. What is part of a circle is put after all others, together."""
    above: dict[Key, set[Key]] = {}
    for key, subject in subjects.items():
        own = {dep.key for dep in subject.deps if dep.key != key}
        if key.kind == "asset":
            # a check that depends on further assets may itself depend on children of its asset: it is not waited for
            own |= {check for dep in own for check in subjects[dep].checks if len(subjects[check].deps) == 1}
        above[key] = own
    below: dict[Key, list[Key]] = defaultdict(list)
    for key, keys in above.items():
        for one in keys:
            below[one].append(key)
    left = {key: len(keys) for key, keys in above.items()}
    levels = {key: 0 for key, number in left.items() if not number}
    ready = list(levels)
    while ready:
        key = ready.pop()
        for one in below[key]:
            levels[one] = max(levels.get(one, 0), levels[key] + 1)
            left[one] -= 1
            if not left[one]:
                ready.append(one)
    last = 1 + max((levels[key] for key, number in left.items() if not number), default=0)
    return {key: last if left[key] else levels[key] for key in subjects}
