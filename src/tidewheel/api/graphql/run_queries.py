"""Answers questions about runs: one, many with filters and pages, their groups, their tags, their logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ariadne import ObjectType, QueryType
from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer, answer
from tidewheel.api.graphql.context import RequestContext, context_of
from tidewheel.api.graphql.runs import event_connection, run_not_found
from tidewheel.api.graphql.wire import page_limit, tag_mapping
from tidewheel.storage.ports.ledger import LedgerPort
from tidewheel.values.backfills import BackfillFilter
from tidewheel.values.records import RunFilter, RunRecord
from tidewheel.values.status import RunStatus
from tidewheel.values.tags import HIDDEN_TAG_PREFIX, ROOT_RUN_ID

MAX_FILTER_IDS = 1_000
TAG_SCAN = 2_000
"""Newest runs that are looked through for tags: the ledger has no list of all tags."""

query = QueryType()


def run_filter(wanted: Mapping[str, Any] | None) -> RunFilter:
    """The ledger's filter of a ``RunsFilter``.

    Raises:
        ValueError: when it names too many runs.
    """
    wanted = wanted or {}
    run_ids = wanted.get("run_ids")
    if run_ids is not None and len(run_ids) > MAX_FILTER_IDS:
        raise ValueError(f"expected at most {MAX_FILTER_IDS} run ids in a filter, got {len(run_ids)}")
    statuses = wanted.get("statuses")
    return RunFilter(
        run_ids=tuple(run_id for run_id in run_ids if run_id is not None) if run_ids is not None else None,
        job_name=wanted.get("pipeline_name"),
        statuses=tuple(RunStatus(status) for status in statuses) if statuses else None,
        tags={name: (value,) for name, value in tag_mapping(wanted.get("tags")).items()},
        created_after=wanted.get("created_after"),
        created_before=wanted.get("created_before"),
        updated_after=wanted.get("updated_after"),
        updated_before=wanted.get("updated_before"),
    )


async def find_run(context: RequestContext, run_id: str) -> RunRecord | Answer:
    """A run, or the answer that there is none."""
    record = await context.loaders.runs.load(run_id)
    return record if record is not None else run_not_found(run_id)


@query.field("runOrError")
@query.field("pipelineRunOrError")
async def _run_or_error(root: None, info: GraphQLResolveInfo, run_id: str) -> RunRecord | Answer:
    return await find_run(context_of(info), run_id)


async def _page(
    info: GraphQLResolveInfo, filters: RunFilter, cursor: str | None, limit: int | None
) -> list[RunRecord]:
    context = context_of(info)
    return await context.database.read(
        context.ledger.get_runs, filters, limit=page_limit(limit), cursor=cursor or None
    )


@query.field("runsOrError")
@query.field("pipelineRunsOrError")
async def _runs_or_error(
    root: None,
    info: GraphQLResolveInfo,
    filter: Mapping[str, Any] | None = None,
    cursor: str | None = None,
    limit: int | None = None,
) -> Answer:
    try:
        filters = run_filter(filter)
    except ValueError as error:
        return answer("InvalidPipelineRunsFilterError", message=str(error))
    return answer("Runs", filters=filters, results=await _page(info, filters, cursor, limit))


runs = ObjectType("Runs")


@runs.field("count")
async def _count(found: Answer, info: GraphQLResolveInfo) -> int:
    context = context_of(info)
    return await context.database.read(context.ledger.count_runs, found["filters"])


@query.field("runIdsOrError")
async def _run_ids(
    root: None,
    info: GraphQLResolveInfo,
    filter: Mapping[str, Any] | None = None,
    cursor: str | None = None,
    limit: int | None = None,
) -> Answer:
    try:
        filters = run_filter(filter)
    except ValueError as error:
        return answer("InvalidPipelineRunsFilterError", message=str(error))
    page = await _page(info, filters, cursor, limit)
    return answer("RunIds", results=[record.run_id for record in page])


@query.field("runGroupOrError")
async def _run_group(root: None, info: GraphQLResolveInfo, run_id: str) -> Answer:
    context = context_of(info)
    record = await context.loaders.runs.load(run_id)
    if record is None:
        text = f"expected the id of a run, got {run_id!r}"
        return answer("RunGroupNotFoundError", run_id=run_id, message=text)
    root_id = record.root_run_id or record.tags.get(ROOT_RUN_ID) or run_id
    others = await context.database.read(
        context.ledger.get_runs,
        RunFilter(tags={ROOT_RUN_ID: (root_id,)}),
        limit=page_limit(None),
        ascending=True,
    )
    first = await context.loaders.runs.load(root_id)
    return answer("RunGroup", root_run_id=root_id, runs=([first] if first else []) + others)


@query.field("runsFeedOrError")
async def _runs_feed(
    root: None,
    info: GraphQLResolveInfo,
    limit: int,
    view: str,
    cursor: str | None = None,
    filter: Mapping[str, Any] | None = None,
) -> Answer | Any:
    count = page_limit(limit)
    if view == "BACKFILLS":
        return await _backfills_feed(context_of(info), count, cursor, filter or {})
    found = await _page(info, run_filter(filter), cursor, min(count + 1, page_limit(None)))
    page = found[:count]
    return answer(
        "RunsFeedConnection",
        results=page,
        cursor=page[-1].run_id if page else cursor or "",
        has_more=len(found) > count,
    )


async def _backfills_feed(
    context: RequestContext, count: int, cursor: str | None, filters: Mapping[str, Any]
) -> Answer:
    found = await context.database.read(
        context.ledger.backfills.get_many, _of_backfills(filters), limit=count + 1, cursor=cursor or None
    )
    page = found[:count]
    return answer(
        "RunsFeedConnection",
        results=page,
        cursor=page[-1].backfill_id if page else cursor or "",
        has_more=len(found) > count,
    )


def _of_backfills(filters: Mapping[str, Any] | None) -> BackfillFilter:
    wanted = filters or {}
    return BackfillFilter(
        created_after=wanted.get("created_after"), created_before=wanted.get("created_before")
    )


@query.field("runsFeedCountOrError")
async def _runs_feed_count(
    root: None, info: GraphQLResolveInfo, view: str, filter: Mapping[str, Any] | None = None
) -> Answer:
    context = context_of(info)
    if view == "BACKFILLS":
        backfills = context.ledger.backfills
        return answer(
            "RunsFeedCount", count=await context.database.read(backfills.get_count, _of_backfills(filter))
        )
    return answer(
        "RunsFeedCount", count=await context.database.read(context.ledger.count_runs, run_filter(filter))
    )


def _tags_of_newest(ledger: LedgerPort) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for record in ledger.get_runs(None, limit=TAG_SCAN):
        for name, value in record.tags.items():
            if not name.startswith(HIDDEN_TAG_PREFIX):
                found.setdefault(name, set()).add(value)
    return found


@query.field("runTagKeysOrError")
async def _tag_keys(root: None, info: GraphQLResolveInfo) -> Answer:
    context = context_of(info)
    return answer("RunTagKeys", keys=sorted(await context.database.read(_tags_of_newest, context.ledger)))


@query.field("runTagsOrError")
async def _tags(
    root: None,
    info: GraphQLResolveInfo,
    tag_keys: list[str] | None = None,
    value_prefix: str | None = None,
    limit: int | None = None,
) -> Answer:
    context = context_of(info)
    known = await context.database.read(_tags_of_newest, context.ledger)
    tags = [
        {"key": key, "values": sorted(v for v in values if v.startswith(value_prefix or ""))}
        for key, values in sorted(known.items())
        if tag_keys is None or key in tag_keys
    ]
    return answer("RunTags", tags=[tag for tag in tags if tag["values"]][: page_limit(limit)])


@query.field("logsForRun")
async def _logs_for_run(
    root: None,
    info: GraphQLResolveInfo,
    run_id: str,
    after_cursor: str | None = None,
    limit: int | None = None,
) -> Answer:
    context = context_of(info)
    if await context.loaders.runs.load(run_id) is None:
        return run_not_found(run_id)
    return await event_connection(context, run_id, after_cursor, limit)


BINDABLES = (query, runs)
