"""Resolves ``AssetNode``: an asset's definition, what depends on it, and the status of its partitions."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from ariadne import ObjectType, QueryType
from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer, answer
from tidewheel.api.graphql.asset_events import MADE, SEEN, asset_events
from tidewheel.api.graphql.assets import asset_not_found
from tidewheel.api.graphql.conditions import condition_answer
from tidewheel.api.graphql.context import RequestContext, context_of
from tidewheel.api.graphql.definitions import (
    AssetView,
    JobView,
    ScheduleView,
    SensorView,
    asset_view,
    find_job,
    find_repository,
)
from tidewheel.api.graphql.event_fields import EventView
from tidewheel.api.graphql.metadata_entries import metadata_entries
from tidewheel.api.graphql.permissions import LAUNCH, REPORT_EVENTS, WIPE
from tidewheel.api.graphql.wire import asset_key, asset_text, key_values, owner_entry
from tidewheel.logic.graph.specs import AssetNode, LocationSnapshot
from tidewheel.services.code.catalog import IMPLICIT_ASSET_JOB
from tidewheel.values.keys import AssetKey
from tidewheel.values.records import RunRecord
from tidewheel.values.tags import DATA_VERSION

query = QueryType()


@query.field("assetNodeOrError")
def _node_or_error(root: None, info: GraphQLResolveInfo, asset_key: Mapping[str, Any]) -> AssetView | Answer:
    context = context_of(info)
    key = asset_text(asset_key)
    return asset_view(context, key) or asset_not_found(context, key)


@query.field("assetNodes")
def _nodes(
    root: None,
    info: GraphQLResolveInfo,
    group: Mapping[str, Any] | None = None,
    pipeline: Mapping[str, Any] | None = None,
    asset_keys: Sequence[Mapping[str, Any]] | None = None,
    load_materializations: bool = False,
) -> list[AssetView]:
    context = context_of(info)
    found = [view for node in context.catalog.assets() if (view := asset_view(context, node.key)) is not None]
    if asset_keys is not None:
        wanted = {asset_text(key) for key in asset_keys}
        found = [view for view in found if view.node.key in wanted]
    if group is not None:
        snapshot = find_repository(context, group)
        keys = {n.key for n in snapshot.assets if n.group == group["group_name"]} if snapshot else set()
        found = [view for view in found if view.node.key in keys]
    if pipeline is not None:
        job = find_job(context, pipeline, pipeline["pipeline_name"])
        found = [view for view in found if job is not None and view.node.key in job.node.assets]
    return sorted(found, key=lambda view: asset_key(view.node.key))


@query.field("assetNodeAdditionalRequiredKeys")
def _required_keys(
    root: None, info: GraphQLResolveInfo, asset_keys: Sequence[Mapping[str, Any]]
) -> list[AssetKey]:
    catalog = context_of(info).catalog
    given = {asset_text(key) for key in asset_keys}
    nodes = [catalog.asset(key) for key in given]
    more = {sibling for node in nodes if node is not None for sibling in node.required_siblings} - given
    return sorted(asset_key(key) for key in more)


@query.field("assetNodeDefinitionCollisions")
def _collisions(
    root: None, info: GraphQLResolveInfo, asset_keys: Sequence[Mapping[str, Any]]
) -> list[Answer]:
    snapshots = context_of(info).catalog.snapshots.values()
    found = []
    for key in map(asset_text, asset_keys):
        makers = [s for s in snapshots if any(n.key == key and n.kind != "external" for n in s.assets)]
        if len(makers) > 1:
            found.append(
                answer("AssetNodeDefinitionCollision", asset_key=asset_key(key), repositories=makers)
            )
    return found


node = ObjectType("AssetNode")
node.set_field("id", lambda view, info: f"{view.location}.{view.node.key}")
node.set_field("assetKey", lambda view, info: asset_key(view.node.key))
node.set_field("groupName", lambda view, info: view.node.group)
node.set_field("owners", lambda view, info: [owner_entry(owner, "Asset") for owner in view.node.owners])
node.set_field("tags", lambda view, info: key_values(view.node.tags))
node.set_field("kinds", lambda view, info: list(view.node.kinds))
node.set_field("computeKind", lambda view, info: view.node.kinds[0] if view.node.kinds else None)
node.set_field("metadataEntries", lambda view, info: metadata_entries(view.node.metadata))
node.set_field("isExecutable", lambda view, info: view.node.kind != "external")
node.set_field("isObservable", lambda view, info: view.node.kind == "observable")
node.set_field("isMaterializable", lambda view, info: view.node.kind == "materializable")
node.set_field("isPartitioned", lambda view, info: view.node.partitions is not None)
node.set_field("isVirtual", lambda view, info: view.node.is_virtual)
node.set_field("isAutoCreatedStub", lambda view, info: False)
node.set_field("opName", lambda view, info: view.node.step)
node.set_field("opNames", lambda view, info: [] if view.node.step is None else [view.node.step])
node.set_field("opVersion", lambda view, info: view.node.code_version)
node.set_field("graphName", lambda view, info: None)
node.set_field("pools", lambda view, info: [] if view.node.pool is None else [view.node.pool])
node.set_field("automationCondition", lambda view, info: condition_answer(view.node.condition))


@node.field("description")
def _description(view: AssetView, info: GraphQLResolveInfo, character_limit: int | None = None) -> str | None:
    text = view.node.description
    return text if text is None or character_limit is None else text[: max(0, character_limit)]


@node.field("repository")
def _repository(view: AssetView, info: GraphQLResolveInfo) -> LocationSnapshot:
    return context_of(info).catalog.snapshots[view.location]


@node.field("backfillPolicy")
def _backfill_policy(view: AssetView, info: GraphQLResolveInfo) -> Answer | None:
    policy = view.node.backfill_policy
    if policy is None:
        return None
    most = policy.max_partitions_per_run
    text = "all partitions in one run" if most is None else f"at most {most} partitions in a run"
    return answer(
        "BackfillPolicy",
        max_partitions_per_run=most,
        description=text,
        policy_type="SINGLE_RUN" if most is None else "MULTI_RUN",
    )


# -- who uses it ---------------------------------------------------------------------------------------------


def _jobs_of(context: RequestContext, view: AssetView) -> list[JobView]:
    snapshot = context.catalog.snapshots.get(view.location)
    return [
        JobView(view.location, job)
        for job in (snapshot.jobs if snapshot else ())
        if view.node.key in job.assets
    ]


@node.field("jobs")
def _jobs(view: AssetView, info: GraphQLResolveInfo) -> list[JobView]:
    return _jobs_of(context_of(info), view)


@node.field("jobNames")
def _job_names(view: AssetView, info: GraphQLResolveInfo) -> list[str]:
    return [job.node.name for job in _jobs_of(context_of(info), view)]


@node.field("targetingInstigators")
def _instigators(view: AssetView, info: GraphQLResolveInfo) -> list[ScheduleView | SensorView]:
    context = context_of(info)
    snapshot = context.catalog.snapshots.get(view.location)
    if snapshot is None:
        return []
    jobs = {job.node.name for job in _jobs_of(context, view)} - {IMPLICIT_ASSET_JOB}
    schedules = [ScheduleView(view.location, one) for one in snapshot.schedules if one.job_name in jobs]
    sensors = [
        SensorView(view.location, one)
        for one in snapshot.sensors
        if jobs.intersection(one.jobs) or (one.kind == "automation" and view.node.key in one.assets)
    ]
    return [*schedules, *sensors]


def _dependants(context: RequestContext, key: str) -> list[AssetNode]:
    return [one for one in context.catalog.assets() if any(dep.asset == key for dep in one.deps)]


@node.field("dependencyKeys")
def _dependency_keys(view: AssetView, info: GraphQLResolveInfo) -> list[AssetKey]:
    return [asset_key(dep.asset) for dep in view.node.deps]


@node.field("dependedByKeys")
def _depended_by_keys(view: AssetView, info: GraphQLResolveInfo) -> list[AssetKey]:
    return sorted(asset_key(one.key) for one in _dependants(context_of(info), view.node.key))


@node.field("dependencies")
def _dependencies(view: AssetView, info: GraphQLResolveInfo) -> list[Answer]:
    context = context_of(info)
    found = []
    for dep in view.node.deps:
        upstream = asset_view(context, dep.asset) or AssetView(
            view.location, AssetNode(key=dep.asset, kind="external")
        )
        found.append(answer("AssetDependency", asset=upstream, partition_mapping=_mapping(dep.mapping)))
    return found


@node.field("dependedBy")
def _depended_by(view: AssetView, info: GraphQLResolveInfo) -> list[Answer]:
    context = context_of(info)
    found = []
    for one in _dependants(context, view.node.key):
        mapping = next(dep.mapping for dep in one.deps if dep.asset == view.node.key)
        downstream = asset_view(context, one.key)
        found.append(answer("AssetDependency", asset=downstream, partition_mapping=_mapping(mapping)))
    return found


def _mapping(mapping: Any) -> Answer | None:
    if mapping is None:
        return None
    name = type(mapping).__name__
    return answer("PartitionMapping", class_name=name, description=repr(mapping))


# -- its events ----------------------------------------------------------------------------------------------


@node.field("assetMaterializations")
async def _materializations(
    view: AssetView,
    info: GraphQLResolveInfo,
    partitions: Sequence[str] | None = None,
    before_timestamp_millis: str | None = None,
    limit: int | None = None,
) -> list[EventView]:
    return await asset_events(
        context_of(info),
        view.node.key,
        (MADE,),
        partitions=partitions,
        before_millis=before_timestamp_millis,
        limit=limit,
    )


@node.field("assetObservations")
async def _observations(
    view: AssetView,
    info: GraphQLResolveInfo,
    partitions: Sequence[str] | None = None,
    before_timestamp_millis: str | None = None,
    limit: int | None = None,
) -> list[EventView]:
    return await asset_events(
        context_of(info),
        view.node.key,
        (SEEN,),
        partitions=partitions,
        before_millis=before_timestamp_millis,
        limit=limit,
    )


@node.field("latestMaterializationByPartition")
async def _latest_by_partition(
    view: AssetView, info: GraphQLResolveInfo, partitions: Sequence[str] | None = None
) -> list[EventView | None]:
    context = context_of(info)
    known = await context.database.read(context.ledger.get_partition_events, view.node.key, partitions)
    keys = list(partitions) if partitions is not None else sorted(known)
    events = await asyncio.gather(
        *(context.loaders.events.load(known[key][0]) for key in keys if key in known)
    )
    by_id = {stored.id: EventView(stored) for stored in events if stored is not None}
    return [by_id.get(known[key][0]) if key in known else None for key in keys]


@node.field("latestRunForPartition")
async def _latest_run(view: AssetView, info: GraphQLResolveInfo, partition: str) -> RunRecord | None:
    context = context_of(info)
    known = await context.database.read(context.ledger.get_partition_events, view.node.key, [partition])
    return await context.loaders.runs.load(known[partition][2]) if partition in known else None


@node.field("dataVersion")
async def _data_version(
    view: AssetView, info: GraphQLResolveInfo, partition: str | None = None
) -> str | None:
    context = context_of(info)
    if partition is None:
        state = await context.loaders.asset_states.load(view.node.key)
        return state.last_data_version if state is not None else None
    found = await asset_events(context, view.node.key, (MADE,), partitions=[partition], limit=1)
    payload = found[0].event.payload if found else None
    tags: Mapping[str, str] = getattr(payload, "tags", {})
    return tags.get(DATA_VERSION)


# -- what may be done with it --------------------------------------------------------------------------------


@node.field("hasMaterializePermission")
def _may_materialize(view: AssetView, info: GraphQLResolveInfo) -> bool:
    return context_of(info).may(LAUNCH, view.location, [view.node.key])


@node.field("hasWipePermission")
def _may_wipe(view: AssetView, info: GraphQLResolveInfo) -> bool:
    return context_of(info).may(WIPE, view.location, [view.node.key])


@node.field("hasReportRunlessAssetEventPermission")
def _may_report(view: AssetView, info: GraphQLResolveInfo) -> bool:
    return context_of(info).may(REPORT_EVENTS, view.location, [view.node.key])


BINDABLES = (query, node)
