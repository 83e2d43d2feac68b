"""Policies in the tick's transaction: waiting requests, keys that become free, ticks that repeat themselves, pauses."""

import math

from tests.contract.stories import (
    NOW,
    TRIGGER,
    Worker,
    failed,
    new_run,
    run_id,
    sensor,
    started,
    succeeded,
    tick_of,
)
from tidewheel.values.events import EventType
from tidewheel.values.policies import Batch, Debounce, PauseRecord, Selection, TriggerPolicy
from tidewheel.values.records import RequestError
from tidewheel.values.status import RunStatus, TickStatus, TriggerKind


def keyed(key, **more):
    return new_run(run_key=key, **more)


def commit(ledger, version, *runs, policy=None, **more):
    return ledger.commit_tick(tick_of(version, runs=runs, policy=policy, **more))


def end(ledger, run, event=succeeded):
    launched = ledger.launch_run(run, now=NOW + 1)
    Worker(ledger, launched).report(started(run), event(run))


# -- many at once -----------------------------------------------------------------------------------------------------


def test_ticks_of_many_triggers_are_one_transaction(ledger):
    wanted = []
    for number in range(30):
        record = sensor(ledger, f"shop/s{number}", TriggerKind.SCHEDULE)
        more = {"trigger_id": record.trigger_id, "scheduled_for": NOW + 60}
        wanted.append(tick_of(record.version, runs=(keyed("k") if number % 2 else new_run(),), **more))
    wanted[7] = tick_of(99, trigger_id="shop/s7", runs=(new_run(),))
    wanted.append(wanted[3])
    outcomes = ledger.commit_ticks(wanted)
    assert [place for place, outcome in enumerate(outcomes) if outcome.stale] == [7, 30]
    for number, outcome in enumerate(outcomes[:30]):
        if number == 7:
            continue
        [run] = outcome.run_ids
        record = ledger.get_run(run)
        assert (record.trigger_id, record.tick_id) == (f"shop/s{number}", outcome.tick_id)
        assert ledger.get_tick(outcome.tick_id).run_ids == (run,)
        assert ledger.get_trigger(f"shop/s{number}").version == outcome.version
    again = ledger.commit_ticks(
        [
            tick_of(o.version, trigger_id=f"shop/s{n}", scheduled_for=NOW + 60, runs=(new_run(),))
            for n, o in enumerate(outcomes[:30])
            if n != 7
        ]
    )
    assert all(outcome.stale for outcome in again), "a nominal time is dealt with once"


# -- what waits -------------------------------------------------------------------------------------------------------


def test_overlap_is_judged_by_the_triggers_own_unfinished_runs(ledger):
    policy = TriggerPolicy(overlap="skip")
    ledger.create_runs([new_run()], now=NOW)  # somebody else's
    first = commit(ledger, sensor(ledger), new_run(), policy=policy)
    [running] = first.run_ids
    second = commit(ledger, first.version, new_run(), policy=policy)
    assert second.run_ids == ()
    tick = ledger.get_tick(second.tick_id)
    assert tick.status is TickStatus.SKIPPED
    assert [(note.action, note.cause, note.run_id) for note in tick.set_aside] == [
        ("dropped", "overlap", running)
    ]
    again = commit(ledger, second.version, new_run(), policy=policy)
    assert (again.is_repetition, again.tick_id) == (True, None), "the same drop is told once"
    other = commit(ledger, second.version, keyed("k"), policy=policy)
    assert other.tick_id is not None, "another one is told"
    end(ledger, running)
    assert len(commit(ledger, other.version, new_run(), policy=policy).run_ids) == 1


def test_a_waiting_request_becomes_a_run_of_its_own_tick(ledger):
    policy = TriggerPolicy(overlap="queue_one")
    first = commit(ledger, sensor(ledger), new_run(), policy=policy)
    second = commit(ledger, first.version, keyed("k"), policy=policy)
    assert (second.run_ids, second.held_until) == ((), math.inf)
    assert ledger.get_tick(second.tick_id).status is TickStatus.SUCCESS
    [held] = ledger.policies.get_held(TRIGGER)
    assert ledger.policies.get_held_counts() == {TRIGGER: 1}
    assert ledger.policies.release(TRIGGER, policy, now=NOW + 9).held_until == math.inf
    end(ledger, first.run_ids[0])
    outcome = ledger.policies.release(TRIGGER, policy, now=NOW + 10)
    assert outcome.run_ids == (held.run.run_id,)
    assert outcome.held_until is None
    made = ledger.get_run(held.run.run_id)
    assert (made.tick_id, made.trigger_id, made.run_key) == (second.tick_id, TRIGGER, "k")
    assert ledger.get_tick(second.tick_id).run_ids == (made.run_id,)
    assert ledger.policies.release(TRIGGER, policy, now=NOW + 11).run_ids == (), "once"


def test_a_key_is_taken_while_its_request_waits_and_afterwards(ledger):
    policy = TriggerPolicy(batch=Batch(max_requests=9, max_wait_s=5))
    first = commit(ledger, sensor(ledger), keyed("a"), keyed("b"), policy=policy)
    second = commit(ledger, first.version, keyed("b"), keyed("c"), policy=policy)
    [kept] = second.kept_keys
    assert kept.run_key == "b"
    joined = ledger.policies.release(TRIGGER, policy, now=NOW + 60)
    [run] = joined.run_ids
    assert ledger.get_run(run).tags["tidewheel/joined_requests"] == "3"
    for key in "abc":
        third = commit(ledger, ledger.get_trigger(TRIGGER), keyed(key))
        assert [(kept.run_key, kept.run_id) for kept in third.kept_keys] == [(key, run)]


def test_replacing_cancels_what_is_queued_and_asks_what_runs_to_stop(ledger):
    policy = TriggerPolicy(overlap="replace")
    first = commit(ledger, sensor(ledger), new_run(), new_run(), policy=policy)
    queued, running = first.run_ids
    launched = ledger.launch_run(running, now=NOW + 1)
    Worker(ledger, launched).report(started(running))
    second = commit(ledger, first.version, new_run(), policy=policy)
    assert set(second.canceled_run_ids) == {queued, running}
    assert ledger.get_run(queued).status is RunStatus.CANCELED
    assert ledger.get_run(running).status is RunStatus.CANCELING
    assert second.run_ids == ()
    ledger.finish_run(running, RunStatus.CANCELED, now=NOW + 9, message="stopped")
    assert len(ledger.policies.release(TRIGGER, policy, now=NOW + 10).run_ids) == 1


def test_a_budget_counts_what_was_made_in_the_last_hour(ledger):
    policy = TriggerPolicy(max_runs_per_hour=2)
    first = commit(ledger, sensor(ledger), new_run(), new_run(), new_run(), policy=policy)
    assert len(first.run_ids) == 2
    made_at = ledger.get_run(first.run_ids[0]).created_at
    assert first.held_until == made_at + 3600
    assert ledger.policies.release(TRIGGER, policy, now=made_at + 3599).run_ids == ()
    assert len(ledger.policies.release(TRIGGER, policy, now=made_at + 3600).run_ids) == 1


def test_debounced_requests_of_several_ticks_are_one_run(ledger):
    policy = TriggerPolicy(debounce=Debounce(quiet_s=100))
    first = commit(ledger, sensor(ledger), keyed("a"), policy=policy)
    second = commit(ledger, first.version, keyed("b"), policy=policy)
    outcome = ledger.policies.release(TRIGGER, policy, now=second.held_until)
    assert len(outcome.run_ids) == 1
    assert ledger.get_tick(second.tick_id).run_ids == outcome.run_ids


# -- keys -------------------------------------------------------------------------------------------------------------


def test_a_key_lives_as_long_as_the_policy_says(ledger):
    policy = TriggerPolicy(run_key_lifetime_s=1_000)
    first = commit(ledger, sensor(ledger), keyed("k"), policy=policy)
    second = commit(ledger, first.version, keyed("k"), policy=policy)
    assert second.run_ids == ()
    late = {"started_at": NOW + 5_000, "ended_at": NOW + 5_001}
    third = commit(ledger, second.version, keyed("k"), policy=policy, **late)
    assert len(third.run_ids) == 1
    fourth = commit(ledger, third.version, keyed("k"), policy=policy, **late)
    assert [kept.run_id for kept in fourth.kept_keys] == list(third.run_ids), "the new run has it now"


def test_a_key_is_free_when_its_run_and_its_retries_have_failed(ledger):
    policy = TriggerPolicy(run_key_until_failed=True)
    first = commit(ledger, sensor(ledger), keyed("k"), policy=policy)
    [run] = first.run_ids
    end(ledger, run, failed)
    retry = ledger.retry_run(run, new_run(), now=NOW + 9)
    second = commit(ledger, first.version, keyed("k"), policy=policy)
    assert second.run_ids == (), "its retry may still succeed"
    end(ledger, retry.run_id, failed)
    assert len(commit(ledger, second.version, keyed("k"), policy=policy).run_ids) == 1


def test_keys_can_be_freed_by_hand(ledger):
    first = commit(ledger, sensor(ledger), keyed("a"), keyed("b"))
    assert ledger.policies.reset_keys(TRIGGER, "a") == 1
    assert ledger.policies.reset_keys("shop/other") == 0
    second = commit(ledger, first.version, keyed("a"), keyed("b"))
    assert len(second.run_ids) == 1
    assert [kept.run_key for kept in second.kept_keys] == ["b"]
    assert ledger.policies.reset_keys(TRIGGER) == 2


def test_the_same_requests_with_the_same_taken_keys_are_told_once(ledger):
    first = commit(ledger, sensor(ledger), keyed("a"), keyed("b"))
    second = commit(ledger, first.version, keyed("a"), keyed("b"))
    third = commit(ledger, second.version, keyed("a"), keyed("b"))
    assert (third.is_repetition, third.tick_id, third.version) == (True, None, second.version)
    assert third.kept_keys == second.kept_keys
    assert len(ledger.get_ticks(TRIGGER)) == 2
    fourth = commit(ledger, third.version, keyed("a"))
    assert fourth.tick_id is not None, "other requests are told"
    fifth = commit(ledger, fourth.version, keyed("a"), cursor="c", cursor_changed=True)
    assert (fifth.tick_id is not None, ledger.get_trigger(TRIGGER).cursor) == (True, "c")


def test_a_request_that_cannot_be_made_is_told_once_beside_taken_keys(ledger):
    wrong = (RequestError(index=1, message="no such job"),)
    first = commit(ledger, sensor(ledger), keyed("a"), request_errors=wrong)
    second = commit(ledger, first.version, keyed("a"), request_errors=wrong)
    third = commit(ledger, second.version, keyed("a"), request_errors=wrong)
    assert (second.tick_id is not None, third.is_repetition, third.tick_id) == (True, True, None)
    fourth = commit(ledger, third.version, keyed("a"))
    assert fourth.tick_id is not None, "the mistake is gone: that is told"
    otherwise = (RequestError(index=1, message="no such partition"),)
    assert commit(ledger, fourth.version, keyed("a"), request_errors=otherwise).tick_id is not None


# -- failures and pauses ----------------------------------------------------------------------------------------------


def test_run_failures_are_read_newest_first_up_to_a_success(ledger):
    version = sensor(ledger)
    runs = []
    for event in (succeeded, failed, failed):
        outcome = commit(ledger, version, new_run())
        version = outcome.version
        runs += outcome.run_ids
        end(ledger, outcome.run_ids[0], event)
    policies = ledger.policies
    assert policies.get_run_failures(TRIGGER, count=3, since=0) == ()
    found = policies.get_run_failures(TRIGGER, count=2, since=0)
    assert len(found) == 2
    assert policies.get_run_failures(TRIGGER, count=2, since=NOW + 1e9) == ()
    assert policies.get_unfinished(TRIGGER) == ()


def test_an_unasked_tick_says_nothing_about_failures(ledger):
    first = commit(ledger, sensor(ledger), status=TickStatus.FAILURE)
    second = commit(ledger, first.version, status=TickStatus.SKIPPED, is_unasked=True, skip_reason="open")
    assert ledger.get_trigger(TRIGGER).failures_in_a_row == 1
    assert ledger.get_tick(second.tick_id).is_unasked
    assert len(ledger.policies.get_tick_failures(TRIGGER, count=5)) == 1


def test_pauses_are_kept_and_end_once(ledger):
    policies = ledger.policies
    everything = policies.add_pause(Selection(), now=NOW, reason="move", by="ann", expires_at=NOW + 60)
    one = policies.add_pause(Selection(name="watch", kind="SENSOR"), now=NOW + 1, missed="skip")
    assert policies.get_pauses() == [everything, one]
    assert isinstance(one, PauseRecord)
    assert policies.end_pause(one.pause_id, now=NOW + 5).ends_at == NOW + 5
    assert policies.end_pause(one.pause_id, now=NOW + 6) is None
    assert policies.end_pause(everything.pause_id, now=NOW + 60) is None, "it had expired"
    assert policies.get_pauses(ended_after=NOW + 5) == [everything]
