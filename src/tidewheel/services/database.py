"""Gives the event loop the ledger without blocking it: one thread writes, a few read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from operator import attrgetter
from typing import ParamSpec, TypeVar

from tidewheel.runtime.dynamic_keys import DynamicKeysBook
from tidewheel.storage.ports.ledger import LedgerPort

P = ParamSpec("P")
R = TypeVar("R")

READERS = 2
READ_PREFIXES = ("get", "count_", "queued_", "in_progress_", "last_", "stats")


class Database:
    """The ledger and the threads that use it. Writes keep the order in which they were asked for."""

    def __init__(self, ledger: LedgerPort) -> None:
        self.ledger = ledger
        self.dynamic_keys = DynamicKeysBook()
        self.observe: Callable[[str, float], None] | None = None
        """Told of every ``read`` and ``write`` and how many seconds it took, waiting included."""
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="tidewheel-write")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="tidewheel-read")

    async def write(self, method: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Carry out a write."""
        return await self._in("write", self._writer, lambda: method(*args, **kwargs))

    async def read(self, method: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Carry out a read."""
        return await self._in("read", self._readers, lambda: method(*args, **kwargs))

    async def _in(self, kind: str, executor: ThreadPoolExecutor, work: Callable[[], R]) -> R:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            # the context goes along: the ledger's writes learn from it which change they belong to
            return await loop.run_in_executor(executor, copy_context().run, work)
        finally:
            if self.observe is not None:
                self.observe(kind, loop.time() - began)

    async def call(self, name: str, kwargs: dict[str, object]) -> object:
        """Carry out a method of the ledger by name (``backfills.get``), in the right thread."""
        method: Callable[..., object] = attrgetter(name)(self.ledger)
        if name.rpartition(".")[2].startswith(READ_PREFIXES):
            return await self.read(method, **kwargs)
        return await self.write(method, **kwargs)

    def close(self) -> None:
        """Finish what was asked for and close the ledger."""
        self._writer.shutdown(wait=True)
        self._readers.shutdown(wait=True)
        self.ledger.close()
