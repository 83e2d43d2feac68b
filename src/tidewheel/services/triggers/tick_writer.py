"""Commits ticks, many in one transaction, and tells everybody concerned: the last step of every trigger's loop."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import NamedTuple

from tidewheel.runtime.protocol import Activity
from tidewheel.services.activity import ActivityFeed
from tidewheel.services.code.partition_resolver import PartitionResolver
from tidewheel.services.database import Database
from tidewheel.services.runs.intake import topics_of
from tidewheel.services.signals import Signals, Topic
from tidewheel.services.triggers.releases import Releases
from tidewheel.services.triggers.trigger_book import TriggerBook
from tidewheel.values.inbox import told_of_failed
from tidewheel.values.records import TickCommit, TickOutcome

logger = logging.getLogger("tidewheel.ticks")

MAX_BATCH = 500
"""Ticks of one transaction: long enough to be quick, short enough not to keep other writes waiting."""


class _Waiting(NamedTuple):
    """A commit that waits for its transaction."""

    commit: TickCommit
    name: str
    done: asyncio.Future[bool]


class TickWriter:
    """Commits what has come together while the last transaction went on, then raises the wake-ups that follow from it."""

    def __init__(
        self,
        database: Database,
        book: TriggerBook,
        signals: Signals,
        feed: ActivityFeed,
        resolver: PartitionResolver,
        releases: Releases,
    ) -> None:
        self._database = database
        self._book = book
        self._signals = signals
        self._feed = feed
        self._resolver = resolver
        self._releases = releases
        self._waiting: deque[_Waiting] = deque()
        self._flushing: asyncio.Task[None] | None = None

    async def write(self, commit: TickCommit, name: str) -> bool:
        """Commit a tick. False when it was stale: nothing was written, the trigger's state was read again.

        Raises:
            Exception: what the ledger raised for this very tick.
        """
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(commit, name, done))
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        return await done

    async def _flush(self) -> None:
        try:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
                await self._write_batch(batch)
        finally:
            self._flushing = None

    async def _write_batch(self, batch: list[_Waiting]) -> None:
        try:
            outcomes = await self._database.write(
                self._database.ledger.commit_ticks, [one.commit for one in batch]
            )
        except Exception as exc:  # noqa: BLE001 - whoever asked for the tick deals with it
            if len(batch) == 1:
                _settle(batch[0].done, exc)
                return
            # one of them cannot be written: by themselves the others can
            logger.warning("a transaction of %d ticks failed; they are written one by one", len(batch))
            for one in batch:
                await self._write_batch([one])
            return
        try:
            await self._tell(batch, outcomes)
        except Exception as exc:  # noqa: BLE001 - whoever asked for the ticks deals with it
            for one in batch:
                _settle(one.done, exc)

    async def _tell(self, batch: list[_Waiting], outcomes: list[TickOutcome]) -> None:
        topics: set[Topic] = set()
        for one, outcome in zip(batch, outcomes, strict=True):
            if outcome.stale:
                await self._book.refresh(one.commit.trigger_id)
            else:
                topics |= self._follow(one.commit, outcome, one.name)
        if any(one.commit.partition_changes for one in batch):
            await self._database.read(self._resolver.read_dynamic, self._database.ledger)
            topics.add(Topic.ASSET_EVENTS)
        self._signals.raise_topic(*topics)
        for one, outcome in zip(batch, outcomes, strict=True):
            _settle(one.done, not outcome.stale)

    def _follow(self, commit: TickCommit, outcome: TickOutcome, name: str) -> set[Topic]:
        """Take over what a commit changed; what it means for others."""
        self._book.note_commit(commit, outcome)
        if outcome.set_aside or outcome.held_until is not None:
            self._releases.note(commit.trigger_id, outcome.held_until)
        self._releases.stop_workers(outcome.canceled_run_ids)
        if self._feed.is_watched and outcome.tick_id is not None:
            self._feed.publish(describe_tick(commit, outcome, name))
        topics: set[Topic] = set()
        if outcome.run_ids:
            topics |= {Topic.QUEUE, Topic.RUN_EVENTS}
        if commit.backfills:
            topics.add(Topic.BACKFILLS)
        if commit.events:
            topics |= set(topics_of(list(commit.events)))
        return topics


def _settle(done: asyncio.Future[bool], outcome: bool | Exception) -> None:
    if done.done():
        return
    if isinstance(outcome, Exception):
        done.set_exception(outcome)
    else:
        done.set_result(outcome)


def describe_tick(commit: TickCommit, outcome: TickOutcome, name: str) -> Activity:
    """The activity of a committed tick."""
    parts = []
    if outcome.run_ids:
        parts.append(f"{len(outcome.run_ids)} run(s)")
    if commit.backfills:
        parts.append(f"{len(commit.backfills)} backfill(s)")
    if outcome.kept_keys:
        parts.append(f"{len(outcome.kept_keys)} dropped, their run keys are taken")
    if outcome.set_aside:
        parts.append(f"{len(outcome.set_aside)} set aside: {outcome.set_aside[0].describe()}")
    if commit.request_errors:
        parts.append(f"{len(commit.request_errors)} bad request(s): {commit.request_errors[0].message}")
    if commit.skip_reason:
        parts.append(commit.skip_reason)
    parts.extend(commit.notes)
    if commit.error is not None:
        parts.append(commit.error.headline)
    if commit.failed_events:
        parts.append(told_of_failed(commit.failed_events))
    return Activity(
        kind="tick",
        timestamp=commit.ended_at,
        name=name,
        status=commit.status.value,
        text="; ".join(parts),
        trigger_id=commit.trigger_id,
        tick_id=outcome.tick_id,
    )
