"""What the ledger keeps of conditions: written with the tick or not at all, answered by people, pruned by age."""

import pytest
from msgspec.structs import replace

from tidewheel.values.conditions import (
    Cause,
    ConditionCommit,
    HeldRequest,
    HoldStatus,
    MemoryRow,
    NewEvaluation,
    OwedRow,
    OwedStatus,
)
from tidewheel.values.records import NewRun, TickCommit
from tidewheel.values.status import TickStatus, TriggerKind

SENSOR = "here/conditions"


@pytest.fixture
def sensor(ledger):
    return ledger.ensure_trigger(
        SENSOR,
        kind=TriggerKind.SENSOR,
        location="here",
        name="conditions",
        definition=None,
        started_at=1.0,
        frontier=None,
        position=None,
    )


def commit(ledger, version, conditions, at=10.0, runs=()):
    return ledger.commit_tick(
        TickCommit(
            trigger_id=SENSOR,
            expected_version=version,
            status=TickStatus.SUCCESS,
            started_at=at,
            ended_at=at,
            frontier=at,
            position=7,
            runs=runs,
            conditions=conditions,
        )
    )


MEMORY = MemoryRow(kind="asset", name="a", trigger_id=SENSOR, data=b"1")
HELD = HeldRequest(kind="asset", name="a", trigger_id=SENSOR, at=10.0, wanted=b"w", spec=b"s", count=3)
OWED = OwedRow(kind="asset", name="a", partition="", trigger_id=SENSOR, requested_at=10.0, run_id="r")
EVALUATION = NewEvaluation(
    kind="asset",
    name="a",
    at=10.0,
    requested=1,
    run_ids=("r",),
    causes=(Cause(at=9.0, event_id=4),),
    tree=b"t",
)


def test_everything_of_a_tick_is_written_with_its_runs(ledger, sensor):
    run = NewRun(run_id="r", job_name="j", location="here", tags={"dagster/asset_evaluation_id": "?"})
    wanted = ConditionCommit(memories=(MEMORY,), evaluations=(EVALUATION,), held=(HELD,), owed=(OWED,))
    outcome = commit(ledger, sensor.version, wanted, runs=(run,))
    assert ledger.conditions.get_memories() == [MEMORY]
    assert ledger.conditions.get_memories([("asset", "b")]) == []
    assert ledger.conditions.get_held() == [HELD]
    assert ledger.owed.get_all() == ledger.owed.get_all("a") == [OWED]
    (row,) = ledger.conditions.get_evaluations("asset", "a")
    assert (row.evaluation, row.evaluation_id, row.trigger_id) == (EVALUATION, outcome.tick_id, SENSOR)
    assert ledger.conditions.get_evaluations_of_tick(outcome.tick_id) == [row]
    assert ledger.get_run("r").tags["dagster/asset_evaluation_id"] == str(outcome.tick_id)


def test_a_stale_tick_writes_nothing(ledger, sensor):
    wanted = ConditionCommit(memories=(MEMORY,), evaluations=(EVALUATION,), held=(HELD,), owed=(OWED,))
    assert commit(ledger, sensor.version + 1, wanted).stale
    assert ledger.conditions.get_memories() == ledger.conditions.get_held() == ledger.owed.get_all() == []
    assert ledger.conditions.get_evaluations("asset", "a") == []


def test_later_ticks_replace_and_settle(ledger, sensor):
    first = commit(ledger, sensor.version, ConditionCommit(memories=(MEMORY,), held=(HELD,), owed=(OWED,)))
    newer = MemoryRow(kind="asset", name="a", trigger_id=SENSOR, data=b"2")
    commit(
        ledger,
        first.version,
        ConditionCommit(memories=(newer,), released=(("asset", "a"),), settled=(("asset", "a", ""),)),
    )
    assert ledger.conditions.get_memories() == [newer]
    assert ledger.conditions.get_held() == ledger.owed.get_all() == []


def test_people_answer_what_is_held_and_owed(ledger, sensor):
    commit(ledger, sensor.version, ConditionCommit(held=(HELD,), owed=(OWED,)))
    assert ledger.conditions.answer_held("asset", "a", HoldStatus.DECLINED).status is HoldStatus.DECLINED
    assert ledger.conditions.get_held()[0].status is HoldStatus.DECLINED
    assert ledger.conditions.answer_held("asset", "b", HoldStatus.DECLINED) is None
    assert ledger.owed.answer("asset", "a", "", OwedStatus.WAIVED).status is OwedStatus.WAIVED
    assert ledger.owed.get_all()[0].status is OwedStatus.WAIVED
    again = ledger.owed.answer("asset", "a", "", OwedStatus.OWED)
    assert (again.status, again.failures, again.error) == (OwedStatus.OWED, 0, "")
    assert ledger.owed.answer("asset", "a", "x", OwedStatus.WAIVED) is None


def test_an_answer_stands_against_a_tick_that_was_decided_before_it(ledger, sensor):
    known = [replace(OWED, partition=one, failures=2, error="e") for one in ("answered", "again", "alone")]
    first = commit(ledger, sensor.version, ConditionCommit(owed=tuple(known)))
    ledger.owed.answer("asset", "a", "answered", OwedStatus.WAIVED)
    ledger.owed.answer("asset", "a", "again", OwedStatus.OWED)
    failed = [replace(row, failures=row.failures + 1, run_id="next") for row in known]
    commit(ledger, first.version, ConditionCommit(owed=tuple(failed), owed_before=tuple(known)))
    found = {row.partition: row for row in ledger.owed.get_all()}
    assert {row.run_id for row in found.values()} == {"next"}
    assert found["answered"].status is OwedStatus.WAIVED
    assert found["answered"].failures == 2
    assert (found["again"].status, found["again"].failures) == (OwedStatus.OWED, 0)
    assert found["alone"] == failed[2]


def test_evaluations_come_in_pages_and_go_with_age(ledger, sensor):
    version, ticks = sensor.version, []
    for at in (10.0, 20.0, 30.0):
        one = NewEvaluation(kind="asset", name="a", at=at, requested=1)
        outcome = commit(ledger, version, ConditionCommit(evaluations=(one,)), at=at)
        version = outcome.version
        ticks.append(outcome.tick_id)
    newest = ledger.conditions.get_evaluations("asset", "a", limit=1)
    assert [row.evaluation.at for row in newest] == [30.0]
    rest = ledger.conditions.get_evaluations("asset", "a", before_id=newest[0].evaluation_id)
    assert [row.evaluation.at for row in rest] == [20.0, 10.0]
    (one,) = ledger.conditions.get_evaluations("asset", "a", tick_id=ticks[1])
    assert ledger.conditions.get_newest_evaluations("asset", ["a", "b"]) == {"a": newest[0]}
    assert ledger.conditions.get_newest_evaluations("asset", ["a"], as_of=ticks[1]) == {"a": one}
    assert ledger.conditions.get_newest_evaluations("asset", ["a"], as_of=ticks[0] - 1) == {}
    assert ledger.conditions.get_newest_evaluations("check", ["a"]) == {}
    assert one.evaluation.at == 20.0
    assert ledger.prune(chatter_before=None, ticks_before=25.0) == 2
    assert [row.evaluation.at for row in ledger.conditions.get_evaluations("asset", "a")] == [30.0]
