"""`newly_true`, `since` and `since_last_handled`: who came last wins, by the dates of what happened (C37 to C41, F1, F2)."""

from __future__ import annotations

import msgspec
import pytest
from condition_story import XY, Story, asset, lasting
from hypothesis import given, settings
from hypothesis import strategies as st

from tidewheel.logic.conditions import nodes as n
from tidewheel.logic.conditions import presets
from tidewheel.logic.conditions.evidence import Answer, Stamp, is_newer
from tidewheel.logic.conditions.latching import LAYER_LIMIT, Latch, advance
from tidewheel.logic.partitions.definitions import DynamicPartitions

U = n.AssetMatches(key="u", operand=n.NewlyUpdated())
V = n.AssetMatches(key="v", operand=n.NewlyUpdated())
DEPS = n.AnyDeps(operand=n.NewlyUpdated())


def happening(condition: n.Condition, batches: list[str]) -> list[bool]:
    """Whether `a` is requested after each batch of updates; letters name the assets, in order."""
    story = Story(asset("u"), asset("v"), asset("a", condition, ["u"]))
    story.evaluate()
    answers = []
    for batch in batches:
        for name in batch:
            story.made(name)
        answers.append("a" in story.evaluate())
    return answers


@pytest.mark.parametrize(
    ("batches", "expected"),
    [
        (["u", ""], [True, True]),
        (["uv"], [False]),
        (["vu"], [True]),
        (["u", "vu"], [True, True]),
        (["u", "v", ""], [True, False, False]),
        (["v", "u"], [False, True]),
        (["uvu", "v"], [True, False]),
    ],
)
@pytest.mark.parametrize(
    "trigger",
    [
        U,
        n.Or(operands=(U, U)),
        n.And(operands=(U, n.InLatestTimeWindow())),
        DEPS,
        n.Since(trigger=U, reset=V),
    ],
    ids=["plain", "or", "and", "deps", "since"],
)
def test_the_later_event_wins_whatever_operators_are_around_it(trigger, batches, expected):
    assert happening(n.Since(trigger=trigger, reset=V), batches) == expected


@pytest.mark.parametrize(
    "reset", [V, n.Or(operands=(V, V)), n.NewlyTrue(operand=V)], ids=["plain", "or", "newly"]
)
def test_resets_keep_their_dates_too(reset):
    assert happening(n.Since(trigger=U, reset=reset), ["vu"]) == [True]


def test_a_state_starts_a_latch_but_loses_against_a_reset_at_once():
    story = lasting(n.Since(trigger=n.Missing(), reset=n.NewlyRequested()))
    assert story.times(4) == [{"a": True}, {}, {"a": True}, {}]


def test_a_reset_that_is_a_state_beats_every_event():
    story = Story(asset("u"), asset("a", n.Since(trigger=U, reset=n.Not(operand=n.Missing()))))
    story.evaluate()
    assert story.made("u").evaluate() == {"a": True}
    assert story.made("a").evaluate() == {}
    assert story.made("u").evaluate() == {}


def test_newly_true_is_true_where_it_was_not():
    story = lasting(n.NewlyTrue(operand=n.Not(operand=n.Missing())), partitions=XY)
    assert story.evaluate() == {}
    assert story.made("a", part="x").times(2) == [{"a": ["x"]}, {}]
    assert story.made("a", part=["x", "y"]).evaluate() == {"a": ["y"]}


def test_newly_true_keeps_track_behind_a_false_sibling():
    """C3: the moment passes unseen."""
    newly = n.NewlyTrue(operand=n.Not(operand=n.Missing()))
    story = lasting(n.And(operands=(n.ExecutionFailed(), newly)))
    story.evaluate()
    assert story.made("a").evaluate() == {}
    assert story.failed("a").evaluate() == {}


def test_a_key_that_comes_back_is_newly_true_again():
    story = lasting(n.NewlyTrue(operand=n.Missing()), partitions=DynamicPartitions(name="dyn")).added("k")
    assert story.times(2) == [{"a": ["k"]}, {}]
    story.removed("k").evaluate()
    assert story.added("k").evaluate() == {"a": ["k"]}


def test_the_memory_of_a_since_moves_with_it_and_ends_when_it_changes():
    """C41."""
    since = n.Since(trigger=U, reset=V)
    nodes = (asset("u"), asset("v"))
    story = Story(*nodes, asset("a", since))
    story.evaluate()
    assert story.made("u").evaluate() == {"a": True}
    wrapped = n.And(operands=(n.InLatestTimeWindow(), msgspec.structs.replace(since, label="mine")))
    assert story.define(*nodes, asset("a", wrapped)).evaluate() == {"a": True}
    other = n.Since(trigger=U, reset=n.Or(operands=(V,)))
    assert story.define(*nodes, asset("a", other)).evaluate() == {}


# -- since_last_handled: nothing is lost (F1) -----------------------------------------------------------------------------

EAGER_LIKE = presets.since_last_handled(DEPS)


def watching() -> Story:
    story = Story(asset("u"), asset("a", EAGER_LIKE, ["u"])).made("u", "a")
    assert story.times(2) == [{}, {}]
    return story


def test_an_update_between_the_request_and_the_next_evaluation_is_acted_upon():
    story = watching()
    assert story.made("u").evaluate() == {"a": True}
    assert story.made("u").evaluate() == {"a": True}
    assert story.evaluate() == {}


def test_an_update_before_each_of_six_evaluations_is_six_requests():
    story = watching()
    assert [story.made("u").evaluate() for _ in range(6)] == [{"a": True}] * 6


def test_an_update_after_the_targets_own_materialisation_counts():
    assert watching().made("a").made("u").evaluate() == {"a": True}


def test_an_update_before_the_targets_own_run_began_does_not():
    assert watching().made("u").made("a").evaluate() == {}


def test_an_update_while_the_targets_own_run_executes_counts():
    story = watching()
    began = story.event_id
    assert story.made("u").made("a", started=began).evaluate() == {"a": True}


def test_an_update_while_the_run_executes_counts_over_several_evaluations():
    story = Story(asset("u"), asset("a", presets.eager(), ["u"])).made("u", "a")
    story.evaluate()
    assert story.made("u").evaluate() == {"a": True}
    began = story.event_id
    assert story.running("a").made("u").times(2) == [{}, {}]
    assert story.made("a", started=began).evaluate() == {"a": True}
    assert story.made("a").evaluate() == {}


def test_what_the_very_same_run_made_before_the_target_is_handled():
    assert watching().made("u", "a", started=0).evaluate() == {}


def test_first_evaluation_handles_what_was_before():
    story = Story(asset("u"), asset("a", EAGER_LIKE, ["u"])).made("u")
    assert story.times(2) == [{}, {}]


def test_partitions_are_handled_one_by_one():
    story = Story(asset("u", partitions=XY), asset("a", EAGER_LIKE, ["u"], partitions=XY))
    story.evaluate()
    story.made("u", part="x").made("u", part="y").made("a", part="x")
    assert story.evaluate() == {"a": ["y"]}


@pytest.mark.parametrize(
    ("made_at", "expected"),
    [("2024-01-05 23:59", {"a": True}), ("2024-01-06 00:00", {}), ("2024-01-06 00:01", {})],
)
def test_a_tick_is_handled_by_what_was_made_at_or_after_it(made_at, expected):
    """F2: compared by the tick's own time, though one evaluation sees both."""
    tick = presets.since_last_handled(n.CronTickPassed(cron="0 0 * * *"))
    story = lasting(tick).at("2024-01-05 23:00")
    story.evaluate()
    assert story.at("2024-01-06 00:02").made("a", at=made_at).evaluate() == expected


def test_a_tick_right_after_a_request_is_not_lost():
    story = lasting(presets.since_last_handled(n.CronTickPassed(cron="* * * * *"))).at("2024-01-05 10:00")
    story.evaluate()
    assert [story.later(1 / 60).evaluate() for _ in range(4)] == [{"a": True}] * 4


@pytest.mark.parametrize("at", ["2020-01-01 00:00", "2040-01-01 00:00"])
def test_clocks_of_events_may_be_anywhere(at):
    """Tests evaluate at times of their own: an update counts when it became known."""
    updated = n.Since(trigger=n.NewlyUpdated(), reset=n.CronTickPassed(cron="0 0 * * *"))
    story = lasting(updated).at("2024-01-05 10:00")
    story.evaluate()
    assert story.at("2024-01-05 11:00").made("a", at=at).evaluate() == {"a": True}
    assert story.at("2024-01-06 01:00").evaluate() == {}
    assert story.at("2024-01-06 02:00").made("a", at=at).evaluate() == {"a": True}


# -- the latch against a list of events -----------------------------------------------------------------------------------

stamps = st.builds(lambda at, event: Stamp(float(at), event), st.integers(0, 5), st.integers(0, 9))


def test_dates_are_compared_by_event_then_by_time():
    tick = Stamp(10.0)
    assert is_newer(Stamp(1.0, 5), Stamp(9.0, 4))
    assert not is_newer(Stamp(9.0, 4), Stamp(1.0, 4))
    assert is_newer(tick, Stamp(9.0, 7))
    assert not is_newer(tick, Stamp(10.0, 7))
    reads = Stamp(9.0, 20, 5, "r")
    assert is_newer(Stamp(1.0, 6), reads)
    assert not is_newer(Stamp(1.0, 6, run_id="r"), reads)
    assert is_newer(Stamp(1.0, 21, run_id="r"), reads)


def as_answer(events: list[tuple[int, Stamp | None]]) -> Answer:
    true = frozenset(part for part, _ in events)
    weak = frozenset(part for part, stamp in events if stamp is None)
    layers = tuple((stamp, frozenset([part])) for part, stamp in events if stamp is not None)
    return Answer(true, weak, layers)


evaluations = st.lists(
    st.tuples(
        st.lists(st.tuples(st.integers(0, 2), st.one_of(st.none(), stamps)), max_size=4),
        st.lists(st.tuples(st.integers(0, 2), st.one_of(st.none(), stamps)), max_size=3),
    ),
    max_size=6,
)


@settings(max_examples=200, deadline=None)
@given(evaluations)
def test_a_latch_is_on_where_some_trigger_outlives_every_reset(history):
    """Against the plain definition, partition by partition: keep every trigger that no reset of its time dealt with."""
    every = frozenset(range(3))
    latch = Latch(frozenset())
    alive: dict[int, list[Stamp | None]] = {part: [] for part in every}
    for triggers, resets in history:
        latch = advance(latch, as_answer(triggers), as_answer(resets), every)
        for part in every:
            mine = alive[part] + [stamp for one, stamp in triggers if one == part]
            against = [stamp for one, stamp in resets if one == part]
            if against:
                mine = [
                    stamp
                    for stamp in mine
                    if stamp is not None and all(one is not None and is_newer(stamp, one) for one in against)
                ]
            alive[part] = mine
        assert latch.on == {part for part in every if alive[part]}


def test_many_dates_are_joined_under_the_newest_of_them():
    latch = Latch(frozenset())
    events = [(n, Stamp(float(n), n)) for n in range(3 * LAYER_LIMIT)]
    latch = advance(latch, as_answer(events), as_answer([]), frozenset(range(1000)))
    assert len(latch.layers) == LAYER_LIMIT
    assert latch.on == frozenset(range(3 * LAYER_LIMIT))
    everything = frozenset(range(1000))
    for number in (10, 2 * LAYER_LIMIT, 3 * LAYER_LIMIT - 1):
        reset = Answer(everything, frozenset(), ((Stamp(float(number), number), everything),))
        left = advance(latch, as_answer([]), reset, everything)
        assert left.on >= frozenset(range(number + 1, 3 * LAYER_LIMIT))
