"""Decides whether what was made of assets still is what their code and inputs give, and names the causes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, Optional

import msgspec

from tidewheel.logic.graph.specs import AssetNode
from tidewheel.values.tags import CODE_VERSION, DATA_VERSION, INPUT_DATA_VERSION_PREFIX

Category = Literal["CODE", "DATA", "DEPENDENCIES"]
Status = Literal["MISSING", "STALE", "FRESH"]


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """The newest event that made (or, of an asset from outside, observed) an asset: its id in the log, and its tags."""

    event_id: int
    tags: Mapping[str, str] = {}


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """One cause; ``dependency``: the upstream asset that it is about."""

    category: Category
    reason: str
    dependency: Optional[str] = None


class Staleness(msgspec.Struct, frozen=True, kw_only=True):
    """MISSING: never made. STALE: there are causes to make it again. FRESH: there are none."""

    status: Status = "FRESH"
    causes: tuple[Cause, ...] = ()


def decide_staleness(
    node: AssetNode, made: Mapping[str, Made], upstream: Mapping[str, Staleness]
) -> Staleness:
    """The state of one asset. ``made`` has it and what it is made of; ``upstream`` has the state of the latter.

    What is not in ``made`` was never made; what is not in ``upstream`` is taken as fresh.
    """
    own = made.get(node.key)
    if own is None:
        return Staleness(status="MISSING")
    if node.kind == "external":
        return Staleness()
    causes = tuple(_causes(node, own, made, upstream))
    return Staleness(status="STALE" if causes else "FRESH", causes=causes)


def _causes(
    node: AssetNode, own: Made, made: Mapping[str, Made], upstream: Mapping[str, Staleness]
) -> Iterator[Cause]:
    known_code = own.tags.get(CODE_VERSION)
    if node.code_version is not None and known_code != node.code_version:
        yield Cause(category="CODE", reason="has a new code version")
    names = list(dict.fromkeys(dep.asset for dep in node.deps if dep.asset != node.key))
    for name in names:
        if upstream.get(name, Staleness()).status == "STALE":
            yield Cause(category="DATA", reason="an upstream asset is stale", dependency=name)
        elif name in made:
            used = own.tags.get(INPUT_DATA_VERSION_PREFIX + name)
            yield from _input_causes(name, own, made[name], used)
    for tag in own.tags:
        name = tag.removeprefix(INPUT_DATA_VERSION_PREFIX)
        if name != tag and name not in names and name != node.key:
            yield Cause(category="DEPENDENCIES", reason="a dependency was removed", dependency=name)


def _input_causes(name: str, own: Made, parent: Made, used: str | None) -> Iterator[Cause]:
    current = parent.tags.get(DATA_VERSION)
    if used is not None and current is not None:
        if used != current:
            yield Cause(category="DATA", reason="an input has a new data version", dependency=name)
    elif parent.event_id > own.event_id:  # without versions, only the order tells
        yield Cause(category="DATA", reason="an input was made again since", dependency=name)
