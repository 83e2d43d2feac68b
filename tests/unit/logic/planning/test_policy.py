"""What policies make of requests: one test per rule, then properties over random histories."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewheel.logic.planning.policy import (
    KeyHolder,
    PolicyFacts,
    UnfinishedRun,
    decide_requests,
    is_key_free,
)
from tidewheel.values.policies import MAX_HELD, Batch, Debounce, TriggerPolicy
from tidewheel.values.records import NewRun
from tidewheel.values.status import RunStatus

NOW = 1_700_000_000.0


def run(name, **more):
    return NewRun(**{"run_id": name, "job_name": "job", "location": "shop"} | more)


def facts(**more):
    return PolicyFacts(**{"now": NOW, "occasion": 1} | more)


def busy(*names):
    return tuple(UnfinishedRun(run_id=name) for name in names)


def created(decision):
    return [ready.run.run_id for ready in decision.create]


def waiting(decision):
    return [(one.run.run_id, one.cause) for one in decision.held]


def told(decision):
    return [(occasion, note.action, note.cause, note.run_id) for occasion, note in decision.set_aside]


def later(decision, **more):
    """The facts some time after a decision, when what it held waits."""
    return facts(held=decision.held, **{"occasion": None} | more)


# -- overlap ----------------------------------------------------------------------------------------------------------


def test_without_a_policy_everything_is_run():
    decision = decide_requests(TriggerPolicy(), facts(unfinished=busy("old")), [run("a"), run("b")])
    assert created(decision) == ["a", "b"]
    assert (decision.held, decision.set_aside, decision.wake_at) == ((), (), None)


def test_requests_of_one_tick_do_not_overlap_each_other():
    for overlap in ("skip", "queue_one", "replace"):
        decision = decide_requests(TriggerPolicy(overlap=overlap), facts(), [run("a"), run("b")])
        assert created(decision) == ["a", "b"]


def test_skip_drops_and_names_the_run_in_the_way():
    decision = decide_requests(TriggerPolicy(overlap="skip"), facts(unfinished=busy("old")), [run("a")])
    assert created(decision) == []
    assert told(decision) == [(1, "dropped", "overlap", "old")]


def test_queue_one_keeps_the_newest_and_runs_it_when_the_other_has_ended():
    policy = TriggerPolicy(overlap="queue_one")
    first = decide_requests(policy, facts(unfinished=busy("old")), [run("a")])
    assert waiting(first) == [("a", "overlap")]
    second = decide_requests(policy, later(first, occasion=2, unfinished=busy("old")), [run("b")])
    assert waiting(second) == [("b", "overlap")]
    assert (1, "dropped", "replaced", "b") in told(second), "the tick that had asked is told"
    assert created(decide_requests(policy, later(second), [])) == ["b"]


def test_replace_cancels_once_and_waits_for_the_end():
    policy = TriggerPolicy(overlap="replace")
    first = decide_requests(policy, facts(unfinished=busy("old")), [run("a")])
    assert (first.cancel, waiting(first)) == (("old",), [("a", "overlap")])
    stopping = (UnfinishedRun(run_id="old", is_canceling=True),)
    assert decide_requests(policy, later(first, unfinished=stopping), []).cancel == ()
    assert created(decide_requests(policy, later(first), [])) == ["a"]


# -- debounce and batch -----------------------------------------------------------------------------------------------


def test_debounce_joins_what_comes_within_the_quiet_time():
    policy = TriggerPolicy(debounce=Debounce(quiet_s=10))
    first = decide_requests(policy, facts(), [run("a", run_key="1", tags={"x": "1"}, run_config={"n": 1})])
    assert (created(first), first.wake_at) == ([], NOW + 10)
    second = decide_requests(
        policy,
        later(first, occasion=2, now=NOW + 9),
        [run("b", run_key="2", tags={"y": "2"}, run_config={"n": 2})],
    )
    assert (created(second), second.wake_at) == ([], NOW + 19)
    assert decide_requests(policy, later(second, now=NOW + 18.9), []).create == ()
    [ready] = decide_requests(policy, later(second, now=NOW + 19), []).create
    assert (ready.run.run_id, ready.run_keys, ready.run.run_config) == ("a", ("1", "2"), {"n": 2})
    assert ready.run.tags["x"] == "1"
    assert ready.run.tags["tidewheel/joined_requests"] == "2"
    assert ready.run.tags["tidewheel/joined_run_keys"] == '["1","2"]'


def test_debounce_waits_no_longer_than_its_limit():
    policy = TriggerPolicy(debounce=Debounce(quiet_s=10, max_wait_s=15))
    first = decide_requests(policy, facts(), [run("a")])
    second = decide_requests(policy, later(first, occasion=2, now=NOW + 9), [run("b")])
    assert second.wake_at == NOW + 15


def test_jobs_and_partitions_are_joined_apart():
    policy = TriggerPolicy(debounce=Debounce(quiet_s=10))
    asked = [
        run("a", partition="x"),
        run("b", partition="y"),
        run("c", job_name="other"),
        run("d", partition="x"),
    ]
    first = decide_requests(policy, facts(), asked)
    assert created(decide_requests(policy, later(first, now=NOW + 10), [])) == ["a", "b", "c"]


def test_a_batch_is_run_when_it_is_full_or_old():
    policy = TriggerPolicy(batch=Batch(max_requests=3, max_wait_s=60))
    first = decide_requests(policy, facts(), [run("a"), run("b")])
    assert (created(first), first.wake_at) == ([], NOW + 60)
    assert created(decide_requests(policy, later(first, occasion=2), [run("c")])) == ["a"]
    assert created(decide_requests(policy, later(first, now=NOW + 60), [])) == ["a"]


def test_assets_of_joined_requests_are_united_and_everything_stays_everything():
    policy = TriggerPolicy(batch=Batch(max_requests=2, max_wait_s=60))
    [some] = decide_requests(policy, facts(), [run("a", assets=("x",)), run("b", assets=("y", "x"))]).create
    assert some.run.assets == ("x", "y")
    [all_] = decide_requests(policy, facts(), [run("a", assets=("x",)), run("b", assets=None)]).create
    assert all_.run.assets is None


def test_what_was_gathered_is_run_when_the_policy_gathers_no_more():
    held = decide_requests(TriggerPolicy(debounce=Debounce(quiet_s=10)), facts(), [run("a")])
    assert created(decide_requests(TriggerPolicy(), later(held), [])) == ["a"]


# -- budgets ----------------------------------------------------------------------------------------------------------


def test_the_surplus_of_a_tick_is_owed_to_the_next_one():
    policy = TriggerPolicy(max_runs_per_tick=2)
    first = decide_requests(policy, facts(), [run(name) for name in "abcde"])
    assert (created(first), waiting(first)) == (
        ["a", "b"],
        [("c", "runs_per_tick"), ("d", "runs_per_tick"), ("e", "runs_per_tick")],
    )
    assert created(decide_requests(policy, later(first), [])) == [], "not before the next tick"
    second = decide_requests(policy, later(first, occasion=2), [run("f")])
    assert created(second) == ["c", "d"], "oldest first"


def test_the_surplus_of_an_hour_is_owed_until_there_is_room():
    policy = TriggerPolicy(max_runs_per_hour=2)
    lately = (NOW - 3599, NOW - 10)
    first = decide_requests(policy, facts(created_times=lately), [run("a")])
    assert (created(first), first.wake_at) == ([], NOW + 1)
    assert created(decide_requests(policy, later(first, now=NOW + 1, created_times=lately), [])) == ["a"]


def test_the_surplus_can_be_dropped():
    policy = TriggerPolicy(max_runs_per_tick=1, over_budget="drop")
    decision = decide_requests(policy, facts(), [run("a"), run("b")])
    assert (created(decision), decision.held) == (["a"], ())
    assert told(decision) == [(1, "dropped", "runs_per_tick", None)]


def test_what_waits_for_its_budget_is_not_dropped_as_overlapping():
    policy = TriggerPolicy(overlap="skip", max_runs_per_hour=1)
    first = decide_requests(policy, facts(), [run("a"), run("b")])
    again = decide_requests(policy, later(first, unfinished=busy("a"), created_times=(NOW,)), [])
    assert waiting(again) == [("b", "runs_per_hour")]


def test_no_more_than_so_many_wait():
    policy = TriggerPolicy(max_runs_per_tick=1)
    decision = decide_requests(policy, facts(), [run(f"r{i}") for i in range(MAX_HELD + 2)])
    assert [cause for _, action, cause, _ in told(decision) if action == "dropped"] == ["too_many_held"] * 2


# -- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "age_s", "status", "is_free"),
    [
        (TriggerPolicy(), 1e9, RunStatus.FAILURE, False),
        (TriggerPolicy(run_key_lifetime_s=60), 59.9, RunStatus.SUCCESS, False),
        (TriggerPolicy(run_key_lifetime_s=60), 60, RunStatus.SUCCESS, True),
        (TriggerPolicy(run_key_until_failed=True), 1, RunStatus.SUCCESS, False),
        (TriggerPolicy(run_key_until_failed=True), 1, RunStatus.STARTED, False),
        (TriggerPolicy(run_key_until_failed=True), 1, RunStatus.FAILURE, True),
        (TriggerPolicy(run_key_until_failed=True), 1, RunStatus.CANCELED, True),
    ],
)
def test_a_taken_key_is_free_again(policy, age_s, status, is_free):
    holder = KeyHolder(run_id="r", created_at=NOW - age_s, status=status)
    assert is_key_free(policy, holder, NOW) is is_free


# -- properties -------------------------------------------------------------------------------------------------------

policies = st.builds(
    TriggerPolicy,
    overlap=st.sampled_from(["allow", "skip", "queue_one", "replace"]),
    debounce=st.one_of(st.none(), st.builds(Debounce, quiet_s=st.floats(1, 20))),
    max_runs_per_tick=st.one_of(st.none(), st.integers(1, 3)),
    max_runs_per_hour=st.one_of(st.none(), st.integers(1, 4)),
    over_budget=st.sampled_from(["hold", "drop"]),
)
steps = st.lists(st.tuples(st.integers(0, 3), st.floats(0, 900), st.booleans()), max_size=12)


@given(policies, steps)
def test_no_request_is_lost_or_doubled(policy, history):
    """Every request becomes a run, waits, or is told to be dropped or joined; nothing happens to it twice."""
    now, number, held, live, made_at = NOW, 0, (), [], []
    asked, ran, ended = [], [], []
    for occasion, (count, wait_s, all_end) in enumerate(history, 1):
        now += wait_s
        live = [] if all_end else live
        new = [run(f"r{number + i}", partition=str((number + i) % 2)) for i in range(count)]
        number += count
        asked += [one.run_id for one in new]
        decision = decide_requests(
            policy,
            PolicyFacts(
                now=now,
                occasion=occasion if count else None,
                unfinished=busy(*live),
                created_times=tuple(made_at),
                held=held,
            ),
            new,
        )
        joined = {one.run.run_id for one in (*held,)} | {one.run_id for one in new}
        held = decision.held
        fresh = created(decision)
        assert not set(fresh) & set(ran)
        if policy.max_runs_per_tick:
            assert len(fresh) <= policy.max_runs_per_tick
        if policy.max_runs_per_hour:
            assert (
                len([at for at in made_at if at > now - 3600]) + len(fresh) <= policy.max_runs_per_hour
                or not fresh
            )
        if policy.overlap != "allow" and live:
            assert not fresh
        ended += joined - {one.run.run_id for one in held} - set(fresh)
        ran += fresh
        made_at += [now] * len(fresh)
        live += fresh
        if policy == TriggerPolicy():
            assert fresh == [one.run_id for one in new]
    assert len(ended) == len(set(ended))
    assert set(asked) == set(ran) | set(ended) | {one.run.run_id for one in held}
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(policy), type=TriggerPolicy) == policy


def test_runs_from_before_the_clock_was_set_back_hold_nothing_up_for_years() -> None:
    policy = TriggerPolicy(max_runs_per_hour=2)
    years_ahead = tuple(NOW + 365 * 86_400.0 + n for n in range(2))
    assert created(decide_requests(policy, facts(created_times=years_ahead), [run("a")])) == ["a"]
    soon = tuple(NOW + 600.0 + n for n in range(2))
    held = decide_requests(policy, facts(created_times=soon), [run("a")])
    assert created(held) == [] and held.wake_at is not None and held.wake_at <= NOW + 7_200.0
