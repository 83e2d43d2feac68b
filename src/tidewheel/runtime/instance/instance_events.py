"""The instance's methods about events: records across runs, and the log of one run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import msgspec

from tidewheel.errors import CheckError
from tidewheel.runtime.instance.instance_parts import InstanceParts
from tidewheel.runtime.views.event_views import EventLogEntry, EventLogRecord, view_entry, view_record
from tidewheel.runtime.views.record_filters import (
    NO_CURSOR,
    AssetRecordsFilter,
    EventRecordsFilter,
    EventRecordsResult,
    RunStatusChangeRecordsFilter,
    cursor_id,
    require_event_type,
)
from tidewheel.values.events import EventType, StoredEvent
from tidewheel.values.keys import AssetKey
from tidewheel.values.records import EventFilter

OfType = EventType | Collection[EventType] | None


class EventReads(InstanceParts):
    """Questions about events."""

    def get_event_records(
        self, event_records_filter: EventRecordsFilter, limit: int | None = None, ascending: bool = False
    ) -> Sequence[EventLogRecord]:
        """Records of asset or run events, newest first.

        Raises:
            NotSupportedError: for kinds of events that are only kept in their run's log.
        """
        if not isinstance(event_records_filter, EventRecordsFilter):
            raise CheckError(f"expected an EventRecordsFilter, got {event_records_filter!r}")
        filters = event_records_filter.to_event_filter()
        return [view_record(s) for s in self._ledger.get_events(filters, limit=limit, ascending=ascending)]

    def fetch_materializations(
        self,
        records_filter: AssetKey | AssetRecordsFilter,
        limit: int,
        cursor: str | None = None,
        ascending: bool = False,
    ) -> EventRecordsResult:
        """A page of an asset's materialisations, newest first."""
        filters = _asset_filter(records_filter, EventType.ASSET_MATERIALIZATION)
        return self._page(filters, limit, cursor, ascending)

    def fetch_observations(
        self,
        records_filter: AssetKey | AssetRecordsFilter,
        limit: int,
        cursor: str | None = None,
        ascending: bool = False,
    ) -> EventRecordsResult:
        """A page of an asset's observations, newest first."""
        filters = _asset_filter(records_filter, EventType.ASSET_OBSERVATION)
        return self._page(filters, limit, cursor, ascending)

    def fetch_planned_materializations(
        self,
        records_filter: AssetKey | AssetRecordsFilter | None,
        limit: int,
        cursor: str | None = None,
        ascending: bool = False,
    ) -> EventRecordsResult:
        """A page of events that tell which runs were going to make an asset, newest first."""
        kind = EventType.ASSET_MATERIALIZATION_PLANNED
        filters = (
            EventFilter(types=(kind.value,))
            if records_filter is None
            else _asset_filter(records_filter, kind)
        )
        return self._page(filters, limit, cursor, ascending)

    def fetch_failed_materializations(
        self,
        records_filter: AssetKey | AssetRecordsFilter,
        limit: int,
        cursor: str | None = None,
        ascending: bool = False,
    ) -> EventRecordsResult:
        """A page of events that tell which runs should have made an asset and did not, newest first."""
        filters = _asset_filter(records_filter, EventType.ASSET_FAILED_TO_MATERIALIZE)
        return self._page(filters, limit, cursor, ascending)

    def fetch_run_status_changes(
        self,
        records_filter: EventType | RunStatusChangeRecordsFilter,
        limit: int,
        cursor: str | None = None,
        ascending: bool = False,
    ) -> EventRecordsResult:
        """A page of one kind of run status change, newest first.

        Raises:
            CheckError: when the kind is not one of a run's status.
        """
        wanted = (
            records_filter
            if isinstance(records_filter, RunStatusChangeRecordsFilter)
            else RunStatusChangeRecordsFilter(records_filter)
        )
        return self._page(wanted.to_event_filter(), limit, cursor, ascending)

    def get_asset_events(
        self,
        asset_key: AssetKey,
        partitions: Sequence[str] | None = None,
        before_cursor: int | None = None,
        after_cursor: int | None = None,
        limit: int | None = None,
        ascending: bool = False,
    ) -> Sequence[EventLogRecord]:
        """Materialisations and observations of an asset, newest first."""
        filters = EventFilter(
            types=(EventType.ASSET_MATERIALIZATION.value, EventType.ASSET_OBSERVATION.value),
            assets=(asset_key.to_escaped_user_string(),),
            partitions=tuple(partitions) if partitions else None,
            after_id=cursor_id(after_cursor),
            before_id=cursor_id(before_cursor),
        )
        return [view_record(s) for s in self._ledger.get_events(filters, limit=limit, ascending=ascending)]

    def all_logs(self, run_id: str, of_type: OfType = None) -> Sequence[EventLogEntry]:
        """Everything that a run reported, in order; empty for an unknown run."""
        wanted = _kinds(of_type)
        return [
            view_entry(s.event) for s in self._run_log(run_id) if wanted is None or s.event.type in wanted
        ]

    def logs_after(
        self, run_id: str, cursor: int | None = None, of_type: OfType = None, limit: int | None = None
    ) -> Sequence[EventLogEntry]:
        """What a run reported after a position in its log (the first entry has position 1)."""
        records = self.get_records_for_run(run_id, str(cursor or 0), of_type, limit).records
        return [record.event_log_entry for record in records]

    def get_records_for_run(
        self,
        run_id: str,
        cursor: str | None = None,
        of_type: OfType = None,
        limit: int | None = None,
        ascending: bool = True,
    ) -> EventRecordsResult:
        """A page of what a run reported. Here a record's ``storage_id`` is its position in the run's log, from 1."""
        wanted = _kinds(of_type)
        start = cursor_id(cursor)
        if ascending and wanted is None:
            # the common case, a log that is followed, reads no more than the page
            more = limit + 1 if limit is not None else None
            found = self._ledger.get_run_log(run_id, after=start or 0, limit=more)
        else:
            found = [s for s in self._run_log(run_id) if wanted is None or s.event.type in wanted]
            if start is not None and start >= 0:
                found = [s for s in found if (s.id > start if ascending else s.id < start)]
            if not ascending:
                found.reverse()
        return _result(found, limit, cursor, _log_record)

    def _page(
        self, filters: EventFilter, limit: int, cursor: str | None, ascending: bool
    ) -> EventRecordsResult:
        start = cursor_id(cursor)
        if start is not None and start >= 0:
            if ascending:
                filters = msgspec.structs.replace(filters, after_id=max(start, filters.after_id or 0))
            else:
                before = start if filters.before_id is None else min(start, filters.before_id)
                filters = msgspec.structs.replace(filters, before_id=before)
        found = self._ledger.get_events(filters, limit=limit + 1, ascending=ascending)
        return _result(found, limit, cursor, view_record)


def _result(
    found: list[StoredEvent],
    limit: int | None,
    cursor: str | None,
    view: Callable[[StoredEvent], EventLogRecord],
) -> EventRecordsResult:
    taken = found if limit is None else found[:limit]
    return EventRecordsResult(
        records=[view(stored) for stored in taken],
        cursor=str(taken[-1].id) if taken else cursor or NO_CURSOR,
        has_more=len(found) > len(taken),
    )


def _log_record(stored: StoredEvent) -> EventLogRecord:
    return EventLogRecord(stored.id, view_entry(stored.event))


def _asset_filter(given: AssetKey | AssetRecordsFilter, kind: EventType) -> EventFilter:
    wanted = given if isinstance(given, AssetRecordsFilter) else AssetRecordsFilter(given)
    return wanted.to_event_filter(kind)


def _kinds(of_type: OfType) -> frozenset[EventType] | None:
    if of_type is None:
        return None
    kinds = (of_type,) if isinstance(of_type, EventType) else tuple(of_type)
    for kind in kinds:
        require_event_type(kind)
    return frozenset(kinds)
