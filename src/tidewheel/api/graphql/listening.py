"""Resolves what is ours about sensors that listen to events: how far they are behind, and events that failed."""

from __future__ import annotations

from collections.abc import Sequence

from ariadne import ObjectType
from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.context import context_of
from tidewheel.api.graphql.definitions import SensorView
from tidewheel.services.triggers.lag import SensorLag
from tidewheel.values.inbox import Redelivery
from tidewheel.values.records import TickRecord

sensor, tick, failed_event = (
    ObjectType("Sensor"),
    ObjectType("InstigationTick"),
    ObjectType("FailedEvent"),
)


async def _lag(view: SensorView, info: GraphQLResolveInfo) -> SensorLag | None:
    return await context_of(info).lags.load(view.trigger_id)


@sensor.field("eventsBehind")
async def _events_behind(view: SensorView, info: GraphQLResolveInfo) -> int | None:
    lag = await _lag(view, info)
    return None if lag is None else lag.events_behind


@sensor.field("secondsBehind")
async def _seconds_behind(view: SensorView, info: GraphQLResolveInfo) -> float | None:
    lag = await _lag(view, info)
    return None if lag is None else lag.seconds_behind


@sensor.field("failedEvents")
async def _failed_events(view: SensorView, info: GraphQLResolveInfo) -> list[Redelivery]:
    """Those that are tried again, and those set aside."""
    return await context_of(info).loaders.redeliveries.load(view.trigger_id) or []


@tick.field("failedEvents")
def _failed_in_tick(record: TickRecord, info: GraphQLResolveInfo) -> Sequence[Redelivery]:
    return record.failed_events


failed_event.set_field("eventId", lambda one, info: one.event_id)
failed_event.set_field("attempts", lambda one, info: one.attempts)
failed_event.set_field("failedTimestamp", lambda one, info: one.failed_at)
failed_event.set_field("retryTimestamp", lambda one, info: one.retry_at)
failed_event.set_field("isSetAside", lambda one, info: one.is_set_aside)
failed_event.set_field("error", lambda one, info: one.error)

BINDABLES = (sensor, tick, failed_event)
