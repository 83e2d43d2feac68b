"""Reads what decides whether assets are stale: the newest events of the assets and of all that they are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tidewheel.api.graphql.loaders import Loaders
from tidewheel.logic.graph.specs import AssetNode
from tidewheel.logic.graph.staleness import Made, Staleness, decide_staleness
from tidewheel.services.code.catalog import Catalog
from tidewheel.values.events import Materialization, Observation, StoredEvent
from tidewheel.values.records import AssetState


def upstream_first(catalog: Catalog, keys: Iterable[str]) -> list[AssetNode]:
    """The assets and all that they are made of, each after what it is made of."""
    done: dict[str, AssetNode] = {}
    open_: set[str] = set()
    stack = [(key, False) for key in keys]
    while stack:
        key, is_expanded = stack.pop()
        found = catalog.asset(key)
        if found is None or key in done:
            continue
        if is_expanded:
            done[key] = found
        elif key not in open_:
            open_.add(key)
            stack.append((key, True))
            stack.extend((dep.asset, False) for dep in found.deps if dep.asset not in open_)
    return list(done.values())


async def read_staleness(catalog: Catalog, loaders: Loaders, keys: Sequence[str]) -> Mapping[str, Staleness]:
    """The state of assets as a whole; two reads, however many there are."""
    nodes = upstream_first(catalog, keys)
    states = await loaders.asset_states.load_many(one.key for one in nodes)
    ids = {state.asset: number for state in states if (number := newest_id(catalog, state)) is not None}
    events = {stored.id: stored for stored in await loaders.events.load_many(ids.values())}
    made = {key: made_of(events[number]) for key, number in ids.items() if number in events}
    found: dict[str, Staleness] = {}
    for one in nodes:
        found[one.key] = decide_staleness(one, made, found)
    return found


def newest_id(catalog: Catalog, state: AssetState) -> int | None:
    """The event that counts: observations do for what nothing here makes."""
    found = catalog.asset(state.asset)
    if found is None or found.kind == "materializable":
        return state.last_materialization_id
    return max(state.last_materialization_id or 0, state.last_observation_id or 0) or None


def made_of(stored: StoredEvent) -> Made:
    """What counts of an event."""
    payload = stored.event.payload
    tags = payload.tags if isinstance(payload, Materialization | Observation) else {}
    return Made(event_id=stored.id, tags=tags)
