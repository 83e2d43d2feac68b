"""The stored state of all schedules and sensors, at hand for the services, kept in step with the catalog."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import msgspec

from tidewheel.logic.graph.specs import ScheduleNode, SensorNode
from tidewheel.services.code.catalog import Catalog
from tidewheel.services.database import Database
from tidewheel.storage.ports.ledger import LedgerPort
from tidewheel.values.records import TickCommit, TickOutcome, TriggerRecord
from tidewheel.values.status import TickStatus, TriggerKind, TriggerStatus


def is_running(record: TriggerRecord, default_running: bool) -> bool:
    """A user's choice wins over the code's default (semantics A41)."""
    if record.status is TriggerStatus.DECLARED_IN_CODE:
        return default_running
    return record.status is TriggerStatus.RUNNING


def schedule_definition(schedule: ScheduleNode) -> str:
    """A fingerprint of what decides when a schedule ticks."""
    text = repr((schedule.crons, schedule.zone, schedule.default_running))
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


class TriggerBook:
    """By trigger id. This server is the only writer, so a commit's outcome is enough to follow."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._records: dict[str, TriggerRecord] = {}
        self.observers: list[Callable[[TickCommit, TickOutcome], None]] = []
        """Told of every tick that was committed."""

    def get(self, trigger_id: str) -> TriggerRecord | None:
        """The record, if the trigger is known."""
        return self._records.get(trigger_id)

    def failures(self) -> dict[str, int]:
        """By trigger id, how many of its newest ticks failed in a row."""
        return {trigger_id: record.failures_in_a_row for trigger_id, record in self._records.items()}

    async def sync(self, catalog: Catalog) -> None:
        """Read everything again, and make or move what the catalog asks for."""
        await self._database.write(self._sync, catalog)

    async def refresh(self, trigger_id: str) -> TriggerRecord | None:
        """Read one trigger again."""
        record = await self._database.read(self._database.ledger.get_trigger, trigger_id)
        if record is not None:
            self.note(record)
        return record

    def note(self, record: TriggerRecord) -> None:
        """A record was read from the ledger, or changed through it."""
        known = self._records.get(record.trigger_id)
        # several writes can be told of in another order than they were made in: the newest state counts
        if known is None or record.version >= known.version:
            self._records[record.trigger_id] = record

    def note_commit(self, commit: TickCommit, outcome: TickOutcome) -> None:
        """A tick was committed: follow what it changed."""
        record = self._records.get(commit.trigger_id)
        if record is None or outcome.stale or outcome.is_repetition:
            return
        failures = record.failures_in_a_row
        if not commit.is_unasked:
            failures = failures + 1 if commit.counts_as_failure else 0
        for observer in self.observers:
            observer(commit, outcome)
        if outcome.version <= record.version:
            return  # what is known was read after this commit
        keys = [run.run_key for run in commit.runs if run.run_key is not None]
        self._records[commit.trigger_id] = msgspec.structs.replace(
            record,
            version=outcome.version,
            cursor=commit.cursor if commit.cursor_changed else record.cursor,
            frontier=commit.frontier if commit.frontier is not None else record.frontier,
            position=commit.position if commit.position is not None else record.position,
            last_run_key=keys[-1]
            if keys and commit.status is not TickStatus.FAILURE
            else record.last_run_key,
            last_tick_at=commit.started_at,
            failures_in_a_row=failures,
        )

    def _sync(self, catalog: Catalog) -> None:
        ledger = self._database.ledger
        known = {record.trigger_id: record for record in ledger.get_triggers()}
        now = self._clock()
        fresh: list[TriggerRecord] = []
        for trigger_id, location, schedule in catalog.schedules():
            definition = schedule_definition(schedule)
            record = known.get(trigger_id)
            if record is None:
                wanted = _new_trigger(trigger_id, TriggerKind.SCHEDULE, location, schedule.name, now)
                fresh.append(msgspec.structs.replace(wanted, definition=definition, frontier=now))
            elif record.definition != definition:
                # an edited schedule starts at the edit: its past is not run (F14)
                moved = ledger.update_trigger(trigger_id, definition=definition, frontier=now, started_at=now)
                known[trigger_id] = moved or record
        newest = ledger.last_event_id()
        for trigger_id, location, sensor in catalog.sensors():
            if trigger_id not in known:
                wanted = _new_trigger(trigger_id, TriggerKind.SENSOR, location, sensor.name, now)
                position = _first_position(ledger, sensor, newest)
                fresh.append(msgspec.structs.replace(wanted, position=position))
        known.update({record.trigger_id: record for record in ledger.ensure_triggers(fresh)})
        self._records = known


def _first_position(ledger: LedgerPort, sensor: SensorNode, newest: int) -> int | None:
    """Events before a run status sensor's start are not its business, those after it all are (F19); so with deliveries."""
    if sensor.kind == "run_status":
        return newest
    return ledger.inbox.last_delivery_id() if sensor.kind == "webhook" else None


def _new_trigger(trigger_id: str, kind: TriggerKind, location: str, name: str, now: float) -> TriggerRecord:
    return TriggerRecord(
        trigger_id=trigger_id,
        kind=kind,
        location=location,
        name=name,
        status=TriggerStatus.DECLARED_IN_CODE,
        version=1,
        started_at=now,
    )
