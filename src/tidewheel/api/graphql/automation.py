"""Resolves declarative automation as a whole: its ticks, its pause, why, what is planned, held and owed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from ariadne import MutationType, ObjectType, QueryType
from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer
from tidewheel.api.graphql.context import RequestContext, context_of
from tidewheel.api.graphql.ticks import read_ticks
from tidewheel.api.graphql.wire import page_limit
from tidewheel.errors import InvalidInvocationError
from tidewheel.logic.access.operations import WAIVE_OWED
from tidewheel.logic.conditions.subjects import Key
from tidewheel.logic.planning.automation_owed import policy_of
from tidewheel.runtime.conditions.condition_views import HeldView, OwedView, PlanView, RequestView, WhyAnswer
from tidewheel.runtime.conditions.condition_why import owed_view
from tidewheel.services.signals import Topic
from tidewheel.values.conditions import Cause, HoldStatus, OwedStatus
from tidewheel.values.policies import AUTOMATION, Selection
from tidewheel.values.records import TickRecord

query, mutation, instance = QueryType(), MutationType(), ObjectType("Instance")

ALL_AUTOMATION = Selection(kind=AUTOMATION)
DEFAULT_TICKS = 100


@query.field("autoMaterializeTicks")
async def _ticks(
    root: None, info: GraphQLResolveInfo, limit: int | None = None, **wanted: Any
) -> list[TickRecord]:
    """The ticks of all automation sensors, newest first."""
    context = context_of(info)
    most = page_limit(limit, DEFAULT_TICKS)
    found: list[TickRecord] = []
    for trigger_id, _, node in context.catalog.sensors():
        if node.kind == "automation":
            found += await read_ticks(context, trigger_id, limit=most, **wanted)
    return sorted(found, key=lambda one: one.tick_id, reverse=True)[:most]


@instance.field("autoMaterializePaused")
def _is_paused(found: Answer, info: GraphQLResolveInfo) -> bool:
    return bool(_pauses(context_of(info)))


@mutation.field("setAutoMaterializePaused")
async def _set_paused(root: None, info: GraphQLResolveInfo, paused: bool) -> bool:
    """Pause or resume all automation sensors; returns whether they are paused."""
    context = context_of(info)
    book = context.server.pauses
    if paused and not _pauses(context):
        who = context.caller.principal
        by = None if who is None else who.name
        await book.pause(ALL_AUTOMATION, reason="", by=by, expires_at=None, missed=None)
    elif not paused:
        await book.resume(None, ALL_AUTOMATION)
    return bool(_pauses(context))


def _pauses(context: RequestContext) -> Sequence[object]:
    return [one for one in context.server.pauses.current() if one.selection == ALL_AUTOMATION]


@query.field("why")
async def _why(root: None, info: GraphQLResolveInfo, target: str, partition: str | None = None) -> Answer:
    context = context_of(info)
    if not context.sight.sees_target(target):  # what is hidden is answered like what is missing
        raise InvalidInvocationError(f"expected an asset, a check (asset:check) or a job, got {target!r}")
    return _why_answer(await context.server.control.why(target, partition))


@query.field("automationPlan")
async def _plan(root: None, info: GraphQLResolveInfo, sensor: str | None = None) -> list[PlanView]:
    context = context_of(info)
    plans = await context.server.control.plan_automation(sensor)
    return [one for one in plans if context.sight.is_whole or context.sight.sees(one.location)]


@query.field("owedWork")
async def _owed(root: None, info: GraphQLResolveInfo, target: str | None = None) -> list[Answer]:
    context = context_of(info)
    graph = await context.server.automation.graph()
    rows = await context.database.read(context.ledger.owed.get_all, target)
    found = []
    for row in rows:
        key = Key(row.kind, row.name)  # type: ignore[arg-type]
        policy = policy_of(graph, key) if key in graph.subjects else None
        found.append(_owed_answer(owed_view(row, policy, context.now)))
    return found


@mutation.field("answerHeldRequest")
async def _answer_held(root: None, info: GraphQLResolveInfo, target: str, approve: bool) -> bool:
    context = context_of(info)
    held = await context.database.read(context.ledger.conditions.get_held)
    mine = next((one for one in held if one.name == target), None)
    if mine is None:
        return False
    status = HoldStatus.APPROVED if approve else HoldStatus.DECLINED
    changed = await context.database.write(
        context.ledger.conditions.answer_held, mine.kind, mine.name, status
    )
    context.server.signals.raise_topic(Topic.TRIGGERS)
    return bool(changed)


@mutation.field("answerOwedWork")
async def _answer_owed(
    root: None, info: GraphQLResolveInfo, target: str, waive: bool, partition: str | None = None
) -> bool:
    context = context_of(info)
    status = OwedStatus.WAIVED if waive else OwedStatus.OWED
    rows = [
        row
        for row in await context.database.read(context.ledger.owed.get_all, target)
        if partition is None or row.partition == partition
    ]
    for row in rows:
        context.require(WAIVE_OWED, context.server.guard.resources_of(row.kind, row.name))
        await context.database.write(context.ledger.owed.answer, row.kind, row.name, row.partition, status)
    context.server.signals.raise_topic(Topic.TRIGGERS)
    return bool(rows)


def _why_answer(found: WhyAnswer) -> Answer:
    now = found.now
    return {
        **{name: getattr(found, name) for name in ("target", "kind", "partition", "condition", "sensor")},
        "sensor_is_running": found.sensor_is_running,
        "last_evaluated_at": found.last_evaluated_at,
        "is_requested": now is not None and now.is_requested,
        "waits_for": [] if now is None else list(now.waits_for),
        "error": None if now is None else now.error,
        "explanation": None if now is None else msgspec.json.encode(now).decode(),
        "notes": list(found.notes),
        "requests": [_request_answer(one) for one in found.requests],
        "owed": [_owed_answer(one) for one in found.owed],
        "held": None if found.held is None else _held_answer(found.held),
    }


def _request_answer(one: RequestView) -> Answer:
    return {
        "evaluation_id": str(one.evaluation_id),
        "at": one.at,
        "requested": one.requested,
        "partitions": list(one.partitions),
        "causes": [{"at": cause.at, **_happened(cause)} for cause in one.causes],
        "run_ids": [run.run_id for run in one.runs],
        "backfill_ids": list(one.backfill_ids),
        "error": one.error,
        "is_first": one.is_first,
    }


def _happened(cause: Cause) -> Answer:
    """Of a clock's tick nothing but its time is told."""
    event_id = None if cause.event_id is None else str(cause.event_id)
    return {"event_id": event_id, "subject": cause.subject or None, "run_id": cause.run_id or None}


def _owed_answer(one: OwedView) -> Answer:
    """Without partition, run and error where there is none."""
    shown = msgspec.structs.asdict(one)
    return {**shown, **{name: shown[name] or None for name in ("partition", "run_id", "error")}}


def _held_answer(one: HeldView) -> Answer:
    return msgspec.structs.asdict(one)


BINDABLES = (query, mutation, instance)
