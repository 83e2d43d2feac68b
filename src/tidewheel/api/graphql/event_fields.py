"""Resolves events: which type of the schema an event has, and the fields of all these types."""

from __future__ import annotations

import logging
from typing import Any

from ariadne import InterfaceType, ObjectType
from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer, answer
from tidewheel.api.graphql.context import context_of
from tidewheel.api.graphql.metadata_entries import metadata_entries
from tidewheel.api.graphql.wire import asset_key, key_values, millis
from tidewheel.runtime.captured_output import capture_key
from tidewheel.runtime.masking import mask_text
from tidewheel.runtime.views.event_kinds import ERROR_TYPES
from tidewheel.runtime.views.run_stats import step_stats
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.events import (
    CapturedLogs,
    CheckEvaluation,
    EngineNote,
    Event,
    EventType,
    Failure,
    LogLine,
    Materialization,
    Observation,
    OutputValue,
    StepRetry,
    StoredEvent,
    TypeCheckOutcome,
)
from tidewheel.values.keys import AssetKey
from tidewheel.values.records import RunRecord

TYPENAMES = {
    EventType.LOG_MESSAGE: "LogMessageEvent",
    EventType.RUN_ENQUEUED: "RunEnqueuedEvent",
    EventType.RUN_DEQUEUED: "RunDequeuedEvent",
    EventType.RUN_STARTING: "RunStartingEvent",
    EventType.RUN_START: "RunStartEvent",
    EventType.RUN_SUCCESS: "RunSuccessEvent",
    EventType.RUN_FAILURE: "RunFailureEvent",
    EventType.RUN_CANCELING: "RunCancelingEvent",
    EventType.RUN_CANCELED: "RunCanceledEvent",
    EventType.STEP_START: "ExecutionStepStartEvent",
    EventType.STEP_RESTARTED: "ExecutionStepRestartEvent",
    EventType.STEP_SUCCESS: "ExecutionStepSuccessEvent",
    EventType.STEP_SKIPPED: "ExecutionStepSkippedEvent",
    EventType.STEP_FAILURE: "ExecutionStepFailureEvent",
    EventType.STEP_UP_FOR_RETRY: "ExecutionStepUpForRetryEvent",
    EventType.STEP_INPUT: "ExecutionStepInputEvent",
    EventType.STEP_OUTPUT: "ExecutionStepOutputEvent",
    EventType.HANDLED_OUTPUT: "HandledOutputEvent",
    EventType.LOADED_INPUT: "LoadedInputEvent",
    EventType.STEP_WORKER_STARTING: "StepWorkerStartingEvent",
    EventType.STEP_WORKER_STARTED: "StepWorkerStartedEvent",
    EventType.RESOURCE_INIT_STARTED: "ResourceInitStartedEvent",
    EventType.RESOURCE_INIT_SUCCESS: "ResourceInitSuccessEvent",
    EventType.RESOURCE_INIT_FAILURE: "ResourceInitFailureEvent",
    EventType.STEP_EXPECTATION_RESULT: "StepExpectationResultEvent",
    EventType.HOOK_COMPLETED: "HookCompletedEvent",
    EventType.HOOK_SKIPPED: "HookSkippedEvent",
    EventType.HOOK_ERRORED: "HookErroredEvent",
    EventType.LOGS_CAPTURED: "LogsCapturedEvent",
    EventType.ASSET_MATERIALIZATION: "MaterializationEvent",
    EventType.ASSET_OBSERVATION: "ObservationEvent",
    EventType.ASSET_FAILED_TO_MATERIALIZE: "FailedToMaterializeEvent",
    EventType.ASSET_MATERIALIZATION_PLANNED: "AssetMaterializationPlannedEvent",
    EventType.ASSET_CHECK_EVALUATION_PLANNED: "AssetCheckEvaluationPlannedEvent",
    EventType.ASSET_CHECK_EVALUATION: "AssetCheckEvaluationEvent",
}
"""All others are shown as ``EngineEvent``."""

_QUIET_TYPES = frozenset({EventType.RUN_ENQUEUED, EventType.RUN_DEQUEUED, EventType.RUN_STARTING})
_STEP_KEY_AS_HANDLE = frozenset(
    name
    for kind, name in TYPENAMES.items()
    if kind.value.startswith("STEP_")
    or kind in (EventType.ASSET_MATERIALIZATION, EventType.ASSET_OBSERVATION)
)


class EventView:
    """One event, its type in the schema, and its id where it is known (events of a run's log have none)."""

    __slots__ = ("event", "storage_id", "typename")

    def __init__(self, stored: StoredEvent, *, is_from_log: bool = False) -> None:
        self.event = stored.event
        self.storage_id = None if is_from_log else stored.id
        self.typename = TYPENAMES.get(stored.event.type, "EngineEvent")


def views(events: list[StoredEvent]) -> list[EventView]:
    """Lasting events as values of the schema's event types."""
    return [EventView(stored) for stored in events]


def log_views(events: list[StoredEvent]) -> list[EventView]:
    """Entries of a run's log as values of the schema's event types."""
    return [EventView(stored, is_from_log=True) for stored in events]


def level_of(event: Event) -> str:
    """The name of the level under which an event is logged."""
    if isinstance(event.payload, LogLine):
        if event.payload.level >= logging.CRITICAL:
            return "CRITICAL"
        for level, name in ((logging.ERROR, "ERROR"), (logging.WARNING, "WARNING"), (logging.INFO, "INFO")):
            if event.payload.level >= level:
                return name
        return "DEBUG"
    if event.type in ERROR_TYPES:
        return "ERROR"
    return "INFO" if event.type in _QUIET_TYPES or not event.run_id else "DEBUG"


message = InterfaceType("MessageEvent")


@message.field("runId")
def _run_id(view: EventView, info: GraphQLResolveInfo) -> str:
    return view.event.run_id


@message.field("message")
def _message(view: EventView, info: GraphQLResolveInfo) -> str:
    return mask_text(view.event.message)


@message.field("timestamp")
def _timestamp(view: EventView, info: GraphQLResolveInfo) -> str:
    return millis(view.event.timestamp)


@message.field("level")
def _level(view: EventView, info: GraphQLResolveInfo) -> str:
    return level_of(view.event)


@message.field("stepKey")
def _step_key(view: EventView, info: GraphQLResolveInfo) -> str | None:
    return view.event.step_key


@message.field("solidHandleID")
def _handle(view: EventView, info: GraphQLResolveInfo) -> str | None:
    return view.event.step_key if view.typename in _STEP_KEY_AS_HANDLE else None


@message.field("eventType")
def _event_type(view: EventView, info: GraphQLResolveInfo) -> str | None:
    return None if view.event.type is EventType.LOG_MESSAGE else EventType(view.event.type.value).name


run_event = InterfaceType("RunEvent")


@run_event.field("pipelineName")
async def _pipeline_name(view: EventView, info: GraphQLResolveInfo) -> str:
    if view.event.job_name is not None:
        return view.event.job_name
    run = await context_of(info).loaders.runs.load(view.event.run_id)
    return run.job_name if run is not None else ""


displayable = InterfaceType("DisplayableEvent")


@displayable.field("label")
def _label(view: EventView | Answer, info: GraphQLResolveInfo) -> str | None:
    if isinstance(view, dict):
        return view.get("label")
    return asset_key(view.event.asset).to_user_string() if view.event.asset is not None else None


@displayable.field("description")
def _description(view: EventView | Answer, info: GraphQLResolveInfo) -> str | None:
    if isinstance(view, dict):
        return view.get("description")
    payload = view.event.payload
    return payload.description if isinstance(payload, (Materialization, Observation)) else None


@displayable.field("metadataEntries")
def _metadata(view: EventView | Answer, info: GraphQLResolveInfo) -> list[Answer]:
    if isinstance(view, dict):
        return list(view.get("metadata_entries", ()))
    payload = view.event.payload
    if isinstance(payload, (Materialization, Observation, OutputValue, EngineNote, Failure)):
        return metadata_entries(payload.metadata)
    return []


marker = InterfaceType("MarkerEvent")
_MARKER_STARTS = {
    EventType.STEP_WORKER_STARTING: "step_process_start",
    EventType.RESOURCE_INIT_STARTED: "resources",
}
_MARKER_ENDS = {
    EventType.STEP_WORKER_STARTED: "step_process_start",
    EventType.RESOURCE_INIT_SUCCESS: "resources",
    EventType.RESOURCE_INIT_FAILURE: "resources",
}


@marker.field("markerStart")
def _marker_start(view: EventView, info: GraphQLResolveInfo) -> str | None:
    return _MARKER_STARTS.get(view.event.type)


@marker.field("markerEnd")
def _marker_end(view: EventView, info: GraphQLResolveInfo) -> str | None:
    return _MARKER_ENDS.get(view.event.type)


error = InterfaceType("ErrorEvent")


@error.field("error")
def _error(view: EventView, info: GraphQLResolveInfo) -> ErrorInfo | None:
    payload = view.event.payload
    return payload.error if isinstance(payload, (Failure, EngineNote, StepRetry)) else None


step_failure = ObjectType("ExecutionStepFailureEvent")


@step_failure.field("errorSource")
def _error_source(view: EventView, info: GraphQLResolveInfo) -> str | None:
    payload = view.event.payload
    return "USER_CODE_ERROR" if isinstance(payload, Failure) and payload.error is not None else None


@step_failure.field("failureMetadata")
def _failure_metadata(view: EventView, info: GraphQLResolveInfo) -> Answer | None:
    payload = view.event.payload
    if not isinstance(payload, Failure) or not payload.metadata:
        return None
    return answer("FailureMetadata", metadata_entries=metadata_entries(payload.metadata))


step_retry = ObjectType("ExecutionStepUpForRetryEvent")


@step_retry.field("secondsToWait")
def _seconds_to_wait(view: EventView, info: GraphQLResolveInfo) -> float | None:
    return view.event.payload.wait_s if isinstance(view.event.payload, StepRetry) else None


def _value_field(name: str) -> Any:
    def resolve(view: EventView, info: GraphQLResolveInfo) -> str | None:
        payload = view.event.payload
        return getattr(payload, name) if isinstance(payload, OutputValue) else None

    return resolve


def _value_text(name: str) -> Any:
    field = _value_field(name)
    return lambda view, info: field(view, info) or ""


def _type_check(view: EventView, info: GraphQLResolveInfo) -> Answer:
    payload = view.event.payload
    value = payload if isinstance(payload, OutputValue) else OutputValue()
    said = value.type_check or TypeCheckOutcome()
    return answer(
        "TypeCheck",
        success=said.success,
        label=value.name,
        description=said.description,
        metadata_entries=metadata_entries(said.metadata),
    )


step_input, step_output = ObjectType("ExecutionStepInputEvent"), ObjectType("ExecutionStepOutputEvent")
handled_output, loaded_input = ObjectType("HandledOutputEvent"), ObjectType("LoadedInputEvent")
step_input.set_field("inputName", _value_text("name"))
step_input.set_field("typeCheck", _type_check)
step_output.set_field("outputName", _value_text("name"))
step_output.set_field("typeCheck", _type_check)
handled_output.set_field("outputName", _value_text("name"))
handled_output.set_field("managerKey", _value_text("manager_key"))
loaded_input.set_field("inputName", _value_text("name"))
loaded_input.set_field("managerKey", _value_text("manager_key"))
loaded_input.set_field("upstreamOutputName", _value_field("upstream_output"))
loaded_input.set_field("upstreamStepKey", _value_field("upstream_step"))


captured = ObjectType("LogsCapturedEvent")
captured.set_field("fileKey", lambda view, info: capture_key(view.event))
captured.set_field("logKey", lambda view, info: capture_key(view.event))
captured.set_field("externalUrl", lambda view, info: None)
captured.set_field("externalStdoutUrl", lambda view, info: None)
captured.set_field("externalStderrUrl", lambda view, info: None)
captured.set_field("pid", lambda view, info: None)


@captured.field("stepKeys")
def _captured_steps(view: EventView, info: GraphQLResolveInfo) -> list[str]:
    return list(view.event.payload.steps) if isinstance(view.event.payload, CapturedLogs) else []


def _key(view: EventView, info: GraphQLResolveInfo) -> AssetKey | None:
    return asset_key(view.event.asset) if view.event.asset is not None else None


async def _run_or_error(view: EventView, info: GraphQLResolveInfo) -> RunRecord | Answer:
    run = await context_of(info).loaders.runs.load(view.event.run_id) if view.event.run_id else None
    if run is not None:
        return run
    text = f"run {view.event.run_id!r} is gone" if view.event.run_id else "the event belongs to no run"
    return answer("RunNotFoundError", run_id=view.event.run_id, message=text)


async def _step_stats(view: EventView, info: GraphQLResolveInfo) -> Answer:
    event = view.event
    log = await context_of(info).loaders.run_logs.load(event.run_id) if event.run_id else None
    found = step_stats(event.run_id, [s.event for s in log or ()], [event.step_key or ""])
    return step_stats_answer(found[0]) if found else _no_stats(event)


def step_stats_answer(stats: Any) -> Answer:
    """``StepStats`` of a run as the schema's ``RunStepStats``, without materialisations."""
    is_known = stats.start_time is not None
    times = {"start_time": stats.start_time, "end_time": stats.end_time}
    return answer(
        "RunStepStats",
        run_id=stats.run_id,
        step_key=stats.step_key,
        status=stats.status,
        materializations=[],
        expectation_results=[],
        attempts=[times] if is_known else [],
        markers=[],
        **times,
    )


def _no_stats(event: Event) -> Answer:
    return answer(
        "RunStepStats",
        run_id=event.run_id,
        step_key=event.step_key or "",
        materializations=[],
        expectation_results=[],
        attempts=[],
        markers=[],
    )


def _tags(view: EventView, info: GraphQLResolveInfo) -> list[Answer]:
    payload = view.event.payload
    return key_values(payload.tags) if isinstance(payload, (Materialization, Observation)) else []


def _asset_event(name: str) -> ObjectType:
    bound = ObjectType(name)
    bound.set_field("assetKey", _key)
    bound.set_field("runOrError", _run_or_error)
    bound.set_field("stepStats", _step_stats)
    bound.set_field("partition", lambda view, info: view.event.partition)
    bound.set_field("tags", _tags)
    return bound


materialization = _asset_event("MaterializationEvent")
materialization.set_field("assetLineage", lambda view, info: [])
observation = _asset_event("ObservationEvent")
failed_to_make = _asset_event("FailedToMaterializeEvent")
planned = ObjectType("AssetMaterializationPlannedEvent")
planned.set_field("assetKey", _key)
planned.set_field("runOrError", _run_or_error)


@failed_to_make.field("materializationFailureReason")
def _failure_reason(view: EventView, info: GraphQLResolveInfo) -> str:
    payload = view.event.payload
    reason = payload.reason if isinstance(payload, Failure) else None
    known = ("FAILED_TO_MATERIALIZE", "UPSTREAM_FAILED_TO_MATERIALIZE", "RUN_TERMINATED")
    return reason if reason in known else "UNKNOWN"


@failed_to_make.field("materializationFailureType")
def _failure_type(view: EventView, info: GraphQLResolveInfo) -> str:
    return "FAILED"


def expectation_answer(event: Event) -> Answer:
    """What a step said of its data: ``ExpectationResult``."""
    payload = event.payload if isinstance(event.payload, CheckEvaluation) else CheckEvaluation(passed=False)
    return answer(
        "ExpectationResult",
        label=event.check,
        description=payload.description,
        metadata_entries=metadata_entries(payload.metadata),
        success=payload.passed,
    )


expectation = ObjectType("StepExpectationResultEvent")
expectation.set_field("expectationResult", lambda view, info: expectation_answer(view.event))
check_planned = ObjectType("AssetCheckEvaluationPlannedEvent")
check_planned.set_field("assetKey", _key)
check_planned.set_field("checkName", lambda view, info: view.event.check or "")
check_done = ObjectType("AssetCheckEvaluationEvent")
check_done.set_field("evaluation", lambda view, info: evaluation_answer(view.event))


def evaluation_answer(event: Event) -> Answer:
    """A check's evaluation as ``AssetCheckEvaluation``."""
    payload = event.payload
    assert isinstance(payload, CheckEvaluation)
    target = None
    if payload.target_event_id is not None:
        target = answer(
            "AssetCheckEvaluationTargetMaterializationData",
            storage_id=payload.target_event_id,
            run_id=payload.target_run_id or "",
            timestamp=event.timestamp,
        )
    return answer(
        "AssetCheckEvaluation",
        timestamp=event.timestamp,
        check_name=event.check or "",
        asset_key=asset_key(event.asset or ""),
        target_materialization=target,
        metadata_entries=metadata_entries(payload.metadata),
        severity=payload.severity,
        description=payload.description,
        partition=event.partition,
        success=payload.passed,
    )


BINDABLES = (
    message,
    run_event,
    displayable,
    marker,
    error,
    step_failure,
    step_retry,
    step_input,
    step_output,
    handled_output,
    loaded_input,
    captured,
    materialization,
    observation,
    failed_to_make,
    planned,
    expectation,
    check_planned,
    check_done,
)
