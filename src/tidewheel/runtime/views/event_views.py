"""What users see of the event log: entries and records that wrap an event or a logged message."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Optional

import msgspec

from tidewheel.errors import CheckError
from tidewheel.runtime.views.asset_event_views import CheckEvaluationView
from tidewheel.runtime.views.error_view import ErrorView, error_view
from tidewheel.runtime.views.event_kinds import (
    ERROR_TYPES,
    STEP_TYPES,
)
from tidewheel.runtime.views.event_payloads import (
    AssetObservationData,
    JobFailureData,
    StepFailureData,
    StepMaterializationData,
    data_of_event,
)
from tidewheel.runtime.views.run_event import NodeHandle, RunEvent, StepHandle, node_handle_of
from tidewheel.values.asset_events import AssetMaterialization, AssetObservation
from tidewheel.values.events import Event, EventType, Failure, LogLine, StoredEvent
from tidewheel.values.keys import AssetKey
from tidewheel.values.replacing import Replaceable


class EventLogEntry(Replaceable, msgspec.Struct, frozen=True):
    """One line of the event log: an event, or a message that user code logged (then ``dagster_event`` is None)."""

    error_info: Optional[ErrorView]
    level: int
    user_message: str
    run_id: str
    timestamp: float
    step_key: Optional[str] = None
    job_name: Optional[str] = None
    dagster_event: Optional[RunEvent] = None
    storage_id: Optional[int] = None
    """The ledger's id of the event, where the entry was read from the ledger."""

    @property
    def is_dagster_event(self) -> bool:
        """Whether this is an event and not a logged message."""
        return self.dagster_event is not None

    def to_json(self) -> str:
        """The entry as JSON; what cannot be written as such is there as text."""
        return msgspec.json.encode(self, enc_hook=_as_written).decode()

    def get_dagster_event(self) -> RunEvent:
        """The event.

        Raises:
            CheckError: when this is a logged message.
        """
        if self.dagster_event is None:
            raise CheckError(
                "expected an entry with an event, got a logged message; ask is_dagster_event first"
            )
        return self.dagster_event

    @property
    def dagster_event_type(self) -> EventType | None:
        """The kind of event; None for a logged message."""
        return self.dagster_event.event_type if self.dagster_event is not None else None

    @property
    def message(self) -> str:
        """The logged message or, for an event, its own message."""
        if self.user_message or self.dagster_event is None:
            return self.user_message
        return (
            self.dagster_event.message
            or f"{self.dagster_event.event_type.name} {self.job_name or ''}".rstrip()
        )

    @property
    def asset_materialization(self) -> AssetMaterialization | None:
        """The materialisation, if the event is one."""
        data = self._event_data()
        return data.materialization if isinstance(data, StepMaterializationData) else None

    @property
    def asset_observation(self) -> AssetObservation | None:
        """The observation, if the event is one."""
        data = self._event_data()
        return data.asset_observation if isinstance(data, AssetObservationData) else None

    @property
    def asset_check_evaluation(self) -> CheckEvaluationView | None:
        """The check evaluation, if the event is one."""
        data = self._event_data()
        return data if isinstance(data, CheckEvaluationView) else None

    @property
    def tags(self) -> Mapping[str, str] | None:
        """The tags of the materialisation or observation, if the event is one."""
        told = self.asset_materialization or self.asset_observation
        return told.tags if told is not None else None

    def _event_data(self) -> Any:
        return self.dagster_event.event_specific_data if self.dagster_event is not None else None


def _as_written(value: Any) -> Any:
    if isinstance(value, AssetKey):
        return {"path": list(value.path)}
    names = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    kept = {name: getattr(value, name) for name in names if hasattr(value, name)} | getattr(
        value, "__dict__", {}
    )
    return {name.lstrip("_"): inner for name, inner in kept.items()} or str(value)


class EventLogRecord(msgspec.Struct, frozen=True):
    """An entry with its id in the ledger; ids grow in the order of commits."""

    storage_id: int
    event_log_entry: EventLogEntry

    @property
    def event_type(self) -> EventType | None:
        return self.event_log_entry.dagster_event_type

    @property
    def run_id(self) -> str:
        return self.event_log_entry.run_id

    @property
    def timestamp(self) -> float:
        """Seconds since the epoch."""
        return self.event_log_entry.timestamp

    @property
    def dagster_event(self) -> RunEvent | None:
        return self.event_log_entry.dagster_event

    @property
    def asset_key(self) -> AssetKey | None:
        event = self.event_log_entry.dagster_event
        return event.asset_key if event is not None else None

    @property
    def partition_key(self) -> str | None:
        event = self.event_log_entry.dagster_event
        return event.partition if event is not None else None

    @property
    def asset_materialization(self) -> AssetMaterialization | None:
        return self.event_log_entry.asset_materialization

    @property
    def asset_observation(self) -> AssetObservation | None:
        return self.event_log_entry.asset_observation

    @property
    def asset_event(self) -> AssetMaterialization | AssetObservation | None:
        """The materialisation or observation, if the event is one."""
        return self.asset_materialization or self.asset_observation


def view_event(event: Event) -> RunEvent:
    """The view of an event. Logged messages have none (see :func:`view_entry`)."""
    handle = node_handle_of(event.step_key) if event.step_key else None
    in_step = handle is not None and event.type in STEP_TYPES
    return RunEvent(
        event_type_value=event.type.value,
        job_name=event.job_name or "",
        step_handle=StepHandle(handle, event.step_key) if handle and event.step_key and in_step else None,
        node_handle=handle if in_step else None,
        step_kind_value="COMPUTE" if in_step else None,
        logging_tags=_logging_tags(event, handle),
        event_specific_data=_with_first_failure(event, data_of_event(event)),
        message=event.message or None,
        pid=getattr(event.payload, "worker_pid", None),
        step_key=event.step_key,
        timestamp=event.timestamp,
    )


def view_entry(event: Event, storage_id: int | None = None) -> EventLogEntry:
    """The log entry of an event or logged message."""
    is_log = event.type == EventType.LOG_MESSAGE
    line = event.payload if isinstance(event.payload, LogLine) else None
    return EventLogEntry(
        error_info=error_view(line.error) if line is not None else None,
        level=line.level if line is not None else _level(event),
        user_message=event.message,
        run_id=event.run_id,
        timestamp=event.timestamp,
        step_key=event.step_key,
        job_name=event.job_name,
        dagster_event=None if is_log else view_event(event),
        storage_id=storage_id,
    )


def view_record(stored: StoredEvent) -> EventLogRecord:
    """The record of a stored event."""
    return EventLogRecord(stored.id, view_entry(stored.event, stored.id))


def _level(event: Event) -> int:
    if event.type in ERROR_TYPES:
        return logging.ERROR
    return logging.DEBUG if event.run_id else logging.INFO


def _logging_tags(event: Event, handle: NodeHandle | None) -> dict[str, str]:
    tags = {"run_id": event.run_id, "job_name": event.job_name or ""}
    if event.step_key and handle is not None:
        tags |= {"step_key": event.step_key, "op_name": handle.name}
    return {name: value for name, value in tags.items() if value}


def _with_first_failure(event: Event, data: Any) -> Any:
    failure = event.payload
    if not isinstance(failure, Failure) or not isinstance(data, JobFailureData) or not failure.first_step:
        return data
    handle = node_handle_of(failure.first_step)
    first = RunEvent(
        event_type_value=EventType.STEP_FAILURE.value,
        job_name=event.job_name or "",
        step_handle=StepHandle(handle, failure.first_step),
        node_handle=handle,
        step_kind_value="COMPUTE",
        event_specific_data=StepFailureData(data.error, None, "USER_CODE_ERROR"),
        message=f"Step {failure.first_step!r} failed.",
        step_key=failure.first_step,
        timestamp=event.timestamp,
    )
    return msgspec.structs.replace(data, first_step_failure_event=first)
