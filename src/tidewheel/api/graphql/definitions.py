"""A definition together with the code location it is in: what most resolvers of jobs, assets and triggers work on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tidewheel.api.graphql.answers import Answer, answer
from tidewheel.api.graphql.context import RequestContext
from tidewheel.api.graphql.wire import REPOSITORY
from tidewheel.errors import did_you_mean
from tidewheel.logic.graph.specs import AssetNode, JobNode, LocationSnapshot, ScheduleNode, SensorNode
from tidewheel.services.code.catalog import IMPLICIT_ASSET_JOB
from tidewheel.values.ids import trigger_id


class JobView(msgspec.Struct, frozen=True):
    """A job of a location."""

    location: str
    node: JobNode

    typename = "Pipeline"


class AssetView(msgspec.Struct, frozen=True):
    """An asset's definition in a location."""

    location: str
    node: AssetNode

    typename = "AssetNode"


class ScheduleView(msgspec.Struct, frozen=True):
    """A schedule of a location."""

    location: str
    node: ScheduleNode

    typename = "Schedule"

    @property
    def trigger_id(self) -> str:
        """Its identity in the ledger."""
        return trigger_id(self.location, self.node.name)


class SensorView(msgspec.Struct, frozen=True):
    """A sensor of a location."""

    location: str
    node: SensorNode

    typename = "Sensor"

    @property
    def trigger_id(self) -> str:
        """Its identity in the ledger."""
        return trigger_id(self.location, self.node.name)


TriggerDefinition = ScheduleView | SensorView


def find_repository(context: RequestContext, selector: Mapping[str, Any]) -> LocationSnapshot | None:
    """The definitions that a ``RepositorySelector`` (or a selector that holds its fields) names."""
    if selector["repository_name"] != REPOSITORY:
        return None
    return context.catalog.snapshots.get(selector["repository_location_name"])


def repository_not_found(context: RequestContext, selector: Mapping[str, Any]) -> Answer:
    """The answer for a selector that names none."""
    location, name = selector["repository_location_name"], selector["repository_name"]
    advice = did_you_mean(location, context.location_names())
    if location in context.catalog.snapshots:
        advice = f"the only repository of a location is {REPOSITORY!r}"
    return answer(
        "RepositoryNotFoundError",
        message=f"expected a loaded repository, got {name!r} of code location {location!r}; {advice}",
        repository_name=name,
        repository_location_name=location,
    )


def find_job(context: RequestContext, selector: Mapping[str, Any], name: str) -> JobView | None:
    """The job of this name in the repository that a selector names; the implicit asset job is always there."""
    snapshot = find_repository(context, selector)
    if snapshot is None:
        return None
    node = context.catalog.job(snapshot.name, name)
    if node is None and name == IMPLICIT_ASSET_JOB and snapshot.assets:
        assets = tuple(asset.key for asset in snapshot.assets if asset.kind != "external")
        node = JobNode(name=name, is_asset_job=True, is_hidden=True, assets=assets)
    return None if node is None else JobView(snapshot.name, node)


def job_not_found(context: RequestContext, selector: Mapping[str, Any], name: str) -> Answer:
    """The answer for a selector that names no job."""
    location = selector["repository_location_name"]
    if location not in context.catalog.snapshots:
        text = f"expected a loaded code location, got {location!r}; "
        text += did_you_mean(location, context.location_names())
    else:
        text = f"expected a job of {location!r}, got {name!r}; " + did_you_mean(
            name, context.catalog.job_names()
        )
    return answer(
        "PipelineNotFoundError",
        message=text,
        pipeline_name=name,
        repository_name=selector["repository_name"],
        repository_location_name=location,
    )


def find_schedule(context: RequestContext, selector: Mapping[str, Any], name: str) -> ScheduleView | None:
    """A schedule of the repository that a selector names."""
    snapshot = find_repository(context, selector)
    found = [node for node in snapshot.schedules if node.name == name] if snapshot is not None else []
    return ScheduleView(snapshot.name, found[0]) if snapshot is not None and found else None


def find_sensor(context: RequestContext, selector: Mapping[str, Any], name: str) -> SensorView | None:
    """A sensor of the repository that a selector names."""
    snapshot = find_repository(context, selector)
    found = [node for node in snapshot.sensors if node.name == name] if snapshot is not None else []
    return SensorView(snapshot.name, found[0]) if snapshot is not None and found else None


def find_trigger(context: RequestContext, wanted: str) -> TriggerDefinition | None:
    """A schedule or sensor by its id."""
    for identity, location, schedule in context.catalog.schedules():
        if identity == wanted:
            return ScheduleView(location, schedule)
    for identity, location, sensor in context.catalog.sensors():
        if identity == wanted:
            return SensorView(location, sensor)
    return None


def asset_view(context: RequestContext, key: str) -> AssetView | None:
    """An asset's definition by its wire text."""
    node, location = context.catalog.asset(key), context.catalog.asset_location(key)
    return None if node is None or location is None else AssetView(location, node)


def repository_id(location: str) -> str:
    """The id of a location's repository; ``instigationStatesOrError`` takes it back."""
    return f"{REPOSITORY}@{location}"


def location_of_repository_id(identity: str) -> str | None:
    """The inverse of ``repository_id``."""
    name, separator, location = identity.partition("@")
    return location if separator and name == REPOSITORY else None


def repository_origin(location: str) -> Answer:
    """The ``RepositoryOrigin`` of a location."""
    return answer(
        "RepositoryOrigin",
        id=repository_id(location),
        repository_location_name=location,
        repository_name=REPOSITORY,
        repository_location_metadata=[],
    )


def state_answer(view: TriggerDefinition) -> Answer:
    """The ``InstigationState`` of a schedule or sensor."""
    return answer("InstigationState", view=view)
