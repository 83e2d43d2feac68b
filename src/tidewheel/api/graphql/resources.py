"""Resolves top-level resources: their config, where it comes from, and who uses them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from ariadne import ObjectType, QueryType
from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer, answer
from tidewheel.api.graphql.config_types import config_type
from tidewheel.api.graphql.context import context_of
from tidewheel.api.graphql.definitions import AssetView, find_job, find_repository, repository_not_found
from tidewheel.api.graphql.run_launching import job_missing
from tidewheel.api.graphql.wire import REPOSITORY, asset_key, key_values
from tidewheel.errors import did_you_mean
from tidewheel.logic.access.masking import MASK
from tidewheel.logic.graph.specs import JobNode, LocationSnapshot, ResourceNode
from tidewheel.values.keys import AssetKey

query, details = QueryType(), ObjectType("ResourceDetails")
repository, node = ObjectType("Repository"), ObjectType("AssetNode")


class ResourceView(msgspec.Struct, frozen=True):
    """A resource of a location."""

    snapshot: LocationSnapshot
    node: ResourceNode

    typename = "ResourceDetails"


@query.field("topLevelResourceDetailsOrError")
def _one(root: None, info: GraphQLResolveInfo, resource_selector: Mapping[str, Any]) -> ResourceView | Answer:
    name = resource_selector["resource_name"]
    found = _views(find_repository(context_of(info), resource_selector))
    for view in found:
        if view.node.name == name:
            return view
    advice = did_you_mean(name, [view.node.name for view in found])
    text = f"expected a resource of {resource_selector['repository_location_name']!r}, got {name!r}; {advice}"
    return answer("ResourceNotFoundError", message=text, resource_name=name)


@query.field("allTopLevelResourceDetailsOrError")
def _all(root: None, info: GraphQLResolveInfo, repository_selector: Mapping[str, Any]) -> Answer:
    context = context_of(info)
    snapshot = find_repository(context, repository_selector)
    if snapshot is None:
        return repository_not_found(context, repository_selector)
    return answer("ResourceDetailsList", results=_views(snapshot))


@repository.field("allTopLevelResourceDetails")
def _of_repository(snapshot: LocationSnapshot, info: GraphQLResolveInfo) -> list[ResourceView]:
    return _views(snapshot)


def _views(snapshot: LocationSnapshot | None) -> list[ResourceView]:
    if snapshot is None:
        return []
    return [ResourceView(snapshot, one) for one in sorted(snapshot.resources, key=lambda found: found.name)]


@query.field("utilizedEnvVarsOrError")
def _env_vars(root: None, info: GraphQLResolveInfo, repository_selector: Mapping[str, Any]) -> Answer:
    consumers: dict[str, list[str]] = {}
    for view in _views(find_repository(context_of(info), repository_selector)):
        for name in sorted(set(view.node.env_vars.values())):
            consumers.setdefault(name, []).append(view.node.name)
    return answer(
        "EnvVarWithConsumersList",
        results=[
            {
                "env_var_name": name,
                "env_var_consumers": [{"type": "RESOURCE", "name": user} for user in users],
            }
            for name, users in sorted(consumers.items())
        ],
    )


@query.field("resourcesOrError")
def _of_job(root: None, info: GraphQLResolveInfo, pipeline_selector: Mapping[str, Any]) -> Any:
    """The top-level resources that a job's steps use."""
    context = context_of(info)
    name = pipeline_selector["pipeline_name"]
    job = find_job(context, pipeline_selector, name)
    if job is None:
        return job_missing(context, pipeline_selector, name)
    assets = (context.catalog.asset(key) for key in job.node.assets)
    used = {one for asset in assets if asset is not None for one in asset.resources}
    used |= {one for op in job.node.ops for one in op.resources}
    views = _views(context.catalog.snapshots.get(job.location))
    return answer(
        "ResourceConnection",
        resources=[
            {"name": view.node.name, "description": view.node.description, "config_field": _field(view.node)}
            for view in views
            if view.node.name in used
        ],
    )


def _field(one: ResourceNode) -> Answer | None:
    if one.config_schema is None:
        return None
    kind = config_type(one.config_schema)
    return {
        "name": "config",
        "description": None,
        "config_type": kind,
        "config_type_key": kind["key"],
        "is_required": bool(one.config_schema.get("required")),
        "is_secret": False,
        "default_value_as_json": None,
    }


details.set_field("id", lambda view, info: f"{view.snapshot.name}-{REPOSITORY}-{view.node.name}")
details.set_field("name", lambda view, info: view.node.name)
details.set_field("description", lambda view, info: view.node.description)
details.set_field("isTopLevel", lambda view, info: True)
details.set_field("resourceType", lambda view, info: view.node.type_name)


@details.field("configFields")
def _config_fields(view: ResourceView, info: GraphQLResolveInfo) -> list[Answer]:
    fields: list[Answer] = config_type(view.node.config_schema or {}).get("fields", [])
    return fields


@details.field("configuredValues")
def _values(view: ResourceView, info: GraphQLResolveInfo) -> list[Answer]:
    """What the user's file gives; the names of variables, and never the values of secrets."""
    found = {name: (text, "SECRET" if text == MASK else "VALUE") for name, text in view.node.values.items()}
    found |= {name: (variable, "ENV_VAR") for name, variable in view.node.env_vars.items()}
    return [{"key": name, "value": value, "type": kind} for name, (value, kind) in sorted(found.items())]


@details.field("nestedResources")
def _nested(view: ResourceView, info: GraphQLResolveInfo) -> list[Answer]:
    by_name = {one.name: one for one in view.snapshot.resources}
    return [_entry(view, field, by_name.get(inner)) for field, inner in sorted(view.node.nested.items())]


@details.field("parentResources")
def _parents(view: ResourceView, info: GraphQLResolveInfo) -> list[Answer]:
    return [
        _entry(view, field, one)
        for one in view.snapshot.resources
        for field, inner in one.nested.items()
        if inner == view.node.name
    ]


def _entry(view: ResourceView, field: str, found: ResourceNode | None) -> Answer:
    return {
        "name": field,
        "type": "ANONYMOUS" if found is None else "TOP_LEVEL",
        "resource": None if found is None else ResourceView(view.snapshot, found),
    }


@details.field("assetKeysUsing")
def _assets(view: ResourceView, info: GraphQLResolveInfo) -> list[AssetKey]:
    return sorted(asset_key(one.key) for one in view.snapshot.assets if view.node.name in one.resources)


@details.field("jobsOpsUsing")
def _jobs(view: ResourceView, info: GraphQLResolveInfo) -> list[Answer]:
    found = [(job.name, _ops(job, view.node.name)) for job in view.snapshot.jobs if not job.is_hidden]
    return [{"job_name": name, "op_handles": ops} for name, ops in found if ops]


def _ops(job: JobNode, resource: str) -> list[str]:
    return [op.name for op in job.ops if resource in op.resources]


jobs_with_ops = ObjectType("JobWithOps")
jobs_with_ops.set_field("opHandleIDs", lambda found, info: found["op_handles"])


@details.field("schedulesUsing")
def _schedules(view: ResourceView, info: GraphQLResolveInfo) -> list[str]:
    return sorted(one.name for one in view.snapshot.schedules if view.node.name in one.resources)


@details.field("sensorsUsing")
def _sensors(view: ResourceView, info: GraphQLResolveInfo) -> list[str]:
    return sorted(one.name for one in view.snapshot.sensors if view.node.name in one.resources)


@node.field("requiredResources")
def _required(view: AssetView, info: GraphQLResolveInfo) -> list[Answer]:
    return [{"resource_key": name} for name in view.node.resources]


node.set_field("opTags", lambda view, info: key_values(view.node.op_tags))

BINDABLES = (query, details, repository, node, jobs_with_ops)
