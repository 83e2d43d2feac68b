"""Resolves jobs, under both names that clients use for them (``Job`` and ``Pipeline``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ariadne import ObjectType, QueryType
from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer, answer
from tidewheel.api.graphql.conditions import condition_answer
from tidewheel.api.graphql.context import context_of
from tidewheel.api.graphql.definitions import (
    JobView,
    ScheduleView,
    SensorView,
    find_job,
    job_not_found,
)
from tidewheel.api.graphql.loaders import RunPage
from tidewheel.api.graphql.metadata_entries import metadata_entries
from tidewheel.api.graphql.partition_keys import key_page
from tidewheel.api.graphql.permissions import LAUNCH, RELAUNCH
from tidewheel.api.graphql.wire import MODE, key_values, page_limit
from tidewheel.logic.graph.specs import LocationSnapshot
from tidewheel.values.records import RunRecord

query = QueryType()
pipeline, job = ObjectType("Pipeline"), ObjectType("Job")


def _field(name: str) -> Callable[[Any], Any]:
    """Bind a resolver to both types."""

    def bind(resolve: Any) -> Any:
        pipeline.set_field(name, resolve)
        job.set_field(name, resolve)
        return resolve

    return bind


@query.field("pipelineOrError")
def _pipeline_or_error(root: None, info: GraphQLResolveInfo, params: Mapping[str, Any]) -> JobView | Answer:
    context = context_of(info)
    name = params["pipeline_name"]
    return find_job(context, params, name) or job_not_found(context, params, name)


@query.field("pipelineSnapshotOrError")
def _snapshot_or_error(
    root: None,
    info: GraphQLResolveInfo,
    snapshot_id: str | None = None,
    active_pipeline_selector: Mapping[str, Any] | None = None,
) -> Answer:
    """A job as it is now, by its id or a selector: earlier forms of jobs are not kept."""
    context = context_of(info)
    if active_pipeline_selector is not None:
        found = _pipeline_or_error(None, info, active_pipeline_selector)
        return snapshot_answer(found, None) if isinstance(found, JobView) else found
    location, _, name = (snapshot_id or "").rpartition("/")
    node = context.catalog.job(location, name)
    if node is None:
        text = (
            f"expected the id of a job as it is now, got {snapshot_id!r}; earlier forms of jobs are not kept"
        )
        return answer("PipelineSnapshotNotFoundError", message=text, snapshot_id=snapshot_id or "")
    return snapshot_answer(JobView(location, node), None)


def snapshot_answer(view: JobView, selection: list[str] | None) -> Answer:
    """The ``PipelineSnapshot`` of a job, of which these ops were chosen."""
    identity = f"{view.location}/{view.node.name}"
    return answer(
        "PipelineSnapshot",
        id=identity,
        name=view.node.name,
        description=view.node.description,
        pipeline_snapshot_id=identity,
        solid_selection=selection,
        tags=key_values(view.node.tags),
        metadata_entries=metadata_entries(view.node.metadata),
        run_tags=key_values(view.node.run_tags),
    )


@_field("id")
@_field("pipelineSnapshotId")
def _id(view: JobView, info: GraphQLResolveInfo) -> str:
    return f"{view.location}/{view.node.name}"


@_field("name")
@_field("graphName")
def _name(view: JobView, info: GraphQLResolveInfo) -> str:
    return view.node.name


@_field("description")
def _description(view: JobView, info: GraphQLResolveInfo) -> str | None:
    return view.node.description


@_field("modes")
def _modes(view: JobView, info: GraphQLResolveInfo) -> list[Answer]:
    return [answer("Mode", id=f"{_id(view, info)}/{MODE}", name=MODE, description=None)]


@_field("owners")
@_field("presets")
def _none(view: JobView, info: GraphQLResolveInfo) -> list[Answer]:
    return []


@_field("externalJobSource")
def _no_source(view: JobView, info: GraphQLResolveInfo) -> None:
    return None


@_field("tags")
def _tags(view: JobView, info: GraphQLResolveInfo) -> list[Answer]:
    return key_values(view.node.tags)


@_field("runTags")
def _run_tags(view: JobView, info: GraphQLResolveInfo) -> list[Answer]:
    return key_values(view.node.run_tags)


@_field("metadataEntries")
def _metadata(view: JobView, info: GraphQLResolveInfo) -> list[Answer]:
    return metadata_entries(view.node.metadata)


@_field("runs")
async def _runs(
    view: JobView, info: GraphQLResolveInfo, cursor: str | None = None, limit: int | None = None
) -> list[RunRecord]:
    page = RunPage(
        limit=page_limit(limit), job_name=view.node.name, location=view.location, cursor=cursor or None
    )
    return await context_of(info).loaders.run_pages.load(page) or []


@_field("schedules")
def _schedules(view: JobView, info: GraphQLResolveInfo) -> list[ScheduleView]:
    snapshot = context_of(info).catalog.snapshots.get(view.location)
    nodes = snapshot.schedules if snapshot else ()
    return [ScheduleView(view.location, node) for node in nodes if node.job_name == view.node.name]


@_field("sensors")
def _sensors(view: JobView, info: GraphQLResolveInfo) -> list[SensorView]:
    snapshot = context_of(info).catalog.snapshots.get(view.location)
    nodes = snapshot.sensors if snapshot else ()
    return [SensorView(view.location, node) for node in nodes if view.node.name in node.jobs]


@_field("isJob")
def _is_job(view: JobView, info: GraphQLResolveInfo) -> bool:
    return True


@_field("isAssetJob")
def _is_asset_job(view: JobView, info: GraphQLResolveInfo) -> bool:
    return view.node.is_asset_job


@_field("repository")
def _repository(view: JobView, info: GraphQLResolveInfo) -> LocationSnapshot:
    return context_of(info).catalog.snapshots[view.location]


@_field("partitionKeysOrError")
async def _partition_keys(
    view: JobView,
    info: GraphQLResolveInfo,
    cursor: str | None = None,
    limit: int | None = None,
    reverse: bool | None = None,
    selected_asset_keys: Sequence[Mapping[str, Any]] | None = None,
) -> Answer:
    if view.node.partitions is None:
        return answer("PartitionKeys", partition_keys=[])
    dynamic = await context_of(info).loaders.view()
    page = key_page(
        view.node.partitions, dynamic, limit=page_limit(limit), after=cursor, is_reversed=bool(reverse)
    )
    return answer("PartitionKeys", partition_keys=page.keys)


@_field("hasLaunchExecutionPermission")
def _may_launch(view: JobView, info: GraphQLResolveInfo) -> bool:
    return context_of(info).may(LAUNCH, view.location, view.node.assets)


@_field("hasLaunchReexecutionPermission")
def _may_relaunch(view: JobView, info: GraphQLResolveInfo) -> bool:
    return context_of(info).may(RELAUNCH, view.location, view.node.assets)


@_field("nodeNames")
def _node_names(view: JobView, info: GraphQLResolveInfo) -> list[str]:
    if view.node.ops:
        return [op.name for op in view.node.ops]
    catalog = context_of(info).catalog
    found = [catalog.asset(key) for key in view.node.assets]
    return sorted({node.step for node in found if node is not None and node.step is not None})


@_field("automationCondition")
def _condition(view: JobView, info: GraphQLResolveInfo) -> Answer | None:
    return condition_answer(view.node.condition)


BINDABLES = (query, pipeline, job)
