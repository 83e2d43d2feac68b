import pytest

from tests.contract.stories import (
    NOW,
    TRIGGER,
    line,
    made,
    new_run,
    run_id,
    sensor,
    sets_of,
    tick_of,
)
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.events import EventType
from tidewheel.values.records import (
    EventFilter,
    KeptRunKey,
    PartitionChange,
    RequestError,
    RunFilter,
    TickRecord,
)
from tidewheel.values.status import RunStatus, TickStatus, TriggerKind, TriggerStatus

NOMINAL = NOW + 3600


def schedule(ledger):
    return sensor(ledger, "shop/nightly", TriggerKind.SCHEDULE)


def keyed(key, **more):
    return new_run(run_key=key, **more)


# -- triggers ---------------------------------------------------------------------------------------------------------


def test_a_trigger_is_made_once(ledger):
    made_one = sensor(ledger)
    assert (made_one.status, made_one.version) == (TriggerStatus.DECLARED_IN_CODE, 1)
    assert ledger.get_trigger(TRIGGER) == made_one
    ledger.update_trigger(TRIGGER, cursor="c")
    assert sensor(ledger).cursor == "c"
    assert ledger.get_trigger("shop/none") is None


def test_triggers_are_listed_by_location(ledger):
    for trigger_id in ("shop/b", "shop/a", "office/a"):
        sensor(ledger, trigger_id)
    assert [trigger.trigger_id for trigger in ledger.get_triggers()] == ["office/a", "shop/a", "shop/b"]
    assert [trigger.trigger_id for trigger in ledger.get_triggers("shop")] == ["shop/a", "shop/b"]


def test_a_trigger_changes_only_as_told(ledger):
    before = sensor(ledger)
    after = ledger.update_trigger(
        TRIGGER, status=TriggerStatus.RUNNING, started_at=NOW + 1, position=7, cursor="c", definition="two"
    )
    assert after == ledger.get_trigger(TRIGGER)
    assert (
        after.status,
        after.started_at,
        after.position,
        after.cursor,
        after.definition,
        after.frontier,
    ) == (
        TriggerStatus.RUNNING,
        NOW + 1,
        7,
        "c",
        "two",
        before.frontier,
    )
    assert after.version == before.version + 1
    cleared = ledger.update_trigger(TRIGGER, clear_cursor=True, frontier=NOW + 2)
    assert (cleared.cursor, cleared.frontier, cleared.position) == (None, NOW + 2, 7)


def test_a_trigger_that_changed_meanwhile_is_left_alone(ledger):
    trigger = sensor(ledger)
    assert ledger.update_trigger(TRIGGER, expected_version=trigger.version + 1, cursor="x") is None
    assert ledger.update_trigger("shop/none", cursor="x") is None
    assert ledger.get_trigger(TRIGGER) == trigger
    assert ledger.update_trigger(TRIGGER, expected_version=trigger.version, cursor="x").cursor == "x"


# -- one tick, whole --------------------------------------------------------------------------------------------------


def test_a_tick_writes_everything_at_once(ledger):
    trigger = sensor(ledger)
    run = keyed(
        "k1", tags={"dagster/sensor_name": "watch"}, partition="p1", planned_assets=("a",), job_name="j"
    )
    commit = tick_of(
        trigger,
        runs=(run,),
        cursor="next",
        cursor_changed=True,
        position=42,
        frontier=NOW + 10,
        partition_changes=(PartitionChange(name="colours", add=("red",)),),
        events=(made("b"), line("note")),
        log=("one", "two"),
        request_errors=(RequestError(index=1, message="no such job"),),
    )
    outcome = ledger.commit_tick(commit)
    assert outcome.run_ids == (run.run_id,)
    assert (outcome.stale, outcome.kept_keys, outcome.version) == (False, (), trigger.version + 1)

    record = ledger.get_run(run.run_id)
    assert (record.status, record.created_at) == (RunStatus.QUEUED, NOW + 11)
    assert (record.trigger_id, record.tick_id, record.run_key) == (TRIGGER, outcome.tick_id, "k1")
    assert record.tags == {
        "dagster/sensor_name": "watch",
        "dagster/tick": str(outcome.tick_id),
        "dagster/run_key": "k1",
    }
    assert [stored.event.type for stored in ledger.get_run_log(run.run_id)] == [
        EventType.RUN_ENQUEUED,
        EventType.ASSET_MATERIALIZATION_PLANNED,
    ]
    assert ledger.get_runs(RunFilter(trigger_id=TRIGGER)) == [record]

    tick = ledger.get_tick(outcome.tick_id)
    assert tick == TickRecord(
        tick_id=outcome.tick_id,
        trigger_id=TRIGGER,
        status=TickStatus.SUCCESS,
        started_at=NOW + 10,
        ended_at=NOW + 11,
        cursor="next",
        run_ids=(run.run_id,),
        request_errors=(RequestError(index=1, message="no such job"),),
        log=("one", "two"),
    )
    after = ledger.get_trigger(TRIGGER)
    assert (after.version, after.cursor, after.position, after.frontier) == (
        outcome.version,
        "next",
        42,
        NOW + 10,
    )
    assert (after.last_run_key, after.last_tick_at) == ("k1", NOW + 10)
    assert ledger.get_dynamic_partitions("colours") == [("red", 0)]
    assert ledger.get_asset_states()["b"].last_materialization_at == NOW + 5


def test_a_stale_tick_writes_nothing(ledger):
    trigger = sensor(ledger)
    ledger.update_trigger(TRIGGER, cursor="moved by hand")
    run = keyed("k")
    outcome = ledger.commit_tick(
        tick_of(
            trigger,
            runs=(run,),
            cursor="lost",
            cursor_changed=True,
            partition_changes=(PartitionChange(name="colours", add=("red",)),),
            events=(made("a"),),
        )
    )
    assert outcome.stale
    assert outcome.tick_id is None
    assert ledger.get_run(run.run_id) is None
    assert ledger.get_ticks() == []
    assert ledger.get_dynamic_partitions("colours") == []
    assert ledger.last_event_id() == 0
    assert ledger.get_trigger(TRIGGER).cursor == "moved by hand"


def test_a_tick_of_an_unknown_trigger_is_stale(ledger):
    assert ledger.commit_tick(tick_of(1)).stale


def test_the_same_tick_twice_is_stale_the_second_time(ledger):
    commit = tick_of(sensor(ledger), runs=(new_run(),))
    assert not ledger.commit_tick(commit).stale
    assert ledger.commit_tick(commit).stale
    assert (ledger.count_runs(), len(ledger.get_ticks())) == (1, 1)


def test_a_tick_without_changes_moves_only_what_must_move(ledger):
    trigger = sensor(ledger)
    ledger.update_trigger(TRIGGER, cursor="c", position=3)
    outcome = ledger.commit_tick(
        tick_of(trigger.version + 1, status=TickStatus.SKIPPED, skip_reason="nothing")
    )
    after = ledger.get_trigger(TRIGGER)
    assert (after.cursor, after.position, after.frontier) == ("c", 3, trigger.frontier)
    tick = ledger.get_tick(outcome.tick_id)
    assert (tick.status, tick.skip_reason, tick.cursor) == (TickStatus.SKIPPED, "nothing", "c")


def test_a_cursor_can_be_set_to_nothing(ledger):
    trigger = sensor(ledger)
    ledger.update_trigger(TRIGGER, cursor="c")
    ledger.commit_tick(tick_of(trigger.version + 1, cursor=None, cursor_changed=True))
    assert ledger.get_trigger(TRIGGER).cursor is None


def test_an_uneventful_tick_needs_no_row(ledger):
    trigger = sensor(ledger)
    outcome = ledger.commit_tick(
        tick_of(trigger, status=TickStatus.SKIPPED, record_tick=False, frontier=NOW + 10)
    )
    assert (outcome.stale, outcome.tick_id, outcome.version) == (False, None, trigger.version + 1)
    assert ledger.get_ticks() == []
    assert ledger.get_trigger(TRIGGER).frontier == NOW + 10


def test_a_tick_with_runs_always_has_a_row(ledger):
    run = new_run()
    outcome = ledger.commit_tick(tick_of(sensor(ledger), runs=(run,), record_tick=False))
    assert ledger.get_tick(outcome.tick_id).run_ids == (run.run_id,)


def test_failures_are_counted_in_a_row(ledger):
    version = sensor(ledger).version
    error = ErrorInfo(cls_name="E", message="m", cause=ErrorInfo(cls_name="F", message="n"))
    counts = []
    for status in (TickStatus.FAILURE, TickStatus.FAILURE, TickStatus.SKIPPED, TickStatus.FAILURE):
        outcome = ledger.commit_tick(tick_of(version, status=status, error=error))
        version = outcome.version
        counts.append(ledger.get_trigger(TRIGGER).failures_in_a_row)
    assert counts == [1, 2, 0, 1]
    assert ledger.get_tick(outcome.tick_id).error == error


def test_a_failed_tick_keeps_the_last_run_key(ledger):
    trigger = sensor(ledger)
    first = ledger.commit_tick(tick_of(trigger, runs=(keyed("a"), keyed("b"))))
    assert ledger.get_trigger(TRIGGER).last_run_key == "b"
    ledger.commit_tick(tick_of(first.version, status=TickStatus.FAILURE, runs=(keyed("c"),)))
    assert ledger.get_trigger(TRIGGER).last_run_key == "b"


# -- run keys ---------------------------------------------------------------------------------------------------------


def test_a_key_is_taken_once_by_a_trigger_and_job(ledger):
    trigger = sensor(ledger)
    run = keyed("k")
    first = ledger.commit_tick(tick_of(trigger, runs=(run,)))
    again, other = keyed("k"), keyed("new")
    second = ledger.commit_tick(tick_of(first.version, runs=(again, other)))
    kept = (KeptRunKey(run_key="k", job_name="job", run_id=run.run_id),)
    assert second.run_ids == (other.run_id,)
    assert second.kept_keys == kept
    tick = ledger.get_tick(second.tick_id)
    assert (tick.status, tick.kept_keys, tick.run_ids) == (TickStatus.SUCCESS, kept, (other.run_id,))
    assert ledger.get_run(again.run_id) is None


def test_a_tick_whose_keys_are_all_taken_is_skipped(ledger):
    first = ledger.commit_tick(tick_of(sensor(ledger), runs=(keyed("k"),)))
    second = ledger.commit_tick(tick_of(first.version, runs=(keyed("k"),)))
    assert second.run_ids == ()
    assert ledger.get_tick(second.tick_id).status is TickStatus.SKIPPED
    third = ledger.commit_tick(tick_of(second.version, runs=(keyed("k"),), status=TickStatus.FAILURE))
    assert ledger.get_tick(third.tick_id).status is TickStatus.FAILURE


def test_the_same_key_twice_in_one_tick_is_one_run(ledger):
    one, two = keyed("k"), keyed("k")
    outcome = ledger.commit_tick(tick_of(sensor(ledger), runs=(one, two)))
    assert outcome.run_ids == (one.run_id,)
    assert outcome.kept_keys == (KeptRunKey(run_key="k", job_name="job", run_id=one.run_id),)


def test_keys_of_other_jobs_and_triggers_are_free(ledger):
    first = ledger.commit_tick(tick_of(sensor(ledger), runs=(keyed("k"), keyed("k", job_name="other"))))
    assert len(first.run_ids) == 2
    outcome = ledger.commit_tick(tick_of(sensor(ledger, "shop/second"), runs=(keyed("k"),)))
    assert len(outcome.run_ids) == 1


@pytest.mark.parametrize("end", [RunStatus.SUCCESS, RunStatus.FAILURE, RunStatus.CANCELED])
def test_a_run_that_ended_still_holds_its_key_and_deleting_it_frees_it(ledger, end):
    run = keyed("k")
    first = ledger.commit_tick(tick_of(sensor(ledger), runs=(run,)))
    ledger.finish_run(run.run_id, end, now=NOW, message="")
    second = ledger.commit_tick(tick_of(first.version, runs=(keyed("k"),)))
    assert second.run_ids == ()
    ledger.delete_run(run.run_id)
    third = ledger.commit_tick(tick_of(second.version, runs=(keyed("k"),)))
    assert len(third.run_ids) == 1


def test_runs_without_a_key_are_never_dropped(ledger):
    first = ledger.commit_tick(tick_of(sensor(ledger), runs=(new_run(), new_run())))
    assert len(first.run_ids) == 2


def test_a_retry_leaves_the_key_to_the_first_attempt(ledger):
    run, retry = keyed("k"), new_run()
    first = ledger.commit_tick(tick_of(sensor(ledger), runs=(run,)))
    ledger.finish_run(run.run_id, RunStatus.FAILURE, now=NOW, message="", retry=retry)
    created = ledger.get_run(retry.run_id)
    assert (created.trigger_id, created.tick_id, created.run_key) == (TRIGGER, first.tick_id, None)
    second = ledger.commit_tick(tick_of(first.version, runs=(keyed("k"),)))
    assert second.kept_keys[0].run_id == run.run_id


# -- schedules --------------------------------------------------------------------------------------------------------


def test_a_nominal_time_has_one_tick(ledger):
    trigger = schedule(ledger)
    first = ledger.commit_tick(tick_of(trigger, scheduled_for=NOMINAL, runs=(new_run(),)))
    again = ledger.commit_tick(
        tick_of(trigger, expected_version=first.version, scheduled_for=NOMINAL, runs=(new_run(),))
    )
    assert again.stale
    assert ledger.count_runs() == 1
    assert ledger.get_trigger(trigger.trigger_id).version == first.version
    later = ledger.commit_tick(tick_of(trigger, expected_version=first.version, scheduled_for=NOMINAL + 60))
    assert not later.stale
    assert ledger.get_tick(later.tick_id).scheduled_for == NOMINAL + 60


def test_other_schedules_have_the_same_nominal_times(ledger):
    for name in ("shop/a", "shop/b"):
        trigger = sensor(ledger, name, TriggerKind.SCHEDULE)
        assert not ledger.commit_tick(tick_of(trigger, scheduled_for=NOMINAL)).stale


def test_a_failed_tick_is_replaced_by_its_retry(ledger):
    trigger = schedule(ledger)
    kept = run_id()
    one = new_run(kept, run_key="k")
    failed = ledger.commit_tick(
        tick_of(trigger, scheduled_for=NOMINAL, status=TickStatus.FAILURE, runs=(one,))
    )
    two = new_run()
    retried = ledger.commit_tick(
        tick_of(
            trigger,
            expected_version=failed.version,
            scheduled_for=NOMINAL,
            attempt=2,
            runs=(new_run(kept, run_key="k"), two),
        )
    )
    assert retried.tick_id == failed.tick_id
    assert retried.run_ids == (kept, two.run_id)
    assert retried.kept_keys == ()
    [tick] = ledger.get_ticks(trigger.trigger_id)
    assert (tick.status, tick.attempt, tick.run_ids) == (TickStatus.SUCCESS, 2, (kept, two.run_id))
    assert ledger.count_runs() == 2
    final = ledger.commit_tick(tick_of(trigger, expected_version=retried.version, scheduled_for=NOMINAL))
    assert final.stale


def test_a_schedules_keys_count_within_one_nominal_time(ledger):
    trigger = schedule(ledger)
    first = ledger.commit_tick(tick_of(trigger, scheduled_for=NOMINAL, runs=(keyed("k"), keyed("k"))))
    assert (len(first.run_ids), len(first.kept_keys)) == (1, 1)
    second = ledger.commit_tick(
        tick_of(trigger, expected_version=first.version, scheduled_for=NOMINAL + 60, runs=(keyed("k"),))
    )
    assert (len(second.run_ids), second.kept_keys) == (1, ())


# -- reading ticks ----------------------------------------------------------------------------------------------------


def test_ticks_are_listed_newest_first(ledger):
    version = sensor(ledger).version
    other = ledger.commit_tick(tick_of(sensor(ledger, "shop/other"))).tick_id
    ids = []
    for status in (TickStatus.SUCCESS, TickStatus.SKIPPED, TickStatus.FAILURE, TickStatus.SKIPPED):
        outcome = ledger.commit_tick(tick_of(version, status=status))
        version = outcome.version
        ids.append(outcome.tick_id)

    def found(*args, **more):
        return [tick.tick_id for tick in ledger.get_ticks(*args, **more)]

    assert found() == [*ids[::-1], other]
    assert found(TRIGGER) == ids[::-1]
    assert found(TRIGGER, limit=2) == [ids[3], ids[2]]
    assert found(TRIGGER, before_id=ids[2]) == [ids[1], ids[0]]
    assert found(TRIGGER, statuses=[TickStatus.SKIPPED]) == [ids[3], ids[1]]
    assert found(statuses=[TickStatus.FAILURE, TickStatus.SUCCESS]) == [ids[2], ids[0], other]
    assert ledger.get_tick(ids[3] + 100) is None


def test_runs_on_partitions_added_by_the_same_tick(ledger):
    # the ledger's own way to ordinals may not know the new key yet; it is taken in when it does
    known = {"old": 0}
    ledger.use_resolver(lambda asset, key: ("colours", known[key]) if key in known else None)
    ledger.record_events([made("a", "old")])
    outcome = ledger.commit_tick(
        tick_of(
            sensor(ledger),
            partition_changes=(PartitionChange(name="colours", add=("red",)),),
            runs=(new_run(partition="red", planned_assets=("a",)),),
        )
    )
    assert ledger.get_run(outcome.run_ids[0]).partition == "red"
    known["red"] = 1
    assert sets_of(ledger, "a") == {"materialized": {0}, "failed": set(), "in_progress": {1}}


def test_tick_events_follow_the_rules_of_reported_events(ledger):
    ledger.commit_tick(tick_of(sensor(ledger), events=(made("a"), line("x"))))
    [stored] = ledger.get_events(EventFilter(assets=("a",)))
    assert stored.event.run_id == ""
    assert ledger.stats()["rows"]["run_log"] == 1


def test_pages_of_several_triggers_are_those_of_each(ledger):
    trigger = sensor(ledger)
    for _ in range(3):
        outcome = ledger.commit_tick(tick_of(trigger, runs=(new_run(),)))
        trigger = ledger.get_trigger(TRIGGER)
        assert not outcome.stale
    newest = ledger.get_ticks(TRIGGER)[0].tick_id
    asked = [(TRIGGER, None, 2, None), ("nobody", None, 2, None), (TRIGGER, None, 5, newest)]
    found = ledger.get_tick_pages(asked)
    assert [len(page) for page in found] == [2, 0, 2]
    assert found[0] == ledger.get_ticks(TRIGGER, limit=2)
    assert found[2] == ledger.get_ticks(TRIGGER, limit=5, before_id=newest)
    runs = ledger.get_runs(limit=2)
    assert ledger.get_run_pages([(RunFilter(), 2, None), (RunFilter(), 2, runs[1].run_id)]) == [
        runs,
        ledger.get_runs(limit=2, cursor=runs[1].run_id),
    ]
