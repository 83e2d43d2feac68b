"""Resolves which data a materialisation was made of: those of the assets at the top, however far up they are."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from ariadne import ObjectType
from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer
from tidewheel.api.graphql.context import RequestContext, context_of
from tidewheel.api.graphql.definitions import AssetView
from tidewheel.api.graphql.wire import asset_key, seconds_of_millis
from tidewheel.values.events import EventType, StoredEvent
from tidewheel.values.records import EventFilter
from tidewheel.values.tags import INPUT_EVENT_POINTER_PREFIX

MADE = (EventType.ASSET_MATERIALIZATION.value,)
MOST_FOLLOWED = 500
"""Materialisations on the way up that one answer looks at."""

node = ObjectType("AssetNode")


@node.field("assetMaterializationUsedData")
async def _used_data(view: AssetView, info: GraphQLResolveInfo, timestamp_millis: str) -> list[Answer]:
    """Of the materialisation at this moment; of an asset at the top that is reached in several ways, the oldest."""
    context = context_of(info)
    at = seconds_of_millis(timestamp_millis) or 0.0
    filters = EventFilter(
        types=MADE, assets=(view.node.key,), after_timestamp=at - 0.001, before_timestamp=at + 0.001
    )
    found = await context.database.read(context.ledger.get_events, filters, limit=1, ascending=False)
    tops: dict[str, StoredEvent] = {}
    level, seen = list(found), {stored.id for stored in found}
    while level and len(seen) < MOST_FOLLOWED:
        above = await asyncio.gather(*(_used_by(context, stored) for stored in level))
        level = []
        for stored in (one for used in above for one in used if one.id not in seen):
            seen.add(stored.id)
            name = stored.event.asset or ""
            upstream = context.catalog.asset(name)
            if upstream is not None and upstream.deps:
                level.append(stored)
            elif name not in tops or stored.id < tops[name].id:
                tops[name] = stored
    return [
        {
            "asset_key": asset_key(name),
            "downstream_asset_key": asset_key(view.node.key),
            "timestamp": str(int(stored.event.timestamp * 1_000)),
        }
        for name, stored in sorted(tops.items())
    ]


async def _used_by(context: RequestContext, made: StoredEvent) -> list[StoredEvent]:
    """What the assets directly above had been made by, as far as it is known."""
    this = context.catalog.asset(made.event.asset or "")
    found = await asyncio.gather(*(_used_of(context, made, dep.asset) for dep in (this.deps if this else ())))
    return [stored for stored in found if stored is not None]


async def _used_of(context: RequestContext, made: StoredEvent, upstream: str) -> StoredEvent | None:
    """What was recorded with the event; what the same run made before needs no record."""
    tags: Mapping[str, str] = getattr(made.event.payload, "tags", {})
    pointer = tags.get(INPUT_EVENT_POINTER_PREFIX + upstream)
    if pointer is not None and pointer.isdecimal():
        return await context.loaders.events.load(int(pointer))
    if not made.event.run_id:
        return None
    filters = EventFilter(types=MADE, assets=(upstream,), run_ids=(made.event.run_id,), before_id=made.id)
    found = await context.database.read(context.ledger.get_events, filters, limit=1, ascending=False)
    return found[0] if found else None


BINDABLES = (node,)
