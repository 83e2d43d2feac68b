"""Streams: a run's log, captured output, ticks, events of assets, changes of runs and of code locations."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from ariadne import SubscriptionType
from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer, answer
from tidewheel.api.graphql.captured_logs import read_captured
from tidewheel.api.graphql.context import RequestContext, context_of
from tidewheel.api.graphql.definitions import find_schedule, find_sensor
from tidewheel.api.graphql.event_fields import EventView, log_views, views
from tidewheel.api.graphql.watching import PATIENCE_S
from tidewheel.api.graphql.wire import asset_text, whole_cursor
from tidewheel.services.signals import Topic
from tidewheel.values.events import ASSET_EVENT_TYPES
from tidewheel.values.records import EventFilter, RunFilter, RunRecord, TickRecord

PAGE = 500
"""Entries of a log in one message."""

subscription = SubscriptionType()


# -- a run's log ---------------------------------------------------------------------------------------------


@subscription.source("pipelineRunLogs")
async def _run_logs(
    root: None, info: GraphQLResolveInfo, run_id: str, cursor: str | None = None
) -> AsyncGenerator[Answer, None]:
    """The log from the cursor on, as it grows, until the run has ended and everything was sent."""
    context = context_of(info)
    after = whole_cursor(cursor) or 0
    changes = context.watching.changes(Topic.RUN_EVENTS, Topic.ASSET_EVENTS, patience_s=PATIENCE_S)
    async with aclosing(changes):
        async for _ in changes:
            while True:
                context.begin_anew()
                # the status first: what a run that has ended reported is all there when the log is read after it
                record = await context.database.read(context.ledger.get_run, run_id)
                if record is None:
                    text = f"expected the id of a run, got {run_id!r}"
                    yield answer("PipelineRunLogsSubscriptionFailure", message=text, missing_run_id=run_id)
                    return
                page = await context.database.read(
                    context.ledger.get_run_log, run_id, after=after, limit=PAGE
                )
                has_more = len(page) == PAGE
                if page:
                    after = page[-1].id
                    # and once more for the answer, which may not be older than the entries beside it
                    now = (
                        record
                        if record.is_finished
                        else await context.database.read(context.ledger.get_run, run_id)
                    )
                    yield answer(
                        "PipelineRunLogsSubscriptionSuccess",
                        run=now or record,
                        messages=log_views(page),
                        has_more_past_events=has_more,
                        cursor=str(after),
                    )
                if not has_more:
                    break
            if record.is_finished:
                return


# -- standard output and error -------------------------------------------------------------------------------


@subscription.source("capturedLogs")
async def _captured(
    root: None, info: GraphQLResolveInfo, log_key: Sequence[str], cursor: str | None = None
) -> AsyncGenerator[Answer, None]:
    """Both streams from the cursor on, as they grow, until the run has ended."""
    context = context_of(info)
    changes = context.watching.changes(Topic.RUNS_ENDED, patience_s=PATIENCE_S)
    is_first = True
    async with aclosing(changes):
        async for _ in changes:
            while True:
                context.begin_anew()
                record = await context.database.read(context.ledger.get_run, log_key[0]) if log_key else None
                part = await read_captured(context, log_key, cursor)
                grew = bool(part["stdout"] or part["stderr"])
                if grew or is_first:
                    is_first, cursor = False, part["cursor"]
                    yield part
                if not grew:
                    break
            if record is None or record.is_finished:
                return


# -- ticks ---------------------------------------------------------------------------------------------------


@subscription.source("newTicks")
async def _ticks(
    root: None, info: GraphQLResolveInfo, instigation_selector: Mapping[str, Any] | None = None
) -> AsyncGenerator[TickRecord, None]:
    context = context_of(info)
    trigger_id = None
    if instigation_selector is not None:
        name = instigation_selector["name"]
        view = find_schedule(context, instigation_selector, name) or find_sensor(
            context, instigation_selector, name
        )
        if view is None:
            raise ValueError(f"expected a schedule or sensor, got {name!r}")
        trigger_id = view.trigger_id
    last: int | None = None
    changes = context.watching.changes("tick")
    async with aclosing(changes):
        async for _ in changes:
            context.begin_anew()
            count = 1 if last is None else PAGE
            found = await context.database.read(context.ledger.get_ticks, trigger_id, limit=count)
            ticks = sorted(found, key=lambda one: one.tick_id)
            for record in ticks:
                if last is not None and record.tick_id > last:
                    yield record
            last = max(ticks[-1].tick_id if ticks else 0, last or 0)


# -- events of assets ----------------------------------------------------------------------------------------


@subscription.source("newAssetEvents")
async def _asset_events(
    root: None, info: GraphQLResolveInfo, asset_keys: Sequence[Mapping[str, Any]] | None = None
) -> AsyncGenerator[EventView, None]:
    context = context_of(info)
    kinds = tuple(kind.value for kind in ASSET_EVENT_TYPES)
    assets = None if asset_keys is None else tuple(asset_text(key) for key in asset_keys)
    last = await context.database.read(context.ledger.last_event_id)
    changes = context.watching.changes(Topic.ASSET_EVENTS)
    async with aclosing(changes):
        async for _ in changes:
            while True:
                context.begin_anew()
                filters = EventFilter(types=kinds, assets=assets, after_id=last)
                page = await context.database.read(context.ledger.get_events, filters, limit=PAGE)
                for view in views(page):
                    last = view.storage_id or last
                    yield view
                if len(page) < PAGE:
                    break


# -- changes of runs -----------------------------------------------------------------------------------------


@subscription.source("runChanges")
async def _run_changes(
    root: None, info: GraphQLResolveInfo, pipeline_name: str | None = None
) -> AsyncGenerator[RunRecord, None]:
    """Every run whose status differs from the last one that was sent of it."""
    context = context_of(info)
    since, sent = context.now, dict[str, tuple[str, float]]()
    changes = context.watching.changes(Topic.RUN_EVENTS, Topic.RUNS_ENDED, Topic.QUEUE)
    async with aclosing(changes):
        async for _ in changes:
            context.begin_anew()
            found = await _changed_runs(context, pipeline_name, since)
            for record in found:
                if sent.get(record.run_id, ("", 0.0))[0] != record.status.value:
                    sent[record.run_id] = (record.status.value, record.updated_at)
                    yield record
            # a transaction that began earlier may come in later: look back a little, and remember what was sent
            since = max(since, context.now - LOOK_BACK_S)
            sent = {run_id: (status, at) for run_id, (status, at) in sent.items() if at >= since}


LOOK_BACK_S = 60.0


async def _changed_runs(context: RequestContext, job_name: str | None, since: float) -> list[RunRecord]:
    filters = RunFilter(job_name=job_name, updated_after=since)
    found = await context.database.read(context.ledger.get_runs, filters, limit=PAGE)
    return sorted(found, key=lambda record: record.updated_at)


# -- code locations ------------------------------------------------------------------------------------------

LOCATION_CHANGES = {"LOADED": "LOCATION_UPDATED", "FAILED": "LOCATION_ERROR", "DIED": "LOCATION_DISCONNECTED"}


@subscription.source("locationStateChangeEvents")
async def _locations(root: None, info: GraphQLResolveInfo) -> AsyncGenerator[Answer, None]:
    context = context_of(info)
    activities = context.watching.activities("location")
    async with aclosing(activities):
        async for activity in activities:
            context.begin_anew()
            if not context.sight.sees_location(activity.name):
                continue
            change = answer(
                "LocationStateChangeEvent",
                event_type=LOCATION_CHANGES.get(activity.status, "LOCATION_UPDATED"),
                message=activity.text,
                location_name=activity.name,
                server_id=None,
            )
            yield answer("LocationStateChangeSubscription", event=change)


def _as_it_is(value: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
    return value


for _name in (
    "pipelineRunLogs",
    "capturedLogs",
    "newTicks",
    "newAssetEvents",
    "runChanges",
    "locationStateChangeEvents",
):
    subscription.set_field(_name, _as_it_is)

BINDABLES = (subscription,)
