"""Resolves the partitions of jobs (``PartitionSet``) and the newest run of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from ariadne import ObjectType, QueryType
from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer, answer, failure
from tidewheel.api.graphql.context import context_of
from tidewheel.api.graphql.definitions import find_job, find_repository, job_not_found, repository_origin
from tidewheel.api.graphql.partition_keys import key_page
from tidewheel.api.graphql.permissions import BACKFILL, CANCEL_BACKFILL
from tidewheel.api.graphql.run_queries import run_filter
from tidewheel.api.graphql.wire import MODE, page_limit
from tidewheel.logic.graph.specs import JobNode, LocationSnapshot
from tidewheel.logic.partitions.keys import has_key
from tidewheel.values.backfills import BackfillFilter, BackfillRecord
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.records import RunRecord
from tidewheel.values.tags import PARTITION

SUFFIX = "_partition_set"
RUN_SCAN = 10_000
"""Newest runs of a job that are looked through for its partitions' statuses."""


class PartitionSetView(msgspec.Struct, frozen=True):
    """The partitions of a job of a location."""

    location: str
    job: JobNode

    typename = "PartitionSet"

    @property
    def name(self) -> str:
        """The name that clients know."""
        return self.job.name + SUFFIX


def partition_sets_of(snapshot: LocationSnapshot) -> list[PartitionSetView]:
    """One for every partitioned job."""
    return [
        PartitionSetView(snapshot.name, job)
        for job in snapshot.jobs
        if job.partitions is not None and not job.is_hidden
    ]


query = QueryType()


@query.field("partitionSetsOrError")
def _partition_sets(
    root: None, info: GraphQLResolveInfo, repository_selector: Mapping[str, Any], pipeline_name: str
) -> Answer:
    context = context_of(info)
    job = find_job(context, repository_selector, pipeline_name)
    if job is None:
        return job_not_found(context, repository_selector, pipeline_name)
    found = [PartitionSetView(job.location, job.node)] if job.node.partitions is not None else []
    return answer("PartitionSets", results=found)


@query.field("partitionSetOrError")
def _partition_set(
    root: None,
    info: GraphQLResolveInfo,
    repository_selector: Mapping[str, Any],
    partition_set_name: str | None = None,
) -> PartitionSetView | Answer:
    context = context_of(info)
    snapshot = find_repository(context, repository_selector)
    for view in partition_sets_of(snapshot) if snapshot is not None else ():
        if view.name == partition_set_name:
            return view
    text = f"expected a partition set (a partitioned job's name and {SUFFIX!r}), got {partition_set_name!r}"
    return answer("PartitionSetNotFoundError", message=text, partition_set_name=partition_set_name or "")


partition_set = ObjectType("PartitionSet")
partition_set.set_field("id", lambda view, info: f"{view.location}/{view.name}")
partition_set.set_field("pipelineName", lambda view, info: view.job.name)
partition_set.set_field("solidSelection", lambda view, info: None)
partition_set.set_field("mode", lambda view, info: MODE)
partition_set.set_field("repositoryOrigin", lambda view, info: repository_origin(view.location))


@partition_set.field("hasLaunchBackfillPermission")
def _may_backfill(view: PartitionSetView, info: GraphQLResolveInfo) -> bool:
    return context_of(info).may(BACKFILL, view.location)


@partition_set.field("hasCancelBackfillPermission")
def _may_cancel(view: PartitionSetView, info: GraphQLResolveInfo) -> bool:
    return context_of(info).may(CANCEL_BACKFILL, view.location)


@partition_set.field("partitionsOrError")
async def _partitions(
    view: PartitionSetView,
    info: GraphQLResolveInfo,
    cursor: str | None = None,
    limit: int | None = None,
    reverse: bool | None = None,
) -> Answer:
    assert view.job.partitions is not None
    page = key_page(
        view.job.partitions,
        await context_of(info).loaders.view(),
        limit=page_limit(limit),
        after=cursor,
        is_reversed=bool(reverse),
    )
    return answer("Partitions", results=[_partition_answer(view, key) for key in page.keys])


@partition_set.field("partition")
async def _partition(view: PartitionSetView, info: GraphQLResolveInfo, partition_name: str) -> Answer | None:
    assert view.job.partitions is not None
    known = has_key(view.job.partitions, partition_name, await context_of(info).loaders.view())
    return _partition_answer(view, partition_name) if known else None


def _partition_answer(view: PartitionSetView, key: str) -> Answer:
    return answer(
        "Partition", view=view, name=key, partition_set_name=view.name, solid_selection=None, mode=MODE
    )


@partition_set.field("partitionStatusesOrError")
async def _statuses(view: PartitionSetView, info: GraphQLResolveInfo) -> Answer | ErrorInfo:
    context = context_of(info)
    assert view.job.partitions is not None
    page = key_page(view.job.partitions, await context.loaders.view(), limit=page_limit(None))
    if page.has_more:
        text = f"expected a job of at most {page_limit(None)} partitions, got more; ask for pages of partitionsOrError"
        return failure("TooManyPartitionsError", text)
    filters = msgspec.structs.replace(run_filter({"pipeline_name": view.job.name}), location=view.location)
    newest: dict[str, RunRecord] = {}
    for record in await context.database.read(context.ledger.get_runs, filters, limit=RUN_SCAN):
        if record.partition is not None:
            newest.setdefault(record.partition, record)
    return answer(
        "PartitionStatuses", results=[partition_status(view.name, key, newest.get(key)) for key in page.keys]
    )


def partition_status(set_name: str, key: str, record: RunRecord | None) -> Answer:
    """The ``PartitionStatus`` of a key, by the newest run of it."""
    duration = None
    if record is not None and record.started_at is not None and record.ended_at is not None:
        duration = record.ended_at - record.started_at
    return answer(
        "PartitionStatus",
        id=f"{set_name}:{key}",
        partition_name=key,
        run_id=record.run_id if record else None,
        run_status=record.status if record else None,
        run_duration=duration,
    )


@partition_set.field("backfills")
async def _backfills(
    view: PartitionSetView, info: GraphQLResolveInfo, cursor: str | None = None, limit: int | None = None
) -> list[BackfillRecord]:
    context = context_of(info)
    found = await context.database.read(
        context.ledger.backfills.get_many,
        BackfillFilter(job_name=view.job.name),
        limit=page_limit(limit),
        cursor=cursor or None,
    )
    return [each for each in found if each.fields.location == view.location]


partition = ObjectType("Partition")


@partition.field("runs")
async def _runs(
    found: Answer,
    info: GraphQLResolveInfo,
    filter: Mapping[str, Any] | None = None,
    cursor: str | None = None,
    limit: int | None = None,
) -> list[RunRecord]:
    context = context_of(info)
    wanted = run_filter(filter)
    view: PartitionSetView = found["view"]
    filters = msgspec.structs.replace(
        wanted,
        job_name=view.job.name,
        location=view.location,
        tags=wanted.tags | {PARTITION: (found["name"],)},
    )
    return await context.database.read(
        context.ledger.get_runs, filters, limit=page_limit(limit), cursor=cursor or None
    )


@partition.field("status")
async def _status(found: Answer, info: GraphQLResolveInfo) -> Any:
    newest = await _runs(found, info, limit=1)
    return newest[0].status if newest else None


BINDABLES = (query, partition_set, partition)
