"""Takes deliveries into the inbox: what has gathered while one transaction reached the disk goes into the next."""

from __future__ import annotations

import asyncio
import logging

from tidewheel.services.database import Database
from tidewheel.services.signals import Signals, Topic
from tidewheel.values.inbox import NewDelivery, Receipt

logger = logging.getLogger("tidewheel.inbox")

MAX_AT_ONCE = 500
MAX_WAITING = 10_000
"""Requests that wait for the disk; more are told to come again."""


class InboxFullError(Exception):
    """So many requests wait for the disk already that this one has to come again."""


class InboxWriter:
    """The duty: gather, commit, answer, wake who listens."""

    def __init__(self, database: Database, signals: Signals) -> None:
        self._database = database
        self._signals = signals
        self._waiting: list[tuple[NewDelivery, asyncio.Future[Receipt]]] = []
        self._arrived = asyncio.Event()

    async def put(self, delivery: NewDelivery) -> Receipt:
        """Store a delivery; it is on the disk when this returns.

        Raises:
            InboxFullError: when too many wait.
            Exception: when the ledger could not store it: then it is not stored, and its sender must come again.
        """
        if len(self._waiting) >= MAX_WAITING:
            raise InboxFullError
        future: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        self._waiting.append((delivery, future))
        self._arrived.set()
        return await future

    async def run(self) -> None:
        """Serve until cancelled; what waits then is not stored, and its senders are not answered."""
        try:
            while True:
                await self._arrived.wait()
                self._arrived.clear()
                while self._waiting:
                    await self.tick()
        finally:
            for _, future in self._waiting:
                future.cancel()

    async def tick(self) -> None:
        """One transaction."""
        taken, self._waiting = self._waiting[:MAX_AT_ONCE], self._waiting[MAX_AT_ONCE:]
        try:
            receipts = await self._database.write(
                self._database.ledger.inbox.put, [delivery for delivery, _ in taken]
            )
        except Exception as exc:
            logger.exception("storing %d deliveries failed", len(taken))
            for _, future in taken:
                if not future.done():
                    future.set_exception(exc)
            return
        for (_, future), receipt in zip(taken, receipts, strict=True):
            if not future.done():
                future.set_result(receipt)
        self._signals.raise_topic(Topic.INBOX)
