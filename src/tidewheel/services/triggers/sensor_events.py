"""Reads what a listening sensor is to be handed next: events of the log, deliveries of the inbox, or one of them again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

import msgspec

from tidewheel.logic.graph.specs import SensorNode
from tidewheel.logic.planning.event_delivery import Handed, HandoverFacts, choose_handover
from tidewheel.services.code.catalog import Catalog
from tidewheel.services.triggers.trigger_book import TriggerBook
from tidewheel.storage.ports.ledger import LedgerPort
from tidewheel.values.evaluation import EvaluationRequest
from tidewheel.values.events import EventType, StoredEvent
from tidewheel.values.inbox import Backlog, Delivery, Redelivery, files_source, hook_source
from tidewheel.values.records import EventFilter, RunFilter, RunRecord, TriggerRecord
from tidewheel.values.tags import SENSOR_NAME

LISTENING_KINDS = frozenset({"run_status", "asset", "webhook", "file"})
INBOX_KINDS = frozenset({"webhook", "file"})
KEEP_ORDER_KINDS = frozenset({"asset"})
BATCH = 500
BATCH_BYTES = 8 * 1024 * 1024


class SensorEvents(msgspec.Struct, frozen=True, kw_only=True):
    """Events or deliveries for one evaluation, the last id looked at, whether there are more, and when to look again."""

    handed: Optional[Handed] = None
    events: tuple[StoredEvent, ...] = ()
    runs: tuple[Optional[RunRecord], ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    position: int
    more: bool = False
    wake_at: Optional[float] = None

    def fill(self, request: EvaluationRequest) -> EvaluationRequest:
        """The request with what is to be handed over."""
        return msgspec.structs.replace(
            request, events=self.events, runs=self.runs, deliveries=self.deliveries
        )


def load_sensor_events(
    ledger: LedgerPort,
    sensor: SensorNode,
    record: TriggerRecord,
    *,
    now: float,
    limit: int = BATCH,
    prefers_new: bool = True,
) -> SensorEvents:
    """What the sensor is to be handed now; nothing (``handed`` is None) when there is nothing that concerns it."""
    redeliveries = ledger.inbox.get_redeliveries(record.trigger_id)
    position = record.position or 0
    keeps_order = sensor.kind in KEEP_ORDER_KINDS
    choice = choose_handover(
        HandoverFacts(
            now=now,
            position=position,
            redeliveries=redeliveries,
            keeps_order=keeps_order,
            prefers_new=prefers_new,
        )
    )
    nothing = SensorEvents(position=position, wake_at=choice.wake_at)
    if choice.again is not None and not choice.new_first:
        return _load_again(ledger, sensor, record, choice.again, nothing)
    if choice.takes_new:
        found = _load_new(ledger, sensor, record, limit, redeliveries, nothing)
        if found.handed is not None or found.more or choice.again is None:
            return msgspec.structs.replace(found, more=found.more or choice.again is not None)
    if choice.again is not None:
        return _load_again(ledger, sensor, record, choice.again, nothing)
    return nothing


def peek_sensor_events(
    ledger: LedgerPort, sensor: SensorNode, record: TriggerRecord, *, limit: int = BATCH
) -> SensorEvents:
    """What is new to the sensor, as it would be handed next; nothing is written, and what failed is left alone."""
    return _load_new(ledger, sensor, record, limit, (), SensorEvents(position=record.position or 0))


def without_spans(loaded: SensorEvents, spans: Sequence[tuple[float, float]]) -> SensorEvents:
    """Without new events of pauses whose events are not to be made up for; one that is asked for again stays."""
    handed = loaded.handed
    if not spans or handed is None or handed.again is not None:
        return loaded

    def counts(moment: float) -> bool:
        return not any(begin <= moment < end for begin, end in spans)

    events = [place for place, one in enumerate(loaded.events) if counts(one.event.timestamp)]
    deliveries = tuple(one for one in loaded.deliveries if counts(one.received_at))
    ids = tuple(loaded.events[place].id for place in events) + tuple(one.id for one in deliveries)
    return msgspec.structs.replace(
        loaded,
        handed=msgspec.structs.replace(handed, ids=ids) if ids else None,
        events=tuple(loaded.events[place] for place in events),
        runs=tuple(loaded.runs[place] for place in events),
        deliveries=deliveries,
    )


def count_backlog(ledger: LedgerPort, sensor: SensorNode, record: TriggerRecord) -> Backlog:
    """What the sensor has not been handed or looked at yet."""
    if sensor.kind in INBOX_KINDS:
        return ledger.inbox.count_waiting(_source(sensor, record), record.position or 0)
    return ledger.count_events(_filter(sensor, record.position or 0))


def inbox_positions(catalog: Catalog, book: TriggerBook) -> dict[str, int]:
    """By source, the lowest position of its consumers."""
    found: dict[str, int] = {}
    for trigger_id, _, sensor in catalog.sensors():
        record = book.get(trigger_id)
        if record is not None and sensor.kind in INBOX_KINDS:
            source = _source(sensor, record)
            found[source] = min(record.position or 0, found.get(source, record.position or 0))
    return found


def _source(sensor: SensorNode, record: TriggerRecord) -> str:
    return hook_source(sensor.hook.hook) if sensor.hook is not None else files_source(record.trigger_id)


def _load_new(
    ledger: LedgerPort,
    sensor: SensorNode,
    record: TriggerRecord,
    limit: int,
    redeliveries: Sequence[Redelivery],
    nothing: SensorEvents,
) -> SensorEvents:
    if sensor.kind in INBOX_KINDS:
        return _load_deliveries(ledger, sensor, record, limit, nothing)
    found = ledger.get_events(_filter(sensor, nothing.position), limit=limit)
    runs = _runs_of(ledger, found)
    concerned = [
        stored
        for stored in found
        if _concerns(sensor, record.location, runs.get(stored.event.run_id), stored)
    ]
    position = found[-1].id if found else nothing.position
    changes = {"position": position, "more": len(found) == limit}
    if not concerned:
        return msgspec.structs.replace(nothing, **changes)
    handed = Handed(
        ids=tuple(stored.id for stored in concerned),
        earlier=tuple(redeliveries),
        keeps_order=sensor.kind in KEEP_ORDER_KINDS,
    )
    return msgspec.structs.replace(
        nothing,
        handed=handed,
        events=tuple(concerned),
        runs=tuple(runs.get(stored.event.run_id) for stored in concerned),
        **changes,
    )


def _load_deliveries(
    ledger: LedgerPort, sensor: SensorNode, record: TriggerRecord, limit: int, nothing: SensorEvents
) -> SensorEvents:
    found = ledger.inbox.get_next(_source(sensor, record), nothing.position, limit)
    if not found:
        return nothing
    taken = _within(found, BATCH_BYTES)
    return msgspec.structs.replace(
        nothing,
        handed=Handed(ids=tuple(one.id for one in taken)),
        deliveries=tuple(taken),
        position=taken[-1].id,
        more=len(found) == limit or len(taken) < len(found),
    )


def _within(deliveries: Sequence[Delivery], size: int) -> Sequence[Delivery]:
    """The first deliveries whose bodies together are not too large; at least one."""
    for place, one in enumerate(deliveries):
        size -= len(one.body)
        if size < 0:
            return deliveries[: max(1, place)]
    return deliveries


def _load_again(
    ledger: LedgerPort, sensor: SensorNode, record: TriggerRecord, again: Redelivery, nothing: SensorEvents
) -> SensorEvents:
    """The event once more, alone. It may be gone by now, by retention: then there is nothing to hand over."""
    handed = Handed(ids=(again.event_id,), again=again)
    if sensor.kind in INBOX_KINDS:
        delivery = ledger.inbox.get(again.event_id)
        if delivery is None:
            return _forget(ledger, again, nothing)
        return msgspec.structs.replace(nothing, handed=handed, deliveries=(delivery,), more=True)
    found = ledger.get_events(EventFilter(ids=(again.event_id,)), limit=1)
    if not found:
        return _forget(ledger, again, nothing)
    runs = _runs_of(ledger, found)
    return msgspec.structs.replace(
        nothing,
        handed=handed,
        events=tuple(found),
        runs=tuple(runs.get(stored.event.run_id) for stored in found),
        more=True,
    )


def _forget(ledger: LedgerPort, again: Redelivery, nothing: SensorEvents) -> SensorEvents:
    ledger.inbox.forget_redelivery(again.trigger_id, again.event_id)
    return msgspec.structs.replace(nothing, more=True)


def _runs_of(ledger: LedgerPort, found: Sequence[StoredEvent]) -> dict[str, RunRecord]:
    run_ids = tuple({stored.event.run_id for stored in found if stored.event.run_id})
    return {run.run_id: run for run in ledger.get_runs(RunFilter(run_ids=run_ids))} if run_ids else {}


def _filter(sensor: SensorNode, position: int) -> EventFilter:
    if sensor.kind == "asset":
        return EventFilter(
            types=(EventType.ASSET_MATERIALIZATION.value,), assets=sensor.assets, after_id=position
        )
    source = sensor.run_status
    return EventFilter(types=source.event_types if source else (), after_id=position)


def _concerns(sensor: SensorNode, location: str, run: RunRecord | None, stored: StoredEvent) -> bool:
    """Whether a run's event is one that the sensor listens to; by default not those of runs it asked for itself (F19)."""
    source = sensor.run_status
    if source is None:
        return True
    if run is None:
        return False
    if run.tags.get(SENSOR_NAME) == sensor.name and run.location == location and not source.jobs:
        return False
    if source.all_locations:
        return True
    if source.jobs or source.locations:
        return (
            (run.location == location and run.job_name in source.jobs)
            or f"{run.location}/{run.job_name}" in source.jobs
            or run.location in source.locations
        )
    return run.location == location
