"""The contract of the ledger's backfills."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tidewheel.values.backfill_steps import (
    BackfillCancellation,
    BackfillCommit,
    BackfillRunCount,
    OpenBackfillRun,
)
from tidewheel.values.backfills import BackfillFilter, BackfillRecord, NewBackfill


class BackfillsPort(Protocol):
    """Backfills as everybody else sees them. What is asked for is written once; each step of the way is one commit."""

    def create(self, new: Sequence[NewBackfill], *, now: float) -> list[BackfillRecord]:
        """Insert backfills as REQUESTED; one whose id exists is returned as it is."""

    def get(self, backfill_id: str) -> BackfillRecord | None: ...

    def get_many(
        self,
        filters: BackfillFilter | None = None,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> list[BackfillRecord]:
        """Newest first; ``cursor`` is the id after which to go on."""

    def get_count(self, filters: BackfillFilter | None = None) -> int: ...

    def get_live(self) -> list[BackfillRecord]:
        """Those for which there is something to do, oldest first."""

    def get_open_runs(self, backfill_id: str) -> list[OpenBackfillRun]:
        """The runs whose outcome is not counted yet, with the newest attempt at each."""

    def get_run_counts(self, backfill_id: str) -> list[BackfillRunCount]:
        """How many of its runs, retries included, have which status."""

    def commit_step(self, commit: BackfillCommit, *, now: float) -> BackfillRecord | None:
        """Write one step whole, or nothing (None) when the backfill is unknown or has another version."""

    def cancel(self, backfill_id: str, *, now: float) -> BackfillCancellation | None:
        """Make no more runs; cancel those that wait and ask the others to stop, in one transaction.

        None when it is unknown or has ended. Cancelling again cancels what was made since (a retry).
        """
