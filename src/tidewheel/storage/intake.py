"""Takes in what workers report: many batches in one transaction, with everything that follows from their events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from tidewheel.logic.runs.status import next_status
from tidewheel.storage import assets, events, partitions, run_changes, runs
from tidewheel.storage.assets import EndedRun, RunPlan
from tidewheel.storage.engines.backend import Unit
from tidewheel.storage.events import Entry, Fact
from tidewheel.storage.partitions import PartitionChanges
from tidewheel.storage.runs import StoredRun
from tidewheel.values.events import RUN_EVENT_TYPES, Event, EventType, Failure
from tidewheel.values.records import IntakeBatch, IntakeOutcome, NewRun, RunRecord
from tidewheel.values.status import FINISHED_STATUSES, RunStatus
from tidewheel.values.tags import FAILURE_REASON


class _LiveRun:
    """A run while batches are applied to it."""

    __slots__ = (
        "ended_by",
        "log_count",
        "reason",
        "record",
        "seq",
        "seq_taken",
        "started_at",
        "status",
        "touched",
    )

    def __init__(self, stored: StoredRun) -> None:
        self.record = stored.record
        self.seq = stored.seq
        self.log_count = stored.log_count
        self.status = stored.record.status
        self.started_at = stored.record.started_at
        self.seq_taken = stored.record.intake_seq
        self.reason = stored.record.failure_reason
        self.ended_by: Event | None = None
        self.touched = False

    def take(self, happened: Event) -> Entry:
        """One event's place in the run's log, and what it does to the run's status."""
        self.log_count += 1
        if happened.type in RUN_EVENT_TYPES:
            before, self.status = self.status, next_status(self.status, happened.type)
            if happened.type is EventType.RUN_START and self.started_at is None:
                self.started_at = happened.timestamp
            if self.status is not before and self.status in FINISHED_STATUSES:
                self.ended_by = happened
                if isinstance(happened.payload, Failure):
                    self.reason = happened.payload.reason
        return Entry(happened, self.log_count, self.record.job_name)

    def changed_record(self, now: float) -> RunRecord:
        """The record to store."""
        return replace(
            self.record,
            status=self.status,
            started_at=self.started_at,
            ended_at=self.record.ended_at if self.ended_by is None else self.ended_by.timestamp,
            failure_reason=self.reason,
            intake_seq=self.seq_taken,
            heartbeat_at=now,
            updated_at=now,
        )

    def outcome(self, *, refused: bool = False) -> IntakeOutcome:
        """The answer to a batch."""
        return IntakeOutcome(
            run_id=self.record.run_id,
            accepted_seq=self.seq_taken,
            refused=refused,
            cancel_requested=self.record.cancel_requested,
            status=self.status,
        )


NextAttempt = Callable[[RunRecord], NewRun | None]
"""The run that tries a failed one again; None when none is to."""


def commit_batches(
    unit: Unit, batches: Sequence[IntakeBatch], *, now: float, next_attempt: NextAttempt | None = None
) -> list[IntakeOutcome]:
    """Apply batches in order. A failed run's next attempt is made with its failure: nobody sees it as given up between."""
    live = {
        run_id: _LiveRun(stored)
        for run_id, stored in runs.load_many(unit.conn, [batch.run_id for batch in batches]).items()
    }
    entries: list[Entry] = []
    outcomes = [_take_batch(batch, live.get(batch.run_id), entries) for batch in batches]
    touched = [run for run in live.values() if run.touched]
    if not touched:
        return outcomes
    facts = events.append(unit, entries)
    changes = PartitionChanges()
    plans = {run.record.run_id: RunPlan(run.seq, run.record.partition) for run in touched}
    assets.apply_facts(unit, facts, plans, _ended(touched, facts), changes)
    after = [StoredRun(run.changed_record(now), run.seq, run.log_count) for run in touched]
    runs.update(unit, after)
    for run in touched:
        if run.ended_by is not None and run.reason is not None:
            run_changes.add_tags(unit, run.record.run_id, {FAILURE_REASON: run.reason}, now=now)
    partitions.settle(unit, changes)
    for one in after:
        if next_attempt is not None and one.record.status is RunStatus.FAILURE:
            new = next_attempt(one.record)
            if new is not None:
                run_changes.retry_failed(unit, one.record.run_id, new, now=now)
    return outcomes


def _take_batch(batch: IntakeBatch, run: _LiveRun | None, entries: list[Entry]) -> IntakeOutcome:
    if run is None:
        return IntakeOutcome(run_id=batch.run_id, accepted_seq=0, refused=True, status=RunStatus.CANCELED)
    if batch.epoch != run.record.epoch:
        return run.outcome(refused=True)
    if batch.seq <= run.seq_taken:
        return run.outcome()  # delivered again: it has been applied as a whole
    if run.status in FINISHED_STATUSES:
        return run.outcome(refused=True)
    # A batch that begins after a gap is taken too: what lies between was acknowledged before a power failure took the
    # last commits from the disk, and will not come again.
    fresh = batch.seq - run.seq_taken
    for happened in batch.events[-fresh:]:
        entries.append(run.take(happened))
    run.seq_taken = batch.seq
    run.touched = True
    return run.outcome()


def _ended(live: Iterable[_LiveRun], facts: Iterable[Fact]) -> list[EndedRun]:
    ended = {id(run.ended_by): run for run in live if run.ended_by is not None}
    if not ended:
        return []
    return [
        EndedRun(run.seq, run.record.run_id, run.status, fact.id)
        for fact in facts
        if (run := ended.get(id(fact.event))) is not None
    ]


def record(unit: Unit, happenings: Sequence[Event]) -> list[int]:
    """Store events that no worker reports. Run events here tell, they do not change a run's status."""
    known = runs.load_many(unit.conn, {happened.run_id for happened in happenings if happened.run_id})
    counts = {run_id: stored.log_count for run_id, stored in known.items()}
    entries = []
    for happened in happenings:
        position = None
        if happened.run_id in counts:
            counts[happened.run_id] = position = counts[happened.run_id] + 1
        entries.append(Entry(happened, position, None))
    ids, facts = events.append_with_ids(unit, entries)
    changes = PartitionChanges()
    plans = {run_id: RunPlan(stored.seq, stored.record.partition) for run_id, stored in known.items()}
    assets.apply_facts(unit, facts, plans, (), changes)
    runs.update(unit, [stored._replace(log_count=counts[run_id]) for run_id, stored in known.items()])
    partitions.settle(unit, changes)
    return ids
