"""The book follows what was written, in whatever order it is told of it."""

from typing import Any

from tidewheel.services.triggers import TriggerBook
from tidewheel.values.records import TickCommit, TickOutcome, TriggerRecord
from tidewheel.values.status import TickStatus, TriggerKind, TriggerStatus


def record(version: int, cursor: str | None) -> TriggerRecord:
    return TriggerRecord(
        trigger_id="here/sensor",
        kind=TriggerKind.SENSOR,
        location="here",
        name="sensor",
        status=TriggerStatus.RUNNING,
        version=version,
        cursor=cursor,
        started_at=0.0,
    )


def tick(expected_version: int, cursor: str) -> TickCommit:
    return TickCommit(
        trigger_id="here/sensor",
        expected_version=expected_version,
        status=TickStatus.SKIPPED,
        started_at=1.0,
        ended_at=2.0,
        cursor=cursor,
        cursor_changed=True,
    )


def book() -> TriggerBook:
    unused: Any = None
    return TriggerBook(unused, lambda: 0.0)


def test_a_commit_that_is_told_of_after_a_later_change_does_not_take_it_back():
    known = book()
    told: list[int] = []
    known.observers.append(lambda _, outcome: told.append(outcome.version))
    known.note(record(1, "a"))
    known.note(record(3, "set by a user"))
    known.note_commit(tick(1, "of the tick"), TickOutcome(version=2))
    assert known.get("here/sensor") == record(3, "set by a user")
    assert told == [2]


def test_a_state_that_was_read_before_a_commit_does_not_take_it_back():
    known = book()
    known.note(record(1, "a"))
    known.note_commit(tick(1, "b"), TickOutcome(version=2))
    known.note(record(1, "a"))
    now = known.get("here/sensor")
    assert now is not None
    assert (now.version, now.cursor) == (2, "b")
