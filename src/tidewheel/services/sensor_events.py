"""Reads the events that a listening sensor has not been handed yet."""

from __future__ import annotations

from typing import Optional

import msgspec

from tidewheel.logic.graph.specs import SensorNode
from tidewheel.storage.ports import LedgerPort
from tidewheel.values.events import EventType, StoredEvent
from tidewheel.values.records import EventFilter, RunFilter, RunRecord
from tidewheel.values.tags import SENSOR_NAME

BATCH = 100


class SensorEvents(msgspec.Struct, frozen=True, kw_only=True):
    """Events for one evaluation, their runs, the last id looked at, and whether there are more."""

    events: tuple[StoredEvent, ...]
    runs: tuple[Optional[RunRecord], ...]
    position: int
    more: bool


def load_sensor_events(ledger: LedgerPort, sensor: SensorNode, location: str, position: int) -> SensorEvents:
    """Events after ``position`` that the sensor listens to, in order, at most ``BATCH`` of them."""
    found = ledger.get_events(_filter(sensor, position), limit=BATCH)
    run_ids = tuple({stored.event.run_id for stored in found if stored.event.run_id})
    runs = {run.run_id: run for run in ledger.get_runs(RunFilter(run_ids=run_ids))} if run_ids else {}
    concerned = [
        stored for stored in found if _concerns(sensor, location, runs.get(stored.event.run_id), stored)
    ]
    return SensorEvents(
        events=tuple(concerned),
        runs=tuple(runs.get(stored.event.run_id) for stored in concerned),
        position=found[-1].id if found else position,
        more=len(found) == BATCH,
    )


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
