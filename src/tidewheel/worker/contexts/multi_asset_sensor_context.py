"""The context of a multi-asset sensor: new materialisations of several assets, and what of them was consumed.

Per asset the cursor holds the partition and id of the newest consumed event, and the ids of older events of other
partitions that were left unconsumed (*trailing*). Consuming an event without a partition consumes all older ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tidewheel.definitions.assets.asset_graph import AssetGraph
from tidewheel.definitions.assets.selection import AssetSelection
from tidewheel.definitions.partitions.definition import PartitionsDefinition
from tidewheel.definitions.partitions.partition_context import partition_loading_context
from tidewheel.errors import CheckError, InvariantViolationError
from tidewheel.runtime.views.event_views import EventLogRecord, view_record
from tidewheel.values.events import EventType
from tidewheel.values.keys import AssetKey
from tidewheel.values.records import EventFilter
from tidewheel.worker.contexts.sensor_context import SensorEvaluationContext

MATERIALIZED = (EventType.ASSET_MATERIALIZATION.value,)


class AssetPosition:
    """How far one asset's events were consumed, and what happened to that in this evaluation."""

    def __init__(self, partition: str | None, event_id: int | None, trailing: Mapping[str, int]) -> None:
        self.partition = partition
        self.event_id = event_id
        self.trailing = dict(trailing)
        self.consumed: dict[int, str | None] = {}
        self.shown: dict[int, str | None] = {}
        self.everything = False

    @property
    def has_progress(self) -> bool:
        """Whether anything was consumed in this evaluation."""
        return self.everything or bool(self.consumed)


class MultiAssetSensorEvaluationContext(SensorEvaluationContext):
    """What a multi-asset sensor's function may use."""

    def __init__(
        self,
        instance_ref: Any = None,
        monitored_assets: Sequence[AssetKey] | AssetSelection = (),
        last_tick_completion_time: float | None = None,
        last_run_key: str | None = None,
        cursor: str | None = None,
        repository_name: str | None = None,
        repository_def: Any = None,
        instance: Any = None,
        resource_defs: Any = None,
        definitions: Any = None,
        last_sensor_start_time: float | None = None,
        log_key: Sequence[str] | None = None,
        sensor_name: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(
            last_tick_completion_time=last_tick_completion_time,
            last_run_key=last_run_key,
            cursor=cursor,
            repository_name=repository_name,
            repository_def=repository_def,
            definitions=definitions,
            instance=instance,
            sensor_name=sensor_name,
            resources=resource_defs,
            last_sensor_start_time=last_sensor_start_time,
            **options,
        )
        if self._repository_def is None:
            raise CheckError(
                "multi-asset sensor context: expected definitions or repository_def, got neither; pass definitions="
            )
        if isinstance(monitored_assets, AssetSelection):
            keys: Iterable[AssetKey] = sorted(monitored_assets.resolve_inner(self._graph, True))
        else:
            keys = monitored_assets
        self._keys = list(keys)
        self._positions = {key: _position(key, _stored(cursor)) for key in self._keys}
        self._began_at = cursor
        self._was_advanced = False

    @property
    def _graph(self) -> AssetGraph:
        return self._repository_def.resolved.graph  # type: ignore[no-any-return]

    # -- which assets ----------------------------------------------------------------------------------------------------

    @property
    def asset_keys(self) -> Sequence[AssetKey]:
        """The assets that are watched."""
        return self._keys

    @property
    def assets_defs_by_key(self) -> Mapping[AssetKey, Any]:
        """Their definitions; None for those that are defined elsewhere."""
        nodes = self._graph.nodes
        return {key: nodes[key].assets_def if key in nodes else None for key in self._keys}

    def _watched(self, key: AssetKey) -> AssetPosition:
        found = self._positions.get(key)
        if found is None:
            raise CheckError(
                f"expected one of the watched assets {[one.to_user_string() for one in self._keys]}, got {key!r}"
            )
        return found

    def _partitions_def(self, key: AssetKey) -> PartitionsDefinition:
        node = self._graph.nodes.get(key)
        if node is None or node.partitions_def is None:
            raise InvariantViolationError(
                f"expected an asset with partitions, got {key.to_user_string()!r} without; use the methods by key"
            )
        return node.partitions_def

    # -- reading -----------------------------------------------------------------------------------------------------------

    def _read(
        self, key: AssetKey, after: int | None, *, limit: int | None = None, ascending: bool = True
    ) -> list[EventLogRecord]:
        filters = EventFilter(types=MATERIALIZED, assets=(key.to_escaped_user_string(),), after_id=after)
        found = self.instance.ledger.get_events(filters, limit=limit, ascending=ascending)
        return [view_record(stored) for stored in found]

    def _show(self, key: AssetKey, records: Iterable[EventLogRecord]) -> None:
        position = self._positions[key]
        for record in records:
            position.shown[record.storage_id] = record.partition_key

    def latest_materialization_records_by_key(
        self, asset_keys: Sequence[AssetKey] | None = None
    ) -> Mapping[AssetKey, EventLogRecord | None]:
        """For each asset its newest materialisation since the cursor, or None."""
        found: dict[AssetKey, EventLogRecord | None] = {}
        for key in self._keys if asset_keys is None else asset_keys:
            position = self._watched(key)
            records = self._read(key, position.event_id, limit=1, ascending=False)
            found[key] = records[0] if records else None
            self._show(key, records)
        return found

    def materialization_records_for_key(
        self, asset_key: AssetKey, limit: int | None = None
    ) -> Iterable[EventLogRecord]:
        """An asset's materialisations since the cursor, oldest first."""
        records = self._read(asset_key, self._watched(asset_key).event_id, limit=limit)
        self._show(asset_key, records)
        return records

    def latest_materialization_records_by_partition(
        self, asset_key: AssetKey, after_cursor_partition: bool | None = False
    ) -> Mapping[str, EventLogRecord]:
        """The newest unconsumed materialisation of each partition, in the order of events.

        ``after_cursor_partition``: only of partitions after the one that was consumed last.
        """
        definition = self._partitions_def(asset_key)
        position = self._watched(asset_key)
        newest: dict[str, EventLogRecord] = {}
        for record in (
            *self.get_trailing_unconsumed_events(asset_key),
            *self._read(asset_key, position.event_id),
        ):
            if record.partition_key is not None:
                newest.pop(record.partition_key, None)
                newest[record.partition_key] = record
        if after_cursor_partition and position.partition is not None:
            later = _keys_after(definition, position.partition, self.instance)
            newest = {key: record for key, record in newest.items() if key in later}
        self._show(asset_key, newest.values())
        return newest

    def latest_materialization_records_by_partition_and_asset(
        self,
    ) -> Mapping[str, Mapping[AssetKey, EventLogRecord]]:
        """For each partition the newest unconsumed materialisation of each asset."""
        found: dict[str, dict[AssetKey, EventLogRecord]] = {}
        for key in self._keys:
            for partition, record in self.latest_materialization_records_by_partition(key).items():
                found.setdefault(partition, {})[key] = record
        return found

    def get_cursor_partition(self, asset_key: AssetKey | None) -> str | None:
        """The partition of the event that was consumed last."""
        if asset_key is None:
            raise CheckError("expected an asset key, got None")
        return self._watched(asset_key).partition

    def get_trailing_unconsumed_events(self, asset_key: AssetKey) -> Sequence[EventLogRecord]:
        """Events older than the cursor that were left unconsumed."""
        ids = tuple(sorted(self._watched(asset_key).trailing.values()))
        if not ids:
            return []
        found = self.instance.ledger.get_events(EventFilter(types=MATERIALIZED, ids=ids))
        return [view_record(stored) for stored in found]

    def all_partitions_materialized(
        self, asset_key: AssetKey, partitions: Sequence[str] | None = None
    ) -> bool:
        """Whether all (given) partitions were ever materialised, whatever the cursor says."""
        definition = self._partitions_def(asset_key)
        if partitions is not None:
            wanted = set(partitions)
        else:
            wanted = set(definition.get_partition_keys(dynamic_partitions_store=self.instance))
        made = self.instance.ledger.get_partition_events(
            asset_key.to_escaped_user_string(), tuple(sorted(wanted))
        )
        return wanted <= set(made)

    def get_downstream_partition_keys(
        self, partition_key: str, from_asset_key: AssetKey, to_asset_key: AssetKey
    ) -> Sequence[str]:
        """The existing partitions of one asset that need a partition of another one."""
        graph = self._graph
        upstream, downstream = self._partitions_def(from_asset_key), self._partitions_def(to_asset_key)
        mapping = graph.get_partition_mapping(to_asset_key, from_asset_key)
        with partition_loading_context(dynamic_partitions_store=self.instance):
            needed = mapping.get_downstream_partitions_for_partitions(
                upstream.subset_with_partition_keys([partition_key]), upstream, downstream
            )
            return list(needed.get_partition_keys())

    # -- consuming -----------------------------------------------------------------------------------------------------------

    def advance_cursor(
        self, materialization_records_by_key: Mapping[AssetKey, EventLogRecord | None]
    ) -> None:
        """Count these events as handled; None leaves an asset where it is, so that its events come again."""
        self._was_advanced = True
        for key, record in materialization_records_by_key.items():
            position = self._watched(key)
            if record is not None:
                position.consumed[record.storage_id] = record.partition_key

    def advance_all_cursors(self) -> None:
        """Count all events of all assets as handled."""
        self._was_advanced = True
        for position in self._positions.values():
            position.everything = True

    def update_cursor_after_evaluation(self) -> None:
        """Work out the new cursor."""
        self.finish_evaluation(requested=False)

    def finish_evaluation(self, *, requested: bool) -> tuple[str | None, bool]:
        """The new cursor and whether it changed.

        A cursor that the function set itself stands where it consumed nothing. Where runs were requested, no cursor was
        set and none was advanced, what the function was shown counts as consumed: otherwise the same events would ask
        for the same runs for ever. A function that advanced by None wants just that.
        """
        if requested and not self._cursor_updated and not self._was_advanced:
            shown = [position for position in self._positions.values() if position.shown]
            for position in shown:
                position.consumed = dict(position.shown)
            if not shown:
                self.advance_all_cursors()
        if not self._has_progress:
            return self._cursor, self._cursor_updated
        stored = _stored(self._began_at)
        for key, position in self._positions.items():
            moved = self._moved(key, position)
            if moved is not None:
                stored[key.to_escaped_user_string()] = moved
        self._cursor = json.dumps(stored)
        self._cursor_updated = True
        return self._cursor, True

    @property
    def _has_progress(self) -> bool:
        return any(position.has_progress for position in self._positions.values())

    def _moved(self, key: AssetKey, position: AssetPosition) -> list[Any] | None:
        if position.everything:
            newest = self._read(key, None, limit=1, ascending=False)
            return [newest[0].partition_key, newest[0].storage_id, {}] if newest else None
        if not position.consumed:
            return None
        last = max(position.consumed)
        before = position.event_id or 0
        end = max(last, before)
        partition = position.consumed[last] if last >= before else position.partition
        if position.consumed[last] is None:
            return [None, end, {}]
        trailing = dict(position.trailing)
        for record in self._read(key, position.event_id):
            if record.storage_id <= end and record.partition_key is not None:
                trailing[record.partition_key] = record.storage_id
        newest_consumed: dict[str | None, int] = {}
        for event_id, consumed in position.consumed.items():
            newest_consumed[consumed] = max(event_id, newest_consumed.get(consumed, 0))
        left = {
            name: event_id for name, event_id in trailing.items() if event_id > newest_consumed.get(name, 0)
        }
        return [partition, end, left]


def _keys_after(definition: PartitionsDefinition, partition: str, instance: Any) -> set[str]:
    keys = list(definition.get_partition_keys(dynamic_partitions_store=instance))
    return set(keys[keys.index(partition) + 1 :]) if partition in keys else set(keys)


def _stored(cursor: str | None) -> dict[str, Any]:
    """The stored positions; a cursor that is not one counts as none."""
    if not cursor:
        return {}
    try:
        found = json.loads(cursor)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _position(key: AssetKey, stored: Mapping[str, Any]) -> AssetPosition:
    found = stored.get(key.to_escaped_user_string())
    if not isinstance(found, list) or len(found) != 3:
        return AssetPosition(None, None, {})
    return AssetPosition(found[0], found[1], found[2])


def build_multi_asset_sensor_context(
    *,
    monitored_assets: Sequence[AssetKey] | AssetSelection,
    repository_def: Any = None,
    instance: Any = None,
    cursor: str | None = None,
    repository_name: str | None = None,
    cursor_from_latest_materializations: bool = False,
    resources: Mapping[str, Any] | None = None,
    definitions: Any = None,
    last_sensor_start_time: float | None = None,
) -> MultiAssetSensorEvaluationContext:
    """A context for calling a multi-asset sensor in a test.

    ``cursor_from_latest_materializations``: begin behind everything that was materialised so far.

    Raises:
        CheckError: when neither or both of ``definitions`` and ``repository_def`` are given, or two cursors.
    """
    if (repository_def is None) == (definitions is None):
        raise CheckError(
            "multi-asset sensor context: expected definitions or repository_def, got "
            f"{'neither' if definitions is None else 'both'}; pass definitions="
        )
    options = {
        "monitored_assets": monitored_assets,
        "repository_def": repository_def if repository_def is not None else definitions,
        "instance": instance,
        "repository_name": repository_name,
        "resource_defs": resources,
        "last_sensor_start_time": last_sensor_start_time,
    }
    if not cursor_from_latest_materializations:
        return MultiAssetSensorEvaluationContext(cursor=cursor, **options)
    if cursor is not None:
        raise CheckError("expected cursor or cursor_from_latest_materializations, got both; keep one")
    first = MultiAssetSensorEvaluationContext(**options)
    first.advance_all_cursors()
    return MultiAssetSensorEvaluationContext(cursor=first.finish_evaluation(requested=False)[0], **options)


def watch_assets(
    context: SensorEvaluationContext, monitored_assets: Any
) -> MultiAssetSensorEvaluationContext:
    """The same as a context that tells of the materialisations of some assets."""
    return MultiAssetSensorEvaluationContext(
        monitored_assets=monitored_assets,
        instance=context._instance,
        cursor=context._cursor,
        last_tick_completion_time=context.last_tick_completion_time,
        last_run_key=context.last_run_key,
        repository_name=context.repository_name,
        repository_def=context._repository_def,
        resource_defs=context._resource_defs,
        sensor_name=context._sensor_name,
        last_sensor_start_time=context.last_sensor_start_time,
    )
