"""Changes that clients make to the ledger directly: events of assets from outside, dynamic partitions, wiping.

Each does what must follow from the change, too: whoever listens is woken, and nothing outdated is remembered.
"""

from __future__ import annotations

from collections.abc import Sequence

from tidewheel.api.graphql.context import RequestContext
from tidewheel.api.graphql.server_parts import note_dynamic_partitions
from tidewheel.services.runs.intake import topics_of
from tidewheel.services.signals import Topic
from tidewheel.values.events import Event
from tidewheel.values.records import PartitionChange


async def record_events(context: RequestContext, events: Sequence[Event]) -> list[int]:
    """Store events that no run reported; their ids."""
    ids = await context.database.write(context.ledger.record_events, events)
    context.server.signals.raise_topic(*topics_of(list(events)))
    context.server.feed.publish_events(events)
    context.begin_anew()
    return ids


async def change_dynamic_partitions(context: RequestContext, change: PartitionChange) -> None:
    """Add and delete keys."""
    await context.database.write(context.ledger.change_dynamic_partitions, change, now=context.now)
    await note_dynamic_partitions(context.server)
    context.server.signals.raise_topic(Topic.ASSET_EVENTS)
    context.begin_anew()


async def wipe(context: RequestContext, asset: str, partitions: Sequence[str] | None) -> None:
    """Forget an asset's materialisations, or those of some partitions."""
    await context.database.write(context.ledger.wipe_asset, asset, partitions)
    context.server.signals.raise_topic(Topic.ASSET_EVENTS, Topic.HISTORY)
    context.begin_anew()
