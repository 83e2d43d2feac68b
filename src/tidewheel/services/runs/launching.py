"""Launching: hands STARTING runs to their code locations, again where nobody knows whether the first time arrived.

A repeated launch is safe: it raises the run's epoch, and a worker of the older epoch is refused at its first batch,
before it executes anything.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from tidewheel.services.code.locations import Locations
from tidewheel.services.database import Database
from tidewheel.services.runs.worker_book import WorkerBook
from tidewheel.services.signals import Signals, Topic, wait_until
from tidewheel.values.records import RunRecord
from tidewheel.values.status import RunStatus

logger = logging.getLogger("tidewheel.launching")


class Launching:
    """Sends runs out, and sends those of a former server out once more."""

    def __init__(
        self,
        database: Database,
        locations: Locations,
        workers: WorkerBook,
        signals: Signals,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._locations = locations
        self._workers = workers
        self._clock = clock
        self._wake = signals.listen(Topic.CATALOG)
        self._unsent: dict[str, RunRecord] = {}

    def send(self, run: RunRecord) -> None:
        """Hand a run that is STARTING to its location; kept for later when the location is not there."""
        self._workers.launched(run.run_id, run.epoch, self._clock())
        if not self._locations.start_worker(run):
            self._unsent[run.run_id] = run

    async def run(self) -> None:
        """Serve until cancelled: whenever a location is loaded, send what waits for it."""
        while True:
            try:
                await self.tick()
            except Exception:
                logger.exception("runs could not be launched again; trying with the next load")
            await wait_until(self._wake, None, self._clock())

    async def tick(self) -> None:
        """Send what could not be sent, and launch again what a former server left STARTING."""
        waiting, self._unsent = self._unsent, {}
        for run in waiting.values():
            self.send(run)
        serving = self._locations.names_serving()
        for run in await self._database.read(self._database.ledger.in_progress_runs):
            orphaned = run.status is RunStatus.STARTING and not self._workers.knows(run.run_id)
            if orphaned and run.location in serving:
                again = await self._database.write(
                    self._database.ledger.launch_run, run.run_id, now=self._clock(), from_epoch=run.epoch
                )
                if again is not None:
                    self.send(again)
