"""Which permission every mutation needs, and the one place where it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

from tidewheel.api.graphql.answers import Answer, answer
from tidewheel.logic.access.decide import ANYWHERE, Resource
from tidewheel.logic.access.operations import (
    ABOUT_ASSETS,
    BACKFILL,
    CANCEL_BACKFILL,
    DELETE_RUN,
    EDIT_LIMITS,
    EDIT_PARTITIONS,
    EDIT_SENSOR,
    LAUNCH,
    PAUSE,
    RELAUNCH,
    RELOAD_LOCATION,
    RELOAD_WORKSPACE,
    REPLAY_DELIVERY,
    REPORT_EVENTS,
    SET_CURSOR,
    SET_PRIORITY,
    START_SCHEDULE,
    STOP_SCHEDULE,
    TERMINATE,
    TOGGLE_AUTOMATION,
    TRY_SCHEDULE,
    TRY_SENSOR,
    WAIVE_OWED,
    WIPE,
)
from tidewheel.services.access.guard import Caller, Guard

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
    PAUSE,
    REPLAY_DELIVERY,
    SET_PRIORITY,
    WAIVE_OWED,
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
        "answerOwedWork": WAIVE_OWED,
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
        "setRunPriority": SET_PRIORITY,
        "pauseAutomation": PAUSE,
        "resumeAutomation": PAUSE,
        "replayDelivery": REPLAY_DELIVERY,
        "retryFailedEvent": REPLAY_DELIVERY,
    }
)
"""By mutation field. A mutation that is missing here cannot be served (``schema`` refuses to build)."""


class Access(Protocol):
    """What the caller of one request may do."""

    def refusal(
        self, permission: str, location: str | None, assets: Sequence[str] | None = None
    ) -> str | None:
        """Why the caller may not do this in this code location, in a sentence; None when they may.

        ``location`` None: anywhere at all. What a mutation turns out to be about is asked again with its location, and
        with its assets where it is about assets.
        """


class FullAccess:
    """Everything is allowed: a server that only its own machine can reach."""

    def refusal(
        self, permission: str, location: str | None, assets: Sequence[str] | None = None
    ) -> str | None:
        """Nothing is refused."""
        return None


class GuardedAccess:
    """What the guard says of the caller."""

    def __init__(self, guard: Guard, caller: Caller) -> None:
        self._guard = guard
        self.caller = caller

    def refusal(
        self, permission: str, location: str | None, assets: Sequence[str] | None = None
    ) -> str | None:
        """The guard's reason."""
        return self._guard.decide(
            self.caller, permission, self._resource(permission, location, assets)
        ).reason

    def _resource(self, permission: str, location: str | None, assets: Sequence[str] | None) -> Resource:
        if location is None and assets is None:
            return ANYWHERE
        if assets is None and permission in ABOUT_ASSETS:
            return Resource(location=location, groups=None)
        return self._guard.resource(location, assets or ())


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
