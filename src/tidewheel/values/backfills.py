"""What the ledger knows of backfills: what is wanted, and how far it is.

Sets of partitions are in the stored form of ``logic.partitions.codec``; empty bytes are the empty set. They belong to
the definition that the part carries, so that a change of code does not change what was asked for.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Optional

import msgspec

from tidewheel.values.error_info import ErrorInfo


class BackfillStatus(str, Enum):
    """Where a backfill is in its life. REQUESTED until everything that is wanted has ended one way or another."""

    REQUESTED = "REQUESTED"
    CANCELING = "CANCELING"
    CANCELED = "CANCELED"
    COMPLETED_SUCCESS = "COMPLETED_SUCCESS"
    COMPLETED_FAILED = "COMPLETED_FAILED"
    FAILED = "FAILED"
    """It cannot go on: see its error."""


LIVE_BACKFILL_STATUSES = (BackfillStatus.REQUESTED, BackfillStatus.CANCELING)


class BackfillPart(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The partitions wanted of one asset, or of a job.

    ``spec``: the partitions definition as msgpack, empty for an unpartitioned asset. ``count``: how many partitions are
    wanted.
    """

    name: str
    wanted: bytes
    count: int
    spec: bytes = b""


class PartProgress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far one part is. A partition is in at most one of the last four sets, and then in ``requested`` too.

    ``requested``: runs were made for it, or it was given up. ``left_out``: not made because something that it needs
    failed or does not exist. What is requested and in no other set is in progress.
    """

    requested: bytes = b""
    done: bytes = b""
    failed: bytes = b""
    cancelled: bytes = b""
    left_out: bytes = b""


class BackfillCounts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How many partitions of all assets together are in which state; the last five add up to ``wanted`` with what waits."""

    wanted: int = 0
    in_progress: int = 0
    done: int = 0
    failed: int = 0
    cancelled: int = 0
    left_out: int = 0

    @property
    def waiting(self) -> int:
        """For how many nothing was done yet."""
        return self.wanted - self.in_progress - self.ended

    @property
    def ended(self) -> int:
        """How many will not change any more."""
        return self.done + self.failed + self.cancelled + self.left_out


class BackfillFields(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is asked for with a backfill.

    Either ``job_name`` (then there is one part of that name, and its partitions are run whole, of ``steps`` only if given)
    or assets. ``checks``: those that run with their assets; None means all that have no condition of their own.
    ``max_partitions_per_run`` overrides the assets' own policies; 0 puts what is contiguous into one run.
    """

    parts: tuple[BackfillPart, ...]
    job_name: Optional[str] = None
    location: Optional[str] = None
    checks: Optional[tuple[str, ...]] = None
    steps: Optional[tuple[str, ...]] = None
    run_config: dict[str, Any] = {}
    tags: dict[str, str] = {}
    priority: int = 0
    max_partitions_per_run: Optional[int] = None
    title: Optional[str] = None
    description: Optional[str] = None
    parent_id: Optional[str] = None
    """The backfill that this one repeats a part of."""

    @property
    def is_of_assets(self) -> bool:
        """Whether the parts are assets."""
        return self.job_name is None


class NewBackfill(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A backfill to create. An id that exists already is left as it is."""

    backfill_id: str
    fields: BackfillFields


class BackfillRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One backfill as the ledger knows it. Times are seconds since the epoch.

    ``version`` grows with every change and is what commits compare; ``attempt`` counts how often it was resumed.
    ``problems``: what went wrong on the way without ending the backfill, newest last.
    """

    backfill_id: str
    status: BackfillStatus
    version: int
    created_at: float
    updated_at: float
    fields: BackfillFields
    progress: dict[str, PartProgress] = {}
    counts: BackfillCounts = BackfillCounts()
    attempt: int = 1
    ended_at: Optional[float] = None
    trigger_id: Optional[str] = None
    tick_id: Optional[int] = None
    error: Optional[ErrorInfo] = None
    problems: tuple[str, ...] = ()

    @property
    def is_live(self) -> bool:
        """Whether there is still something to do."""
        return self.status in LIVE_BACKFILL_STATUSES


class BackfillFilter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which backfills: every given field must match; times are exclusive bounds."""

    statuses: Optional[tuple[BackfillStatus, ...]] = None
    backfill_ids: Optional[tuple[str, ...]] = None
    job_name: Optional[str] = None
    created_after: Optional[float] = None
    created_before: Optional[float] = None
