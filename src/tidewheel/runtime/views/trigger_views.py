"""What users see of schedules, sensors and their ticks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

import msgspec

from tidewheel.runtime.views.error_view import ErrorView, error_view
from tidewheel.values.records import TickRecord, TriggerRecord
from tidewheel.values.status import TickStatus, TriggerKind, TriggerStatus


class TriggerData(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept for a schedule or sensor between ticks. Times are seconds since the epoch."""

    cursor: Optional[str] = None
    last_run_key: Optional[str] = None
    last_tick_timestamp: Optional[float] = None
    start_timestamp: Optional[float] = None


class TriggerState(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule or sensor: what was chosen for it, and what is kept for it. ``selector_id`` is its id."""

    selector_id: str
    instigator_name: str
    instigator_type: TriggerKind
    status: TriggerStatus
    location_name: str
    instigator_data: TriggerData

    @property
    def name(self) -> str:
        return self.instigator_name

    @property
    def instigator_origin_id(self) -> str:
        """The id again, under its other name."""
        return self.selector_id

    @property
    def is_running(self) -> bool:
        """Whether somebody has started it; one that follows its code's default counts as not started here."""
        return self.status == TriggerStatus.RUNNING


class TickView(msgspec.Struct, frozen=True, kw_only=True):
    """One evaluation of a schedule or sensor.

    ``timestamp`` is a schedule's nominal time, a sensor's start (seconds since the epoch).
    """

    tick_id: int
    selector_id: str
    status: TickStatus
    timestamp: float
    end_timestamp: Optional[float] = None
    run_ids: Sequence[str] = ()
    run_keys: Sequence[str] = ()
    error: Optional[ErrorView] = None
    skip_reason: Optional[str] = None
    cursor: Optional[str] = None

    @property
    def instigator_origin_id(self) -> str:
        return self.selector_id

    @property
    def instigator_name(self) -> str:
        return self.selector_id.rpartition("/")[2]

    @property
    def is_success(self) -> bool:
        return self.status == TickStatus.SUCCESS

    @property
    def is_failure(self) -> bool:
        return self.status == TickStatus.FAILURE

    @property
    def is_completed(self) -> bool:
        return self.status != TickStatus.STARTED


def view_trigger(record: TriggerRecord) -> TriggerState:
    """The view of a stored schedule or sensor."""
    return TriggerState(
        selector_id=record.trigger_id,
        instigator_name=record.name,
        instigator_type=record.kind,
        status=record.status,
        location_name=record.location,
        instigator_data=TriggerData(
            cursor=record.cursor,
            last_run_key=record.last_run_key,
            last_tick_timestamp=record.last_tick_at,
            start_timestamp=record.started_at,
        ),
    )


def view_tick(record: TickRecord) -> TickView:
    """The view of a stored tick."""
    return TickView(
        tick_id=record.tick_id,
        selector_id=record.trigger_id,
        status=record.status,
        timestamp=record.scheduled_for if record.scheduled_for is not None else record.started_at,
        end_timestamp=record.ended_at,
        run_ids=list(record.run_ids),
        run_keys=[kept.run_key for kept in record.kept_keys],
        error=error_view(record.error),
        skip_reason=record.skip_reason,
        cursor=record.cursor,
    )
