"""Commits ticks and tells everybody concerned: the last step of every trigger's loop, the same for all."""

from __future__ import annotations

from tidewheel.runtime.protocol import Activity
from tidewheel.services.activity import ActivityFeed
from tidewheel.services.database import Database
from tidewheel.services.intake import topics_of
from tidewheel.services.partition_resolver import PartitionResolver
from tidewheel.services.signals import Signals, Topic
from tidewheel.services.triggers import TriggerBook
from tidewheel.values.records import TickCommit, TickOutcome


class TickWriter:
    """One commit, then the wake-ups that follow from it."""

    def __init__(
        self,
        database: Database,
        book: TriggerBook,
        signals: Signals,
        feed: ActivityFeed,
        resolver: PartitionResolver,
    ) -> None:
        self._database = database
        self._book = book
        self._signals = signals
        self._feed = feed
        self._resolver = resolver

    async def write(self, commit: TickCommit, name: str) -> bool:
        """Commit a tick. False when it was stale: nothing was written, the trigger's state was read again."""
        outcome = await self._database.write(self._database.ledger.commit_tick, commit)
        if outcome.stale:
            await self._book.refresh(commit.trigger_id)
            return False
        self._book.note_commit(commit, outcome)
        if commit.partition_changes:
            await self._database.read(self._resolver.read_dynamic, self._database.ledger)
            self._signals.raise_topic(Topic.HISTORY)
        if outcome.run_ids:
            self._signals.raise_topic(Topic.QUEUE, Topic.RUN_EVENTS)
        if commit.backfills:
            self._signals.raise_topic(Topic.BACKFILLS)
        if commit.events:
            self._signals.raise_topic(*topics_of(list(commit.events)))
        if self._feed.is_watched and outcome.tick_id is not None:
            self._feed.publish(describe_tick(commit, outcome, name))
        return True


def describe_tick(commit: TickCommit, outcome: TickOutcome, name: str) -> Activity:
    """The activity of a committed tick."""
    parts = []
    if outcome.run_ids:
        parts.append(f"{len(outcome.run_ids)} run(s)")
    if commit.backfills:
        parts.append(f"{len(commit.backfills)} backfill(s)")
    if outcome.kept_keys:
        parts.append(f"{len(outcome.kept_keys)} dropped, their run keys are taken")
    if commit.request_errors:
        parts.append(f"{len(commit.request_errors)} bad request(s): {commit.request_errors[0].message}")
    if commit.skip_reason:
        parts.append(commit.skip_reason)
    if commit.error is not None:
        parts.append(commit.error.headline)
    return Activity(
        kind="tick", timestamp=commit.ended_at, name=name, status=commit.status.value, text="; ".join(parts)
    )
