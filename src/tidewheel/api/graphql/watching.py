"""Lets subscriptions wait for what the server's signals announce, however many of them there are."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator

from tidewheel.runtime.protocol import Activity
from tidewheel.services.server import Server
from tidewheel.services.signals import Topic

PATIENCE_S = 0.5
"""Chatter (log lines, step events) raises no topic: a watched log is read again after this time, at the latest."""
MAX_BACKLOG = 1_000


class Watching:
    """One listener on the server's signals and feed for all subscriptions; those come and go, it stays."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._waiters: defaultdict[Topic | str, set[asyncio.Event]] = defaultdict(set)
        self._queues: set[asyncio.Queue[Activity]] = set()
        self._is_listening = False

    def _listen(self) -> None:
        """The server's lists of observers cannot be left again, so that they are joined once, when first needed."""
        if not self._is_listening:
            self._is_listening = True
            self._server.signals.observe(self._raised)
            self._server.feed.listen(self._published)

    def _raised(self, topic: Topic | str) -> None:
        for waiter in self._waiters[topic]:
            waiter.set()

    def _published(self, activity: Activity) -> None:
        self._raised(activity.kind)
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()  # a reader that does not keep up loses the oldest
            queue.put_nowait(activity)

    async def changes(
        self, *topics: Topic | str, patience_s: float | None = None
    ) -> AsyncGenerator[None, None]:
        """Once at the beginning, then whenever one of the topics was raised or the patience is over.

        A topic that is a text stands for activities of that kind (``tick``, ``run``, ``location``, ...).
        """
        self._listen()
        flag = asyncio.Event()
        for topic in topics:
            self._waiters[topic].add(flag)
        try:
            yield
            while True:
                try:
                    await asyncio.wait_for(flag.wait(), patience_s)
                except TimeoutError:
                    pass
                flag.clear()
                yield
        finally:
            for topic in topics:
                self._waiters[topic].discard(flag)

    async def activities(self, kind: str) -> AsyncGenerator[Activity, None]:
        """What happens from now on, of one kind."""
        self._listen()
        queue: asyncio.Queue[Activity] = asyncio.Queue(MAX_BACKLOG)
        self._queues.add(queue)
        try:
            while True:
                activity = await queue.get()
                if activity.kind == kind:
                    yield activity
        finally:
            self._queues.discard(queue)
