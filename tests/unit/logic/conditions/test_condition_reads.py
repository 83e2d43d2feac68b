"""What a condition asks for is what has to be gathered for it, and no more."""

from __future__ import annotations

import msgspec
import pytest
from condition_story import Story, asset, check
from condition_worlds import World
from hypothesis import given, settings
from hypothesis import strategies as st

from tidewheel.logic.conditions import nodes as n
from tidewheel.logic.conditions import presets
from tidewheel.logic.conditions.errors import ConditionError
from tidewheel.logic.conditions.evaluate import evaluate
from tidewheel.logic.conditions.facts import SubjectFacts
from tidewheel.logic.conditions.memory import Progress
from tidewheel.logic.conditions.reads import Fact, needs_of, reads_of, user_questions
from tidewheel.logic.conditions.subjects import Key

A, U, C = Key("asset", "a"), Key("asset", "u"), Key("check", "u:c")

FIELDS = {
    Fact.MADE: ("made",),
    Fact.RUNS: ("run_in_progress",),
    Fact.BACKFILLS: ("backfill_in_progress",),
    Fact.FAILED: ("failed",),
    Fact.CANCELED: ("canceled",),
    Fact.CHECK_RESULTS: ("check_passed", "check_failed"),
    Fact.FRESHNESS: ("freshness",),
    Fact.UPDATES: ("updates",),
    Fact.PRODUCERS: ("producers",),
    Fact.NEW_PRODUCERS: ("producers",),
    Fact.UPDATE_TIMES: ("update_times",),
    Fact.FAILURE_TIMES: ("failure_times",),
    Fact.ATTEMPTS: ("attempts",),
    Fact.BEHIND: ("behind", "behind_by_version"),
}


@pytest.mark.parametrize(
    ("condition", "own", "deps", "far"),
    [
        (n.Missing(), Fact.MADE, 0, 0),
        (n.AnyDeps(operand=n.RunInProgress()), 0, Fact.RUNS, 0),
        (n.AnyDeps(operand=n.AnyDeps(operand=n.Missing())), 0, 0, Fact.MADE),
        (n.AnyChecks(operand=n.CheckResultIs(passed=True)), 0, 0, Fact.CHECK_RESULTS),
        (n.AnyDeps(operand=n.Missing(), through_virtual=True), 0, 0, Fact.MADE),
        (n.AnyDeps(operand=n.RootMatches(operand=n.Missing())), Fact.MADE, 0, 0),
        (n.Behind(), Fact.MADE | Fact.UPDATES | Fact.BEHIND, Fact.MADE | Fact.UPDATES, 0),
    ],
)
def test_where_facts_are_asked_for(condition, own, deps, far):
    found = reads_of(condition)
    assert (found.own, found.deps, found.far) == (own, deps, far)


def test_times_and_users_are_asked_for():
    found = reads_of(n.And(operands=(presets.on_cron("0 0 * * *", "UTC"), n.UserDefined(name="U"))))
    assert found.crons == (("0 0 * * *", "UTC"),)
    assert found.asks_user
    assert reads_of(n.AnyDeps(operand=n.RootMatches(operand=n.Missing()))).looks_back


def test_needs_by_subject():
    story = Story(
        asset("u"),
        check("u", "c", blocking=True),
        asset("a", n.And(operands=(presets.eager(), presets.all_deps_blocking_checks_passed())), ["u"]),
    )
    needs = needs_of(story.graph, A)
    assert needs[A] & (Fact.MADE | Fact.UPDATES | Fact.RUNS) == Fact.MADE | Fact.UPDATES | Fact.RUNS
    assert needs[U] & Fact.NEW_PRODUCERS and not needs[U] & Fact.PRODUCERS
    assert needs[C] == Fact.CHECK_RESULTS | Fact.NEXT_REQUEST


def test_users_are_asked_about_the_subjects_that_are_visited():
    user = n.UserDefined(name="U", slot=1)
    story = Story(asset("u"), asset("a", n.Or(operands=(user, n.AnyDeps(operand=user))), ["u"]))
    assert [(node.slot, subject.key) for node, subject in user_questions(story.graph, A)] == [(1, A), (1, U)]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_facts_that_are_not_asked_for_change_nothing(seed):
    world = World(seed, assets=5)
    needs: dict[Key, Fact] = {}
    for target in world.graph.targets:
        try:
            for key, facts in needs_of(world.graph, target).items():
                needs[key] = needs.get(key, Fact.NONE) | facts
        except ConditionError:
            continue
    full = cut = Progress()
    for _ in range(6):
        everything = world.all_facts()
        only = {key: wanted(facts, needs.get(key, Fact.NONE)) for key, facts in everything.subjects.items()}
        one = evaluate(world.graph, everything, full)
        other = evaluate(world.graph, msgspec.structs.replace(everything, subjects=only), cut)
        assert one.requested == other.requested
        full, cut = one.progress, other.progress
        assert full == cut
        world.step()


def wanted(facts: SubjectFacts, needs: Fact) -> SubjectFacts:
    kept = {name for fact, names in FIELDS.items() if needs & fact for name in names}
    empty = SubjectFacts()
    dropped = {name: getattr(empty, name) for name in SubjectFacts.__struct_fields__ if name not in kept}
    return msgspec.structs.replace(facts, **dropped)
