"""What users see of the latest facts about assets and checks."""

from __future__ import annotations

from enum import Enum
from typing import Optional

import msgspec

from tidewheel.runtime.views.asset_event_views import CheckEvaluationView
from tidewheel.runtime.views.event_views import EventLogEntry, EventLogRecord
from tidewheel.values.keys import AssetCheckKey, AssetKey


class AssetPartitionStatus(str, Enum):
    """What is known of one partition of an asset."""

    MATERIALIZED = "MATERIALIZED"
    IN_PROGRESS = "IN_PROGRESS"
    FAILED = "FAILED"


class CheckStatus(str, Enum):
    """What came of a check's last evaluation."""

    PLANNED = "PLANNED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class AssetEntry(msgspec.Struct, frozen=True, kw_only=True):
    """The latest events of an asset."""

    asset_key: AssetKey
    last_materialization_record: Optional[EventLogRecord] = None
    last_observation_record: Optional[EventLogRecord] = None
    last_run_id: Optional[str] = None
    last_planned_materialization_run_id: Optional[str] = None
    last_failed_run_id: Optional[str] = None
    last_data_version: Optional[str] = None

    @property
    def last_materialization(self) -> EventLogEntry | None:
        record = self.last_materialization_record
        return record.event_log_entry if record is not None else None

    @property
    def last_materialization_storage_id(self) -> int | None:
        record = self.last_materialization_record
        return record.storage_id if record is not None else None

    @property
    def last_observation(self) -> EventLogEntry | None:
        record = self.last_observation_record
        return record.event_log_entry if record is not None else None

    @property
    def last_observation_storage_id(self) -> int | None:
        record = self.last_observation_record
        return record.storage_id if record is not None else None

    @property
    def last_event_storage_id(self) -> int | None:
        """The newer of the last materialisation's and the last observation's id."""
        ids = [
            i
            for i in (self.last_materialization_storage_id, self.last_observation_storage_id)
            if i is not None
        ]
        return max(ids, default=None)


class AssetRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An asset that the ledger has heard of. ``storage_id``: that of its newest event, 0 when none was kept."""

    storage_id: int
    asset_entry: AssetEntry


class AssetCheckRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An evaluation of a check."""

    key: AssetCheckKey
    id: int
    run_id: str
    status: CheckStatus
    event: Optional[EventLogEntry]
    create_timestamp: float
    partition: Optional[str] = None

    @property
    def evaluation(self) -> CheckEvaluationView | None:
        """What the check said."""
        return self.event.asset_check_evaluation if self.event is not None else None


def view_check_record(record: EventLogRecord) -> AssetCheckRecord:
    """The view of a check evaluation event."""
    evaluation = record.event_log_entry.asset_check_evaluation
    assert evaluation is not None
    return AssetCheckRecord(
        key=evaluation.asset_check_key,
        id=record.storage_id,
        run_id=record.run_id,
        status=CheckStatus.SUCCEEDED if evaluation.passed else CheckStatus.FAILED,
        event=record.event_log_entry,
        create_timestamp=record.timestamp,
        partition=evaluation.partition,
    )
