"""Trees are values: equality, stored form, names, and the rewrites users know (C52 to C56, F4)."""

from __future__ import annotations

import pytest
from condition_worlds import World
from hypothesis import given, settings
from hypothesis import strategies as st

from tidewheel.logic.conditions import codec, presets, rewrite
from tidewheel.logic.conditions import nodes as n
from tidewheel.logic.conditions.errors import ConditionError
from tidewheel.logic.conditions.naming import expression_of, name_of, operator_type_of
from tidewheel.logic.conditions.selections import AnyOf, Groups, Keys, text_of

MISSING, UPDATED = n.Missing(), n.NewlyUpdated()
SEVERAL = n.And(operands=(MISSING, n.Not(operand=UPDATED), n.ExecutionFailed()))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (MISSING, UPDATED),
        (n.AnyDeps(operand=MISSING), n.AllDeps(operand=MISSING)),
        (n.And(operands=(MISSING, UPDATED)), n.Or(operands=(MISSING, UPDATED))),
        (MISSING, n.Missing(label="mine")),
        (n.CheckResultIs(passed=True), n.CheckResultIs(passed=False)),
    ],
)
def test_equality_includes_the_kind(one, other):
    assert one != other
    assert one == codec.decode(codec.encode(one))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_any_tree_comes_back_from_its_stored_form(seed):
    tree = World(seed, assets=2).condition()
    again = codec.decode(codec.encode(tree))
    assert again == tree
    assert codec.identity_of(again) == codec.identity_of(tree)
    assert expression_of(again) == expression_of(tree)


@pytest.mark.parametrize("data", [b"", b"\x01", b"\x02\x90", b"\x01\x81\xa4type\xa4what"])
def test_damaged_bytes_are_told(data):
    with pytest.raises(ConditionError, match="stored condition"):
        codec.decode(data)


def test_identity_ignores_labels_and_run_options_only():
    labelled = rewrite.with_label(rewrite.mapped(SEVERAL, lambda one: rewrite.with_label(one, "x")), "y")
    priority = rewrite.with_options(labelled, n.RunOptions(priority=3))
    assert codec.identity_of(labelled) == codec.identity_of(priority) == codec.identity_of(SEVERAL)
    assert codec.identity_of(rewrite.without(SEVERAL, MISSING)) != codec.identity_of(SEVERAL)


def test_users_conditions_lose_their_objects_and_keep_their_numbers():
    first, second = n.UserDefined(name="U", handle="one"), n.UserDefined(name="U", handle="two")
    tree = n.And(operands=(first, n.Not(operand=second), first))
    stored = codec.decode(codec.encode(tree))
    slots = [one.slot for one in rewrite.walk(stored) if isinstance(one, n.UserDefined)]
    assert slots == [0, 1, 0]
    assert rewrite.user_handles(tree) == ("one", "two")
    assert all(one.handle is None for one in rewrite.walk(stored) if isinstance(one, n.UserDefined))


def test_unlabelled_chains_become_one_node():
    pair = rewrite.conjunction(MISSING, UPDATED)
    assert rewrite.conjunction(pair, MISSING).operands == (MISSING, UPDATED, MISSING)
    assert rewrite.conjunction(MISSING, pair).operands == (MISSING, MISSING, UPDATED)
    labelled = rewrite.with_label(pair, "kept")
    assert rewrite.conjunction(labelled, MISSING).operands == (labelled, MISSING)
    assert rewrite.disjunction(pair, MISSING).operands == (pair, MISSING)


@pytest.mark.parametrize("old", [MISSING, "missing"])
@pytest.mark.parametrize(
    "around",
    [
        lambda one: one,
        lambda one: n.And(operands=(one, UPDATED)),
        lambda one: n.Not(operand=one),
        lambda one: n.Since(trigger=UPDATED, reset=one),
        lambda one: n.AnyDeps(operand=one),
        lambda one: n.AssetMatches(key="k", operand=one),
    ],
)
def test_replace_reaches(around, old):
    assert rewrite.replaced(around(MISSING), old, n.ExecutionFailed()) == around(n.ExecutionFailed())


@pytest.mark.parametrize("shut", [n.NewlyTrue(operand=MISSING), n.AnyChecks(operand=MISSING)])
def test_replace_does_not_reach_everywhere(shut):
    tree = n.Or(operands=(shut, MISSING))
    assert rewrite.replaced(tree, MISSING, UPDATED) == n.Or(operands=(shut, UPDATED))


def test_replace_by_object_replaces_that_kind_only():
    """F4."""
    changed = rewrite.replaced(presets.eager(), n.NewlyUpdated(), n.DataVersionChanged())
    kinds = [type(one) for one in rewrite.walk(changed)]
    assert kinds.count(n.DataVersionChanged) == 2
    assert kinds.count(n.Missing) == 2
    assert n.NewlyUpdated not in kinds


def test_replace_by_label_and_without_a_match():
    eager = presets.eager()
    assert rewrite.replaced(eager, "handled", MISSING) != eager
    assert rewrite.replaced(eager, "eager", MISSING) == MISSING
    assert rewrite.replaced(eager, "no such name", MISSING) is eager


def test_without_takes_direct_operands_of_an_and():
    left = rewrite.without(rewrite.with_label(SEVERAL, "mine"), n.Not(operand=UPDATED))
    assert left == n.And(operands=(MISSING, n.ExecutionFailed()), label="mine")


@pytest.mark.parametrize(
    ("tree", "operand", "message"),
    [
        (SEVERAL, UPDATED, "expected one of the operands"),
        (n.And(operands=(MISSING, UPDATED)), MISSING, "at least two operands"),
        (MISSING, MISSING, "expected an AND"),
    ],
)
def test_without_says_what_is_wrong(tree, operand, message):
    with pytest.raises(ConditionError, match=message):
        rewrite.without(tree, operand)


def test_allow_and_ignore_reach_through_operators_and_unite():
    deps = n.AnyDeps(operand=MISSING)
    inner = n.AssetMatches(key="k", operand=deps)
    tree = n.And(operands=(n.Not(operand=deps), n.NewlyTrue(operand=deps), inner))
    one, two = Keys(keys=("a",)), Groups(groups=("g",))
    changed = rewrite.ignoring(rewrite.allowing(rewrite.allowing(tree, one), two), one)
    first = changed.operands[0].operand
    assert first.allow == AnyOf(operands=(one, two))
    assert first.ignore == one
    assert changed.operands[1:] == tree.operands[1:]
    assert name_of(first).startswith("ANY_DEPS_MATCH(allow_selection=")


def test_selections_need_something_to_select():
    with pytest.raises(ConditionError, match="over dependencies or checks"):
        rewrite.allowing(MISSING, Keys(keys=()))


def test_resolving_through_virtual_assets_changes_all_dependency_operators():
    changed = rewrite.through_virtual(presets.eager(), True)
    assert all(one.through_virtual for one in rewrite.walk(changed) if isinstance(one, n.AnyDeps))
    assert rewrite.through_virtual(changed, False) == presets.eager()


@pytest.mark.parametrize(
    ("node", "name", "kind"),
    [
        (MISSING, "missing", "identity"),
        (n.Or(operands=()), "OR", "or"),
        (n.Not(operand=MISSING), "NOT", "not"),
        (n.NewlyTrue(operand=MISSING), "NEWLY_TRUE", "identity"),
        (n.Since(trigger=MISSING, reset=MISSING), "SINCE", "identity"),
        (n.AllChecks(operand=MISSING, blocking_only=True), "ALL_CHECKS_MATCH(blocking_only=True)", "and"),
        (
            n.AnyDeps(operand=MISSING, through_virtual=True),
            "ANY_DEPS_MATCH(resolves_virtual_deps=True)",
            "or",
        ),
        (n.AssetMatches(key="a/b", operand=MISSING), "a/b", "identity"),
        (
            n.ExecutedWithTags(tag_keys=("a",), tag_values=(("b", "c"),)),
            "executed_with_tags(tag_keys={a}, tag_values={b:c})",
            "identity",
        ),
        (
            n.InLatestTimeWindow(lookback_s=108_000.0),
            "in_latest_time_window(lookback_timedelta=1 day, 6:00:00)",
            "identity",
        ),
        (n.FreshnessIs(state="failed"), "freshness_result(state=FreshnessState.FAIL)", "identity"),
        (n.CheckResultIs(passed=False), "check_failed", "identity"),
        (n.AnyDownstream(), "ANY_DOWNSTREAM_CONDITIONS", "identity"),
        (n.AnyJobRoots(operand=MISSING), "ANY_JOB_ROOT_ASSETS_MATCH", "or"),
    ],
)
def test_names(node, name, kind):
    assert (name_of(node), operator_type_of(node)) == (name, kind)


def test_expressions_read_like_the_code():
    tree = n.And(
        operands=(n.Or(operands=(MISSING, UPDATED)), n.Not(operand=n.Since(trigger=UPDATED, reset=MISSING)))
    )
    assert expression_of(tree) == "(missing | newly_updated) & ~newly_updated.since(missing)"
    assert text_of(AnyOf(operands=(Keys(keys=("a",)), Groups(groups=("g",))))) == 'key:"a" or group:"g"'
