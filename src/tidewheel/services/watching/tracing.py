"""Spans of what has ended, for OpenTelemetry: from the trigger's tick over the run to its steps.

The ledger knows when everything began and ended, so spans are made from it after a run's end, with the times that it
holds; processes need not hand each other any context. A trace belongs to a tick (all its runs are in it) or, without one,
to a run; its id follows from theirs, so that a repetition makes the same trace.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Iterable, Sequence
from typing import Protocol

from tidewheel.services.database import Database
from tidewheel.values.events import Event, EventType, StoredEvent
from tidewheel.values.records import RunRecord, TickRecord
from tidewheel.values.run_titles import run_title
from tidewheel.values.spans import Span

logger = logging.getLogger("tidewheel.tracing")

RUN_ENDS = frozenset({EventType.RUN_SUCCESS, EventType.RUN_FAILURE, EventType.RUN_CANCELED})
STEP_ENDS = {EventType.STEP_SUCCESS: True, EventType.STEP_FAILURE: False}
MOST_WAITING = 10_000


class SpanExporter(Protocol):
    """Where spans go."""

    def export(self, spans: Sequence[Span]) -> None: ...

    def close(self) -> None: ...


def number_of(text: str, size: int) -> int:
    """A number of ``size`` bytes that follows from a text; never 0, which means none."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=size).digest(), "big") or 1


def build_spans(run: RunRecord, tick: TickRecord | None, log: Iterable[StoredEvent]) -> list[Span]:
    """The spans of a run that has ended: its tick's (if it has one), its own, and one for each step."""
    origin = f"tick {tick.trigger_id} {tick.tick_id}" if tick is not None else f"run {run.run_id}"
    trace_id = number_of(origin, 16)
    spans = []
    parent: int | None = None
    if tick is not None:
        parent = number_of(origin, 8)
        spans.append(
            Span(
                trace_id=trace_id,
                span_id=parent,
                name=f"tick {tick.trigger_id}",
                started_at=tick.started_at,
                ended_at=tick.ended_at,
                succeeded=tick.error is None,
                attributes={"tidewheel.trigger": tick.trigger_id, "tidewheel.tick": str(tick.tick_id)},
            )
        )
    of_run = number_of(f"run {run.run_id}", 8)
    ended_at = run.ended_at if run.ended_at is not None else run.updated_at
    spans.append(
        Span(
            trace_id=trace_id,
            span_id=of_run,
            parent_id=parent,
            name=f"run {run_title(run.job_name, run.assets, run.checks)}",
            started_at=run.queued_at or run.created_at,
            ended_at=ended_at,
            succeeded=run.status.value == "SUCCESS",
            message=run.failure_reason or "",
            attributes=_attributes(run),
        )
    )
    return spans + _step_spans(trace_id, of_run, log, ended_at)


def _attributes(run: RunRecord) -> dict[str, str]:
    found = {
        "tidewheel.run_id": run.run_id,
        "tidewheel.job": run.job_name,
        "tidewheel.location": run.location,
        "tidewheel.status": run.status.value,
    }
    if run.partition is not None:
        found["tidewheel.partition"] = run.partition
    if run.parent_run_id is not None:
        found["tidewheel.parent_run_id"] = run.parent_run_id
    if run.started_at is not None:
        found["tidewheel.waited_s"] = f"{run.started_at - (run.queued_at or run.created_at):.3f}"
    return found


def _step_spans(trace_id: int, of_run: int, log: Iterable[StoredEvent], run_end: float) -> list[Span]:
    """Every attempt of every step; one that never ended ends with its run."""
    began: dict[str, tuple[float, int]] = {}
    attempts: dict[str, int] = {}
    spans = []

    def end(step: str, at: float, succeeded: bool, message: str) -> None:
        started_at, attempt = began.pop(step)
        spans.append(
            Span(
                trace_id=trace_id,
                span_id=number_of(f"{of_run} {step} {attempt}", 8),
                parent_id=of_run,
                name=f"step {step}",
                started_at=started_at,
                ended_at=at,
                succeeded=succeeded,
                message=message,
                attributes={"tidewheel.step": step, "tidewheel.attempt": str(attempt)},
            )
        )

    for stored in log:
        event, step = stored.event, stored.event.step_key
        if step is None:
            continue
        if event.type in (EventType.STEP_START, EventType.STEP_RESTARTED):
            attempts[step] = attempts.get(step, 0) + 1
            began[step] = (event.timestamp, attempts[step])
        elif event.type in STEP_ENDS and step in began:
            end(step, event.timestamp, STEP_ENDS[event.type], event.message)
        elif event.type is EventType.STEP_UP_FOR_RETRY and step in began:
            end(step, event.timestamp, False, event.message)
    for step in list(began):
        end(step, run_end, False, "the run ended before the step did")
    return spans


class Tracing:
    """The duty: makes and exports the spans of runs as they end."""

    def __init__(self, database: Database, exporter: SpanExporter) -> None:
        self._database = database
        self._exporter = exporter
        self._waiting: asyncio.Queue[str] = asyncio.Queue(MOST_WAITING)

    def note(self, events: Iterable[Event]) -> None:
        """Events were stored: runs that ended with them are exported soon."""
        for event in events:
            if event.type in RUN_ENDS:
                self.note_end(event.run_id)

    def note_end(self, run_id: str) -> None:
        """A run has ended."""
        if not self._waiting.full():  # rather a gap in the traces than a server that falls behind
            self._waiting.put_nowait(run_id)

    async def run(self) -> None:
        """Serve until cancelled."""
        try:
            while True:
                await self.tick(await self._waiting.get())
        finally:
            self._exporter.close()

    async def tick(self, run_id: str) -> list[Span]:
        """Export one run."""
        try:
            spans = await self._database.read(self._load, run_id)
            self._exporter.export(spans)
            return spans
        except Exception:
            logger.exception("spans of run %s could not be made", run_id)
            return []

    def _load(self, run_id: str) -> list[Span]:
        ledger = self._database.ledger
        run = ledger.get_run(run_id)
        if run is None:
            return []
        tick = ledger.get_tick(run.tick_id) if run.tick_id is not None else None
        return build_spans(run, tick, ledger.get_run_log(run_id))
