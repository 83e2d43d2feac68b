"""What the queue does: limits, priorities, reasons."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidewheel.logic.planning.admission import (
    AdmissionFacts,
    PoolNeeds,
    QueueShares,
    TagLimit,
    WaitsForLocation,
    WaitsForPool,
    WaitsForRuns,
    WaitsForSlot,
    WaitsForTagLimit,
    WaitsForTime,
    decide_admission,
)
from tidewheel.values.records import RunRecord
from tidewheel.values.status import RunOrigin, RunStatus


def run(name, *, status=RunStatus.QUEUED, **fields):
    fields = {"location": "loc", **fields}
    return RunRecord(run_id=name, job_name="j", status=status, created_at=0.0, updated_at=0.0, **fields)


def decide(queued, in_progress=(), **limits):
    limits = {"max_concurrent_runs": 10, "now": 100.0, "locations": frozenset({"loc"}), **limits}
    return decide_admission(AdmissionFacts(queued=queued, in_progress=in_progress, **limits))


def busy(name, **fields):
    return run(name, status=RunStatus.STARTED, **fields)


A, B, C = run("a"), run("b"), run("c")
TEAM = {"team": "x"}


@pytest.mark.parametrize(
    ("name", "decision", "launched", "waits"),
    [
        ("an empty queue does nothing", decide([]), (), {}),
        ("runs start in the given order", decide([A, B]), ("a", "b"), {}),
        (
            "the global limit counts runs in progress",
            decide([A, B], [busy("z")], max_concurrent_runs=2),
            ("a",),
            {"b": WaitsForSlot(limit=2)},
        ),
        ("no limit", decide([A, B, C], [busy("z")], max_concurrent_runs=-1), ("a", "b", "c"), {}),
        (
            "a limit of nought starts nothing (D8)",
            decide([A], max_concurrent_runs=0),
            (),
            {"a": WaitsForSlot(limit=0)},
        ),
        (
            "a delayed run waits for its moment and holds up nobody",
            decide([run("a", not_before=200.0), B]),
            ("b",),
            {"a": WaitsForTime(until=200.0)},
        ),
        (
            "a run of a location that is not loaded waits (D10)",
            decide([run("a", location="other"), B]),
            ("b",),
            {"a": WaitsForLocation(location="other")},
        ),
        (
            "a tag limit blocks its runs only (D9)",
            decide([run("a", tags=TEAM), run("b", tags=TEAM), C], tag_limits=[TagLimit(key="team", limit=1)]),
            ("a", "c"),
            {"b": WaitsForTagLimit(key="team", value="x", limit=1)},
        ),
        (
            "without a value all values share the limit",
            decide(
                [run("a", tags={"team": "y"})],
                [busy("z", tags=TEAM)],
                tag_limits=[TagLimit(key="team", limit=1)],
            ),
            (),
            {"a": WaitsForTagLimit(key="team", value="y", limit=1)},
        ),
        (
            "per value each value has its own",
            decide(
                [run("a", tags={"team": "y"}), run("b", tags=TEAM)],
                [busy("z", tags=TEAM)],
                tag_limits=[TagLimit(key="team", limit=1, per_value=True)],
            ),
            ("a",),
            {"b": WaitsForTagLimit(key="team", value="x", limit=1)},
        ),
        (
            "a limit of nought blocks",
            decide([run("a", tags=TEAM)], tag_limits=[TagLimit(key="team", value="x", limit=0)]),
            (),
            {"a": WaitsForTagLimit(key="team", value="x", limit=0)},
        ),
    ],
)
def test_admission(name, decision, launched, waits):
    assert decision.launch == launched, name
    assert dict(decision.waits) == waits, name


def test_the_next_moment_is_that_of_the_earliest_delayed_run():
    assert decide([run("a", not_before=300.0), run("b", not_before=200.0)]).wake_at == 200.0


runs = st.lists(
    st.builds(
        lambda n, tag, loc: run(f"r{n}", tags={"team": tag} if tag else {}, location=loc),
        st.integers(0, 10_000),
        st.sampled_from(["", "x", "y"]),
        st.sampled_from(["loc", "gone"]),
    ),
    max_size=30,
    unique_by=lambda r: r.run_id,
)


@given(runs, st.integers(-1, 8), st.integers(0, 3), st.booleans())
def test_every_queued_run_starts_or_has_a_reason_and_no_limit_is_exceeded(
    queued, slots, team_limit, per_value
):
    limit = TagLimit(key="team", limit=team_limit, per_value=per_value)
    decision = decide(queued, max_concurrent_runs=slots, tag_limits=[limit])
    assert set(decision.launch) | set(decision.waits) == {r.run_id for r in queued}
    assert not set(decision.launch) & set(decision.waits)
    if slots >= 0:
        assert len(decision.launch) <= slots
    by_id = {r.run_id: r for r in queued}
    teams = [by_id[i].tags["team"] for i in decision.launch if "team" in by_id[i].tags]
    counts = [teams.count(team) for team in set(teams)] if per_value else [len(teams)]
    assert all(count <= team_limit for count in counts)
    for reason in decision.waits.values():
        assert reason.describe()
        assert msgspec.json.encode(reason)


# -- origins share the slots ------------------------------------------------------------------------------------------


def of(origin, number, **fields):
    return [run(f"{origin.value}{place}", origin=origin, **fields) for place in range(number)]


def test_a_backfill_starves_nobody():
    queued = of(RunOrigin.BACKFILL, 1_000) + of(RunOrigin.SCHEDULE, 3)
    decision = decide(queued, max_concurrent_runs=6)
    assert {name for name in decision.launch if name.startswith("schedule")} == {
        "schedule0",
        "schedule1",
        "schedule2",
    }
    assert len(decision.launch) == 6


def test_a_backfill_alone_takes_every_slot():
    assert len(decide(of(RunOrigin.BACKFILL, 20), max_concurrent_runs=10).launch) == 10


def test_slots_that_are_held_count_for_their_origin():
    held = [busy(f"z{place}", origin=RunOrigin.SCHEDULE) for place in range(3)]
    decision = decide(of(RunOrigin.SCHEDULE, 2) + of(RunOrigin.MANUAL, 2), held, max_concurrent_runs=5)
    assert decision.launch == ("manual0", "manual1")


def test_priority_goes_before_shares():
    queued = of(RunOrigin.SCHEDULE, 2) + of(RunOrigin.BACKFILL, 2, priority=1)
    assert decide(queued, max_concurrent_runs=2).launch == ("backfill0", "backfill1")


def test_within_an_origin_the_oldest_is_first():
    assert decide(of(RunOrigin.EVENT, 3), max_concurrent_runs=2).launch == ("event0", "event1")


@settings(max_examples=30, deadline=None)
@given(
    weights=st.tuples(*[st.sampled_from([1.0, 2.0, 4.0])] * 4),
    slots=st.integers(4, 40),
    rounds=st.integers(1, 3),
)
def test_over_time_every_origin_gets_its_share(weights, slots, rounds):
    shares = QueueShares(**dict(zip(("schedule", "event", "backfill", "manual"), weights, strict=True)))
    queued = [each for origin in RunOrigin for each in of(origin, 500)]
    launched = []
    for _ in range(rounds):
        decision = decide(queued, max_concurrent_runs=slots, shares=shares)
        launched += decision.launch
        queued = [each for each in queued if each.run_id not in decision.launch]
    for origin in RunOrigin:
        got = sum(name.startswith(origin.value) for name in launched)
        fair = slots * rounds * shares.of(origin) / sum(weights)
        assert abs(got - fair) <= 2 * rounds


# -- runs that come after others, pools -------------------------------------------------------------------------------


def test_a_run_waits_until_those_before_it_have_ended():
    late = run("late", after=("a", "b"))
    decision = decide([late, C], unfinished=frozenset({"b"}))
    assert (decision.launch, decision.waits) == (("c",), {"late": WaitsForRuns(run_ids=("b",))})
    assert decide([late]).launch == ("late",)


def needs(**by_run):
    return {
        name: PoolNeeds(any=frozenset(pool for pool in pools if pool), first=pools)
        for name, pools in by_run.items()
    }


@pytest.mark.parametrize(
    ("name", "limits", "launched"),
    [
        ("a pool without a limit holds nobody", {"pool_slots": {}}, ("a", "b")),
        ("a free slot is taken once", {"pool_slots": {"db": 1}}, ("a",)),
        ("slots that steps hold count", {"pool_slots": {"db": 2}, "pool_held": {"db": 1}}, ("a",)),
        ("no slots", {"pool_slots": {"db": 0}}, ()),
    ],
)
def test_a_run_whose_first_steps_are_all_in_a_full_pool_waits(name, limits, launched):
    decision = decide([A, B], pool_needs=needs(a=("db",), b=("db",)), **limits)
    assert decision.launch == launched, name
    slots = limits["pool_slots"].get("db", 0)
    assert set(decision.waits.values()) <= {WaitsForPool(pool="db", slots=slots)}


def test_a_run_with_one_step_that_can_begin_starts():
    full = {"pool_slots": {"db": 1}, "pool_held": {"db": 1}}
    assert decide([A], pool_needs=needs(a=("db", None)), **full).launch == ("a",)
    # each of the two first steps takes a slot (D12)
    both = {"pool_slots": {"db": 2}, "pool_needs": needs(a=("db", "db"), b=("db",))}
    assert decide([A, B], **both).launch == ("a",)


def test_by_runs_any_step_in_a_full_pool_holds_the_run():
    more = {
        "pool_slots": {"db": 1},
        "pool_granularity": "run",
        "pool_needs": needs(a=(None, "db"), b=("db",), z=("db",)),
    }
    assert decide([A, B], **more).launch == ("a",)
    assert decide([A, B], [busy("z")], **more).launch == ()


def test_a_run_that_is_starting_counts_until_its_steps_hold_their_slots():
    starting = run("z", status=RunStatus.STARTING)
    more = {"pool_slots": {"db": 1}, "pool_needs": needs(a=("db",), z=("db",))}
    assert decide([A], [starting], **more).launch == ()
    assert decide([A], [busy("z")], pool_held={"db": 0}, **more).launch == ("a",)
