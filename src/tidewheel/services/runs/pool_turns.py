"""The duty that tells waiting steps that it is their turn: a slot of their pool is free."""

from __future__ import annotations

import logging

from tidewheel.runtime.protocol import PoolOpen
from tidewheel.services.database import Database
from tidewheel.services.runs.worker_book import WorkerBook
from tidewheel.services.signals import Signals, Topic

logger = logging.getLogger("tidewheel.pools")


class PoolTurns:
    """Looks at the pools whenever a slot may have become free, and at nothing in between.

    What it says is only a hint: the worker asks the ledger, which gives the slot or does not. A hint that gets lost costs
    time (workers ask again by themselves every few seconds), never a slot.
    """

    def __init__(self, database: Database, workers: WorkerBook, signals: Signals) -> None:
        self._database = database
        self._workers = workers
        self._wake = signals.listen(Topic.QUEUE, Topic.RUNS_ENDED)

    async def run(self) -> None:
        """Serve until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.tick()
            except Exception:
                logger.exception("pools could not be looked at; their steps ask again by themselves")

    async def tick(self) -> None:
        """Tell everybody whose turn it is."""
        for record in await self._database.read(self._database.ledger.pools.get_all):
            for claim in record.next_in_turn:
                peer = self._workers.peer(claim.run_id)
                if peer is not None:
                    peer.send(PoolOpen(pool=record.name))
