"""Resolves what is ours about triggers: policies, breakers, waiting requests, pauses, and the forecast of schedules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from heapq import merge
from itertools import islice
from typing import Any

import msgspec
from ariadne import MutationType, ObjectType, QueryType
from graphql import GraphQLError, GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer, answer, exposed
from tidewheel.api.graphql.context import RequestContext, context_of
from tidewheel.api.graphql.definitions import ScheduleView, TriggerDefinition
from tidewheel.api.graphql.future_ticks import future_ticks
from tidewheel.api.graphql.permissions import PAUSE
from tidewheel.api.graphql.triggers import is_on
from tidewheel.api.graphql.wire import page_limit, tag_mapping
from tidewheel.errors import AccessRefusedError, InvalidInvocationError
from tidewheel.logic.planning.policy import HeldRequest
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.policies import PauseRecord, Selection

DAY_S = 86_400.0
LONGEST_FORECAST_S = 366 * DAY_S

query, mutation, state = QueryType(), MutationType(), ObjectType("InstigationState")
pause, held = ObjectType("AutomationPause"), ObjectType("HeldTriggerRequest")


# -- of one trigger ------------------------------------------------------------------------------------------


@state.field("policyJson")
def _policy(found: Answer, info: GraphQLResolveInfo) -> str | None:
    policy = found["view"].node.policy
    return None if policy is None else msgspec.json.encode(policy).decode()


@state.field("breaker")
def _breaker(found: Answer, info: GraphQLResolveInfo) -> Answer | None:
    """As of the last look; None for a trigger without one."""
    view = found["view"]
    policy = view.node.policy
    if policy is None or policy.breaker is None:
        return None
    decision = context_of(info).server.breakers.tripped.get(view.trigger_id)
    return answer(
        "BreakerState",
        state=decision.state.upper() if decision is not None else "CLOSED",
        failures=decision.failures if decision is not None else 0,
        tried_again_timestamp=decision.until if decision is not None else None,
        description=decision.describe() if decision is not None else None,
    )


@state.field("pausedBy")
def _paused_by(found: Answer, info: GraphQLResolveInfo) -> PauseRecord | None:
    context = context_of(info)
    return _holding(context, found["view"])


def _holding(context: RequestContext, view: TriggerDefinition) -> PauseRecord | None:
    return context.server.pauses.holding(view.node, view.location, context.now)


@state.field("heldRequestCount")
def _held_count(found: Answer, info: GraphQLResolveInfo) -> int:
    return context_of(info).server.releases.counts.get(found["view"].trigger_id, 0)


@state.field("heldRequests")
async def _held(found: Answer, info: GraphQLResolveInfo, limit: int | None = None) -> list[HeldRequest]:
    """Oldest first; triggers without any cost no read."""
    context, identity = context_of(info), found["view"].trigger_id
    if not context.server.releases.counts.get(identity):
        return []
    waiting = await context.database.read(context.ledger.policies.get_held, identity)
    return waiting[: page_limit(limit)]


held.set_field("jobName", lambda one, info: one.run.job_name)
held.set_field("runId", lambda one, info: one.run.run_id)
held.set_field("runKeys", lambda one, info: list(one.run_keys))
held.set_field("heldSince", lambda one, info: one.held_at)
held.set_field("cause", lambda one, info: one.cause)


# -- pauses --------------------------------------------------------------------------------------------------


@query.field("automationPauses")
def _pauses(root: None, info: GraphQLResolveInfo, limit: int | None = None) -> list[PauseRecord]:
    """Those that hold now, oldest first."""
    context = context_of(info)
    current = context.server.pauses.current()
    seen = [one for one in current if context.sight.is_whole or context.sight.sees(one.selection.location)]
    return seen[: page_limit(limit)]


pause.set_field("id", lambda one, info: one.pause_id)
pause.set_field("description", lambda one, info: one.selection.describe())
pause.set_field("kind", lambda one, info: one.selection.kind)
pause.set_field("name", lambda one, info: one.selection.name)
pause.set_field("repositoryLocationName", lambda one, info: one.selection.location)
pause.set_field("createdTimestamp", lambda one, info: one.created_at)
pause.set_field("expiresTimestamp", lambda one, info: one.expires_at)
pause.set_field("endedTimestamp", lambda one, info: one.ended_at)


@mutation.field("pauseAutomation")
async def _pause(
    root: None,
    info: GraphQLResolveInfo,
    selection: Mapping[str, Any],
    reason: str | None = None,
    expires_timestamp: float | None = None,
    missed: str | None = None,
) -> Answer | ErrorInfo:
    context = context_of(info)
    chosen = Selection(
        kind=selection.get("kind"),
        name=selection.get("name"),
        location=selection.get("repository_location_name"),
        tags=tag_mapping(selection.get("tags")),
    )
    _require(context, chosen)
    principal = context.caller.principal
    try:
        record = await context.server.control.pause(
            chosen,
            reason or "",
            principal.name if principal is not None else None,
            expires_timestamp,
            missed,  # type: ignore[arg-type]  # the schema's enum has exactly these words
        )
    except InvalidInvocationError as error:
        return exposed(error)
    return answer("PauseAutomationSuccess", pause=record)


@mutation.field("resumeAutomation")
async def _resume(root: None, info: GraphQLResolveInfo, pause_id: int) -> Answer | ErrorInfo:
    context = context_of(info)
    known = next((one for one in context.server.pauses.current() if one.pause_id == pause_id), None)
    if known is None:
        text = f"expected the id of a pause that holds, got {pause_id}; see automationPauses"
        return exposed(InvalidInvocationError(text))
    _require(context, known.selection)
    ended = await context.server.control.resume(pause_id)
    return answer("ResumeAutomationSuccess", pauses=ended)


def _require(context: RequestContext, selection: Selection) -> None:
    """A pause of all locations needs the permission in each of them, and in those to come.

    Raises:
        AccessRefusedError: when the caller does not have it.
    """
    reason = context.access.refusal(PAUSE, selection.location, [])
    if reason is not None:
        raise AccessRefusedError(reason)


# -- what is to come -----------------------------------------------------------------------------------------


@query.field("forecast")
def _forecast(
    root: None,
    info: GraphQLResolveInfo,
    until: float | None = None,
    cursor: float | None = None,
    limit: int | None = None,
    repository_location_name: str | None = None,
) -> Answer:
    """The ticks of the schedules that run and are not paused, in order; a cursor is the time to begin at."""
    context = context_of(info)
    start = context.now if cursor is None else max(cursor, context.now)
    end = min(start + DAY_S if until is None else until, context.now + LONGEST_FORECAST_S)
    if end <= start:
        raise GraphQLError(f"expected until to be after {start}, got {end}")
    views = [
        view
        for _, location, schedule in context.catalog.schedules()
        if repository_location_name in (None, location)
        and is_on(context, view := ScheduleView(location, schedule))
    ]
    count = page_limit(limit, 100)
    upcoming = list(
        islice(merge(*(_ticks_of(context, view, start, end) for view in views), key=_moment), count + 1)
    )
    shown = upcoming[:count]
    return answer(
        "Forecast",
        ticks=[answer("ForecastTick", timestamp=moment, schedule=view) for moment, view in shown],
        cursor=None if len(upcoming) <= count else upcoming[count][0],
        has_more=len(upcoming) > count,
    )


def _ticks_of(
    context: RequestContext, view: ScheduleView, start: float, end: float
) -> Iterator[tuple[float, ScheduleView]]:
    holding = _holding(context, view)
    begin = max(start, holding.ends_at) if holding is not None else start
    if begin >= end:
        return
    for moment in future_ticks(view.node, begin, end):
        yield moment, view


def _moment(pair: tuple[float, ScheduleView]) -> float:
    return pair[0]


BINDABLES = (query, mutation, state, pause, held)
