import sqlalchemy as sa

from tests.contract.stories import (
    NOW,
    Worker,
    failed,
    happened,
    line,
    made,
    new_run,
    run_id,
    running,
    started,
    succeeded,
    worker,
)
from tidewheel.values.events import EventType
from tidewheel.values.records import EventFilter, IntakeBatch
from tidewheel.values.status import RunStatus


def texts(ledger, run):
    return [
        stored.event.message
        for stored in ledger.get_run_log(run)
        if stored.event.type is EventType.LOG_MESSAGE
    ]


def test_a_run_goes_from_start_to_success(ledger):
    runner = worker(ledger)
    run = runner.run.run_id
    outcome = runner.report(started(run), line("one", run))
    assert (outcome.accepted_seq, outcome.refused, outcome.status) == (2, False, RunStatus.STARTED)
    record = ledger.get_run(run)
    assert (record.started_at, record.ended_at, record.intake_seq) == (NOW + 5, None, 2)
    assert record.heartbeat_at == record.updated_at == NOW + 6
    assert runner.report(succeeded(run)).status is RunStatus.SUCCESS
    record = ledger.get_run(run)
    assert (record.status, record.ended_at, record.intake_seq) == (RunStatus.SUCCESS, NOW + 5, 3)


def test_a_failed_run_tells_why(ledger):
    runner = worker(ledger)
    run = runner.run.run_id
    assert runner.report(started(run), failed(run, "STEP_FAILURE")).status is RunStatus.FAILURE
    record = ledger.get_run(run)
    assert record.failure_reason == "STEP_FAILURE"
    assert record.tags["dagster/failure_reason"] == "STEP_FAILURE"


def test_a_run_asked_to_stop_is_told_and_stops(ledger):
    runner = worker(ledger)
    run = runner.run.run_id
    runner.report(started(run))
    ledger.request_cancel(run, now=NOW)
    outcome = runner.report(line("busy", run))
    assert (outcome.cancel_requested, outcome.status) == (True, RunStatus.CANCELING)
    assert runner.report(happened(EventType.RUN_CANCELED, run)).status is RunStatus.CANCELED


def test_a_start_does_not_undo_a_request_to_stop(ledger):
    runner = worker(ledger)
    ledger.request_cancel(runner.run.run_id, now=NOW)
    outcome = runner.report(started(runner.run.run_id))
    assert (outcome.status, outcome.cancel_requested) == (RunStatus.CANCELING, True)


def test_the_log_is_in_the_order_of_reports(ledger):
    runner = worker(ledger)
    run = runner.run.run_id
    runner.report(started(run), line("1", run), made("a", run=run), line("2", run))
    runner.report(line("3", run), succeeded(run), line("4", run))
    log = ledger.get_run_log(run)
    assert [stored.id for stored in log] == list(range(1, 11))
    assert [stored.event.message or stored.event.type.value for stored in log[3:]] == [
        "PIPELINE_START",
        "1",
        "ASSET_MATERIALIZATION",
        "2",
        "3",
        "PIPELINE_SUCCESS",
        "4",
    ]
    assert ledger.get_run_log(run, after=4) == log[4:]
    assert ledger.get_run_log(run, after=2, limit=3) == log[2:5]
    assert ledger.get_run_log(run, limit=1) == log[:1]
    assert ledger.get_run_log(run, after=10) == []


def test_events_come_back_as_they_were_sent(ledger):
    runner = worker(ledger)
    run = runner.run.run_id
    sent = [started(run), made("ä/b", "2024|x", run=run, version="v1"), failed(run, "why")]
    runner.report(*sent)
    assert [stored.event for stored in ledger.get_run_log(run, after=3)] == sent


def test_a_batch_delivered_again_changes_nothing(ledger):
    runner = worker(ledger)
    run = runner.run.run_id
    first = runner.batch(started(run), line("1", run), made("a", run=run))
    ledger.commit_intake([first], now=NOW)
    log, state = ledger.get_run_log(run), ledger.get_asset_states()
    [outcome] = ledger.commit_intake([first], now=NOW)
    assert (outcome.accepted_seq, outcome.refused) == (3, False)
    assert (ledger.get_run_log(run), ledger.get_asset_states()) == (log, state)


def test_of_an_overlapping_batch_only_the_new_events_count(ledger):
    runner = worker(ledger)
    run = runner.run.run_id
    runner.report(line("1", run), line("2", run))
    wider = IntakeBatch(run_id=run, epoch=1, seq=4, events=(line("2", run), line("3", run), line("4", run)))
    [outcome] = ledger.commit_intake([wider], now=NOW)
    assert outcome.accepted_seq == 4
    assert texts(ledger, run) == ["1", "2", "3", "4"]


def test_the_same_batch_twice_in_one_commit_counts_once(ledger):
    runner = worker(ledger)
    run = runner.run.run_id
    batch = runner.batch(started(run), line("1", run))
    outcomes = ledger.commit_intake([batch, batch], now=NOW)
    assert [outcome.accepted_seq for outcome in outcomes] == [2, 2]
    assert texts(ledger, run) == ["1"]


def test_batches_of_one_run_in_one_commit_follow_each_other(ledger):
    runner = worker(ledger)
    run = runner.run.run_id
    batches = [runner.batch(started(run)), runner.batch(line("1", run)), runner.batch(succeeded(run))]
    outcomes = ledger.commit_intake(batches, now=NOW)
    assert [outcome.status for outcome in outcomes] == [
        RunStatus.STARTED,
        RunStatus.STARTED,
        RunStatus.SUCCESS,
    ]
    assert ledger.get_run(run).status is RunStatus.SUCCESS


def test_a_batch_of_another_epoch_is_refused_whole(ledger):
    run = running(ledger)
    for epoch in (0, 2):
        batch = IntakeBatch(run_id=run.run_id, epoch=epoch, seq=1, events=(made("a", run=run.run_id),))
        [outcome] = ledger.commit_intake([batch], now=NOW)
        assert outcome.refused
        assert outcome.accepted_seq == 0
    assert ledger.get_run(run.run_id) == run
    assert ledger.get_asset_states() == {}


def test_an_end_is_final(ledger):
    for end in RunStatus.FAILURE, RunStatus.CANCELED, RunStatus.SUCCESS:
        runner = worker(ledger)
        run = runner.run.run_id
        runner.report(started(run))
        ended = ledger.finish_run(run, end, now=NOW + 7, message="")
        log = ledger.get_run_log(run)
        for late in (succeeded(run), failed(run), happened(EventType.RUN_CANCELED, run), line("x", run)):
            outcome = runner.report(late, made("a", run=run))
            assert outcome.refused
            assert outcome.status is end
        assert ledger.get_run(run) == ended
        assert ledger.get_run_log(run) == log
    assert ledger.get_asset_states() == {}


def test_the_last_batch_delivered_again_is_acknowledged_not_refused(ledger):
    runner = worker(ledger)
    run = runner.run.run_id
    last = runner.batch(started(run), succeeded(run))
    ledger.commit_intake([last], now=NOW)
    [outcome] = ledger.commit_intake([last], now=NOW)
    assert (outcome.refused, outcome.accepted_seq, outcome.status) == (False, 2, RunStatus.SUCCESS)


def test_a_second_end_in_one_batch_does_not_count(ledger):
    runner = worker(ledger)
    run = runner.run.run_id
    runner.report(started(run), failed(run, "first"), succeeded(run))
    record = ledger.get_run(run)
    assert (record.status, record.failure_reason) == (RunStatus.FAILURE, "first")


def test_an_unknown_run_is_refused(ledger):
    [outcome] = ledger.commit_intake(
        [IntakeBatch(run_id=run_id(7), epoch=1, seq=1, events=(line("x"),))], now=NOW
    )
    assert outcome.refused
    assert ledger.commit_intake([], now=NOW) == []


def test_a_refused_batch_does_not_hurt_its_neighbours(ledger):
    good, bad = worker(ledger), worker(ledger)
    ledger.finish_run(bad.run.run_id, RunStatus.FAILURE, now=NOW, message="")
    batches = [
        bad.batch(made("a", run=bad.run.run_id)),
        good.batch(started(good.run.run_id), made("b", run=good.run.run_id)),
    ]
    outcomes = ledger.commit_intake(batches, now=NOW)
    assert [outcome.refused for outcome in outcomes] == [True, False]
    assert set(ledger.get_asset_states()) == {"b"}


def test_a_relaunched_runs_events_are_counted_anew(ledger):
    runner = worker(ledger)
    run = runner.run.run_id
    runner.report(line("1", run))
    again = ledger.launch_run(run, now=NOW, from_epoch=1)
    assert runner.report(line("old", run)).refused
    assert Worker(ledger, again).report(line("new", run)).accepted_seq == 1
    assert texts(ledger, run) == ["1", "new"]


def test_event_ids_grow_in_the_order_of_commits(ledger):
    one, two = worker(ledger), worker(ledger)
    seen = ledger.last_event_id()
    for number in range(3):
        ledger.commit_intake(
            [each.batch(made(f"a{number}", run=each.run.run_id)) for each in (one, two)], now=NOW
        )
    events = ledger.get_events(EventFilter(after_id=seen))
    assert [stored.event.asset for stored in events] == ["a0", "a0", "a1", "a1", "a2", "a2"]
    ids = [stored.id for stored in events]
    assert ids == sorted(set(ids))
    assert ledger.last_event_id() == ids[-1]


def test_many_batches_cost_as_many_statements_as_one(ledger):
    def statements(count):
        workers = [worker(ledger) for _ in range(count)]
        batches = [
            each.batch(
                started(each.run.run_id),
                line("x", each.run.run_id),
                made("a", f"p{place}", run=each.run.run_id),
                made(f"b{place}", run=each.run.run_id),
            )
            for place, each in enumerate(workers)
        ]
        seen = []
        count_one = lambda *args: seen.append(args[2])  # noqa: E731
        sa.event.listen(ledger.backend.engine, "before_cursor_execute", count_one)
        ledger.commit_intake(batches, now=NOW, resolve=lambda asset, key: ("f", int(key[1:])))
        sa.event.remove(ledger.backend.engine, "before_cursor_execute", count_one)
        return len(seen)

    statements(1)
    few = statements(2)
    assert statements(40) == few
    assert few < 20


# -- events of no worker ----------------------------------------------------------------------------------------------


def test_reported_events_get_ids_by_kind(ledger):
    ids = ledger.record_events([made("a"), line("note"), made("b"), line("other")])
    facts = ledger.get_events(EventFilter())
    assert [stored.id for stored in facts] == [ids[0], ids[2]]
    assert [stored.event.asset for stored in facts] == ["a", "b"]
    assert ids[1] < ids[3]
    assert ledger.record_events([]) == []


def test_reported_events_of_a_run_join_its_log_and_leave_its_status(ledger):
    runner = worker(ledger)
    run = runner.run.run_id
    runner.report(started(run))
    ledger.record_events([line("from outside", run), made("a", run=run), succeeded(run)])
    runner.report(line("after", run))
    assert [stored.id for stored in ledger.get_run_log(run)] == list(range(1, 9))
    assert texts(ledger, run) == ["from outside", "after"]
    assert ledger.get_run(run).status is RunStatus.STARTED
    assert ledger.get_asset_states()["a"].last_materialization_run_id == run


def test_reported_events_of_an_unknown_run_are_kept(ledger):
    [id_] = ledger.record_events([made("a", run=run_id(7))])
    assert ledger.get_events(EventFilter(run_ids=(run_id(7),)))[0].id == id_


def test_lasting_events_are_found_by_everything_they_carry(ledger):
    runner = worker(ledger, job_name="nightly")
    run = runner.run.run_id
    start = ledger.last_event_id()
    runner.report(
        started(run),
        made("a", "p1", run=run),
        happened(EventType.ASSET_OBSERVATION, run, asset="b", timestamp=NOW + 50),
        happened(EventType.ASSET_CHECK_EVALUATION, run, asset="a", check="fresh"),
    )
    ledger.record_events([made("a", "p2")])
    events = ledger.get_events(EventFilter(after_id=start))
    ids = [stored.id for stored in events]
    names = dict(zip(ids, ["start", "a1", "b", "check", "a2"], strict=True))

    def found(limit=None, ascending=True, **filters):
        wanted = EventFilter(**{"after_id": start} | filters)
        return [names[stored.id] for stored in ledger.get_events(wanted, limit=limit, ascending=ascending)]

    assert found() == ["start", "a1", "b", "check", "a2"]
    assert found(ascending=False, limit=2) == ["a2", "check"]
    assert found(types=(EventType.ASSET_MATERIALIZATION,)) == ["a1", "a2"]
    assert found(types=("ASSET_OBSERVATION", "PIPELINE_START")) == ["start", "b"]
    assert found(assets=("a",)) == ["a1", "check", "a2"]
    assert found(assets=("a", "b"), types=("ASSET_MATERIALIZATION", "ASSET_OBSERVATION")) == ["a1", "b", "a2"]
    assert found(assets=("a",), check="fresh") == ["check"]
    assert found(assets=("a",), partitions=("p2", "p3")) == ["a2"]
    assert found(run_ids=(run,)) == ["start", "a1", "b", "check"]
    assert found(job_names=("nightly",)) == ["start", "a1", "b", "check"]
    assert found(after_id=ids[1], before_id=ids[4]) == ["b", "check"]
    assert found(ids=(ids[0], ids[4])) == ["start", "a2"]
    assert found(after_timestamp=NOW + 5) == ["b"]
    assert found(before_timestamp=NOW + 50, assets=("b",)) == []
    assert found(types=()) == []


def test_the_last_event_id_of_nothing_is_zero(ledger):
    assert ledger.last_event_id() == 0
    ledger.create_runs([new_run()], now=NOW)
    assert ledger.last_event_id() > 0
