"""Resolves a selection against the graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import assert_never

from tidewheel.logic.conditions.selections import (
    AllAssets,
    AllOf,
    AnyOf,
    Checks,
    ChecksOf,
    Downstream,
    ExternalParents,
    Groups,
    KeyPattern,
    KeyPrefixes,
    Keys,
    KeySubstring,
    Less,
    Materializable,
    OfKind,
    OwnedBy,
    Roots,
    Selection,
    Siblings,
    Sinks,
    Tagged,
    Upstream,
)
from tidewheel.logic.conditions.subjects import ConditionGraph, Key, Subject
from tidewheel.logic.graph.specs import AssetNode
from tidewheel.values.keys import split_user_string

Keyset = frozenset[Key]


def selected_assets(selection: Selection, graph: ConditionGraph) -> Keyset:
    """The assets that a selection means; names that do not exist are left out."""
    match selection:
        case AllAssets(include_external=wide):
            return _matching(graph, wide, lambda _: True)
        case Keys(keys=keys):
            return frozenset(key for key in map(_asset_key, keys) if key in graph.subjects)
        case KeyPattern(pattern=pattern):
            escaped = pattern.replace("[", "[[]").replace("?", "[?]")
            return frozenset(
                key
                for key in graph.subjects
                if key.kind == "asset" and fnmatchcase("/".join(split_user_string(key.name)), escaped)
            )
        case KeyPrefixes(prefixes=prefixes, include_external=wide):
            return _matching(
                graph, wide, lambda node: any(_parts(node)[: len(prefix)] == prefix for prefix in prefixes)
            )
        case KeySubstring(text=text, include_external=wide):
            return _matching(graph, wide, lambda node: text in "/".join(_parts(node)))
        case Groups(groups=groups, include_external=wide):
            return _matching(graph, wide, lambda node: node.group in groups)
        case Tagged(key=tag, value=value, include_external=wide):
            return _matching(graph, wide, lambda node: node.tags.get(tag) == value)
        case OwnedBy(owner=owner):
            return _matching(
                graph, False, lambda node: not node.owners if owner is None else owner in node.owners
            )
        case OfKind(kind=kind, include_external=wide):
            return _matching(graph, wide, lambda node: not node.kinds if kind is None else kind in node.kinds)
        case ChecksOf() | Checks():
            return frozenset()
        case AnyOf(operands=operands):
            return frozenset().union(*(selected_assets(one, graph) for one in operands))
        case AllOf(operands=operands):
            return frozenset.intersection(*(selected_assets(one, graph) for one in operands))
        case Less(left=left, right=right):
            return selected_assets(left, graph) - selected_assets(right, graph)
        case _:
            return _related(selection, graph)


def selected_checks(selection: Selection, graph: ConditionGraph) -> Keyset:
    """The checks that a selection means; an asset brings all its checks."""
    match selection:
        case Checks(checks=checks):
            return frozenset(key for key in (Key("check", one) for one in checks) if key in graph.subjects)
        case ChecksOf(assets=None):
            return frozenset(key for key in graph.subjects if key.kind == "check")
        case ChecksOf(assets=assets):
            return _checks_of((_asset_key(one) for one in assets or ()), graph)
        case AnyOf(operands=operands):
            return frozenset().union(*(selected_checks(one, graph) for one in operands))
        case AllOf(operands=operands):
            return frozenset.intersection(*(selected_checks(one, graph) for one in operands))
        case Less(left=left, right=right):
            return selected_checks(left, graph) - selected_checks(right, graph)
        case _:
            return _checks_of(selected_assets(selection, graph), graph)


_Derived = Downstream | Upstream | Sinks | Roots | ExternalParents | Siblings | Materializable


def _related(selection: _Derived, graph: ConditionGraph) -> Keyset:
    of = selected_assets(selection.of, graph)
    match selection:
        case Downstream(depth=depth, include_self=include_self):
            found = _reachable(of, graph.child_assets, depth)
            return found if include_self else found - of
        case Upstream(depth=depth, include_self=include_self):
            found = _reachable(of, lambda key: _parents(graph, key), depth)
            found = found if include_self else found - of
            return frozenset(key for key in found if _is_made(graph.subjects[key]) or key in of)
        case Sinks():
            return frozenset(key for key in of if not (set(graph.child_assets(key)) - {key}) & of)
        case Roots():
            return frozenset(key for key in of if not (set(_parents(graph, key)) - {key}) & of)
        case ExternalParents():
            parents = {parent for key in of for parent in _parents(graph, key)}
            return frozenset(key for key in parents if not _is_made(graph.subjects[key]))
        case Siblings():
            return of.union(*(graph.subjects[key].siblings for key in of))
        case Materializable():
            return frozenset(key for key in of if _is_made(graph.subjects[key]))
        case _:
            assert_never(selection)


def _matching(graph: ConditionGraph, wide: bool, holds: Callable[[AssetNode], bool]) -> Keyset:
    return frozenset(
        key
        for key, subject in graph.subjects.items()
        if subject.asset_spec is not None and (wide or _is_made(subject)) and holds(subject.asset_spec)
    )


def _is_made(subject: Subject) -> bool:
    return subject.asset_kind == "materializable"


def _parts(node: AssetNode) -> tuple[str, ...]:
    return split_user_string(node.key)


def _parents(graph: ConditionGraph, key: Key) -> tuple[Key, ...]:
    return tuple(dep.key for dep in graph.subjects[key].deps)


def _reachable(start: Keyset, neighbours: Callable[[Key], Iterable[Key]], depth: int | None) -> Keyset:
    found, edge, level = set(start), set(start), 0
    while edge and (depth is None or level < depth):
        edge = {one for key in edge for one in neighbours(key)} - found
        found |= edge
        level += 1
    return frozenset(found)


def _checks_of(assets: Iterable[Key], graph: ConditionGraph) -> Keyset:
    return frozenset(check for key in assets if key in graph.subjects for check in graph.subjects[key].checks)


def _asset_key(text: str) -> Key:
    return Key("asset", text)
