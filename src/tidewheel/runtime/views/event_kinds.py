"""Which kinds of events belong together: step, hook, run, failure, engine."""

from __future__ import annotations

from tidewheel.values.events import RUN_EVENT_TYPES, EventType

STEP_TYPES = frozenset(
    {
        EventType.STEP_INPUT,
        EventType.STEP_START,
        EventType.STEP_OUTPUT,
        EventType.STEP_FAILURE,
        EventType.STEP_SUCCESS,
        EventType.STEP_SKIPPED,
        EventType.STEP_UP_FOR_RETRY,
        EventType.STEP_RESTARTED,
        EventType.STEP_EXPECTATION_RESULT,
        EventType.ASSET_MATERIALIZATION,
        EventType.ASSET_OBSERVATION,
        EventType.ASSET_CHECK_EVALUATION,
        EventType.OBJECT_STORE_OPERATION,
        EventType.HANDLED_OUTPUT,
        EventType.LOADED_INPUT,
    }
)
HOOK_TYPES = frozenset({EventType.HOOK_COMPLETED, EventType.HOOK_ERRORED, EventType.HOOK_SKIPPED})
JOB_TYPES = RUN_EVENT_TYPES
FAILURE_TYPES = frozenset({EventType.STEP_FAILURE, EventType.RUN_FAILURE, EventType.RUN_CANCELED})
ERROR_TYPES = FAILURE_TYPES | {EventType.HOOK_ERRORED, EventType.RESOURCE_INIT_FAILURE}
"""Kinds whose log entries have the level ERROR."""
ENGINE_DATA_TYPES = (
    EventType.ENGINE_EVENT,
    EventType.RESOURCE_INIT_STARTED,
    EventType.RESOURCE_INIT_SUCCESS,
    EventType.RESOURCE_INIT_FAILURE,
    EventType.STEP_WORKER_STARTING,
    EventType.STEP_WORKER_STARTED,
)
