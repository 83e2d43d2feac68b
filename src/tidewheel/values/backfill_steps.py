"""What one step of a backfill reads of its runs, and what it writes."""

from __future__ import annotations

from typing import Optional

import msgspec

from tidewheel.values.backfills import BackfillCounts, BackfillRecord, BackfillStatus, PartProgress
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.records import NewRun, RunRecord
from tidewheel.values.status import RunStatus


class BackfillRun(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A run that was made for some partitions of a backfill: per part the set that it is to make."""

    run_id: str
    partitions: dict[str, bytes]


class OpenBackfillRun(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A run of a backfill whose outcome is not counted yet, with the newest attempt at it.

    ``latest`` is None when the run was deleted. ``made``: of a run that did not succeed, (asset, partition key or None)
    of what its attempts made nevertheless.
    """

    run: BackfillRun
    latest: Optional[RunRecord] = None
    made: tuple[tuple[str, Optional[str]], ...] = ()


class BackfillCommit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything that one step of a backfill changes, to be written in one transaction, or nothing when it is stale."""

    backfill_id: str
    expected_version: int
    status: BackfillStatus
    progress: dict[str, PartProgress]
    counts: BackfillCounts
    runs: tuple[NewRun, ...] = ()
    run_parts: tuple[BackfillRun, ...] = ()
    """What each of ``runs`` is to make."""
    counted: tuple[str, ...] = ()
    """Runs whose outcome is in ``progress`` now."""
    attempt: Optional[int] = None
    error: Optional[ErrorInfo] = None
    problems: Optional[tuple[str, ...]] = None


class BackfillCancellation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What cancelling did: the backfill, and the runs that are asked to stop (those that waited are cancelled already)."""

    backfill: BackfillRecord
    stopping: tuple[str, ...] = ()


class BackfillRunCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many runs of a backfill have a status."""

    status: RunStatus
    count: int
