"""Resolves schedules, sensors and their state. A definition is the value of its state, too: the state is looked up."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import islice
from typing import Any

from ariadne import ObjectType, QueryType
from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer, answer
from tidewheel.api.graphql.context import RequestContext, context_of
from tidewheel.api.graphql.definitions import (
    ScheduleView,
    SensorView,
    TriggerDefinition,
    find_repository,
    find_schedule,
    find_sensor,
    find_trigger,
    location_of_repository_id,
    repository_not_found,
    repository_origin,
    state_answer,
)
from tidewheel.api.graphql.future_ticks import future_ticks, nominal_ticks
from tidewheel.api.graphql.loaders import RunPage
from tidewheel.api.graphql.metadata_entries import metadata_entries
from tidewheel.api.graphql.partition_sets import PartitionSetView
from tidewheel.api.graphql.permissions import EDIT_SENSOR, SET_CURSOR, START_SCHEDULE, STOP_SCHEDULE
from tidewheel.api.graphql.trigger_kinds import SENSOR_TYPES
from tidewheel.api.graphql.wire import MODE, REPOSITORY, asset_keys, key_values, page_limit
from tidewheel.errors import did_you_mean
from tidewheel.services.triggers.trigger_book import is_running
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.records import RunRecord, TriggerRecord
from tidewheel.values.status import TriggerStatus

query = QueryType()


def record_of(context: RequestContext, view: TriggerDefinition) -> TriggerRecord | None:
    """The stored state; None just after a load, before the state was made."""
    return context.server.book.get(view.trigger_id)


def is_on(context: RequestContext, view: TriggerDefinition) -> bool:
    """Whether the trigger runs."""
    record = record_of(context, view)
    return is_running(record, view.node.default_running) if record is not None else view.node.default_running


def _status_name(is_on: bool) -> str:
    return "RUNNING" if is_on else "STOPPED"


def schedule_not_found(context: RequestContext, name: str) -> Answer:
    """The answer for a name that no schedule has."""
    names = [schedule.name for _, _, schedule in context.catalog.schedules()]
    text = f"expected a schedule, got {name!r}; {did_you_mean(name, names)}"
    return answer("ScheduleNotFoundError", message=text, schedule_name=name)


def sensor_not_found(context: RequestContext, name: str) -> Answer:
    """The answer for a name that no sensor has."""
    names = [sensor.name for _, _, sensor in context.catalog.sensors()]
    text = f"expected a sensor, got {name!r}; {did_you_mean(name, names)}"
    return answer("SensorNotFoundError", message=text, sensor_name=name)


# -- questions -----------------------------------------------------------------------------------------------


@query.field("scheduler")
def _scheduler(root: None, info: GraphQLResolveInfo) -> Answer:
    return answer("Scheduler", scheduler_class="Schedules")


@query.field("scheduleOrError")
def _schedule(
    root: None, info: GraphQLResolveInfo, schedule_selector: Mapping[str, Any]
) -> ScheduleView | Answer:
    context, name = context_of(info), schedule_selector["schedule_name"]
    return find_schedule(context, schedule_selector, name) or schedule_not_found(context, name)


@query.field("sensorOrError")
def _sensor(root: None, info: GraphQLResolveInfo, sensor_selector: Mapping[str, Any]) -> SensorView | Answer:
    context, name = context_of(info), sensor_selector["sensor_name"]
    return find_sensor(context, sensor_selector, name) or sensor_not_found(context, name)


@query.field("schedulesOrError")
def _schedules(
    root: None,
    info: GraphQLResolveInfo,
    repository_selector: Mapping[str, Any],
    schedule_status: str | None = None,
) -> Answer:
    context = context_of(info)
    snapshot = find_repository(context, repository_selector)
    if snapshot is None:
        return repository_not_found(context, repository_selector)
    found = [ScheduleView(snapshot.name, node) for node in snapshot.schedules]
    return answer("Schedules", results=_with_status(context, found, schedule_status))


@query.field("sensorsOrError")
def _sensors(
    root: None,
    info: GraphQLResolveInfo,
    repository_selector: Mapping[str, Any],
    sensor_status: str | None = None,
) -> Answer:
    context = context_of(info)
    snapshot = find_repository(context, repository_selector)
    if snapshot is None:
        return repository_not_found(context, repository_selector)
    found = [SensorView(snapshot.name, node) for node in snapshot.sensors]
    return answer("Sensors", results=_with_status(context, found, sensor_status))


def _with_status(context: RequestContext, found: list[Any], status: str | None) -> list[Any]:
    by_name = sorted(found, key=lambda view: view.node.name)
    return [view for view in by_name if status is None or _status_name(is_on(context, view)) == status]


@query.field("instigationStateOrError")
def _state(
    root: None, info: GraphQLResolveInfo, instigation_selector: Mapping[str, Any], id: str | None = None
) -> Any:
    context, name = context_of(info), instigation_selector["name"]
    found = (
        find_schedule(context, instigation_selector, name)
        or find_sensor(context, instigation_selector, name)
        or (find_trigger(context, id) if id is not None else None)
    )
    if found is not None:
        return state_answer(found)
    text = f"expected a schedule or sensor, got {name!r}"
    return answer("InstigationStateNotFoundError", message=text, name=name)


@query.field("instigationStatesOrError")
def _states(root: None, info: GraphQLResolveInfo, repository_id: str) -> Answer | ErrorInfo:
    context = context_of(info)
    location = location_of_repository_id(repository_id)
    snapshot = context.catalog.snapshots.get(location) if location is not None else None
    if snapshot is None or location is None:
        return ErrorInfo(
            cls_name="RepositoryNotFoundError", message=f"expected a repository's id, got {repository_id!r}"
        )
    found: list[TriggerDefinition] = [ScheduleView(location, node) for node in snapshot.schedules]
    found += [SensorView(location, node) for node in snapshot.sensors]
    return answer("InstigationStates", results=[state_answer(view) for view in found])


# -- definitions ---------------------------------------------------------------------------------------------

schedule, sensor = ObjectType("Schedule"), ObjectType("Sensor")

for _type in (schedule, sensor):
    _type.set_field("id", lambda view, info: view.trigger_id)
    _type.set_field("name", lambda view, info: view.node.name)
    _type.set_field("description", lambda view, info: view.node.description)
    _type.set_field("defaultStatus", lambda view, info: _status_name(view.node.default_running))
    _type.set_field("owners", lambda view, info: [])
    _type.set_field("tags", lambda view, info: key_values(view.node.tags))
    _type.set_field("metadataEntries", lambda view, info: metadata_entries(view.node.metadata))


@schedule.field("canReset")
@sensor.field("canReset")
def _can_reset(view: TriggerDefinition, info: GraphQLResolveInfo) -> bool:
    record = record_of(context_of(info), view)
    return record is not None and record.status is not TriggerStatus.DECLARED_IN_CODE


@schedule.field("scheduleState")
@sensor.field("sensorState")
def _state_of(view: TriggerDefinition, info: GraphQLResolveInfo) -> Answer:
    return state_answer(view)


@schedule.field("cronSchedule")
def _cron(view: ScheduleView, info: GraphQLResolveInfo) -> str:
    return cron_text(view)


def cron_text(view: ScheduleView) -> str:
    """One cron string as it is, several as a list."""
    return view.node.crons[0] if len(view.node.crons) == 1 else str(list(view.node.crons))


schedule.set_field("pipelineName", lambda view, info: view.node.job_name or "")
schedule.set_field("solidSelection", lambda view, info: None)
schedule.set_field("mode", lambda view, info: MODE)
schedule.set_field("executionTimezone", lambda view, info: view.node.zone)


@schedule.field("partitionSet")
def _partition_set(view: ScheduleView, info: GraphQLResolveInfo) -> PartitionSetView | None:
    job = context_of(info).catalog.job(view.location, view.node.job_name or "")
    return PartitionSetView(view.location, job) if job is not None and job.partitions is not None else None


@schedule.field("futureTicks")
def _future_ticks(
    view: ScheduleView,
    info: GraphQLResolveInfo,
    cursor: float | None = None,
    limit: int | None = None,
    until: float | None = None,
) -> Answer:
    start = context_of(info).now if cursor is None else cursor
    ticks = list(islice(future_ticks(view.node, start, until), page_limit(limit, 10)))
    results = [answer("DryRunInstigationTick", timestamp=tick, view=view) for tick in ticks]
    return answer("DryRunInstigationTicks", results=results, cursor=ticks[-1] + 1 if ticks else start)


@schedule.field("futureTick")
def _future_tick(view: ScheduleView, info: GraphQLResolveInfo, tick_timestamp: int) -> Answer:
    return answer("DryRunInstigationTick", timestamp=float(tick_timestamp), view=view)


@schedule.field("potentialTickTimestamps")
def _potential_ticks(
    view: ScheduleView,
    info: GraphQLResolveInfo,
    start_timestamp: float | None = None,
    upper_limit: int | None = None,
    lower_limit: int | None = None,
) -> list[float]:
    moment = context_of(info).now if start_timestamp is None else start_timestamp
    return nominal_ticks(view.node, moment, page_limit(lower_limit, 0), page_limit(upper_limit, 0))


@schedule.field("assetSelection")
@sensor.field("assetSelection")
def _asset_selection(view: TriggerDefinition, info: GraphQLResolveInfo) -> Answer | None:
    context = context_of(info)
    if isinstance(view, ScheduleView):
        job = context.catalog.job(view.location, view.node.job_name or "")
        is_own = job is not None and job.is_hidden
        assets = job.assets if job is not None and is_own else ()
    else:
        assets = view.node.assets if view.node.kind == "automation" else ()
    return None if not assets else answer("AssetSelection", texts=assets, asset_checks=[])


selection = ObjectType("AssetSelection")
selection.set_field(
    "assetSelectionString", lambda found, info: " or ".join(f'key:"{t}"' for t in found["texts"])
)
selection.set_field("assetKeys", lambda found, info: asset_keys(found["texts"]))
selection.set_field("assets", lambda found, info: [answer("Asset", text=text) for text in found["texts"]])

sensor.set_field("jobOriginId", lambda view, info: view.trigger_id)
sensor.set_field("minIntervalSeconds", lambda view, info: math.ceil(view.node.minimum_interval_s))
sensor.set_field("sensorType", lambda view, info: SENSOR_TYPES.get(view.node.kind, "UNKNOWN"))


@sensor.field("targets")
def _targets(view: SensorView, info: GraphQLResolveInfo) -> list[Answer]:
    return [answer("Target", pipeline_name=name, mode=MODE, solid_selection=None) for name in view.node.jobs]


@sensor.field("metadata")
def _sensor_metadata(view: SensorView, info: GraphQLResolveInfo) -> Answer:
    watched = asset_keys(view.node.assets) if view.node.kind in ("asset", "multi_asset") else None
    return answer("SensorMetadata", asset_keys=watched)


@sensor.field("hasCursorUpdatePermissions")
def _may_set_cursor(view: SensorView, info: GraphQLResolveInfo) -> bool:
    return context_of(info).may(SET_CURSOR, view.location)


@sensor.field("nextTick")
def _next_tick(view: TriggerDefinition, info: GraphQLResolveInfo) -> Answer | None:
    context = context_of(info)
    if not is_on(context, view):
        return None
    if isinstance(view, ScheduleView):
        moment = context.server.schedules.next_ticks.get(view.trigger_id)
    else:
        last = context.server.sensors.last_started_at(view.trigger_id)
        moment = None if last is None else last + view.node.minimum_interval_s
    return None if moment is None else answer("DryRunInstigationTick", timestamp=moment, view=view)


# -- state ---------------------------------------------------------------------------------------------------

state = ObjectType("InstigationState")
state.set_field("id", lambda found, info: found["view"].trigger_id)
state.set_field("selectorId", lambda found, info: found["view"].trigger_id)
state.set_field("name", lambda found, info: found["view"].node.name)
state.set_field("repositoryName", lambda found, info: REPOSITORY)
state.set_field("repositoryLocationName", lambda found, info: found["view"].location)
state.set_field("repositoryOrigin", lambda found, info: repository_origin(found["view"].location))
state.set_field("nextTick", lambda found, info: _next_tick(found["view"], info))


@state.field("instigationType")
def _kind(found: Answer, info: GraphQLResolveInfo) -> str:
    return kind_of(found["view"])


def kind_of(view: TriggerDefinition) -> str:
    """The schema's ``InstigationType`` of a definition."""
    return "SCHEDULE" if isinstance(view, ScheduleView) else "SENSOR"


@state.field("status")
def _status(found: Answer, info: GraphQLResolveInfo) -> str:
    return _status_name(is_on(context_of(info), found["view"]))


@state.field("typeSpecificData")
def _specific(found: Answer, info: GraphQLResolveInfo) -> Answer:
    context, view = context_of(info), found["view"]
    record = record_of(context, view)
    if isinstance(view, ScheduleView):
        started_at = record.started_at if record is not None and is_on(context, view) else None
        return answer("ScheduleData", cron_schedule=cron_text(view), start_timestamp=started_at)
    last = context.server.sensors.last_started_at(view.trigger_id)
    return answer(
        "SensorData",
        last_tick_timestamp=last or (record.last_tick_at if record else None),
        last_run_key=record.last_run_key if record else None,
        last_cursor=record.cursor if record else None,
    )


@state.field("runs")
async def _runs(found: Answer, info: GraphQLResolveInfo, limit: int | None = None) -> list[RunRecord]:
    page = RunPage(limit=page_limit(limit), trigger_id=found["view"].trigger_id)
    return await context_of(info).loaders.run_pages.load(page) or []


@state.field("runsCount")
async def _runs_count(found: Answer, info: GraphQLResolveInfo) -> int:
    page = RunPage(limit=0, trigger_id=found["view"].trigger_id)
    return await context_of(info).loaders.run_counts.load(page) or 0


@state.field("runningCount")
def _running_count(found: Answer, info: GraphQLResolveInfo) -> int:
    return int(is_on(context_of(info), found["view"]))


@state.field("failuresInARow")
def _failures(found: Answer, info: GraphQLResolveInfo) -> int:
    record = record_of(context_of(info), found["view"])
    return record.failures_in_a_row if record is not None else 0


@state.field("hasStartPermission")
def _may_start(found: Answer, info: GraphQLResolveInfo) -> bool:
    view = found["view"]
    wanted = START_SCHEDULE if isinstance(view, ScheduleView) else EDIT_SENSOR
    return context_of(info).may(wanted, view.location)


@state.field("hasStopPermission")
def _may_stop(found: Answer, info: GraphQLResolveInfo) -> bool:
    view = found["view"]
    wanted = STOP_SCHEDULE if isinstance(view, ScheduleView) else EDIT_SENSOR
    return context_of(info).may(wanted, view.location)


BINDABLES = (query, schedule, sensor, selection, state)
