"""What was true at one moment, as far as conditions ask: gathered from the ledger, frozen, complete.

All facts are as of the same position (time, newest event id). Sets are partition sets of the subject's own
definition; None stands for "nothing". Which of them have to be gathered is told by `reads.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional

import msgspec

from tidewheel.logic.conditions.nodes import FreshnessState
from tidewheel.logic.conditions.subjects import Key
from tidewheel.logic.conditions.timeline import Timeline
from tidewheel.logic.partitions.definitions import PartitionView
from tidewheel.logic.partitions.sets import PartitionSet


class Position(msgspec.Struct, frozen=True, array_like=True):
    """A moment (seconds since the epoch) and the id of the newest event known then."""

    at: float
    event_id: int


class RunRef(msgspec.Struct, frozen=True, kw_only=True):
    """A run, as far as conditions ask: its tags, what it was to make, the newest event when it began."""

    run_id: str
    job_name: str = ""
    tags: Mapping[str, str] = msgspec.field(default_factory=dict)
    targets: frozenset[Key] = frozenset()
    started_after: Optional[int] = None


class Update(msgspec.Struct, frozen=True, kw_only=True):
    """One event that made partitions of an asset, or ran a check.

    `version_changed`: the data version differs from the one before. `run` is None for reports from outside.
    """

    event_id: int
    at: float
    partitions: PartitionSet
    run: Optional[RunRef] = None
    version_changed: bool = True


class Production(msgspec.Struct, frozen=True, kw_only=True):
    """The run behind the latest update of some partitions."""

    run: RunRef
    partitions: PartitionSet


class Attempts(msgspec.Struct, frozen=True, kw_only=True):
    """Requests that failed: how often in a row with the same error since the last change, and when last."""

    failures: int
    failed_at: float
    partitions: PartitionSet


class SubjectFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The facts about one asset or check.

    `made`: ever made, and for a check: run for its asset's latest materialisation. `updates`: those since the oldest
    position that a reader may still have, in order of ids. `behind`, `behind_by_version`: which made partitions had
    stale inputs, needed only when a target that asks is evaluated for the first time.
    """

    made: Optional[PartitionSet] = None
    run_in_progress: Optional[PartitionSet] = None
    backfill_in_progress: Optional[PartitionSet] = None
    failed: Optional[PartitionSet] = None
    canceled: Optional[PartitionSet] = None
    check_passed: Optional[PartitionSet] = None
    check_failed: Optional[PartitionSet] = None
    freshness: Optional[FreshnessState] = None
    updates: tuple[Update, ...] = ()
    producers: tuple[Production, ...] = ()
    update_times: Optional[Timeline] = None
    failure_times: Optional[Timeline] = None
    attempts: tuple[Attempts, ...] = ()
    behind: Optional[PartitionSet] = None
    behind_by_version: Optional[PartitionSet] = None


NO_FACTS = SubjectFacts()


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A condition of a user's own class that is to be evaluated: whose, the n-th in its tree, on which subject."""

    target: Key
    slot: int
    subject: Key
    cursor: Optional[str] = None


class UserAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a user's condition answered, or why it failed."""

    true: Optional[PartitionSet] = None
    cursor: Optional[str] = None
    error: Optional[str] = None


class ConditionFacts(msgspec.Struct, frozen=True, kw_only=True):
    """All facts as of one position; a subject without an entry has NO_FACTS."""

    position: Position
    view: PartitionView
    subjects: Mapping[Key, SubjectFacts] = msgspec.field(default_factory=dict)
    answers: Mapping[tuple[Key, int, Key], UserAnswer] = msgspec.field(default_factory=dict)

    def of(self, key: Key) -> SubjectFacts:
        """The facts about one subject."""
        return self.subjects.get(key, NO_FACTS)
