"""The instance's methods about assets and checks: latest facts, partitions' status, wiping, events from outside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tidewheel.runtime.instance.instance_parts import InstanceParts
from tidewheel.runtime.views.asset_record_views import (
    AssetCheckRecord,
    AssetEntry,
    AssetPartitionStatus,
    AssetRecord,
    view_check_record,
)
from tidewheel.runtime.views.event_views import EventLogEntry, EventLogRecord, view_record
from tidewheel.runtime.views.outside_events import event_from_outside
from tidewheel.runtime.views.record_filters import cursor_id, require_asset_key, require_event_type
from tidewheel.values.events import EventType
from tidewheel.values.keys import AssetCheckKey, AssetKey
from tidewheel.values.records import AssetState, EventFilter
from tidewheel.values.status import NOT_FINISHED_STATUSES, RunStatus
from tidewheel.values.tags import CODE_VERSION

_MADE = EventType.ASSET_MATERIALIZATION
_SEEN = EventType.ASSET_OBSERVATION


class AssetReads(InstanceParts):
    """Questions about assets and checks."""

    def get_asset_keys(
        self, prefix: Sequence[str] | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Sequence[AssetKey]:
        """Keys of the assets that have events, in order; ``cursor`` is the last key's ``to_string()``."""
        after = AssetKey.from_db_string(cursor)
        keys = sorted(
            _key(text) for text, state in self._ledger.get_asset_states().items() if _has_events(state)
        )
        wanted = [
            key for key in keys if (not prefix or key.has_prefix(prefix)) and (after is None or after < key)
        ]
        return wanted[:limit]

    def all_asset_keys(self) -> Sequence[AssetKey]:
        """Keys of the assets that have events, in order."""
        return self.get_asset_keys()

    def has_asset_key(self, asset_key: AssetKey) -> bool:
        """Whether the asset has events."""
        state = self._states([asset_key]).get(_text(asset_key))
        return state is not None and _has_events(state)

    def get_asset_records(self, asset_keys: Sequence[AssetKey] | None = None) -> Sequence[AssetRecord]:
        """The latest events of these assets (None: of all); assets without events are left out."""
        states = self._ledger.get_asset_states() if asset_keys is None else self._states(asset_keys)
        known = {text: state for text, state in states.items() if _has_events(state)}
        order = sorted(known, key=_key) if asset_keys is None else [_text(key) for key in asset_keys]
        events = self._records_by_id(
            event_id
            for state in known.values()
            for event_id in (state.last_materialization_id, state.last_observation_id)
        )
        return [_asset_record(known[text], events) for text in order if text in known]

    def get_latest_materialization_event(self, asset_key: AssetKey) -> EventLogEntry | None:
        """The asset's newest materialisation."""
        return self.get_latest_materialization_events([asset_key]).get(asset_key)

    def get_latest_materialization_events(
        self, asset_keys: Iterable[AssetKey]
    ) -> Mapping[AssetKey, EventLogEntry]:
        """The newest materialisation of each of these assets that has one."""
        states = self._states(asset_keys)
        events = self._records_by_id(state.last_materialization_id for state in states.values())
        return {
            _key(text): events[state.last_materialization_id].event_log_entry
            for text, state in states.items()
            if state.last_materialization_id in events
        }

    def get_latest_materialization_code_versions(
        self, asset_keys: Iterable[AssetKey]
    ) -> Mapping[AssetKey, str | None]:
        """For each of these assets the code version that its newest materialisation was made with, or None."""
        keys = list(asset_keys)
        latest = self.get_latest_materialization_events(keys)
        return {key: (latest[key].tags or {}).get(CODE_VERSION) if key in latest else None for key in keys}

    def get_latest_data_version_record(
        self,
        key: AssetKey,
        is_source: bool | None = None,
        partition_key: str | None = None,
        before_cursor: int | None = None,
        after_cursor: int | None = None,
    ) -> EventLogRecord | None:
        """The newest event that told a data version: a materialisation, or for a source asset an observation.

        ``is_source`` None: a materialisation if there is one, otherwise an observation.
        """
        kinds = {True: [_SEEN], False: [_MADE], None: [_MADE, _SEEN]}[is_source]
        for kind in kinds:
            filters = EventFilter(
                types=(kind.value,),
                assets=(_text(key),),
                partitions=(partition_key,) if partition_key is not None else None,
                after_id=cursor_id(after_cursor),
                before_id=cursor_id(before_cursor),
            )
            found = self._ledger.get_events(filters, limit=1, ascending=False)
            if found:
                return view_record(found[0])
        return None

    def get_asset_keys_for_run(self, run_id: str, of_type: EventType = _MADE) -> set[AssetKey]:
        """The assets of a run's events of one kind."""
        filters = EventFilter(types=(of_type.value,), run_ids=(run_id,))
        return {_key(stored.event.asset) for stored in self._events(filters) if stored.event.asset}

    def get_latest_asset_check_evaluation_record(
        self, asset_check_key: AssetCheckKey
    ) -> AssetCheckRecord | None:
        """The newest evaluation of a check."""
        history = self.get_asset_check_execution_history(asset_check_key, limit=1)
        return history[0] if history else None

    def get_asset_check_execution_history(
        self, check_key: AssetCheckKey, limit: int, cursor: int | None = None
    ) -> Sequence[AssetCheckRecord]:
        """Evaluations of a check, newest first; ``cursor`` is the id of the record after which to go on."""
        filters = EventFilter(
            types=(EventType.ASSET_CHECK_EVALUATION.value,),
            assets=(_text(check_key.asset_key),),
            check=check_key.name,
            before_id=cursor_id(cursor),
        )
        found = self._ledger.get_events(filters, limit=limit, ascending=False)
        return [view_check_record(view_record(stored)) for stored in found]

    def _states(self, keys: Iterable[AssetKey]) -> dict[str, AssetState]:
        return self._ledger.get_asset_states([_text(key) for key in keys])

    def _records_by_id(self, ids: Iterable[int | None]) -> dict[int | None, EventLogRecord]:
        wanted = tuple(sorted({event_id for event_id in ids if event_id is not None}))
        if not wanted:
            return {}
        return {stored.id: view_record(stored) for stored in self._ledger.get_events(EventFilter(ids=wanted))}


class AssetPartitionReads(InstanceParts):
    """Questions about the partitions of assets."""

    def get_materialized_partitions(
        self, asset_key: AssetKey, before_cursor: int | None = None, after_cursor: int | None = None
    ) -> set[str]:
        """Keys of the partitions that were materialised, by events between two ids (exclusive) if given."""
        if before_cursor is None:
            after = cursor_id(after_cursor) or 0
            return {
                partition
                for partition, (event_id, _, _) in self._ledger.get_partition_events(_text(asset_key)).items()
                if event_id > after
            }
        filters = EventFilter(
            types=(_MADE.value,),
            assets=(_text(asset_key),),
            after_id=cursor_id(after_cursor),
            before_id=cursor_id(before_cursor),
        )
        return {s.event.partition for s in self._events(filters) if s.event.partition is not None}

    def get_latest_storage_id_by_partition(
        self,
        asset_key: AssetKey,
        event_type: EventType,
        partitions: Iterable[str] | None = None,
        after_cursor: int | None = None,
    ) -> Mapping[str, int]:
        """For each partition the id of its newest event of one kind (after an id, if given)."""
        require_event_type(event_type)
        wanted = sorted(set(partitions)) if partitions is not None else None
        if event_type == _MADE:
            after = cursor_id(after_cursor) or 0
            latest = self._ledger.get_partition_events(_text(asset_key), wanted)
            return {partition: found[0] for partition, found in latest.items() if found[0] > after}
        return {
            partition: event_id
            for partition, (event_id, _) in self._latest_by_partition(
                asset_key, event_type, wanted, cursor_id(after_cursor)
            ).items()
        }

    def get_materialization_count_by_partition(
        self, asset_keys: Sequence[AssetKey], after_cursor: int | None = None
    ) -> Mapping[AssetKey, Mapping[str, int]]:
        """For each asset and partition, how many materialisations there are. Reads every one."""
        counts: dict[AssetKey, dict[str, int]] = {key: {} for key in asset_keys}
        for key, count in counts.items():
            filters = EventFilter(
                types=(_MADE.value,), assets=(_text(key),), after_id=cursor_id(after_cursor)
            )
            for stored in self._events(filters):
                if stored.event.partition is not None:
                    count[stored.event.partition] = count.get(stored.event.partition, 0) + 1
        return counts

    def get_status_by_partition(
        self, asset_key: AssetKey, partition_keys: Sequence[str], partitions_def: object
    ) -> Mapping[str, AssetPartitionStatus | None]:
        """For each of these partitions what is known of it; None for one that was never made or tried.

        A partition is in progress or failed while the newest run that was to make it goes on or has failed, and has not
        made it.
        """
        keys = list(partition_keys)
        made = self._ledger.get_partition_events(_text(asset_key), keys)
        planned = self._latest_by_partition(asset_key, EventType.ASSET_MATERIALIZATION_PLANNED, keys, None)
        runs = {run_id: self._ledger.get_run(run_id) for run_id in {run_id for _, run_id in planned.values()}}
        statuses: dict[str, AssetPartitionStatus | None] = {}
        for key in keys:
            made_id = made[key][0] if key in made else 0
            planned_id, run_id = planned.get(key, (0, ""))
            run = runs.get(run_id) if planned_id > made_id else None
            if run is not None and run.status in NOT_FINISHED_STATUSES:
                statuses[key] = AssetPartitionStatus.IN_PROGRESS
            elif run is not None and run.status == RunStatus.FAILURE:
                statuses[key] = AssetPartitionStatus.FAILED
            else:
                statuses[key] = AssetPartitionStatus.MATERIALIZED if made_id else None
        return statuses

    def _latest_by_partition(
        self, asset_key: AssetKey, kind: EventType, partitions: Sequence[str] | None, after: int | None
    ) -> dict[str, tuple[int, str]]:
        if partitions is not None and not partitions:
            return {}
        filters = EventFilter(
            types=(kind.value,),
            assets=(_text(asset_key),),
            partitions=tuple(partitions) if partitions is not None else None,
            after_id=after,
        )
        return {
            stored.event.partition: (stored.id, stored.event.run_id)
            for stored in self._events(filters)
            if stored.event.partition is not None
        }


class AssetWrites(InstanceParts):
    """Changes of what is known of assets, from outside of runs."""

    def wipe_assets(self, asset_keys: Sequence[AssetKey]) -> None:
        """Forget these assets' materialisations and observations; event ids are not used again."""
        for key in asset_keys:
            self._ledger.wipe_asset(_text(require_asset_key(key)))

    def wipe_asset_partitions(self, asset_key: AssetKey, partition_keys: Sequence[str]) -> None:
        """Forget some partitions' materialisations."""
        self._ledger.wipe_asset(_text(require_asset_key(asset_key)), list(partition_keys))

    def report_runless_asset_event(self, asset_event: Any) -> None:
        """Record an ``AssetMaterialization``, ``AssetObservation`` or ``AssetCheckEvaluation`` that no run made.

        Raises:
            InvariantViolationError: for anything else.
        """
        event = event_from_outside(asset_event, timestamp=self._clock())
        self._ledger.record_events([event])


def _text(key: AssetKey) -> str:
    return require_asset_key(key).to_escaped_user_string()


def _key(text: str) -> AssetKey:
    return AssetKey.from_escaped_user_string(text)


def _has_events(state: AssetState) -> bool:
    return any(
        value is not None
        for value in (state.last_materialization_id, state.last_observation_id, state.last_planned_run_id)
    )


def _asset_record(state: AssetState, events: Mapping[int | None, EventLogRecord]) -> AssetRecord:
    made = events.get(state.last_materialization_id)
    entry = AssetEntry(
        asset_key=_key(state.asset),
        last_materialization_record=made,
        last_observation_record=events.get(state.last_observation_id),
        last_run_id=state.last_planned_run_id or state.last_materialization_run_id,
        last_planned_materialization_run_id=state.last_planned_run_id,
        last_failed_run_id=state.last_failed_run_id,
        last_data_version=state.last_data_version,
    )
    return AssetRecord(storage_id=entry.last_event_storage_id or 0, asset_entry=entry)
