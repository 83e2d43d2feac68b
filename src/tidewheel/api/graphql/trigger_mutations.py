"""Starts, stops, resets and tries schedules and sensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ariadne import MutationType
from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer, answer, exposed, failure
from tidewheel.api.graphql.context import RequestContext, context_of
from tidewheel.api.graphql.definitions import (
    ScheduleView,
    SensorView,
    TriggerDefinition,
    find_schedule,
    find_sensor,
    find_trigger,
    state_answer,
)
from tidewheel.api.graphql.permissions import EDIT_SENSOR, STOP_SCHEDULE
from tidewheel.api.graphql.ticks import evaluation_answer, try_schedule
from tidewheel.api.graphql.triggers import kind_of, schedule_not_found, sensor_not_found
from tidewheel.errors import InvalidInvocationError, UserCodeUnreachableError
from tidewheel.values.error_info import ErrorInfo

mutation = MutationType()


async def _set(context: RequestContext, view: TriggerDefinition, running: bool | None) -> None:
    """Start (True), stop (False) or go back to the code's default (None)."""
    await context.server.control.set_trigger(view.node.name, running, view.location, kind_of(view))
    context.begin_anew()


# -- schedules -----------------------------------------------------------------------------------------------


async def _set_schedule(info: GraphQLResolveInfo, selector: Mapping[str, Any], running: bool | None) -> Any:
    context, name = context_of(info), selector["schedule_name"]
    view = find_schedule(context, selector, name)
    if view is None:
        return schedule_not_found(context, name)
    return await _changed_schedule(context, view, running)


async def _changed_schedule(context: RequestContext, view: ScheduleView, running: bool | None) -> Any:
    try:
        await _set(context, view, running)
    except InvalidInvocationError as error:
        return exposed(error)
    return answer("ScheduleStateResult", schedule_state=state_answer(view))


@mutation.field("startSchedule")
async def _start_schedule(
    root: None, info: GraphQLResolveInfo, schedule_selector: Mapping[str, Any]
) -> Answer | ErrorInfo:
    return await _set_schedule(info, schedule_selector, True)


@mutation.field("resetSchedule")
async def _reset_schedule(
    root: None, info: GraphQLResolveInfo, schedule_selector: Mapping[str, Any]
) -> Answer | ErrorInfo:
    return await _set_schedule(info, schedule_selector, None)


@mutation.field("stopRunningSchedule")
async def _stop_schedule(
    root: None,
    info: GraphQLResolveInfo,
    id: str | None = None,
    schedule_origin_id: str | None = None,
    schedule_selector_id: str | None = None,
) -> Answer | ErrorInfo:
    context = context_of(info)
    wanted = id or schedule_selector_id or schedule_origin_id
    view = find_trigger(context, wanted or "")
    if not isinstance(view, ScheduleView):
        return failure("InvalidInvocationError", f"expected the id of a schedule's state, got {wanted!r}")
    refused = context.refusal(STOP_SCHEDULE, view.location)
    if refused is not None:
        return refused
    return await _changed_schedule(context, view, False)


@mutation.field("scheduleDryRun")
async def _try_schedule(
    root: None, info: GraphQLResolveInfo, selector_data: Mapping[str, Any], timestamp: float | None = None
) -> Answer:
    context, name = context_of(info), selector_data["schedule_name"]
    view = find_schedule(context, selector_data, name)
    if view is None:
        return schedule_not_found(context, name)
    moment = context.now if timestamp is None else timestamp
    result = await try_schedule(context, view, moment)
    return answer("DryRunInstigationTick", timestamp=moment, view=view, result=result)


# -- sensors -------------------------------------------------------------------------------------------------


async def _set_sensor(
    info: GraphQLResolveInfo, selector: Mapping[str, Any], running: bool | None
) -> SensorView | Answer | ErrorInfo:
    context, name = context_of(info), selector["sensor_name"]
    view = find_sensor(context, selector, name)
    if view is None:
        return sensor_not_found(context, name)
    try:
        await _set(context, view, running)
    except InvalidInvocationError as error:
        return exposed(error)
    return view


@mutation.field("startSensor")
async def _start_sensor(
    root: None, info: GraphQLResolveInfo, sensor_selector: Mapping[str, Any]
) -> SensorView | Answer | ErrorInfo:
    return await _set_sensor(info, sensor_selector, True)


@mutation.field("resetSensor")
async def _reset_sensor(
    root: None, info: GraphQLResolveInfo, sensor_selector: Mapping[str, Any]
) -> SensorView | Answer | ErrorInfo:
    return await _set_sensor(info, sensor_selector, None)


@mutation.field("stopSensor")
async def _stop_sensor(
    root: None,
    info: GraphQLResolveInfo,
    id: str | None = None,
    job_origin_id: str | None = None,
    job_selector_id: str | None = None,
) -> Answer | ErrorInfo:
    context = context_of(info)
    wanted = id or job_selector_id or job_origin_id
    view = find_trigger(context, wanted or "")
    if not isinstance(view, SensorView):
        return failure("InvalidInvocationError", f"expected the id of a sensor's state, got {wanted!r}")
    refused = context.refusal(EDIT_SENSOR, view.location)
    if refused is not None:
        return refused
    try:
        await _set(context, view, False)
    except InvalidInvocationError as error:
        return exposed(error)
    return answer("StopSensorMutationResult", instigation_state=state_answer(view))


@mutation.field("setSensorCursor")
async def _set_cursor(
    root: None, info: GraphQLResolveInfo, sensor_selector: Mapping[str, Any], cursor: str | None = None
) -> SensorView | Answer | ErrorInfo:
    context, name = context_of(info), sensor_selector["sensor_name"]
    view = find_sensor(context, sensor_selector, name)
    if view is None:
        return sensor_not_found(context, name)
    try:
        await context.server.control.set_cursor(name, cursor, view.location)
    except InvalidInvocationError as error:
        return exposed(error)
    context.begin_anew()
    return view


@mutation.field("sensorDryRun")
async def _try_sensor(
    root: None, info: GraphQLResolveInfo, selector_data: Mapping[str, Any], cursor: str | None = None
) -> Answer | ErrorInfo:
    context, name = context_of(info), selector_data["sensor_name"]
    view = find_sensor(context, selector_data, name)
    if view is None:
        return sensor_not_found(context, name)
    try:
        evaluated = await context.server.control.test_trigger(name, cursor, view.location)
    except (InvalidInvocationError, UserCodeUnreachableError) as error:
        return exposed(error)
    return answer("DryRunInstigationTick", timestamp=None, view=view, result=evaluation_answer(evaluated))


BINDABLES = (mutation,)
