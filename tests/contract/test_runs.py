import pytest

from tests.contract.stories import (
    NOW,
    Worker,
    failed,
    line,
    made,
    new_run,
    run_id,
    running,
    started,
    succeeded,
    worker,
)
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.events import Event, EventType, Failure
from tidewheel.values.records import EventFilter, IntakeBatch, RunFilter
from tidewheel.values.status import RunStatus

ALL_FIELDS = {
    "priority": 3,
    "run_key": "key",
    "partition": "2024-01-01",
    "assets": ("a", "b/c"),
    "checks": ("a:fresh",),
    "steps": ("s1",),
    "run_config": {"ops": {"s1": {"config": {"n": [1, 2.5, None, "ü"]}}}},
    "tags": {"team": "data", "dagster/partition": "2024-01-01"},
    "parent_run_id": run_id(1),
    "root_run_id": run_id(2),
    "retry_number": 2,
    "not_before": NOW + 60,
}


def types_of(ledger, run):
    return [stored.event.type for stored in ledger.get_run_log(run)]


def ids_of(runs):
    return [run.run_id for run in runs]


def test_a_new_run_keeps_every_field(ledger):
    new = new_run(**ALL_FIELDS)
    [created] = ledger.create_runs([new], now=NOW)
    assert created == ledger.get_run(new.run_id)
    assert created.status is RunStatus.QUEUED
    assert (created.created_at, created.queued_at, created.epoch) == (NOW, NOW, 0)
    for name, value in ALL_FIELDS.items():
        assert getattr(created, name) == value, name


def test_a_new_runs_log_begins_with_what_is_planned(ledger):
    new = new_run(planned_assets=("a", "b"), planned_checks=("a:fresh",), partition="p1")
    ledger.create_runs([new], now=NOW)
    log = ledger.get_run_log(new.run_id)
    assert [stored.id for stored in log] == [1, 2, 3, 4]
    assert [(stored.event.type, stored.event.asset, stored.event.check) for stored in log] == [
        (EventType.RUN_ENQUEUED, None, None),
        (EventType.ASSET_MATERIALIZATION_PLANNED, "a", None),
        (EventType.ASSET_MATERIALIZATION_PLANNED, "b", None),
        (EventType.ASSET_CHECK_EVALUATION_PLANNED, "a", "fresh"),
    ]
    assert log[1].event.partition == "p1"
    assert {stored.event.job_name for stored in log} == {"job"}


def test_creating_a_run_again_changes_nothing(ledger):
    new = new_run(tags={"n": "1"})
    [first] = ledger.create_runs([new], now=NOW)
    ledger.launch_run(new.run_id, now=NOW + 1)
    other = new_run()
    again = ledger.create_runs([new_run(new.run_id, tags={"n": "2"}), other], now=NOW + 2)
    assert ids_of(again) == [new.run_id, other.run_id]
    assert again[0].tags == {"n": "1"}
    assert again[0].status is RunStatus.STARTING
    assert ledger.count_runs() == 2
    assert types_of(ledger, new.run_id).count(EventType.RUN_ENQUEUED) == 1


def test_no_runs_to_create_is_no_work(ledger):
    assert ledger.create_runs([], now=NOW) == []


def test_an_in_process_run_starts_at_once(ledger):
    record = ledger.start_in_process_run(new_run(planned_assets=("a",)), now=NOW)
    assert record == ledger.get_run(record.run_id)
    assert (record.status, record.epoch, record.launched_at) == (RunStatus.STARTING, 1, NOW)
    assert types_of(ledger, record.run_id) == [
        EventType.RUN_STARTING,
        EventType.ASSET_MATERIALIZATION_PLANNED,
    ]
    assert Worker(ledger, record).report(started(record.run_id)).status is RunStatus.STARTED


def test_an_unknown_run_is_none(ledger):
    assert ledger.get_run(run_id(7)) is None
    assert ledger.get_run_log(run_id(7)) == []


# -- reading many -----------------------------------------------------------------------------------------------------


def test_runs_come_newest_first_and_a_cursor_goes_on(ledger):
    ids = ids_of(ledger.create_runs([new_run() for _ in range(5)], now=NOW))
    newest = ids[::-1]
    assert ids_of(ledger.get_runs()) == newest
    assert ids_of(ledger.get_runs(ascending=True)) == ids
    assert ids_of(ledger.get_runs(limit=2)) == newest[:2]
    assert ids_of(ledger.get_runs(limit=2, cursor=newest[1])) == newest[2:4]
    assert ids_of(ledger.get_runs(cursor=newest[3])) == newest[4:]
    assert ids_of(ledger.get_runs(cursor=ids[2], ascending=True)) == ids[3:]
    assert ids_of(ledger.get_runs(limit=0)) == []


def test_every_filter_selects(ledger):
    a = new_run(job_name="a", tags={"k": "1", "l": "x"}, parent_run_id=run_id(1), root_run_id=run_id(2))
    b = new_run(job_name="b", location="office", tags={"k": "2"})
    c = new_run(job_name="a", tags={"k": "2"})
    for place, new in enumerate((a, b, c)):
        ledger.create_runs([new], now=NOW + place)
    ledger.launch_run(b.run_id, now=NOW + 10)

    def found(**filters):
        wanted = RunFilter(**filters)
        runs = ledger.get_runs(wanted)
        assert ledger.count_runs(wanted) == len(runs)
        return [{a.run_id: "a", b.run_id: "b", c.run_id: "c"}[run.run_id] for run in runs]

    assert found() == ["c", "b", "a"]
    assert found(run_ids=(a.run_id, c.run_id)) == ["c", "a"]
    assert found(run_ids=()) == []
    assert found(job_name="a") == ["c", "a"]
    assert found(location="office") == ["b"]
    assert found(statuses=(RunStatus.QUEUED,)) == ["c", "a"]
    assert found(statuses=(RunStatus.STARTING, RunStatus.SUCCESS)) == ["b"]
    assert found(statuses=()) == []
    assert found(tags={"k": ("2",)}) == ["c", "b"]
    assert found(tags={"k": ("1", "2")}) == ["c", "b", "a"]
    assert found(tags={"k": ("1",), "l": ("x",)}) == ["a"]
    assert found(tags={"k": ("2",), "l": ("x",)}) == []
    assert found(parent_run_id=run_id(1)) == ["a"]
    assert found(root_run_id=run_id(2)) == ["a"]
    assert found(trigger_id="shop/none") == []
    assert found(created_after=NOW, created_before=NOW + 2) == ["b"]
    assert found(updated_after=NOW + 2) == ["b"]
    assert found(updated_before=NOW + 2) == ["a"]
    assert found(job_name="a", tags={"k": ("2",)}, statuses=(RunStatus.QUEUED,)) == ["c"]


def test_too_many_ids_are_refused_with_advice(ledger):
    with pytest.raises(ValueError, match="at most 5000 run ids"):
        ledger.get_runs(RunFilter(run_ids=tuple(str(n) for n in range(5001))))


def test_the_queue_is_by_priority_then_age(ledger):
    low, plain, high, late = (
        new_run(priority=-1),
        new_run(),
        new_run(priority=5),
        new_run(not_before=NOW + 999),
    )
    gone = new_run(priority=9)
    ledger.create_runs([low, plain, high, late, gone], now=NOW)
    ledger.launch_run(gone.run_id, now=NOW)
    wanted = [high.run_id, plain.run_id, late.run_id, low.run_id]
    assert ids_of(ledger.queued_runs(limit=10)) == wanted
    assert ids_of(ledger.queued_runs(limit=2)) == wanted[:2]


def test_in_progress_runs_hold_slots(ledger):
    starting, canceling, begun, ended = worker(ledger), worker(ledger), worker(ledger), worker(ledger)
    ledger.create_runs([new_run()], now=NOW)
    begun.report(started(begun.run.run_id))
    ended.report(started(ended.run.run_id), succeeded(ended.run.run_id))
    ledger.request_cancel(canceling.run.run_id, now=NOW)
    assert [(run.run_id, run.status) for run in ledger.in_progress_runs()] == [
        (starting.run.run_id, RunStatus.STARTING),
        (canceling.run.run_id, RunStatus.CANCELING),
        (begun.run.run_id, RunStatus.STARTED),
    ]


# -- launch -----------------------------------------------------------------------------------------------------------


def test_a_run_is_launched_once(ledger):
    [run] = ledger.create_runs([new_run()], now=NOW)
    launched = ledger.launch_run(run.run_id, now=NOW + 1)
    assert launched == ledger.get_run(run.run_id)
    assert (launched.status, launched.epoch, launched.launched_at) == (RunStatus.STARTING, 1, NOW + 1)
    log = ledger.get_run_log(run.run_id)
    assert ledger.launch_run(run.run_id, now=NOW + 2) is None
    assert ledger.get_run_log(run.run_id) == log
    assert [stored.event.type for stored in log] == [
        EventType.RUN_ENQUEUED,
        EventType.RUN_DEQUEUED,
        EventType.RUN_STARTING,
    ]
    assert ledger.launch_run(run_id(7), now=NOW) is None


def test_a_launch_that_may_be_lost_is_repeated_in_a_new_epoch(ledger):
    run = running(ledger)
    lost = Worker(ledger, run)
    lost.report(line("early", run.run_id))
    assert ledger.launch_run(run.run_id, now=NOW + 2, from_epoch=0) is None
    assert ledger.launch_run(run.run_id, now=NOW + 2, from_epoch=2) is None
    again = ledger.launch_run(run.run_id, now=NOW + 2, from_epoch=1)
    assert again == ledger.get_run(run.run_id)
    assert (again.status, again.epoch, again.intake_seq, again.launched_at) == (
        RunStatus.STARTING,
        2,
        0,
        NOW + 2,
    )
    assert ledger.launch_run(run.run_id, now=NOW + 3, from_epoch=1) is None
    assert lost.report(started(run.run_id)).refused
    assert Worker(ledger, again).report(started(run.run_id)).status is RunStatus.STARTED
    assert ledger.launch_run(run.run_id, now=NOW + 3, from_epoch=2) is None


def test_a_queued_run_is_in_no_epoch_to_launch_from(ledger):
    [run] = ledger.create_runs([new_run()], now=NOW)
    assert ledger.launch_run(run.run_id, now=NOW, from_epoch=0) is None
    assert ledger.launch_run(run_id(7), now=NOW, from_epoch=0) is None


def test_a_workers_signs_of_life_count_in_its_epoch_only(ledger):
    run = running(ledger)
    ledger.note_worker(run.run_id, 1, pid=77, now=NOW + 20)
    ledger.note_worker(run.run_id, 1, pid=None, now=NOW + 30)
    ledger.note_worker(run.run_id, 0, pid=5, now=NOW + 40)
    record = ledger.get_run(run.run_id)
    assert (record.worker_pid, record.heartbeat_at) == (77, NOW + 30)


# -- ends from outside ------------------------------------------------------------------------------------------------


def test_a_lost_run_is_finished_once(ledger):
    run = running(ledger, new_run(tags={"k": "v"}))
    error = ErrorInfo(cls_name="WorkerLost", message="gone")
    ended = ledger.finish_run(
        run.run_id, RunStatus.FAILURE, now=NOW + 9, message="lost", reason="START_TIMEOUT", error=error
    )
    assert ended == ledger.get_run(run.run_id)
    assert (ended.status, ended.ended_at, ended.failure_reason) == (
        RunStatus.FAILURE,
        NOW + 9,
        "START_TIMEOUT",
    )
    assert ended.tags == {"k": "v", "dagster/failure_reason": "START_TIMEOUT"}
    last = ledger.get_run_log(run.run_id)[-1].event
    assert (last.type, last.message) == (EventType.RUN_FAILURE, "lost")
    assert last.payload == Failure(error=error, reason="START_TIMEOUT")
    assert ledger.finish_run(run.run_id, RunStatus.SUCCESS, now=NOW + 10, message="late") is None
    assert ledger.get_run(run.run_id) == ended


def test_steps_of_a_lost_run_fail_with_it(ledger):
    run = running(ledger)
    told = [
        (EventType.RUN_START, None),
        (EventType.STEP_START, "done"),
        (EventType.STEP_SUCCESS, "done"),
        (EventType.STEP_START, "open"),
    ]
    events = tuple(
        Event(type=kind, timestamp=NOW, run_id=run.run_id, job_name="j", step_key=step) for kind, step in told
    )
    batch = IntakeBatch(run_id=run.run_id, epoch=run.epoch, seq=len(events), events=events)
    ledger.commit_intake([batch], now=NOW)
    error = ErrorInfo(cls_name="WorkerLost", message="gone")
    ledger.finish_run(run.run_id, RunStatus.FAILURE, now=NOW + 9, message="lost", error=error)
    *_, step, end = [stored.event for stored in ledger.get_run_log(run.run_id)]
    assert (step.type, step.step_key, step.payload.error) == (EventType.STEP_FAILURE, "open", error)
    assert (end.type, end.step_key) == (EventType.RUN_FAILURE, None)


def test_a_finish_meant_for_an_older_epoch_does_nothing(ledger):
    run = running(ledger)
    for epoch in (0, 2):
        assert (
            ledger.finish_run(run.run_id, RunStatus.FAILURE, now=NOW, message="", expected_epoch=epoch)
            is None
        )
    assert ledger.get_run(run.run_id).status is RunStatus.STARTING
    assert ledger.finish_run(run.run_id, RunStatus.FAILURE, now=NOW, message="", expected_epoch=1) is not None


def test_only_an_end_can_finish_a_run(ledger):
    run = running(ledger)
    with pytest.raises(
        ValueError, match="expected one of the statuses SUCCESS, FAILURE, CANCELED, got STARTED"
    ):
        ledger.finish_run(run.run_id, RunStatus.STARTED, now=NOW, message="")
    assert ledger.finish_run(run_id(7), RunStatus.FAILURE, now=NOW, message="") is None


def check_retry(ledger, failed_id, retry_id, number, root):
    retry, parent = ledger.get_run(retry_id), ledger.get_run(failed_id)
    assert retry.status is RunStatus.QUEUED
    assert (retry.parent_run_id, retry.root_run_id, retry.retry_number) == (failed_id, root, number)
    assert retry.tags["dagster/parent_run_id"] == failed_id
    assert retry.tags["dagster/root_run_id"] == root
    assert retry.tags["dagster/retry_number"] == str(number)
    assert parent.tags["dagster/will_retry"] == "true"
    assert parent.tags["dagster/auto_retry_run_id"] == retry_id
    assert ids_of(ledger.get_runs(RunFilter(tags={"dagster/auto_retry_run_id": (retry_id,)}))) == [failed_id]


def test_a_retry_comes_with_the_failure(ledger):
    first = running(ledger)
    second = new_run(tags={"mine": "1"})
    ledger.finish_run(first.run_id, RunStatus.FAILURE, now=NOW, message="", retry=second)
    check_retry(ledger, first.run_id, second.run_id, 1, first.run_id)
    assert ledger.get_run(second.run_id).tags["mine"] == "1"
    third = new_run()
    ledger.launch_run(second.run_id, now=NOW)
    ledger.finish_run(second.run_id, RunStatus.FAILURE, now=NOW, message="", retry=third)
    check_retry(ledger, second.run_id, third.run_id, 2, first.run_id)


def test_a_refused_finish_creates_no_retry(ledger):
    run = running(ledger)
    ledger.finish_run(run.run_id, RunStatus.SUCCESS, now=NOW, message="")
    retry = new_run()
    assert ledger.finish_run(run.run_id, RunStatus.FAILURE, now=NOW, message="", retry=retry) is None
    assert ledger.get_run(retry.run_id) is None


def test_a_run_that_its_worker_failed_is_retried_once(ledger):
    runner = worker(ledger)
    run = runner.run.run_id
    assert ledger.retry_run(run, new_run(), now=NOW) is None
    runner.report(started(run), failed(run))
    retry = new_run()
    assert ledger.retry_run(run, retry, now=NOW + 7) == ledger.get_run(retry.run_id)
    check_retry(ledger, run, retry.run_id, 1, run)
    assert ledger.retry_run(run, new_run(), now=NOW) is None
    assert ledger.retry_run(run_id(7), new_run(), now=NOW) is None
    assert ledger.count_runs() == 2


# -- cancel -----------------------------------------------------------------------------------------------------------


def test_a_waiting_run_is_cancelled_at_once(ledger):
    [run] = ledger.create_runs([new_run()], now=NOW)
    record = ledger.request_cancel(run.run_id, now=NOW + 3)
    assert record == ledger.get_run(run.run_id)
    assert (record.status, record.ended_at) == (RunStatus.CANCELED, NOW + 3)
    assert types_of(ledger, run.run_id)[-2:] == [EventType.RUN_CANCELING, EventType.RUN_CANCELED]
    assert ledger.request_cancel(run.run_id, now=NOW + 4) is None
    assert ledger.launch_run(run.run_id, now=NOW + 4) is None


def test_a_running_run_is_asked_to_stop_once(ledger):
    runner = worker(ledger)
    run = runner.run.run_id
    runner.report(started(run))
    record = ledger.request_cancel(run, now=NOW + 8)
    assert (record.status, record.cancel_requested, record.ended_at) == (RunStatus.CANCELING, True, None)
    assert ledger.request_cancel(run, now=NOW + 9) == record
    assert types_of(ledger, run).count(EventType.RUN_CANCELING) == 1
    assert ledger.request_cancel(run_id(7), now=NOW) is None


# -- tags and deletion ------------------------------------------------------------------------------------------------


def test_tags_are_added_and_changed(ledger):
    [run] = ledger.create_runs([new_run(tags={"a": "1", "b": "2"})], now=NOW)
    ledger.add_run_tags(run.run_id, {"b": "3", "c": "4"}, now=NOW + 1)
    ledger.add_run_tags(run_id(7), {"x": "y"}, now=NOW)
    record = ledger.get_run(run.run_id)
    assert record.tags == {"a": "1", "b": "3", "c": "4"}
    assert record.updated_at == NOW + 1
    assert ledger.count_runs(RunFilter(tags={"b": ("2",)})) == 0
    assert ledger.count_runs(RunFilter(tags={"b": ("3",), "c": ("4",)})) == 1


def test_a_deleted_run_is_gone_and_what_it_made_stays(ledger):
    runner = worker(ledger, tags={"k": "v"})
    run = runner.run.run_id
    other = worker(ledger)
    runner.report(started(run), made("a", run=run), succeeded(run))
    assert ledger.delete_run(run) is True
    assert ledger.delete_run(run) is False
    assert ledger.get_run(run) is None
    assert ledger.get_run_log(run) == []
    assert ledger.count_runs(RunFilter(tags={"k": ("v",)})) == 0
    assert [stored.event.type for stored in ledger.get_events(EventFilter(run_ids=(run,)))] == [
        EventType.ASSET_MATERIALIZATION
    ]
    assert ledger.get_asset_states()["a"].last_materialization_run_id == run
    assert ledger.get_run(other.run.run_id) is not None
