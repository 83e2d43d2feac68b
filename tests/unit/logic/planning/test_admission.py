"""What the queue does: limits, priorities, reasons."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewheel.logic.planning.admission import (
    AdmissionFacts,
    TagLimit,
    WaitsForLocation,
    WaitsForSlot,
    WaitsForTagLimit,
    WaitsForTime,
    decide_admission,
)
from tidewheel.values.records import RunRecord
from tidewheel.values.status import RunStatus


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
