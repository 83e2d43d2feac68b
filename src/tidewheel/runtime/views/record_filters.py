"""What users give to ask for event records, and the page of records that they get."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Optional

import msgspec

from tidewheel.errors import CheckError, NotSupportedError, ParameterCheckError
from tidewheel.runtime.views.event_views import EventLogRecord
from tidewheel.values.events import FACT_EVENT_TYPES, RUN_EVENT_TYPES, EventType
from tidewheel.values.keys import AssetKey
from tidewheel.values.records import EventFilter

NO_CURSOR = "-1"


class RunShardedEventsCursor(NamedTuple):
    """A cursor for ledgers that keep events by run; here the id alone says where to go on."""

    id: int
    run_updated_after: datetime


class EventRecordsFilter(msgspec.Struct, frozen=True):
    """Which event records: of one kind and, if given, of one asset, some partitions, between ids or times (exclusive).

    Raises:
        ParameterCheckError: when an argument has the wrong type.
    """

    event_type: EventType
    asset_key: Optional[AssetKey] = None
    asset_partitions: Optional[Sequence[str]] = None
    after_cursor: Any = None
    before_cursor: Any = None
    after_timestamp: Optional[float] = None
    before_timestamp: Optional[float] = None
    storage_ids: Optional[Sequence[int]] = None
    tags: Optional[Mapping[str, Any]] = None

    def __post_init__(self) -> None:
        require_event_type(self.event_type)
        if self.asset_key is not None:
            require_asset_key(self.asset_key)

    def to_event_filter(self) -> EventFilter:
        """The filter as the ledger takes it.

        Raises:
            NotSupportedError: for kinds of events that are only kept in their run's log, and for ``tags``.
        """
        if self.event_type not in FACT_EVENT_TYPES:
            raise NotSupportedError(
                f"expected a kind of event that is kept across runs (asset and run events), got "
                f"{self.event_type.value}; read it with instance.get_records_for_run(run_id, "
                f"of_type=EventType.{self.event_type.name})"
            )
        if self.tags:
            raise NotSupportedError(
                "expected no 'tags' in EventRecordsFilter: events are not indexed by tags; compare "
                "record.event_log_entry.tags instead"
            )
        return EventFilter(
            types=(self.event_type.value,),
            assets=_asset_texts(self.asset_key),
            partitions=_texts(self.asset_partitions),
            after_id=cursor_id(self.after_cursor),
            before_id=cursor_id(self.before_cursor),
            ids=tuple(self.storage_ids) if self.storage_ids else None,
            after_timestamp=self.after_timestamp,
            before_timestamp=self.before_timestamp,
        )


class AssetRecordsFilter(msgspec.Struct, frozen=True):
    """Which records of one asset: of some partitions, between times or ids (exclusive).

    Raises:
        ParameterCheckError: when the key is not an asset key.
    """

    asset_key: AssetKey
    asset_partitions: Optional[Sequence[str]] = None
    after_timestamp: Optional[float] = None
    before_timestamp: Optional[float] = None
    after_storage_id: Optional[int] = None
    before_storage_id: Optional[int] = None
    storage_ids: Optional[Sequence[int]] = None

    def __post_init__(self) -> None:
        require_asset_key(self.asset_key)

    def to_event_filter(self, event_type: EventType) -> EventFilter:
        """The filter as the ledger takes it."""
        return EventFilter(
            types=(event_type.value,),
            assets=_asset_texts(self.asset_key),
            partitions=_texts(self.asset_partitions),
            after_id=self.after_storage_id,
            before_id=self.before_storage_id,
            ids=tuple(self.storage_ids) if self.storage_ids else None,
            after_timestamp=self.after_timestamp,
            before_timestamp=self.before_timestamp,
        )


class RunStatusChangeRecordsFilter(msgspec.Struct, frozen=True):
    """Which run status changes: of one kind and, if given, of some jobs, between times or ids (exclusive).

    Raises:
        CheckError: when the kind is not one of a run's status.
    """

    event_type: EventType
    after_timestamp: Optional[float] = None
    before_timestamp: Optional[float] = None
    after_storage_id: Optional[int] = None
    before_storage_id: Optional[int] = None
    storage_ids: Optional[Sequence[int]] = None
    job_names: Optional[Sequence[str]] = None

    def __post_init__(self) -> None:
        require_event_type(self.event_type)
        if self.event_type not in RUN_EVENT_TYPES:
            known = ", ".join(sorted(kind.name for kind in RUN_EVENT_TYPES))
            raise CheckError(f"expected a run status event ({known}), got {self.event_type.name}")

    def to_event_filter(self) -> EventFilter:
        """The filter as the ledger takes it."""
        return EventFilter(
            types=(self.event_type.value,),
            job_names=_texts(self.job_names),
            after_id=self.after_storage_id,
            before_id=self.before_storage_id,
            ids=tuple(self.storage_ids) if self.storage_ids else None,
            after_timestamp=self.after_timestamp,
            before_timestamp=self.before_timestamp,
        )


class EventRecordsResult(msgspec.Struct, frozen=True):
    """A page of records; ``cursor`` asks for the next page, ``has_more`` says whether there is one."""

    records: list[EventLogRecord]
    cursor: str
    has_more: bool


def require_event_type(value: object) -> None:
    """Check that a value is an event type.

    Raises:
        ParameterCheckError: when it is not.
    """
    if not isinstance(value, EventType):
        raise ParameterCheckError(
            f"expected 'event_type' to be an EventType, got {value!r}; write e.g. EventType.ASSET_MATERIALIZATION"
        )


def require_asset_key(value: object) -> AssetKey:
    """The value, if it is an asset key.

    Raises:
        ParameterCheckError: when it is not.
    """
    if not isinstance(value, AssetKey):
        raise ParameterCheckError(f"expected an AssetKey, got {value!r}; write AssetKey({value!r})")
    return value


def cursor_id(cursor: object) -> int | None:
    """The event id of a cursor: a number, its text, or an object with an ``id``.

    Raises:
        ParameterCheckError: when it is none of these.
    """
    if cursor is None:
        return None
    value = getattr(cursor, "id", cursor)
    if isinstance(value, int):
        return value
    if isinstance(value, str) and value.lstrip("-").isdecimal():
        return int(value)
    raise ParameterCheckError(
        f"expected a cursor that an earlier call returned (a whole number), got {cursor!r}"
    )


def _asset_texts(key: AssetKey | None) -> tuple[str, ...] | None:
    return (key.to_escaped_user_string(),) if key is not None else None


def _texts(values: Sequence[str] | None) -> tuple[str, ...] | None:
    return tuple(values) if values else None
