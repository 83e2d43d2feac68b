"""Wake-ups inside the server: named topics that services wait for and tests listen to."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from enum import Enum


class Topic(str, Enum):
    """What can have changed."""

    CATALOG = "catalog"
    TRIGGERS = "triggers"
    QUEUE = "queue"
    RUNS_ENDED = "runs_ended"
    ASSET_EVENTS = "asset_events"
    RUN_EVENTS = "run_events"
    WORKERS = "workers"
    INBOX = "inbox"
    HISTORY = "history"
    """What had happened was taken back: wiped or deleted."""
    BACKFILLS = "backfills"


class Signals:
    """One flag per (topic, listener). Raising a topic sets the flags; a listener waits for its own and clears it.

    All methods but ``raise_from_thread`` belong to the event loop's thread.
    """

    def __init__(self) -> None:
        self._listeners: dict[Topic, list[asyncio.Event]] = defaultdict(list)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._observers: list[Callable[[Topic], None]] = []

    def listen(self, *topics: Topic) -> asyncio.Event:
        """A flag that is set whenever one of the topics is raised."""
        flag = asyncio.Event()
        for topic in topics:
            self._listeners[topic].append(flag)
        return flag

    def observe(self, observer: Callable[[Topic], None]) -> None:
        """Call a function at every raise (tests)."""
        self._observers.append(observer)

    def raise_topic(self, *topics: Topic) -> None:
        """Wake everybody who listens to one of the topics."""
        for topic in topics:
            for flag in self._listeners[topic]:
                flag.set()
            for observer in self._observers:
                observer(topic)


async def wait_until(
    flag: asyncio.Event, wake_at: float | None, now: float, *, longest_s: float = 60.0
) -> None:
    """Sleep until the flag is set or the moment has come (at most ``longest_s``), and clear the flag."""
    timeout_s = longest_s if wake_at is None else min(max(0.0, wake_at - now), longest_s)
    if timeout_s > 0 and not flag.is_set():
        try:
            await asyncio.wait_for(flag.wait(), timeout_s)
        except TimeoutError:
            pass
    flag.clear()


async def wait_any(*flags: asyncio.Event, wake_at: float | None, now: float, longest_s: float = 60.0) -> None:
    """Sleep until one of the flags is set or the moment has come (at most ``longest_s``); the flags stay as they are."""
    timeout_s = longest_s if wake_at is None else min(max(0.0, wake_at - now), longest_s)
    if timeout_s <= 0 or any(flag.is_set() for flag in flags):
        return
    waits = [asyncio.create_task(flag.wait()) for flag in flags]
    try:
        await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
