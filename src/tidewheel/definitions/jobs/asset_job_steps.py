"""Which definitions a job over assets runs as steps: cut to the selection, and split where they wait for each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from tidewheel.definitions.assets.asset_graph import AssetGraph, circle_message, find_circle
from tidewheel.definitions.assets.asset_labels import describe_keys
from tidewheel.definitions.assets.definition import AssetsDefinition
from tidewheel.errors import CircularDependencyError, InvalidDefinitionError, InvalidSubsetError
from tidewheel.values.keys import AssetCheckKey, AssetKey

Entity = Any
"""An asset key or a check key."""


def select_steps(
    graph: AssetGraph, assets: AbstractSet[AssetKey], checks: AbstractSet[AssetCheckKey]
) -> list[AssetsDefinition]:
    """The definitions that make the selected assets and checks, each cut to them, in an order that works.

    Raises:
        InvalidDefinitionError: when a selected asset has no code here.
        InvalidSubsetError: when a definition cannot make some of its assets alone.
        CircularDependencyError: when steps wait for each other and cannot be split.
    """
    idle = [key for key in assets if not graph.nodes[key].is_executable]
    if idle:
        raise InvalidDefinitionError(
            f"expected selected assets to have code here, got {describe_keys(idle)}, made elsewhere; "
            "leave them out of the selection"
        )
    chosen = []
    for definition in graph.declared_defs:
        own_assets = definition.keys & assets if definition.is_executable else set()
        own_checks = set(definition.check_keys) & checks
        if own_assets or own_checks:
            chosen.append(_cut(definition, own_assets, own_checks))
    return split_circles(chosen)


def _cut(
    definition: AssetsDefinition, assets: AbstractSet[AssetKey], checks: AbstractSet[AssetCheckKey]
) -> AssetsDefinition:
    all_checks = set(definition.check_keys)
    if len(assets) == len(definition.keys) and checks == all_checks:
        return definition
    if not definition.can_subset:
        entities: list[AssetKey | AssetCheckKey] = [*(definition.keys - assets), *(all_checks - checks)]
        left = [key.to_user_string() for key in entities]
        raise InvalidSubsetError(
            f"expected everything that {definition.node_def.name!r} makes to be selected together, since it cannot be "
            f"subset, got a selection without {', '.join(repr(name) for name in sorted(left))}; select these too "
            "(AssetSelection.required_multi_asset_neighbors() does), or make it can_subset=True"
        )
    return definition.subset_for(assets, checks)


def parents_of(definition: AssetsDefinition) -> dict[Entity, set[AssetKey]]:
    """What each asset and check of a definition waits for."""
    found: dict[Entity, set[AssetKey]] = {
        spec.key: {dep.asset_key for dep in spec.deps if dep.asset_key != spec.key}
        for spec in definition.specs
    }
    for check in definition.check_specs:
        found[check.key] = {check.asset_key, *(dep.asset_key for dep in check.additional_deps)}
    return found


def split_circles(definitions: Sequence[AssetsDefinition]) -> list[AssetsDefinition]:
    """The definitions, those that wait for each other in a circle split into parts where they may be.

    Raises:
        CircularDependencyError: when that does not help; the message names the circle.
    """
    maker = {key: index for index, definition in enumerate(definitions) for key in definition.keys}
    waits: dict[int, set[int]] = {}
    for index, definition in enumerate(definitions):
        above = {maker[key] for keys in parents_of(definition).values() for key in keys if key in maker}
        waits[index] = above - {index}
    core = _core(waits)
    if not core:
        return list(definitions)
    outside = [definition for index, definition in enumerate(definitions) if index not in core]
    return outside + _batches([definitions[index] for index in sorted(core)])


def _core(waits: Mapping[int, AbstractSet[int]]) -> set[int]:
    """Those that are in a circle, or between two circles."""
    left = _without_ready(waits)
    followers: dict[int, set[int]] = {index: set() for index in left}
    for index in left:
        for above in waits[index]:
            if above in followers:
                followers[above].add(index)
    return _without_ready(followers)


def _without_ready(waits: Mapping[int, AbstractSet[int]]) -> set[int]:
    """What is left when everything that waits for nothing (any more) is taken away."""
    left = {index: set(above) & set(waits) for index, above in waits.items()}
    followers: dict[int, list[int]] = {}
    for index, above in left.items():
        for one in above:
            followers.setdefault(one, []).append(index)
    ready = [index for index, above in left.items() if not above]
    while ready:
        index = ready.pop()
        del left[index]
        for follower in followers.get(index, ()):
            if follower in left:
                left[follower].discard(index)
                if not left[follower]:
                    ready.append(follower)
    return set(left)


def _batches(definitions: Sequence[AssetsDefinition]) -> list[AssetsDefinition]:
    """Parts of definitions in an order in which each has all it waits for; whole definitions are preferred."""
    waits = [parents_of(definition) for definition in definitions]
    pending = {key for one in waits for key in one}
    made: list[AssetsDefinition] = []
    while any(waits):
        best: tuple[int, set[Entity]] | None = None
        for index, entities in enumerate(waits):
            ready = _ready(entities, pending)
            if entities and len(ready) == len(entities):
                best = (index, ready)
                break
            if ready and definitions[index].can_subset and best is None:
                best = (index, ready)
        if best is None:
            _refuse(definitions, waits)
        assert best is not None
        index, ready = best
        made.append(_part(definitions[index], ready))
        for entity in ready:
            del waits[index][entity]
        pending -= ready
    return made


def _ready(entities: Mapping[Entity, AbstractSet[AssetKey]], pending: AbstractSet[Entity]) -> set[Entity]:
    """Those whose parents are made, or are made by the same step."""
    ready: set[Entity] = set()
    grew = True
    while grew:
        grew = False
        for entity, parents in entities.items():
            if entity not in ready and not (parents & pending) - ready:
                ready.add(entity)
                grew = True
    return ready


def _part(definition: AssetsDefinition, entities: Iterable[Entity]) -> AssetsDefinition:
    assets = {one for one in entities if isinstance(one, AssetKey)}
    checks = {one for one in entities if isinstance(one, AssetCheckKey)}
    return definition.subset_for(assets, checks)


def _refuse(
    definitions: Sequence[AssetsDefinition], waits: Sequence[Mapping[Entity, AbstractSet[AssetKey]]]
) -> None:
    maker = {entity: index for index, entities in enumerate(waits) for entity in entities}
    by_name = {
        definitions[index].node_def.name: {
            definitions[maker[key]].node_def.name
            for keys in entities.values()
            for key in keys
            if key in maker and maker[key] != index
        }
        for index, entities in enumerate(waits)
        if entities
    }
    parents = {entity: set(keys) for entities in waits for entity, keys in entities.items()}
    by_asset = find_circle(parents)
    if by_asset is not None:
        raise CircularDependencyError(circle_message(by_asset))
    raise CircularDependencyError(
        f"{circle_message(find_circle(by_name) or [])} (steps of several assets wait for each other as wholes; "
        "can_subset=True lets them run in parts)"
    )
