"""Resolves recorded ticks and tried evaluations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ariadne import ObjectType
from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer, answer, exposed
from tidewheel.api.graphql.context import RequestContext, context_of
from tidewheel.api.graphql.definitions import ScheduleView, find_trigger, state_answer
from tidewheel.api.graphql.loaders import TickPage
from tidewheel.api.graphql.runs import config_text
from tidewheel.api.graphql.triggers import kind_of
from tidewheel.api.graphql.wire import (
    asset_keys,
    check_handle,
    key_values,
    millis,
    page_limit,
    whole_cursor,
)
from tidewheel.errors import UserCodeUnreachableError
from tidewheel.services.triggers.fixed_schedules import fixed_result
from tidewheel.values.evaluation import EvaluationRequest, EvaluationResult, RequestedRun
from tidewheel.values.records import RunRecord, TickRecord
from tidewheel.values.status import TickStatus, TriggerKind
from tidewheel.values.tags import HIDDEN_TAG_PREFIX

DAY_S = 86_400.0
DEFAULT_TICKS = 100

state, tick, dry_tick = (
    ObjectType("InstigationState"),
    ObjectType("InstigationTick"),
    ObjectType("DryRunInstigationTick"),
)


@state.field("tick")
async def _tick(found: Answer, info: GraphQLResolveInfo, tick_id: str) -> TickRecord:
    context = context_of(info)
    number = whole_cursor(tick_id)
    record = await context.database.read(context.ledger.get_tick, number) if number is not None else None
    if record is None or record.trigger_id != found["view"].trigger_id:
        raise ValueError(f"expected the id of a tick of {found['view'].node.name!r}, got {tick_id[:80]!r}")
    return record


@state.field("ticks")
async def _ticks(
    found: Answer,
    info: GraphQLResolveInfo,
    day_range: int | None = None,
    day_offset: int | None = None,
    limit: int | None = None,
    cursor: str | None = None,
    statuses: Sequence[str] | None = None,
    before_timestamp: float | None = None,
    after_timestamp: float | None = None,
) -> list[TickRecord]:
    return await read_ticks(
        context_of(info),
        found["view"].trigger_id,
        day_range=day_range,
        day_offset=day_offset,
        limit=limit,
        cursor=cursor,
        statuses=statuses,
        before_timestamp=before_timestamp,
        after_timestamp=after_timestamp,
    )


async def read_ticks(
    context: RequestContext,
    trigger_id: str,
    *,
    day_range: int | None = None,
    day_offset: int | None = None,
    limit: int | None = None,
    cursor: str | None = None,
    statuses: Sequence[str] | None = None,
    before_timestamp: float | None = None,
    after_timestamp: float | None = None,
) -> list[TickRecord]:
    """The ticks of one trigger, newest first, of the last days or between two moments."""
    if day_range is not None:
        end = context.now - (day_offset or 0) * DAY_S
        before_timestamp = min(end, before_timestamp) if before_timestamp is not None else end
        start = end - day_range * DAY_S
        after_timestamp = max(start, after_timestamp) if after_timestamp is not None else start
    page = TickPage(
        trigger_id=trigger_id,
        limit=page_limit(limit, DEFAULT_TICKS),
        before_id=whole_cursor(cursor),
        statuses=tuple(TickStatus(status) for status in statuses) if statuses is not None else None,
    )
    ticks = await context.loaders.tick_pages.load(page) or []
    return [
        one
        for one in ticks
        if (before_timestamp is None or _moment(one) < before_timestamp)
        and (after_timestamp is None or _moment(one) > after_timestamp)
    ]


def _moment(record: TickRecord) -> float:
    return record.scheduled_for if record.scheduled_for is not None else record.started_at


tick.set_field("id", lambda record, info: record.tick_id)
tick.set_field("timestamp", lambda record, info: _moment(record))
tick.set_field("endTimestamp", lambda record, info: record.ended_at)
tick.set_field("runIds", lambda record, info: list(record.run_ids))
tick.set_field("originRunIds", lambda record, info: [])
tick.set_field("logKey", lambda record, info: None)
tick.set_field("dynamicPartitionsRequestResults", lambda record, info: [])
tick.set_field("autoMaterializeAssetEvaluationId", lambda record, info: None)
tick.set_field("requestErrors", lambda record, info: [error.message for error in record.request_errors])
tick.set_field("requestedJobRunCount", lambda record, info: len(record.run_ids))
tick.set_field("requestedMaterializationsForAssets", lambda record, info: [])


@tick.field("runs")
async def _runs(record: TickRecord, info: GraphQLResolveInfo) -> list[RunRecord]:
    return await context_of(info).loaders.runs.load_many(record.run_ids)


@tick.field("runKeys")
async def _run_keys(record: TickRecord, info: GraphQLResolveInfo) -> list[str]:
    """Keys of the runs it asked for, and of those that were dropped because their key was taken."""
    keys = [run.run_key for run in await _runs(record, info)]
    keys += [kept.run_key for kept in record.kept_keys]
    return [key for key in keys if key is not None]


@tick.field("requestedAssetKeys")
async def _requested_assets(record: TickRecord, info: GraphQLResolveInfo) -> list[Any]:
    return asset_keys(sorted({key for run in await _runs(record, info) for key in run.assets or ()}))


@tick.field("requestedAssetMaterializationCount")
async def _requested_count(record: TickRecord, info: GraphQLResolveInfo) -> int:
    return sum(len(run.assets or ()) for run in await _runs(record, info))


@tick.field("requestedRunsForJobs")
async def _requested_jobs(record: TickRecord, info: GraphQLResolveInfo) -> list[Answer]:
    found: dict[str, list[str]] = {}
    for run in await _runs(record, info):
        keys = found.setdefault(run.job_name, [])
        if run.partition is not None:
            keys.append(run.partition)
    return [answer("RequestedRunsForJob", job_name=name, partition_keys=keys) for name, keys in found.items()]


@tick.field("instigationType")
def _type(record: TickRecord, info: GraphQLResolveInfo) -> str:
    view = find_trigger(context_of(info), record.trigger_id)
    if view is None:  # its definition is gone; only schedules' ticks have a nominal time
        return "SENSOR" if record.scheduled_for is None else "SCHEDULE"
    return kind_of(view)


@tick.field("instigationState")
def _state(record: TickRecord, info: GraphQLResolveInfo) -> Answer | None:
    view = find_trigger(context_of(info), record.trigger_id)
    return None if view is None else state_answer(view)


@tick.field("logEvents")
def _log_events(record: TickRecord, info: GraphQLResolveInfo) -> Answer:
    lines = [
        answer("InstigationEvent", message=line, timestamp=millis(record.started_at), level="INFO")
        for line in record.log
    ]
    return answer("InstigationEventConnection", events=lines, cursor=str(len(lines)), has_more=False)


# -- evaluations that are tried ------------------------------------------------------------------------------


@dry_tick.field("evaluationResult")
async def _evaluation(found: Answer, info: GraphQLResolveInfo) -> Answer | None:
    """Evaluated when asked for; one that was tried before the answer brings its result along."""
    if "result" in found:
        return found["result"]
    view = found["view"]
    if not isinstance(view, ScheduleView):
        return None
    context = context_of(info)
    return await try_schedule(context, view, found["timestamp"])


async def try_schedule(context: RequestContext, view: ScheduleView, moment: float) -> Answer:
    """What a schedule would ask for at a nominal time; nothing is recorded."""
    if view.node.fixed is not None:
        return evaluation_answer(fixed_result(context.catalog, view.location, view.node, moment))
    record = context.server.book.get(view.trigger_id)
    request = EvaluationRequest(
        kind=TriggerKind.SCHEDULE,
        name=view.node.name,
        now=moment,
        scheduled_for=moment,
        last_run_key=record.last_run_key if record else None,
        last_tick_at=record.last_tick_at if record else None,
        started_at=record.started_at if record else None,
    )
    limit_s = view.node.evaluation_timeout_s or context.server.options.evaluation_timeout_s
    try:
        result = await context.server.locations.evaluate(view.location, request, limit_s)
    except UserCodeUnreachableError as error:
        return answer("TickEvaluation", error=exposed(error))
    return evaluation_answer(result)


def evaluation_answer(result: EvaluationResult) -> Answer:
    """A ``TickEvaluation``."""
    changes = [
        answer(
            "DynamicPartitionRequest", partition_keys=list(keys), partitions_def_name=change.name, type=kind
        )
        for change in result.partition_changes
        for kind, keys in (("ADD_PARTITIONS", change.add), ("DELETE_PARTITIONS", change.delete))
        if keys
    ]
    return answer(
        "TickEvaluation",
        dynamic_partitions_requests=changes,
        run_requests=[_request_answer(request) for request in result.requests],
        skip_reason=result.skip_reason,
        error=result.error or next((error for _, error in result.failed_events), None),
        cursor=result.cursor,
    )


def _request_answer(request: RequestedRun) -> Answer:
    shown = {name: value for name, value in request.tags.items() if not name.startswith(HIDDEN_TAG_PREFIX)}
    return answer(
        "RunRequest",
        run_key=request.run_key,
        tags=key_values(shown),
        run_config_yaml=config_text(request.run_config),
        asset_selection=None if request.assets is None else asset_keys(request.assets),
        asset_checks=None if request.checks is None else [check_handle(check) for check in request.checks],
        job_name=request.job_name,
    )


BINDABLES = (state, tick, dry_tick)
