"""The instance's methods about backfills."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tidewheel.errors import BackfillNotFoundError, InvalidInvocationError
from tidewheel.runtime.control import ControlPort
from tidewheel.runtime.instance.instance_parts import InstanceParts
from tidewheel.values.backfills import (
    BackfillCounts,
    BackfillFilter,
    BackfillRecord,
    BackfillStatus,
)
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.keys import AssetKey
from tidewheel.values.launch import BackfillRequest


class BackfillView(msgspec.Struct, frozen=True, kw_only=True):
    """One backfill as user code sees it. Times are seconds since the epoch."""

    backfill_id: str
    status: BackfillStatus
    backfill_timestamp: float
    backfill_end_timestamp: float | None
    tags: Mapping[str, str]
    title: str | None
    description: str | None
    asset_selection: Sequence[AssetKey] | None
    job_name: str | None
    run_config: Mapping[str, Any]
    error: ErrorInfo | None
    counts: BackfillCounts
    problems: Sequence[str]

    @property
    def is_asset_backfill(self) -> bool:
        """Whether assets are made, not a job run."""
        return self.job_name is None


class BulkActionsFilter(msgspec.Struct, frozen=True):
    """Which backfills; times are exclusive bounds, moments with a zone or seconds since the epoch."""

    statuses: Sequence[BackfillStatus] | None = None
    created_before: Any = None
    created_after: Any = None
    backfill_ids: Sequence[str] | None = None
    job_name: str | None = None


class BackfillMethods(InstanceParts):
    """Reading backfills, and asking a server for one."""

    _control: ControlPort | None

    def get_backfills(
        self,
        filters: BulkActionsFilter | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        status: BackfillStatus | None = None,
    ) -> Sequence[BackfillView]:
        """Backfills that match, newest first; ``cursor`` is the id after which to go on."""
        wanted = _filter(filters, status)
        return [
            view_backfill(each)
            for each in self._ledger.backfills.get_many(wanted, limit=limit, cursor=cursor)
        ]

    def get_backfill(self, backfill_id: str) -> BackfillView | None:
        """One backfill, or None."""
        found = self._ledger.backfills.get(backfill_id)
        return view_backfill(found) if found is not None else None

    def get_backfills_count(self, filters: BulkActionsFilter | None = None) -> int:
        """How many backfills match."""
        return self._ledger.backfills.get_count(_filter(filters, None))

    def add_backfill(self, request: BackfillRequest) -> BackfillView:
        """Ask the server for a backfill.

        Raises:
            InvalidInvocationError: when it is refused, or no server serves the home.
        """
        if not isinstance(request, BackfillRequest):
            raise InvalidInvocationError(
                f"expected a BackfillRequest, got {type(request).__name__}; "
                "write BackfillRequest(assets=('orders',), partitions=('2024-01-01',))"
            )
        if self._control is None:
            raise InvalidInvocationError(
                "expected a server to make the backfill, got none; start one with 'tidewheel dev'"
            )
        outcome = self._control.launch_backfill(request)
        if outcome.backfill_id is None:
            raise InvalidInvocationError(outcome.message)
        found = self.get_backfill(outcome.backfill_id)
        if found is None:
            raise BackfillNotFoundError(f"expected backfill {outcome.backfill_id}, got none; it was deleted")
        return found


def view_backfill(record: BackfillRecord) -> BackfillView:
    """A backfill for user code."""
    fields = record.fields
    assets = [AssetKey.from_escaped_user_string(part.name) for part in fields.parts]
    return BackfillView(
        backfill_id=record.backfill_id,
        status=record.status,
        backfill_timestamp=record.created_at,
        backfill_end_timestamp=record.ended_at,
        tags=fields.tags,
        title=fields.title,
        description=fields.description,
        asset_selection=assets if fields.is_of_assets else None,
        job_name=fields.job_name,
        run_config=fields.run_config,
        error=record.error,
        counts=record.counts,
        problems=record.problems,
    )


def _filter(filters: BulkActionsFilter | None, status: BackfillStatus | None) -> BackfillFilter:
    given = filters or BulkActionsFilter()
    statuses = (status,) if status is not None else given.statuses
    return BackfillFilter(
        statuses=None if statuses is None else tuple(BackfillStatus(each) for each in statuses),
        backfill_ids=None if given.backfill_ids is None else tuple(given.backfill_ids),
        job_name=given.job_name,
        created_after=_seconds(given.created_after),
        created_before=_seconds(given.created_before),
    )


def _seconds(moment: Any) -> float | None:
    return moment.timestamp() if hasattr(moment, "timestamp") else moment
