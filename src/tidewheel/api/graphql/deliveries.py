"""Resolves deliveries of webhooks and watched files, events that failed, and asking for either once more."""

from __future__ import annotations

from functools import partial

import msgspec
from ariadne import MutationType, ObjectType, QueryType
from graphql import GraphQLError, GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer, answer, exposed
from tidewheel.api.graphql.context import RequestContext, context_of
from tidewheel.api.graphql.definitions import SensorView, find_trigger
from tidewheel.api.graphql.permissions import REPLAY_DELIVERY
from tidewheel.api.graphql.wire import page_limit, whole_cursor
from tidewheel.errors import AccessRefusedError, InvalidInvocationError
from tidewheel.logic.access.operations import READ_AUDIT, SEE_DELIVERIES
from tidewheel.runtime.views.push_views import get_delivery_views, replay_delivery, source_of
from tidewheel.services.signals import Topic
from tidewheel.values.error_info import ErrorInfo

SHOWN_BYTES = 10_000
DEFAULT_PAGE = 30

query, mutation = QueryType(), MutationType()
delivery, at_consumer, entry = ObjectType("Delivery"), ObjectType("DeliveryState"), ObjectType("AuditEntry")


def _require(context: RequestContext, permission: str) -> None:
    reason = context.access.refusal(permission, None, [])
    if reason is not None:
        raise GraphQLError(reason, extensions={"code": "UNAUTHORIZED"})


@query.field("deliveries")
async def _deliveries(
    root: None,
    info: GraphQLResolveInfo,
    source: str | None = None,
    state: str | None = None,
    cursor: str | None = None,
    limit: int | None = None,
) -> Answer:
    """Newest first."""
    context = context_of(info)
    _require(context, SEE_DELIVERIES)
    snapshots = await context.server.control.get_snapshots()
    count = page_limit(limit, DEFAULT_PAGE)
    found = await context.database.read(
        partial(get_delivery_views, source=source, state=state, before_id=whole_cursor(cursor)),
        context.ledger,
        snapshots,
        limit=count + 1,
    )
    shown = found[:count]
    return answer(
        "DeliveryConnection",
        results=shown,
        cursor=str(shown[-1].delivery.id) if shown else "",
        has_more=len(found) > count,
    )


delivery.set_field("id", lambda one, info: one.delivery.id)
delivery.set_field("source", lambda one, info: one.delivery.source)
delivery.set_field("deliveryId", lambda one, info: one.delivery.delivery_id)
delivery.set_field("receivedTimestamp", lambda one, info: one.delivery.received_at)
delivery.set_field("numBytes", lambda one, info: len(one.delivery.body))
delivery.set_field("body", lambda one, info: one.delivery.body[:SHOWN_BYTES].decode(errors="replace"))
at_consumer.set_field("sensorName", lambda one, info: one.sensor)
at_consumer.set_field("state", lambda one, info: one.state.upper())
at_consumer.set_field("retryTimestamp", lambda one, info: one.retry_at)


@mutation.field("replayDelivery")
async def _replay(
    root: None, info: GraphQLResolveInfo, id: str, sensor_name: str | None = None
) -> Answer | ErrorInfo:
    """Hand a stored delivery over once more, to all its sensors or to one."""
    context = context_of(info)
    number = whole_cursor(id) or 0
    snapshots = await context.server.control.get_snapshots()
    for view in await _consumers(context, number, sensor_name):
        _require_there(context, view)
    try:
        asked = await context.database.write(
            replay_delivery, context.ledger, snapshots, number, now=context.now, sensor=sensor_name
        )
    except InvalidInvocationError as error:
        return exposed(error)
    context.server.signals.raise_topic(Topic.INBOX)
    return answer("ReplaySuccess", num_sensors=len(asked))


async def _consumers(context: RequestContext, number: int, sensor_name: str | None) -> list[SensorView]:
    found = await context.database.read(context.ledger.inbox.get, number)
    return [
        SensorView(location, node)
        for identity, location, node in context.catalog.sensors()
        if found is not None
        and source_of(node, identity) == found.source
        and sensor_name in (None, node.name, identity)
    ]


def _require_there(context: RequestContext, view: SensorView) -> None:
    reason = context.access.refusal(REPLAY_DELIVERY, view.location)
    if reason is not None:
        raise AccessRefusedError(reason)


@mutation.field("retryFailedEvent")
async def _retry(
    root: None, info: GraphQLResolveInfo, instigation_state_id: str, event_id: str
) -> Answer | ErrorInfo:
    """Hand an event that a sensor failed on over at once, with all its retries before it."""
    context = context_of(info)
    view = find_trigger(context, instigation_state_id)
    number = whole_cursor(event_id) or 0
    if not isinstance(view, SensorView):
        text = f"expected the id of a sensor's state, got {instigation_state_id[:80]!r}"
        return exposed(InvalidInvocationError(text))
    _require_there(context, view)
    failed = await context.database.read(context.ledger.inbox.get_redeliveries, view.trigger_id)
    if number not in {one.event_id for one in failed}:
        text = f"expected an event that {view.node.name!r} failed on, got {event_id[:80]!r}; see failedEvents"
        return exposed(InvalidInvocationError(text))
    await context.database.write(
        context.ledger.inbox.hand_over_again, view.trigger_id, number, now=context.now
    )
    context.server.signals.raise_topic(Topic.INBOX)
    return answer("ReplaySuccess", num_sensors=1)


# -- the audit -----------------------------------------------------------------------------------------------


@query.field("auditEntries")
async def _audit(
    root: None,
    info: GraphQLResolveInfo,
    user: str | None = None,
    operation: str | None = None,
    outcome: str | None = None,
    cursor: str | None = None,
    limit: int | None = None,
) -> Answer:
    """Newest first."""
    context = context_of(info)
    _require(context, READ_AUDIT)
    count = page_limit(limit, 100)
    found = await context.database.read(
        context.ledger.audit.get,
        user=user,
        operation=operation,
        outcome=outcome,
        limit=count + 1,
        before_id=whole_cursor(cursor),
    )
    shown = found[:count]
    return answer(
        "AuditConnection",
        results=shown,
        cursor=str(shown[-1].audit_id) if shown else "",
        has_more=len(found) > count,
    )


entry.set_field("id", lambda one, info: one.audit_id)
entry.set_field("timestamp", lambda one, info: one.at)
entry.set_field("whatJson", lambda one, info: _json(one.what))
entry.set_field("beforeJson", lambda one, info: _json(one.before))
entry.set_field("afterJson", lambda one, info: _json(one.after))


def _json(value: object) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


BINDABLES = (query, mutation, delivery, at_consumer, entry)
