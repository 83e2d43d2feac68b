"""Backfills in the ledger: written once, stepped one commit at a time, cancelled with their runs."""

import pytest
from msgspec.structs import replace

from tests.contract.stories import (
    NOW,
    Worker,
    failed,
    made,
    new_run,
    run_id,
    sensor,
    started,
    succeeded,
    tick_of,
)
from tidewheel.values.backfill_steps import BackfillCommit, BackfillRun
from tidewheel.values.backfills import (
    BackfillCounts,
    BackfillFields,
    BackfillFilter,
    BackfillPart,
    BackfillStatus,
    NewBackfill,
    PartProgress,
)
from tidewheel.values.records import NewRun
from tidewheel.values.status import RunOrigin, RunStatus, TriggerKind
from tidewheel.values.tags import BACKFILL


def asked(backfill_id="b1", **more):
    part = BackfillPart(name="orders", wanted=b"\x01", count=3, spec=b"spec")
    return NewBackfill(backfill_id=backfill_id, fields=BackfillFields(parts=(part,), **more))


def step(record, *runs, **more):
    """A step that makes one run for each given id."""
    given = {
        "backfill_id": record.backfill_id,
        "expected_version": record.version,
        "status": BackfillStatus.REQUESTED,
        "progress": {"orders": PartProgress(requested=b"\x02")},
        "counts": BackfillCounts(wanted=3, in_progress=len(runs)),
        "runs": tuple(new_run(one, tags={BACKFILL: record.backfill_id}) for one in runs),
        "run_parts": tuple(BackfillRun(run_id=one, partitions={"orders": b"\x01"}) for one in runs),
    }
    return BackfillCommit(**given | more)


def test_a_backfill_is_made_once(ledger):
    [record] = ledger.backfills.create([asked(title="May again", tags={"a": "b"})], now=NOW)
    assert (record.status, record.counts.wanted, record.counts.waiting) == (BackfillStatus.REQUESTED, 3, 3)
    [again] = ledger.backfills.create([asked(title="other")], now=NOW + 1)
    assert again == record == ledger.backfills.get("b1")
    assert ledger.backfills.get("none") is None


def test_backfills_are_listed_newest_first(ledger):
    for number in range(4):
        ledger.backfills.create([asked(f"b{number}")], now=NOW + number)
    done = ledger.backfills.get("b1")
    ledger.backfills.commit_step(step(done, status=BackfillStatus.COMPLETED_SUCCESS), now=NOW + 9)

    def ids(*args, **kwargs):
        return [each.backfill_id for each in ledger.backfills.get_many(*args, **kwargs)]

    assert ids() == ["b3", "b2", "b1", "b0"]
    assert ids(limit=2, cursor="b3") == ["b2", "b1"]
    requested = BackfillFilter(statuses=(BackfillStatus.REQUESTED,), created_after=NOW)
    assert ids(requested) == ["b3", "b2"]
    assert ledger.backfills.get_count(requested) == 2
    assert [each.backfill_id for each in ledger.backfills.get_live()] == ["b0", "b2", "b3"]


def test_a_step_is_written_whole_or_not_at_all(ledger):
    [record] = ledger.backfills.create([asked()], now=NOW)
    one, two = run_id(), run_id()
    after = ledger.backfills.commit_step(step(record, one, two), now=NOW + 1)
    assert after.version == record.version + 1
    assert {each.run_id for each in ledger.get_runs()} == {one, two}
    assert ledger.backfills.commit_step(step(record, run_id()), now=NOW + 2) is None
    assert len(ledger.get_runs()) == 2
    opened = ledger.backfills.get_open_runs("b1")
    assert {each.run.run_id for each in opened} == {one, two}
    assert opened[0].latest.status is RunStatus.QUEUED
    counted = ledger.backfills.commit_step(step(after, counted=(one,)), now=NOW + 3)
    assert [each.run.run_id for each in ledger.backfills.get_open_runs("b1")] == [two]
    assert counted.ended_at is None


def test_an_ended_backfill_has_an_end_and_lives_again_when_resumed(ledger):
    [record] = ledger.backfills.create([asked()], now=NOW)
    ended = ledger.backfills.commit_step(step(record, status=BackfillStatus.COMPLETED_FAILED), now=NOW + 5)
    assert (ended.ended_at, ended.is_live) == (NOW + 5, False)
    resumed = ledger.backfills.commit_step(step(ended, attempt=2), now=NOW + 6)
    assert (resumed.ended_at, resumed.attempt, resumed.is_live) == (None, 2, True)


def test_of_a_failed_run_it_is_known_what_it_made(ledger):
    [record] = ledger.backfills.create([asked()], now=NOW)
    first = run_id()
    ledger.backfills.commit_step(step(record, first), now=NOW)
    worker = Worker(ledger, ledger.launch_run(first, now=NOW))
    worker.report(started(first), made("orders", "p1", run=first), failed(first))
    [one] = ledger.backfills.get_open_runs("b1")
    assert one.latest.status is RunStatus.FAILURE
    assert one.made == (("orders", "p1"),)


def test_the_newest_attempt_at_a_run_is_what_counts(ledger):
    [record] = ledger.backfills.create([asked()], now=NOW)
    first = run_id()
    ledger.backfills.commit_step(step(record, first), now=NOW)
    worker = Worker(ledger, ledger.launch_run(first, now=NOW))
    worker.report(started(first), failed(first))
    retry = run_id()
    ledger.retry_run(first, NewRun(run_id=retry, job_name="job", location="shop"), now=NOW + 1)
    [one] = ledger.backfills.get_open_runs("b1")
    assert (one.run.run_id, one.latest.run_id, one.latest.status) == (first, retry, RunStatus.QUEUED)
    again = Worker(ledger, ledger.launch_run(retry, now=NOW))
    again.report(started(retry), succeeded(retry))
    [one] = ledger.backfills.get_open_runs("b1")
    assert (one.latest.run_id, one.latest.status, one.made) == (retry, RunStatus.SUCCESS, ())


def test_a_deleted_run_is_open_without_an_attempt(ledger):
    [record] = ledger.backfills.create([asked()], now=NOW)
    first = run_id()
    ledger.backfills.commit_step(step(record, first), now=NOW)
    ledger.delete_run(first)
    [one] = ledger.backfills.get_open_runs("b1")
    assert one.latest is None


def test_cancelling_takes_the_runs_along(ledger):
    [record] = ledger.backfills.create([asked()], now=NOW)
    waiting, running = run_id(), run_id()
    ledger.backfills.commit_step(step(record, waiting, running), now=NOW)
    ledger.launch_run(running, now=NOW)
    outcome = ledger.backfills.cancel("b1", now=NOW + 1)
    assert outcome.backfill.status is BackfillStatus.CANCELING
    assert outcome.stopping == (running,)
    assert ledger.get_run(waiting).status is RunStatus.CANCELED
    assert ledger.get_run(running).status is RunStatus.CANCELING
    [_, again] = [outcome, ledger.backfills.cancel("b1", now=NOW + 2)]
    assert again.backfill.version == outcome.backfill.version
    ended = step(again.backfill, status=BackfillStatus.CANCELED)
    ledger.backfills.commit_step(ended, now=NOW + 3)
    assert ledger.backfills.cancel("b1", now=NOW + 4) is None
    assert ledger.backfills.cancel("none", now=NOW + 4) is None


def test_runs_of_a_backfill_are_counted_by_status(ledger):
    [record] = ledger.backfills.create([asked()], now=NOW)
    one, two, three = run_id(), run_id(), run_id()
    ledger.backfills.commit_step(step(record, one, two, three), now=NOW)
    ledger.launch_run(two, now=NOW)
    counts = {each.status: each.count for each in ledger.backfills.get_run_counts("b1")}
    assert counts == {RunStatus.QUEUED: 2, RunStatus.STARTING: 1}


def test_a_tick_creates_its_backfills_or_nothing(ledger):
    trigger = sensor(ledger)
    tick = tick_of(trigger, backfills=(asked("from-tick"),), record_tick=False)
    outcome = ledger.commit_tick(tick)
    record = ledger.backfills.get("from-tick")
    assert (record.trigger_id, record.tick_id) == (trigger.trigger_id, outcome.tick_id)
    stale = ledger.commit_tick(replace(tick, backfills=(asked("late"),)))
    assert stale.stale
    assert ledger.backfills.get("late") is None


@pytest.mark.parametrize(
    ("kind", "origin"),
    [(TriggerKind.SCHEDULE, RunOrigin.SCHEDULE), (TriggerKind.SENSOR, RunOrigin.EVENT)],
)
def test_runs_know_what_asked_for_them(ledger, kind, origin):
    trigger = sensor(ledger, "shop/one", kind)
    new = new_run(after=(run_id(), run_id()))
    ledger.commit_tick(tick_of(trigger, runs=(new,)))
    assert ledger.get_run(new.run_id).origin is origin
    assert ledger.get_run(new.run_id).after == new.after
    [other] = ledger.create_runs([new_run()], now=NOW)
    assert ledger.get_run(other.run_id).origin is RunOrigin.MANUAL
