"""Resolves code locations: the workspace, repositories, their health, reload."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ariadne import MutationType, ObjectType, QueryType
from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer, answer, failure
from tidewheel.api.graphql.context import RequestContext, context_of
from tidewheel.api.graphql.definitions import (
    AssetView,
    JobView,
    ScheduleView,
    SensorView,
    find_repository,
    repository_id,
    repository_not_found,
    repository_origin,
)
from tidewheel.api.graphql.partition_sets import PartitionSetView, partition_sets_of
from tidewheel.api.graphql.permissions import permission_list
from tidewheel.api.graphql.trigger_kinds import SENSOR_TYPES
from tidewheel.api.graphql.wire import REPOSITORY, asset_key, page_limit
from tidewheel.errors import CodeLocationNotFoundError, did_you_mean
from tidewheel.logic.graph.specs import LocationSnapshot
from tidewheel.runtime.control import LocationHealth
from tidewheel.values.error_info import ErrorInfo

query, mutation = QueryType(), MutationType()

# -- repositories --------------------------------------------------------------------------------------------


@query.field("repositoriesOrError")
def _repositories(
    root: None, info: GraphQLResolveInfo, repository_selector: Mapping[str, Any] | None = None
) -> Answer:
    context = context_of(info)
    if repository_selector is None:
        return answer("RepositoryConnection", nodes=list(context.catalog.snapshots.values()))
    found = find_repository(context, repository_selector)
    if found is None:
        return repository_not_found(context, repository_selector)
    return answer("RepositoryConnection", nodes=[found])


@query.field("repositoryOrError")
def _repository(
    root: None, info: GraphQLResolveInfo, repository_selector: Mapping[str, Any]
) -> LocationSnapshot | Answer:
    context = context_of(info)
    return find_repository(context, repository_selector) or repository_not_found(context, repository_selector)


repository = ObjectType("Repository")
repository.set_field("id", lambda snapshot, info: repository_id(snapshot.name))
repository.set_field("name", lambda snapshot, info: REPOSITORY)
repository.set_field("origin", lambda snapshot, info: repository_origin(snapshot.name))
repository.set_field("displayMetadata", lambda snapshot, info: [])


@repository.field("location")
def _location(snapshot: LocationSnapshot, info: GraphQLResolveInfo) -> Answer:
    return location_answer(snapshot.name)


@repository.field("pipelines")
@repository.field("jobs")
def _jobs(snapshot: LocationSnapshot, info: GraphQLResolveInfo) -> list[JobView]:
    return [JobView(snapshot.name, node) for node in snapshot.jobs]


@repository.field("schedules")
def _schedules(snapshot: LocationSnapshot, info: GraphQLResolveInfo) -> list[ScheduleView]:
    return [ScheduleView(snapshot.name, node) for node in snapshot.schedules]


@repository.field("sensors")
def _sensors(
    snapshot: LocationSnapshot, info: GraphQLResolveInfo, sensor_type: str | None = None
) -> list[SensorView]:
    return [
        SensorView(snapshot.name, node)
        for node in snapshot.sensors
        if sensor_type is None or SENSOR_TYPES.get(node.kind) == sensor_type
    ]


@repository.field("partitionSets")
def _partition_sets(snapshot: LocationSnapshot, info: GraphQLResolveInfo) -> list[PartitionSetView]:
    return partition_sets_of(snapshot)


@repository.field("assetNodes")
def _asset_nodes(snapshot: LocationSnapshot, info: GraphQLResolveInfo) -> list[AssetView]:
    return [AssetView(snapshot.name, node) for node in snapshot.assets]


@repository.field("assetNodesConnection")
def _asset_node_page(
    snapshot: LocationSnapshot, info: GraphQLResolveInfo, limit: int, cursor: str | None = None
) -> Answer:
    count = page_limit(limit)
    after = asset_key(cursor) if cursor else None
    nodes = sorted(
        (node for node in snapshot.assets if after is None or after < asset_key(node.key)),
        key=lambda node: asset_key(node.key),
    )
    page = nodes[:count]
    return answer(
        "AssetNodeConnection",
        nodes=[AssetView(snapshot.name, node) for node in page],
        cursor=page[-1].key if page else cursor,
        has_more=len(nodes) > count,
    )


@repository.field("assetGroups")
def _asset_groups(snapshot: LocationSnapshot, info: GraphQLResolveInfo) -> list[Answer]:
    groups: dict[str, list[str]] = {}
    for node in snapshot.assets:
        groups.setdefault(node.group, []).append(node.key)
    return [
        answer(
            "AssetGroup",
            id=f"{snapshot.name}-{REPOSITORY}-{group}",
            group_name=group,
            asset_keys=[asset_key(key) for key in sorted(keys)],
        )
        for group, keys in sorted(groups.items())
    ]


# -- locations -----------------------------------------------------------------------------------------------


def location_answer(name: str) -> Answer:
    """A ``RepositoryLocation``."""
    return answer("RepositoryLocation", id=name, name=name, is_reload_supported=True, environment_path=None)


location = ObjectType("RepositoryLocation")


@location.field("repositories")
def _location_repositories(found: Answer, info: GraphQLResolveInfo) -> list[LocationSnapshot]:
    snapshot = context_of(info).catalog.snapshots.get(found["name"])
    return [] if snapshot is None else [snapshot]


@location.field("serverId")
def _server_id(found: Answer, info: GraphQLResolveInfo) -> str | None:
    for health in context_of(info).location_healths():
        if health.name == found["name"] and health.pid is not None:
            return str(health.pid)
    return None


def _entry(health: LocationHealth) -> Answer:
    return answer("WorkspaceLocationEntry", health=health, id=health.name, name=health.name)


entry = ObjectType("WorkspaceLocationEntry")


@entry.field("loadStatus")
def _load_status(found: Answer, info: GraphQLResolveInfo) -> str:
    return _status_name(found["health"])


def _status_name(health: LocationHealth) -> str:
    return "LOADING" if health.state == "loading" else "LOADED"


@entry.field("locationOrLoadError")
def _location_or_error(found: Answer, info: GraphQLResolveInfo) -> Answer | ErrorInfo | None:
    health: LocationHealth = found["health"]
    if health.state == "failed" and health.errors:
        return health.errors[0]
    # while it loads, what was loaded before is served; null says that there is nothing yet
    return location_answer(health.name) if health.name in context_of(info).catalog.snapshots else None


@entry.field("displayMetadata")
def _display(found: Answer, info: GraphQLResolveInfo) -> list[Answer]:
    target = found["health"].target
    return [answer("RepositoryMetadata", key="target", value=target)] if target else []


@entry.field("updatedTimestamp")
def _updated(found: Answer, info: GraphQLResolveInfo) -> float:
    return found["health"].loaded_at or 0.0


@entry.field("versionKey")
def _version_key(found: Answer, info: GraphQLResolveInfo) -> str:
    return _version(found["health"])


def _version(health: LocationHealth) -> str:
    return f"{health.pid}/{health.loaded_at}"


@entry.field("permissions")
def _entry_permissions(found: Answer, info: GraphQLResolveInfo) -> list[Answer]:
    return permission_list(context_of(info).access, found["name"])


@entry.field("servesOldCode")
def _serves_old_code(found: Answer, info: GraphQLResolveInfo) -> bool:
    return bool(found["health"].serves_old_code)


@entry.field("loadErrors")
def _load_errors(found: Answer, info: GraphQLResolveInfo) -> list[ErrorInfo]:
    return list(found["health"].errors)


entry.set_field("featureFlags", lambda found, info: [])


def _workspace(context: RequestContext) -> Answer:
    entries = [_entry(health) for health in context.location_healths()]
    return answer("Workspace", id="Workspace", location_entries=entries)


@query.field("workspaceOrError")
def _workspace_or_error(root: None, info: GraphQLResolveInfo) -> Answer:
    return _workspace(context_of(info))


@query.field("workspaceLocationEntryOrError")
def _entry_or_error(root: None, info: GraphQLResolveInfo, name: str) -> Answer | None:
    for health in context_of(info).location_healths():
        if health.name == name:
            return _entry(health)
    return None


@query.field("locationStatusesOrError")
def _statuses(root: None, info: GraphQLResolveInfo) -> Answer:
    context = context_of(info)
    entries = [
        answer(
            "WorkspaceLocationStatusEntry",
            id=health.name,
            name=health.name,
            load_status=_status_name(health),
            update_timestamp=health.loaded_at or 0.0,
            version_key=_version(health),
            permissions=permission_list(context.access, health.name),
        )
        for health in context.location_healths()
    ]
    return answer("WorkspaceLocationStatusEntries", entries=entries)


# -- reload --------------------------------------------------------------------------------------------------


@mutation.field("reloadRepositoryLocation")
async def _reload(root: None, info: GraphQLResolveInfo, repository_location_name: str) -> Answer:
    context = context_of(info)
    try:
        healths = await context.server.control.reload(repository_location_name)
    except CodeLocationNotFoundError as error:
        return answer("RepositoryLocationNotFound", message=str(error))
    context.begin_anew()
    return _entry(healths[0])


@mutation.field("reloadWorkspace")
async def _reload_all(root: None, info: GraphQLResolveInfo) -> Answer:
    context = context_of(info)
    await context.server.control.reload(None)
    context.begin_anew()
    return _workspace(context)


@mutation.field("shutdownRepositoryLocation")
def _shutdown(root: None, info: GraphQLResolveInfo, repository_location_name: str) -> Answer | ErrorInfo:
    names = context_of(info).location_names()
    if repository_location_name not in names:
        advice = did_you_mean(repository_location_name, names)
        text = f"expected a code location, got {repository_location_name!r}; {advice}"
        return answer("RepositoryLocationNotFound", message=text)
    return failure(
        "NotSupportedError",
        "the server starts and ends the processes of its code locations itself; use reloadRepositoryLocation to load "
        "the code again in a new process",
    )


BINDABLES = (query, mutation, repository, location, entry)
