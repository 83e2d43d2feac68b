"""Retention: deletes chatter and old ticks, a little at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from tidewheel.services.database import Database

logger = logging.getLogger("tidewheel.retention")

ROUND_S = 600.0
DAY_S = 86_400.0
ROWS_AT_ONCE = 5_000


class Retention:
    """Every few minutes; ``None`` days keep for ever. ``positions``: what of the inbox's sources nobody waits for."""

    def __init__(
        self,
        database: Database,
        *,
        chatter_days: float | None,
        tick_days: float | None,
        inbox_days: float | None = None,
        positions: Callable[[], Mapping[str, int]] = dict,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._chatter_days = chatter_days
        self._tick_days = tick_days
        self._inbox_days = inbox_days
        self._positions = positions
        self._clock = clock

    async def run(self) -> None:
        """Serve until cancelled."""
        while True:
            try:
                while await self.tick() >= ROWS_AT_ONCE:
                    await asyncio.sleep(0.1)
            except Exception:
                logger.exception("old rows could not be deleted; trying again later")
            await asyncio.sleep(ROUND_S)

    async def tick(self) -> int:
        """Delete some rows that are too old; how many."""
        now = self._clock()
        deleted = 0
        if self._inbox_days is not None:
            deleted = await self._database.write(
                self._database.ledger.inbox.prune,
                before=now - self._inbox_days * DAY_S,
                positions=self._positions(),
                limit=ROWS_AT_ONCE,
            )
        return deleted + await self._database.write(
            self._database.ledger.prune,
            chatter_before=None if self._chatter_days is None else now - self._chatter_days * DAY_S,
            ticks_before=None if self._tick_days is None else now - self._tick_days * DAY_S,
            limit=ROWS_AT_ONCE,
        )
