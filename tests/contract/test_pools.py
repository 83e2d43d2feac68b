"""Slots of pools: limits, turns, and that they die with their holders."""

from tests.contract.stories import NOW, Worker, failed, new_run, running, started, succeeded
from tidewheel.values.pools import PoolAnswer
from tidewheel.values.status import RunStatus


def ask(ledger, run, step="s", *, pool="db", priority=0, at=NOW):
    return ledger.pools.claim(pool, run.run_id, run.epoch, step, priority=priority, now=at)


def names(ledger, pool="db"):
    [found] = [each for each in ledger.pools.get_all() if each.name == pool]
    return [claim.step for claim in found.claims if claim.held_since is not None]


def test_limits_are_set_changed_and_removed(ledger):
    ledger.pools.set_slots("db", 2, now=NOW)
    ledger.pools.set_slots("api", 0, now=NOW)
    ledger.pools.set_slots("db", 3, now=NOW)
    assert ledger.pools.get_slots() == {"db": 3, "api": 0}
    ledger.pools.set_slots("api", None, now=NOW)
    assert [(each.name, each.slots, each.held) for each in ledger.pools.get_all()] == [("db", 3, 0)]


def test_slots_are_granted_up_to_the_limit_and_once_for_each_step(ledger):
    ledger.pools.set_slots("db", 2, now=NOW)
    run = running(ledger)
    assert ask(ledger, run, "a") == PoolAnswer(granted=True, slots=2)
    assert ask(ledger, run, "a").granted
    assert ask(ledger, run, "b").granted
    assert ask(ledger, run, "c") == PoolAnswer(granted=False, ahead=0, slots=2)
    assert ask(ledger, run, "d") == PoolAnswer(granted=False, ahead=1, slots=2)
    assert ledger.pools.get_held() == {"db": 2}
    assert ledger.pools.release(run.run_id, "a") == 1
    assert not ask(ledger, run, "d").granted
    assert ask(ledger, run, "c").granted
    assert names(ledger) == ["b", "c"]


def test_without_a_limit_every_step_gets_a_slot_and_a_default_is_a_limit(ledger):
    run = running(ledger)
    assert all(ask(ledger, run, step).granted for step in "abc")
    ledger.pools.use_default_slots(1)
    assert ask(ledger, run, "a", pool="api").granted
    assert not ask(ledger, run, "b", pool="api").granted
    ledger.pools.set_slots("none", 0, now=NOW)
    assert not ask(ledger, run, pool="none").granted


def test_the_more_urgent_step_is_first_then_the_one_that_asked_first(ledger):
    ledger.pools.set_slots("db", 1, now=NOW)
    run = running(ledger)
    ask(ledger, run, "holder")
    for at, (step, priority) in enumerate([("early", 0), ("late", 0), ("urgent", 5)]):
        ask(ledger, run, step, priority=priority, at=NOW + at)
    ledger.pools.release(run.run_id, "holder")
    assert not ask(ledger, run, "early").granted
    assert ask(ledger, run, "urgent").granted
    ledger.pools.release(run.run_id, "urgent")
    assert not ask(ledger, run, "late").granted
    assert ask(ledger, run, "early").granted


def test_a_slot_dies_with_its_run(ledger):
    ledger.pools.set_slots("db", 1, now=NOW)
    first, second = running(ledger), running(ledger)
    ends = (
        lambda run: Worker(ledger, run).report(started(run.run_id), succeeded(run.run_id)),
        lambda run: Worker(ledger, run).report(started(run.run_id), failed(run.run_id)),
        lambda run: ledger.finish_run(run.run_id, RunStatus.FAILURE, now=NOW, message="its worker is lost"),
        lambda run: ledger.delete_run(run.run_id),
    )
    for end in ends:
        assert ask(ledger, first).granted
        assert not ask(ledger, second).granted
        end(first)
        assert ledger.pools.get_held() == {}
        assert ask(ledger, second).granted
        first, second = second, running(ledger, new_run())


def test_a_slot_dies_with_the_launch_that_took_it(ledger):
    ledger.pools.set_slots("db", 1, now=NOW)
    old = running(ledger)
    ask(ledger, old)
    again = ledger.launch_run(old.run_id, now=NOW, from_epoch=old.epoch)
    assert ledger.pools.get_held() == {}
    assert ask(ledger, running(ledger)).granted
    assert not ask(ledger, again).granted


def test_slots_can_be_taken_away(ledger):
    run = running(ledger)
    for pool in ("db", "api"):
        ask(ledger, run, pool=pool)
    assert ledger.pools.free("db") == 1
    assert ledger.pools.get_held() == {"api": 1}
    assert ledger.pools.free(run_id=run.run_id) == 1
    assert ledger.pools.get_held() == {}
