"""The book follows what was written, in whatever order it is told of it."""

import asyncio
from typing import Any

import msgspec
import pytest

from tidewheel.logic.graph.specs import LocationSnapshot, ScheduleNode
from tidewheel.services.code.catalog import Catalog
from tidewheel.services.database import Database
from tidewheel.services.triggers.trigger_book import TriggerBook
from tidewheel.storage.ledger import open_ledger
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


@pytest.mark.parametrize(
    "edit",
    [{"crons": ("30 * * * *",)}, {"zone": "Europe/Berlin"}, {"default_running": True}],
    ids=["cron", "zone", "default"],
)
def test_an_edited_schedule_begins_at_the_edit(edit: dict[str, Any]) -> None:
    hourly = ScheduleNode(name="hourly", crons=("0 * * * *",), job_name="job")
    moments = iter((1_000.0, 50_000.0, 60_000.0))
    book = TriggerBook(Database(open_ledger(":memory:")), lambda: next(moments))

    async def history() -> list[float | None]:
        seen = []
        for schedule in (hourly, hourly, msgspec.structs.replace(hourly, **edit)):
            await book.sync(Catalog({"here": LocationSnapshot(name="here", schedules=(schedule,))}))
            seen.append(book.get("here/hourly").frontier)  # type: ignore[union-attr]
        return seen

    # the same code again changes nothing; after an edit nothing of the past is due
    assert asyncio.run(history()) == [1_000.0, 1_000.0, 60_000.0]


def test_whoever_starts_a_trigger_forgives_it_its_failures() -> None:
    ledger = open_ledger(":memory:")
    [before] = ledger.ensure_triggers([msgspec.structs.replace(record(1, None), failures_in_a_row=4)])
    assert before.failures_in_a_row == 4
    kept = ledger.update_trigger("here/sensor", cursor="x")
    assert kept is not None and kept.failures_in_a_row == 4
    started = ledger.update_trigger("here/sensor", started_at=9.0)
    assert started is not None and started.failures_in_a_row == 0
