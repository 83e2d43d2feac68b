"""Reads events of assets: the newest ones cheaply and together, others by page."""

from __future__ import annotations

from collections.abc import Sequence

from tidewheel.api.graphql.context import RequestContext
from tidewheel.api.graphql.event_fields import EventView, views
from tidewheel.api.graphql.wire import page_limit, seconds_of_millis
from tidewheel.values.events import EventType
from tidewheel.values.records import EventFilter

MADE, SEEN = EventType.ASSET_MATERIALIZATION, EventType.ASSET_OBSERVATION
DEFAULT_EVENTS = 100
"""Events that a list without a limit has."""


async def asset_events(
    context: RequestContext,
    asset: str,
    kinds: Sequence[EventType],
    *,
    partitions: Sequence[str] | None = None,
    before_millis: str | None = None,
    after_millis: str | None = None,
    before_id: int | None = None,
    limit: int | None = None,
) -> list[EventView]:
    """Newest first. The newest materialisation (or observation) alone comes with the asset's state.

    Raises:
        ValueError: when a time is not a number.
    """
    count = page_limit(limit, DEFAULT_EVENTS)
    bounds = (partitions, before_millis, after_millis, before_id)
    if count == 1 and len(kinds) == 1 and all(bound is None for bound in bounds):
        newest = await newest_event(context, asset, kinds[0])
        return [] if newest is None else [newest]
    filters = EventFilter(
        types=tuple(kind.value for kind in kinds),
        assets=(asset,),
        partitions=tuple(partitions) if partitions is not None else None,
        before_timestamp=seconds_of_millis(before_millis),
        after_timestamp=seconds_of_millis(after_millis),
        before_id=before_id,
    )
    found = await context.database.read(context.ledger.get_events, filters, limit=count, ascending=False)
    return views(found)


async def newest_event(context: RequestContext, asset: str, kind: EventType) -> EventView | None:
    """The asset's newest materialisation or observation."""
    state = await context.loaders.asset_states.load(asset)
    if state is None:
        return None
    event_id = state.last_materialization_id if kind is MADE else state.last_observation_id
    stored = await context.loaders.events.load(event_id) if event_id is not None else None
    return None if stored is None else EventView(stored)
