"""Joins the reads that resolvers ask for one by one into few: a loader per kind of read, for one operation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Loader(Generic[K, V]):
    """Collects the keys that are asked for before the event loop comes round again, and reads them together.

    What has been read is remembered until ``forget``; a key that the read does not answer has the value None.
    """

    def __init__(self, read: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]]) -> None:
        self._read = read
        self._known: dict[K, asyncio.Future[V | None]] = {}
        self._waiting: list[K] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def load(self, key: K) -> asyncio.Future[V | None]:
        """The value of a key, to be awaited. Whoever is cancelled while they wait leaves it to the others."""
        future = self._known.get(key)
        if future is None:
            loop = asyncio.get_running_loop()
            future = self._known[key] = loop.create_future()
            if not self._waiting:
                loop.call_soon(self._begin)
            self._waiting.append(key)
        return asyncio.shield(future)

    async def load_many(self, keys: Iterable[K]) -> list[V]:
        """The values of those keys that have one, in order."""
        values = await asyncio.gather(*(self.load(key) for key in keys))
        return [value for value in values if value is not None]

    def put(self, key: K, value: V) -> None:
        """A value that is known already."""
        future = self._known[key] = asyncio.get_running_loop().create_future()
        future.set_result(value)

    def _begin(self) -> None:
        keys, self._waiting = self._waiting, []
        task = asyncio.get_running_loop().create_task(self._carry_out(keys))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry_out(self, keys: list[K]) -> None:
        try:
            found = await self._read(keys)
        except Exception as error:  # noqa: BLE001 - handed to everybody who waits
            for key in keys:
                if not self._known[key].done():
                    self._known[key].set_exception(error)
            return
        for key in keys:
            if not self._known[key].done():
                self._known[key].set_result(found.get(key))
