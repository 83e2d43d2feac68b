"""Which permission every mutation needs, and the one place where it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol

from tidewheel.api.graphql.answers import Answer, answer

LAUNCH = "launch_pipeline_execution"
RELAUNCH = "launch_pipeline_reexecution"
START_SCHEDULE = "start_schedule"
STOP_SCHEDULE = "stop_running_schedule"
TRY_SCHEDULE = "schedule_dry_run"
EDIT_SENSOR = "edit_sensor"
TRY_SENSOR = "sensor_dry_run"
SET_CURSOR = "update_sensor_cursor"
TERMINATE = "terminate_pipeline_execution"
DELETE_RUN = "delete_pipeline_run"
RELOAD_LOCATION = "reload_repository_location"
RELOAD_WORKSPACE = "reload_workspace"
WIPE = "wipe_assets"
REPORT_EVENTS = "report_runless_asset_events"
BACKFILL = "launch_partition_backfill"
CANCEL_BACKFILL = "cancel_partition_backfill"
EDIT_PARTITIONS = "edit_dynamic_partitions"
TOGGLE_AUTOMATION = "toggle_auto_materialize"
EDIT_LIMITS = "edit_concurrency_limit"

ALL = (
    LAUNCH,
    RELAUNCH,
    START_SCHEDULE,
    STOP_SCHEDULE,
    TRY_SCHEDULE,
    EDIT_SENSOR,
    TRY_SENSOR,
    SET_CURSOR,
    TERMINATE,
    DELETE_RUN,
    RELOAD_LOCATION,
    RELOAD_WORKSPACE,
    WIPE,
    REPORT_EVENTS,
    BACKFILL,
    CANCEL_BACKFILL,
    EDIT_PARTITIONS,
    TOGGLE_AUTOMATION,
    EDIT_LIMITS,
)

NEEDED: Mapping[str, str] = MappingProxyType(
    {
        "launchRun": LAUNCH,
        "launchPipelineExecution": LAUNCH,
        "launchMultipleRuns": LAUNCH,
        "launchRunReexecution": RELAUNCH,
        "launchPipelineReexecution": RELAUNCH,
        "terminateRun": TERMINATE,
        "terminatePipelineExecution": TERMINATE,
        "terminateRuns": TERMINATE,
        "deleteRun": DELETE_RUN,
        "deletePipelineRun": DELETE_RUN,
        "startSchedule": START_SCHEDULE,
        "stopRunningSchedule": STOP_SCHEDULE,
        "resetSchedule": START_SCHEDULE,
        "scheduleDryRun": TRY_SCHEDULE,
        "startSensor": EDIT_SENSOR,
        "stopSensor": EDIT_SENSOR,
        "resetSensor": EDIT_SENSOR,
        "setSensorCursor": SET_CURSOR,
        "sensorDryRun": TRY_SENSOR,
        "setAutoMaterializePaused": TOGGLE_AUTOMATION,
        "answerHeldRequest": TOGGLE_AUTOMATION,
        "answerOwedWork": TOGGLE_AUTOMATION,
        "launchPartitionBackfill": BACKFILL,
        "reexecutePartitionBackfill": BACKFILL,
        "resumePartitionBackfill": BACKFILL,
        "cancelPartitionBackfill": CANCEL_BACKFILL,
        "addDynamicPartition": EDIT_PARTITIONS,
        "deleteDynamicPartitions": EDIT_PARTITIONS,
        "reportRunlessAssetEvents": REPORT_EVENTS,
        "reportAssetCheckEvaluations": REPORT_EVENTS,
        "wipeAssets": WIPE,
        "reloadRepositoryLocation": RELOAD_LOCATION,
        "reloadWorkspace": RELOAD_WORKSPACE,
        "shutdownRepositoryLocation": RELOAD_LOCATION,
        "setConcurrencyLimit": EDIT_LIMITS,
        "deleteConcurrencyLimit": EDIT_LIMITS,
        "freeConcurrencySlots": EDIT_LIMITS,
        "freeConcurrencySlotsForRun": EDIT_LIMITS,
    }
)
"""By mutation field. A mutation that is missing here cannot be served (``schema`` refuses to build)."""


class Access(Protocol):
    """What the caller of one request may do."""

    def refusal(self, permission: str, location: str | None) -> str | None:
        """Why the caller may not do this in this code location, in a sentence; None when they may.

        ``location`` None: anywhere at all. What a mutation turns out to be about is asked again with its location.
        """


class FullAccess:
    """Everything is allowed: a server that only its own machine can reach."""

    def refusal(self, permission: str, location: str | None) -> str | None:
        """Nothing is refused."""
        return None


class ReadOnlyAccess:
    """Nothing may be changed."""

    def refusal(self, permission: str, location: str | None) -> str | None:
        """Everything is refused."""
        return "this server is read-only"


def permission_list(access: Access, location: str | None) -> list[Answer]:
    """All permissions, for showing."""
    refusals = {name: access.refusal(name, location) for name in ALL}
    return [
        answer("Permission", permission=name, value=reason is None, disabled_reason=reason)
        for name, reason in refusals.items()
    ]


def location_in(arguments: Any) -> str | None:
    """The code location that a mutation's arguments name, if they name one (those of several things are not read)."""
    if not isinstance(arguments, dict):
        return None
    named = arguments.get("repository_location_name")
    if isinstance(named, str):
        return named
    return next((found for found in map(location_in, arguments.values()) if found is not None), None)


def unauthorized(permission: str, reason: str) -> Answer:
    """The answer to somebody who may not do this."""
    return answer("UnauthorizedError", message=refusal_text(permission, reason))


def refusal_text(permission: str, reason: str) -> str:
    """What somebody is told who may not do this."""
    return f"this needs the permission {permission!r}: {reason}"
