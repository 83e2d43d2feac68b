"""The closed sets of statuses that runs, ticks and triggers can have."""

from __future__ import annotations

from enum import Enum


class RunStatus(str, Enum):
    """Where a run is in its life. The transition table is ``logic.runs.status``."""

    QUEUED = "QUEUED"
    NOT_STARTED = "NOT_STARTED"
    MANAGED = "MANAGED"
    STARTING = "STARTING"
    STARTED = "STARTED"
    SUSPENDED = "SUSPENDED"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    CANCELING = "CANCELING"
    CANCELED = "CANCELED"


FINISHED_STATUSES = (RunStatus.SUCCESS, RunStatus.FAILURE, RunStatus.CANCELED)
IN_PROGRESS_STATUSES = (RunStatus.STARTING, RunStatus.STARTED, RunStatus.CANCELING, RunStatus.SUSPENDED)
NOT_FINISHED_STATUSES = (RunStatus.QUEUED, RunStatus.NOT_STARTED, RunStatus.MANAGED, *IN_PROGRESS_STATUSES)


class TickStatus(str, Enum):
    """What came of a tick."""

    STARTED = "STARTED"
    SKIPPED = "SKIPPED"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"


class TriggerKind(str, Enum):
    """What kind of trigger a tick belongs to."""

    SCHEDULE = "SCHEDULE"
    SENSOR = "SENSOR"


class TriggerStatus(str, Enum):
    """A user's stored choice for a trigger; DECLARED_IN_CODE follows the definition's default status."""

    RUNNING = "RUNNING"
    STOPPED = "STOPPED"
    DECLARED_IN_CODE = "DECLARED_IN_CODE"


class RunOrigin(str, Enum):
    """What asked for a run; the queue shares its slots between these."""

    SCHEDULE = "schedule"
    EVENT = "event"
    BACKFILL = "backfill"
    MANUAL = "manual"
