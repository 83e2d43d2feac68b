"""A run whose worker died is ended after what the worker had sent, however busy the ledger is at that moment."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import Any, cast

from tests.contract.stories import NOW, Worker, happened, running

from tidewheel.logic.planning.recovery import FailRun, RecoveryPolicy
from tidewheel.services.activity import ActivityFeed
from tidewheel.services.code.catalog import Catalog
from tidewheel.services.database import Database
from tidewheel.services.hub import Peer
from tidewheel.services.machine import Machine
from tidewheel.services.runs.intake import Intake
from tidewheel.services.runs.worker_book import WorkerBook
from tidewheel.services.signals import Signals
from tidewheel.services.watching.monitor import Monitor
from tidewheel.storage.ledger import SqlLedger, open_ledger
from tidewheel.values.events import EventType
from tidewheel.values.records import IntakeBatch
from tidewheel.values.status import RunStatus

DIED = FailRun(status=RunStatus.FAILURE, reason="WORKER_LOST", message="its process ended")


class Silent:
    """The end of a connection whose other end is gone."""

    def send(self, _message: object) -> None:
        """To nobody."""


def parts_of(ledger: SqlLedger) -> tuple[Database, Intake, Monitor]:
    database, signals, feed = Database(ledger), Signals(), ActivityFeed()
    intake = Intake(database, signals, feed, clock=lambda: NOW, next_attempt=lambda _run: None)
    monitor = Monitor(
        database,
        WorkerBook(NOW, Machine()),
        signals,
        feed,
        RecoveryPolicy(),
        machine=Machine(),
        catalog=lambda: Catalog({}),
        clock=lambda: NOW,
        entropy=os.urandom,
        received=intake.caught_up,
    )
    return database, intake, monitor


def batches_of(ledger: SqlLedger) -> tuple[Any, list[IntakeBatch]]:
    worker = Worker(ledger, running(ledger))
    kinds = (EventType.RUN_START, EventType.STEP_START)
    return worker.run, [worker.batch(happened(kind, worker.run.run_id, step_key="two")) for kind in kinds]


def kinds_in_log(ledger: SqlLedger, run: Any) -> list[EventType]:
    return [one.event.type for one in ledger.get_run_log(run.run_id)]


def test_what_was_sent_is_stored_before_the_end() -> None:
    ledger = open_ledger(":memory:")
    run, batches = batches_of(ledger)
    is_free = threading.Event()

    async def main() -> list[EventType]:
        database, intake, monitor = parts_of(ledger)
        busy = asyncio.create_task(database.write(is_free.wait))
        intake.add(cast(Peer, Silent()), batches[0])
        first = asyncio.create_task(intake.tick())  # waits for the ledger
        await asyncio.sleep(0)
        intake.add(cast(Peer, Silent()), batches[1])
        end = asyncio.create_task(monitor.end_run(run, DIED))
        await asyncio.sleep(0)
        is_free.set()
        await asyncio.gather(busy, first)
        await intake.tick()
        await end
        found = kinds_in_log(ledger, run)
        database.close()
        return found

    found = asyncio.run(main())
    assert EventType.STEP_START in found and found[-1] is EventType.RUN_FAILURE


def test_a_stopping_server_stores_what_is_left_and_waits_for_nothing_more() -> None:
    ledger = open_ledger(":memory:")
    run, batches = batches_of(ledger)

    async def main() -> list[EventType]:
        database, intake, monitor = parts_of(ledger)
        for batch in batches:
            intake.add(cast(Peer, Silent()), batch)
        await intake.finish()
        await monitor.end_run(run, DIED)
        found = kinds_in_log(ledger, run)
        database.close()
        return found

    found = asyncio.run(main())
    assert EventType.STEP_START in found and found[-1] is EventType.RUN_FAILURE
