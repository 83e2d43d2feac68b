"""Which assets are missing or behind what they are made from (``RunRequest(stale_assets_only=True)``)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tidewheel.definitions.assets.asset_graph import AssetGraph
from tidewheel.values.events import EventType, Materialization, Observation, StoredEvent
from tidewheel.values.keys import AssetKey
from tidewheel.values.records import EventFilter
from tidewheel.values.tags import CODE_VERSION, DATA_VERSION, INPUT_DATA_VERSION_PREFIX

MADE = (EventType.ASSET_MATERIALIZATION.value,)
SEEN = (EventType.ASSET_MATERIALIZATION.value, EventType.ASSET_OBSERVATION.value)


def stale_assets(
    instance: Any, graph: AssetGraph, assets: Iterable[AssetKey], partition_key: str | None
) -> set[AssetKey]:
    """Those of some assets that were never made, whose code version changed, or whose inputs changed since."""
    looked_up: dict[AssetKey, StoredEvent | None] = {}

    def latest(key: AssetKey) -> StoredEvent | None:
        if key not in looked_up:
            looked_up[key] = _latest(instance, graph, key, partition_key)
        return looked_up[key]

    wanted = set(assets)
    stale: set[AssetKey] = set()
    for key in graph.toposorted_asset_keys:
        if key not in wanted:
            continue
        event = latest(key)
        node = graph.nodes[key]
        if event is None or node.parent_keys & stale:
            stale.add(key)
            continue
        tags = _tags(event)
        has_new_code = node.code_version is not None and tags.get(CODE_VERSION) != node.code_version
        if has_new_code or any(
            _has_changed(parent, tags, event, latest(parent)) for parent in node.parent_keys - {key}
        ):
            stale.add(key)
    return stale


def _has_changed(
    parent: AssetKey, tags: dict[str, str], made: StoredEvent, upstream: StoredEvent | None
) -> bool:
    """Whether an upstream asset has another version than the one that was used."""
    if upstream is None:
        return False
    used = tags.get(INPUT_DATA_VERSION_PREFIX + parent.to_user_string())
    current = _tags(upstream).get(DATA_VERSION)
    if used is not None and current is not None:
        return used != current
    return upstream.id > made.id


def _latest(instance: Any, graph: AssetGraph, key: AssetKey, partition_key: str | None) -> StoredEvent | None:
    node = graph.nodes[key]
    partitions = (partition_key,) if partition_key is not None and node.is_partitioned else None
    filters = EventFilter(
        types=SEEN if node.is_external else MADE,
        assets=(key.to_escaped_user_string(),),
        partitions=partitions,
    )
    found = instance.ledger.get_events(filters, limit=1, ascending=False)
    return found[0] if found else None


def _tags(stored: StoredEvent) -> dict[str, str]:
    payload = stored.event.payload
    return payload.tags if isinstance(payload, Materialization | Observation) else {}
