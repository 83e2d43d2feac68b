"""What the server counts and times about itself, in the form that Prometheus reads.

Names follow Prometheus' conventions: base units, ``_total`` for counters. Duties report here; what can be asked of the
ledger at any time (queue, runs in progress) is asked when somebody reads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from tidewheel.values.events import Event, EventType
from tidewheel.values.records import TickCommit, UnfinishedRuns
from tidewheel.values.status import FINISHED_STATUSES, RunStatus

if TYPE_CHECKING:
    from tidewheel.runtime.control import ServerHealth

LOOP_PROBE_S = 0.5
QUICK_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SLOW_S = (0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)

_ENDS = {
    EventType.RUN_SUCCESS: RunStatus.SUCCESS,
    EventType.RUN_FAILURE: RunStatus.FAILURE,
    EventType.RUN_CANCELED: RunStatus.CANCELED,
}


class Measurements:
    """One server's measurements. All methods are quick and belong to the event loop's thread, but ``database``."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        one = self._registry
        self._ticks = Counter("tidewheel_ticks", "Ticks committed.", ["trigger", "status"], registry=one)
        self._lag = Histogram(
            "tidewheel_tick_lag_seconds",
            "From a schedule's nominal time to its tick's commit.",
            registry=one,
            buckets=SLOW_S,
        )
        self._evaluation = Histogram(
            "tidewheel_evaluation_seconds",
            "Evaluation of one trigger, waiting included.",
            ["kind"],
            registry=one,
            buckets=QUICK_S,
        )
        self._requested = Counter("tidewheel_runs_requested", "Runs that ticks asked for.", registry=one)
        self._ended = Counter("tidewheel_runs_ended", "Runs that ended.", ["status"], registry=one)
        self._events = Counter("tidewheel_events", "Events taken into the ledger.", registry=one)
        self._batches = Counter("tidewheel_intake_batches", "Batches of events taken in.", registry=one)
        self._database = Histogram(
            "tidewheel_database_seconds",
            "Reads and writes of the ledger, waiting included.",
            ["kind"],
            registry=one,
            buckets=QUICK_S,
        )
        self._loop_lag = Histogram(
            "tidewheel_event_loop_lag_seconds",
            "How late the event loop wakes a timer.",
            registry=one,
            buckets=QUICK_S,
        )
        self._runs = Gauge("tidewheel_runs", "Runs that have not ended.", ["status"], registry=one)
        self._queue_age = Gauge(
            "tidewheel_queue_age_seconds", "How long the oldest queued run has waited.", registry=one
        )
        self._slots = Gauge("tidewheel_run_slots", "Slots for runs.", ["state"], registry=one)
        self._locations = Gauge(
            "tidewheel_location_up", "Whether a code location serves.", ["location"], registry=one
        )
        self._duties = Gauge("tidewheel_duties_failed", "Duties of the server that have ended.", registry=one)
        self._workers = Gauge("tidewheel_workers", "Workers that are connected.", registry=one)
        self._failing = Gauge(
            "tidewheel_trigger_failures_in_a_row", "Failed ticks in a row.", ["trigger"], registry=one
        )
        self._wait_behind = Gauge(
            "tidewheel_tick_overdue_seconds", "How long the oldest owed tick is overdue.", registry=one
        )

    # -- what duties report -----------------------------------------------------------------------------------------

    def tick(self, commit: TickCommit, runs: int) -> None:
        """A tick was committed with so many runs."""
        self._ticks.labels(commit.trigger_id, commit.status.value).inc()
        kind = "schedule" if commit.scheduled_for is not None else "sensor"
        self._evaluation.labels(kind).observe(max(0.0, commit.ended_at - commit.started_at))
        if commit.scheduled_for is not None:
            self._lag.observe(max(0.0, commit.ended_at - commit.scheduled_for))
        if runs:
            self._requested.inc(runs)

    def taken(self, batches: int, events: Iterable[Event]) -> None:
        """Batches of workers were stored."""
        self._batches.inc(batches)
        count = 0
        for event in events:
            count += 1
            status = _ENDS.get(event.type)
            if status is not None:
                self.run_ended(status)
        self._events.inc(count)

    def run_ended(self, status: RunStatus) -> None:
        """A run has ended."""
        self._ended.labels(status.value).inc()

    def database(self, kind: str, seconds: float) -> None:
        """The ledger answered; ``kind``: ``read`` | ``write``."""
        self._database.labels(kind).observe(seconds)

    async def probe_loop(self) -> None:
        """Measure the event loop's lag until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LOOP_PROBE_S
            await asyncio.sleep(LOOP_PROBE_S)
            self._loop_lag.observe(max(0.0, loop.time() - due))

    # -- reading ----------------------------------------------------------------------------------------------------

    def look(
        self,
        health: ServerHealth,
        unfinished: Mapping[RunStatus, UnfinishedRuns],
        failing: Mapping[str, int],
        *,
        max_runs: int,
        overdue_s: float,
        failed_duties: int,
    ) -> None:
        """Take over how things stand now."""
        for status in RunStatus:
            if status not in FINISHED_STATUSES:
                found = unfinished.get(status)
                self._runs.labels(status.value).set(found.count if found else 0)
        queued = unfinished.get(RunStatus.QUEUED)
        self._queue_age.set(max(0.0, health.now - queued.oldest_at) if queued else 0.0)
        self._slots.labels("used").set(health.in_progress)
        self._slots.labels("limit").set(max_runs)
        for location in health.locations:
            self._locations.labels(location.name).set(location.state == "loaded")
        self._workers.set(health.workers)
        self._duties.set(failed_duties)
        self._wait_behind.set(overdue_s)
        self._failing.clear()
        for trigger_id, failures in failing.items():
            if failures:
                self._failing.labels(trigger_id).set(failures)

    def text(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self._registry)
