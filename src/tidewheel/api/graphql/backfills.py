"""Resolves backfills: launch, cancel, resume, repeat; lists; and the fields of ``PartitionBackfill``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ariadne import MutationType, ObjectType, QueryType
from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer, answer, exposed, failure
from tidewheel.api.graphql.context import RequestContext, context_of
from tidewheel.api.graphql.partition_sets import SUFFIX, PartitionSetView
from tidewheel.api.graphql.permissions import BACKFILL, CANCEL_BACKFILL
from tidewheel.api.graphql.run_config import UnreadableConfigError, read_run_config
from tidewheel.api.graphql.wire import (
    asset_key,
    asset_keys,
    asset_text,
    asset_texts,
    check_handle,
    key_values,
    page_limit,
    tag_mapping,
)
from tidewheel.logic.planning.backfill_parts import stored_set
from tidewheel.values.backfills import (
    BackfillFilter,
    BackfillPart,
    BackfillRecord,
    BackfillStatus,
    PartProgress,
)
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.launch import BackfillOutcome, BackfillRequest, PartitionsOfAsset
from tidewheel.values.records import RunFilter, RunRecord
from tidewheel.values.status import NOT_FINISHED_STATUSES, RunStatus
from tidewheel.values.tags import BACKFILL as BACKFILL_TAG

Result = Answer | ErrorInfo
RUN_STATUS = {
    BackfillStatus.CANCELING: RunStatus.CANCELING,
    BackfillStatus.CANCELED: RunStatus.CANCELED,
    BackfillStatus.COMPLETED_SUCCESS: RunStatus.SUCCESS,
    BackfillStatus.COMPLETED_FAILED: RunStatus.FAILURE,
    BackfillStatus.FAILED: RunStatus.FAILURE,
}

query, mutation, backfill = QueryType(), MutationType(), ObjectType("PartitionBackfill")


# -- mutations --------------------------------------------------------------------------------------------------------


@mutation.field("launchPartitionBackfill")
async def _launch(root: None, info: GraphQLResolveInfo, backfill_params: Mapping[str, Any]) -> Result:
    context = context_of(info)
    try:
        request = _request(backfill_params)
    except UnreadableConfigError as error:
        return exposed(error)
    if request.job_name is not None:
        job = context.catalog.job(request.location or "", request.job_name)
        if job is None or job.partitions is None:
            name = backfill_params["selector"]["partition_set_name"]
            text = f"expected a partition set (a partitioned job's name and {SUFFIX!r}), got {name!r}"
            return answer("PartitionSetNotFoundError", message=text, partition_set_name=name)
    refused = context.refusal(BACKFILL, _location(context, request))
    if refused is not None:
        return refused
    outcome = await context.server.control.launch_backfill(
        request, approve=lambda fields: context.require_backfill(BACKFILL, fields)
    )
    return _launched(outcome, request.partitions)


def _request(params: Mapping[str, Any]) -> BackfillRequest:
    selector = params.get("selector")
    by_asset = params.get("partitions_by_assets")
    has_assets = bool(params.get("asset_selection") or by_asset)
    return BackfillRequest(
        job_name=selector["partition_set_name"].removesuffix(SUFFIX) if selector and not has_assets else None,
        location=selector["repository_selector"]["repository_location_name"] if selector else None,
        assets=asset_texts(params.get("asset_selection")) if by_asset is None else None,
        by_asset=None
        if by_asset is None
        else {asset_text(one["asset_key"]): _chosen(one) for one in by_asset},
        partitions=() if params.get("all_partitions") else tuple(params.get("partition_names") or ()),
        only="failed" if params.get("from_failure") else None,
        ops=tuple(params["reexecution_steps"]) if params.get("reexecution_steps") else None,
        run_config=read_run_config(params.get("run_config_data")),
        tags=tag_mapping(params.get("tags")),
        title=params.get("title"),
        description=params.get("description"),
    )


def _chosen(one: Mapping[str, Any]) -> PartitionsOfAsset:
    wanted = one.get("partitions") or {}
    ranges = list(wanted.get("ranges") or ())
    if wanted.get("range"):
        ranges.append(wanted["range"])
    return PartitionsOfAsset(ranges=tuple((each["start"], each["end"]) for each in ranges))


def _location(context: RequestContext, request: BackfillRequest) -> str | None:
    names = request.assets or tuple(request.by_asset or ())
    return request.location or next((context.catalog.asset_location(name) for name in names), None)


def _launched(outcome: BackfillOutcome, keys: Iterable[str] = ()) -> Result:
    if outcome.backfill_id is not None:
        return answer("LaunchBackfillSuccess", backfill_id=outcome.backfill_id, launched_run_ids=None)
    if outcome.kind == "invalid_partition":
        return answer("PartitionKeysNotFoundError", message=outcome.message, partition_keys=list(keys))
    return _refused(outcome)


def _refused(outcome: BackfillOutcome) -> ErrorInfo:
    name = outcome.error.cls_name if outcome.error else "InvalidInvocationError"
    return failure(name, outcome.message)


@mutation.field("reexecutePartitionBackfill")
async def _reexecute(root: None, info: GraphQLResolveInfo, reexecution_params: Mapping[str, Any]) -> Result:
    parent, strategy = reexecution_params["parent_run_id"], reexecution_params["strategy"]
    await _require(context_of(info), BACKFILL, parent)
    outcome = await context_of(info).server.control.retry_backfill(parent, strategy == "ALL_STEPS")
    return _launched(outcome)


async def _require(context: RequestContext, permission: str, backfill_id: str) -> None:
    """Let only those go on who may do this with all that the backfill is about, if there is one.

    Raises:
        AccessRefusedError: when they may not.
    """
    record = await context.database.read(context.ledger.backfills.get, backfill_id)
    if record is not None:
        context.require_backfill(permission, record.fields)


@mutation.field("resumePartitionBackfill")
async def _resume(root: None, info: GraphQLResolveInfo, backfill_id: str) -> Result:
    await _require(context_of(info), BACKFILL, backfill_id)
    outcome = await context_of(info).server.control.resume_backfill(backfill_id)
    if outcome.backfill_id is None:
        return _refused(outcome)
    return answer("ResumeBackfillSuccess", backfill_id=backfill_id)


@mutation.field("cancelPartitionBackfill")
async def _cancel(root: None, info: GraphQLResolveInfo, backfill_id: str) -> Result:
    await _require(context_of(info), CANCEL_BACKFILL, backfill_id)
    stopped = await context_of(info).server.control.cancel_backfill(backfill_id)
    if stopped is None:
        text = f"expected the id of a backfill that has not ended, got {backfill_id!r}"
        return failure("BackfillNotFoundError", text)
    return answer("CancelBackfillSuccess", backfill_id=backfill_id)


# -- queries ----------------------------------------------------------------------------------------------------------


@query.field("partitionBackfillOrError")
async def _one(root: None, info: GraphQLResolveInfo, backfill_id: str) -> BackfillRecord | Answer:
    context = context_of(info)
    found = await context.database.read(context.ledger.backfills.get, backfill_id)
    if found is not None:
        return found
    text = f"expected the id of a backfill, got {backfill_id!r}"
    return answer("BackfillNotFoundError", message=text, backfill_id=backfill_id)


@query.field("partitionBackfillsOrError")
async def _many(
    root: None,
    info: GraphQLResolveInfo,
    status: str | None = None,
    cursor: str | None = None,
    limit: int | None = None,
    filters: Mapping[str, Any] | None = None,
) -> Answer:
    context = context_of(info)
    found = await context.database.read(
        context.ledger.backfills.get_many,
        backfill_filter(status, filters or {}),
        limit=page_limit(limit),
        cursor=cursor or None,
    )
    return answer("PartitionBackfills", results=found)


def backfill_filter(status: str | None, filters: Mapping[str, Any]) -> BackfillFilter:
    """The ledger's filter of ``BulkActionsFilter``; statuses that no backfill here can have match nothing."""
    names = [status] if status is not None else filters.get("statuses")
    known = {each.value: each for each in BackfillStatus}
    return BackfillFilter(
        statuses=None if names is None else tuple(known[name] for name in names if name in known),
        created_after=filters.get("created_after"),
        created_before=filters.get("created_before"),
    )


# -- PartitionBackfill ------------------------------------------------------------------------------------------------

backfill.set_field("id", lambda found, info: found.backfill_id)
backfill.set_field("status", lambda found, info: found.status.value)
backfill.set_field("creationTime", lambda found, info: found.created_at)
backfill.set_field("startTime", lambda found, info: found.created_at)
backfill.set_field("endTime", lambda found, info: found.ended_at)
backfill.set_field("timestamp", lambda found, info: found.created_at)
backfill.set_field("endTimestamp", lambda found, info: found.ended_at)
backfill.set_field("jobName", lambda found, info: found.fields.job_name)
backfill.set_field("title", lambda found, info: found.fields.title)
backfill.set_field("description", lambda found, info: found.fields.description)
backfill.set_field("tags", lambda found, info: key_values(found.fields.tags))
backfill.set_field("user", lambda found, info: found.fields.tags.get("user"))
backfill.set_field("isAssetBackfill", lambda found, info: found.fields.is_of_assets)
backfill.set_field("isValidSerialization", lambda found, info: True)
backfill.set_field("fromFailure", lambda found, info: found.fields.parent_id is not None)
backfill.set_field("reexecutionSteps", lambda found, info: found.fields.steps)
backfill.set_field("error", lambda found, info: found.error)


@backfill.field("runStatus")
def _run_status(found: BackfillRecord, info: GraphQLResolveInfo) -> RunStatus:
    begun = RunStatus.STARTED if found.progress else RunStatus.QUEUED
    return RUN_STATUS.get(found.status, begun)


@backfill.field("assetSelection")
def _assets(found: BackfillRecord, info: GraphQLResolveInfo) -> list[Any] | None:
    return asset_keys(part.name for part in found.fields.parts) if found.fields.is_of_assets else None


@backfill.field("assetCheckSelection")
def _checks(found: BackfillRecord, info: GraphQLResolveInfo) -> list[Answer] | None:
    checks = found.fields.checks
    return None if checks is None else [check_handle(text) for text in checks]


@backfill.field("partitionSetName")
def _set_name(found: BackfillRecord, info: GraphQLResolveInfo) -> str | None:
    return None if found.fields.job_name is None else found.fields.job_name + SUFFIX


@backfill.field("partitionSet")
def _partition_set(found: BackfillRecord, info: GraphQLResolveInfo) -> PartitionSetView | None:
    fields = found.fields
    if fields.job_name is None:
        return None
    job = context_of(info).catalog.job(fields.location or "", fields.job_name)
    return PartitionSetView(fields.location or "", job) if job is not None else None


@backfill.field("numPartitions")
def _number(found: BackfillRecord, info: GraphQLResolveInfo) -> int:
    # of several assets, Dagster counts each key once; the largest part is that number for kindred assets
    return max(part.count for part in found.fields.parts)


@backfill.field("partitionNames")
async def _names(found: BackfillRecord, info: GraphQLResolveInfo) -> list[str] | None:
    """The keys of all assets, each once; None when there are more than a page holds."""
    view = await context_of(info).loaders.view()
    if sum(part.count for part in found.fields.parts) > page_limit(None):
        return None
    keys: dict[str, None] = {}
    for part in found.fields.parts:
        if part.spec:
            keys.update(dict.fromkeys(stored_set(part.wanted, part).keys(view)))
    return list(keys)


@backfill.field("numCancelable")
async def _cancelable_count(found: BackfillRecord, info: GraphQLResolveInfo) -> int:
    return len(await _runs_of(found, info, None, (RunStatus.QUEUED,))) if found.is_live else 0


@backfill.field("runs")
async def _runs(found: BackfillRecord, info: GraphQLResolveInfo, limit: int | None = None) -> list[RunRecord]:
    return await _runs_of(found, info, limit, None)


@backfill.field("unfinishedRuns")
async def _unfinished(
    found: BackfillRecord, info: GraphQLResolveInfo, limit: int | None = None
) -> list[RunRecord]:
    return await _runs_of(found, info, limit, NOT_FINISHED_STATUSES)


@backfill.field("cancelableRuns")
async def _cancelable(
    found: BackfillRecord, info: GraphQLResolveInfo, limit: int | None = None
) -> list[RunRecord]:
    return await _runs_of(found, info, limit, (RunStatus.QUEUED,))


async def _runs_of(
    found: BackfillRecord, info: GraphQLResolveInfo, limit: int | None, statuses: tuple[RunStatus, ...] | None
) -> list[RunRecord]:
    context = context_of(info)
    filters = RunFilter(tags={BACKFILL_TAG: (found.backfill_id,)}, statuses=statuses)
    return await context.database.read(context.ledger.get_runs, filters, limit=page_limit(limit))


@backfill.field("partitionStatusCounts")
def _status_counts(found: BackfillRecord, info: GraphQLResolveInfo) -> list[Answer]:
    counts = found.counts
    pairs = (
        (RunStatus.NOT_STARTED, counts.waiting + counts.left_out),
        (RunStatus.STARTED, counts.in_progress),
        (RunStatus.SUCCESS, counts.done),
        (RunStatus.FAILURE, counts.failed),
        (RunStatus.CANCELED, counts.cancelled),
    )
    return [
        answer("PartitionStatusCounts", run_status=status, count=count) for status, count in pairs if count
    ]


@backfill.field("assetBackfillStatuses")
def _asset_statuses(found: BackfillRecord, info: GraphQLResolveInfo) -> list[Answer]:
    """Per asset, how many partitions are in which state."""
    if not found.fields.is_of_assets:
        return []

    def size(data: bytes, part: BackfillPart) -> int:
        return len(stored_set(data, part))

    results = []
    for part in found.fields.parts:
        progress = found.progress.get(part.name, PartProgress())
        requested, done = size(progress.requested, part), size(progress.done, part)
        failed = size(progress.failed, part) + size(progress.left_out, part)
        cancelled = size(progress.cancelled, part)
        results.append(
            answer(
                "AssetBackfillStatus",
                asset_key=asset_key(part.name),
                num_partitions_targeted=part.count,
                num_partitions_in_progress=requested - done - failed - cancelled,
                num_partitions_materialized=done,
                num_partitions_failed=failed,
            )
        )
    return results


@backfill.field("hasCancelPermission")
def _may_cancel(found: BackfillRecord, info: GraphQLResolveInfo) -> bool:
    return context_of(info).may(CANCEL_BACKFILL, found.fields.location)


@backfill.field("hasResumePermission")
def _may_resume(found: BackfillRecord, info: GraphQLResolveInfo) -> bool:
    return context_of(info).may(BACKFILL, found.fields.location)


BINDABLES = (query, mutation, backfill)
