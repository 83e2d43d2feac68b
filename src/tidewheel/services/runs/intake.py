"""Takes the events of all workers into the ledger: what has gathered while one transaction ran goes into the next."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from tidewheel.runtime.protocol import BatchTaken
from tidewheel.services.activity import ActivityFeed
from tidewheel.services.database import Database
from tidewheel.services.hub import Peer
from tidewheel.services.signals import Signals, Topic
from tidewheel.values.events import ASSET_EVENT_TYPES, RUN_EVENT_TYPES, Event, EventType
from tidewheel.values.records import IntakeBatch, IntakeOutcome, NewRun, RunRecord

logger = logging.getLogger("tidewheel.intake")

MAX_BATCHES = 500
RUN_END_TYPES = frozenset({EventType.RUN_SUCCESS, EventType.RUN_FAILURE, EventType.RUN_CANCELED})
RETRY_PAUSE_S = 0.5
LAST_ATTEMPTS = 5
"""Transactions that a stopping server makes at most of what its workers had sent."""


class Intake:
    """The duty: gather waiting batches, commit them, answer the workers, wake who listens."""

    def __init__(
        self,
        database: Database,
        signals: Signals,
        feed: ActivityFeed,
        *,
        clock: Callable[[], float],
        next_attempt: Callable[[RunRecord], NewRun | None],
    ) -> None:
        self._database = database
        self._signals = signals
        self._feed = feed
        self._clock = clock
        self._next_attempt = next_attempt
        self._waiting: list[tuple[Peer, IntakeBatch]] = []
        self._arrived = asyncio.Event()
        self._received = 0
        self._stored = 0
        self._moved = asyncio.Event()
        """Set, and replaced, whenever ``_stored`` has grown."""
        self.observers: list[Callable[[int, list[Event]], None]] = []
        """Told of how many batches were stored, and of their events."""

    def add(self, peer: Peer, batch: IntakeBatch) -> None:
        """A worker's batch has come in."""
        self._waiting.append((peer, batch))
        self._received += 1
        self._arrived.set()

    async def caught_up(self) -> None:
        """Wait until all that has come by now is in the ledger, or refused.

        Who ends a run for its worker waits for this: what a worker had handed over when it died counts.
        """
        wanted = self._received
        while self._stored < wanted:
            await self._moved.wait()

    async def finish(self) -> None:
        """Store what is left when the duty was cancelled; whoever waits goes on."""
        for _ in range(LAST_ATTEMPTS):
            if self._waiting:
                await self.tick()
        self._note_stored(self._received - self._stored)

    async def run(self) -> None:
        """Serve until cancelled."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                await self.tick()

    async def tick(self) -> None:
        """One transaction."""
        taken, self._waiting = self._waiting[:MAX_BATCHES], self._waiting[MAX_BATCHES:]
        batches = [batch for _, batch in taken]
        try:
            outcomes = await self._database.write(
                self._database.ledger.commit_intake,
                batches,
                now=self._clock(),
                next_attempt=self._next_attempt,
            )
        except (
            Exception
        ):  # the ledger is out of reach: nothing is lost, workers keep what is not acknowledged
            logger.exception("storing %d batches failed; trying again", len(batches))
            self._waiting = taken + self._waiting
            await asyncio.sleep(RETRY_PAUSE_S)
            return
        self._note_stored(len(taken))
        for (peer, _), outcome in zip(taken, outcomes, strict=True):
            peer.send(BatchTaken(outcome=outcome))
        self._wake(batches, outcomes)

    def _note_stored(self, count: int) -> None:
        self._stored += count
        self._moved.set()
        self._moved = asyncio.Event()

    def _wake(self, batches: list[IntakeBatch], outcomes: list[IntakeOutcome]) -> None:
        events = [
            event
            for batch, outcome in zip(batches, outcomes, strict=True)
            if not outcome.refused
            for event in batch.events
        ]
        self._signals.raise_topic(*topics_of(events))
        self._feed.publish_events(events)
        for observer in self.observers:
            observer(len(batches), events)


def topics_of(events: list[Event]) -> list[Topic]:
    """Who must be woken by these events."""
    types = {event.type for event in events}
    topics = []
    if types & ASSET_EVENT_TYPES:
        topics.append(Topic.ASSET_EVENTS)
    if types & RUN_EVENT_TYPES:
        topics.append(Topic.RUN_EVENTS)
    if types & RUN_END_TYPES:
        topics.append(Topic.RUNS_ENDED)
    return topics
