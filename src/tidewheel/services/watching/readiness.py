"""Says whether the server can do its work: code is served, its duties live, the ledger takes writes, the disk has room."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec

from tidewheel.services.database import Database

logger = logging.getLogger("tidewheel.readiness")

LEAST_FREE_BYTES = 64 * 1024 * 1024
"""With less room on the home's disk runs, logs and the ledger begin to fail."""
PROBE_EVERY_S = 5.0
PROBE_TIMEOUT_S = 5.0
PROBE_SETTING = "readiness.probed_at"


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """``troubles``: what is wrong, a sentence each; without paths and names, because anybody may ask."""

    ready: bool
    failed_duties: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()


class ReadinessProbe:
    """Looks when it is asked; writes to the ledger at most every few seconds."""

    def __init__(
        self,
        database: Database,
        home: Path,
        clock: Callable[[], float],
        *,
        least_free_bytes: int = LEAST_FREE_BYTES,
    ) -> None:
        self._database = database
        self._home = home
        self._clock = clock
        self._least_free_bytes = least_free_bytes
        self._probed_at: float | None = None
        self._write_trouble: str | None = None
        self._probing = asyncio.Lock()

    async def look(self, *, is_serving: bool, failed_duties: list[str]) -> Readiness:
        """How it is now."""
        troubles = [] if is_serving else ["no code is served yet"]
        found = (await asyncio.to_thread(self._disk_trouble), await self._ledger_trouble())
        troubles += [trouble for trouble in found if trouble is not None]
        return Readiness(
            ready=not troubles and not failed_duties,
            failed_duties=tuple(failed_duties),
            troubles=tuple(troubles),
        )

    def _disk_trouble(self) -> str | None:
        try:
            free = shutil.disk_usage(self._home).free
        except OSError as exc:
            return f"the home cannot be looked at: {exc.strerror}"
        if free >= self._least_free_bytes:
            return None
        return f"the disk is full: expected {self._least_free_bytes >> 20} MiB free, got {free >> 20}"

    async def _ledger_trouble(self) -> str | None:
        async with self._probing:
            now = self._clock()
            if self._probed_at is None or not 0 <= now - self._probed_at < PROBE_EVERY_S:
                self._write_trouble = await self._write()
                self._probed_at = self._clock()
            return self._write_trouble

    async def _write(self) -> str | None:
        put = self._database.ledger.put_setting
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                await self._database.write(put, PROBE_SETTING, f"{self._clock():.0f}")
        except TimeoutError:
            return f"the ledger did not take a write within {PROBE_TIMEOUT_S:g} s"
        except Exception:
            logger.warning("the ledger takes no writes", exc_info=True)
            return "the ledger takes no writes"
        return None
