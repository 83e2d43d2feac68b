"""Short ways to tell what happened to a ledger."""

from __future__ import annotations

import itertools
from typing import Any

from pyroaring import BitMap

from tidewheel.storage.bitmaps import load_narrow_ordinals
from tidewheel.storage.ledger import SqlLedger
from tidewheel.values.events import CheckEvaluation, Event, EventType, Failure, Materialization
from tidewheel.values.records import (
    IntakeBatch,
    IntakeOutcome,
    NewRun,
    RunRecord,
    TickCommit,
    TriggerRecord,
)
from tidewheel.values.status import RunStatus, TickStatus, TriggerKind

NOW = 1_700_000_000.0
FINGERPRINT = "spec one"
TRIGGER = "shop/watch"

_numbers = itertools.count(1)


def run_id(number: int | None = None) -> str:
    number = next(_numbers) + 1_000_000 if number is None else number
    return f"00000000-0000-7000-8000-{number:012d}"


def new_run(id_: str | None = None, **more: Any) -> NewRun:
    return NewRun(**{"run_id": id_ or run_id(), "job_name": "job", "location": "shop"} | more)


def happened(kind: EventType, run: str = "", **more: Any) -> Event:
    return Event(**{"type": kind, "timestamp": NOW + 5, "run_id": run} | more)


def made(asset: str, partition: str | None = None, *, run: str = "", version: str | None = None) -> Event:
    tags = {} if version is None else {"dagster/data_version": version}
    return happened(
        EventType.ASSET_MATERIALIZATION,
        run,
        asset=asset,
        partition=partition,
        payload=Materialization(tags=tags),
    )


def checked(asset: str, check: str, passed: bool, *, run: str = "") -> Event:
    return happened(
        EventType.ASSET_CHECK_EVALUATION,
        run,
        asset=asset,
        check=check,
        payload=CheckEvaluation(passed=passed, severity="WARN"),
    )


def line(text: str, run: str = "") -> Event:
    return happened(EventType.LOG_MESSAGE, run, message=text)


def started(run: str) -> Event:
    return happened(EventType.RUN_START, run)


def succeeded(run: str) -> Event:
    return happened(EventType.RUN_SUCCESS, run)


def failed(run: str, reason: str | None = None) -> Event:
    return happened(EventType.RUN_FAILURE, run, payload=Failure(reason=reason))


def running(ledger: SqlLedger, new: NewRun | None = None) -> RunRecord:
    """A run that was created and launched."""
    [created] = ledger.create_runs([new or new_run()], now=NOW)
    launched = ledger.launch_run(created.run_id, now=NOW + 1)
    assert launched is not None
    return launched


class Worker:
    """Reports events of a run, numbered as a worker does."""

    def __init__(self, ledger: SqlLedger, run: RunRecord) -> None:
        self._ledger = ledger
        self.run = run
        self.sent = 0

    def batch(self, *events: Event) -> IntakeBatch:
        self.sent += len(events)
        return IntakeBatch(run_id=self.run.run_id, epoch=self.run.epoch, seq=self.sent, events=events)

    def report(self, *events: Event, resolve: Any = None) -> IntakeOutcome:
        [outcome] = self._ledger.commit_intake([self.batch(*events)], now=NOW + 6, resolve=resolve)
        return outcome

    def status(self) -> RunStatus:
        record = self._ledger.get_run(self.run.run_id)
        assert record is not None
        return record.status


def worker(ledger: SqlLedger, **more: Any) -> Worker:
    return Worker(ledger, running(ledger, new_run(**more)))


def sensor(
    ledger: SqlLedger, trigger_id: str = TRIGGER, kind: TriggerKind = TriggerKind.SENSOR
) -> TriggerRecord:
    location, _, name = trigger_id.partition("/")
    return ledger.ensure_trigger(
        trigger_id,
        kind=kind,
        location=location,
        name=name,
        definition="one",
        started_at=NOW,
        frontier=NOW,
        position=None,
    )


def tick_of(trigger: TriggerRecord | int, **more: Any) -> TickCommit:
    version = trigger if isinstance(trigger, int) else trigger.version
    trigger_id = TRIGGER if isinstance(trigger, int) else trigger.trigger_id
    return TickCommit(
        **{
            "trigger_id": trigger_id,
            "expected_version": version,
            "status": TickStatus.SUCCESS,
            "started_at": NOW + 10,
            "ended_at": NOW + 11,
        }
        | more
    )


def by_number(asset: str, partition: str) -> tuple[str, int] | None:
    """A partitions definition of the keys ``p0``, ``p1``, ...; other keys are not known."""
    return (FINGERPRINT, int(partition[1:])) if partition.startswith("p") else None


def sets_of(ledger: SqlLedger, asset: str) -> dict[str, set[int]]:
    state = ledger.get_asset_partition_states([asset])[asset]
    return {
        name: set(load_narrow_ordinals(getattr(state, name)) or BitMap())
        for name in ("materialized", "failed", "in_progress")
    }
