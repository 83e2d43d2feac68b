"""Targets are evaluated one after the other, each for itself (C4, C5, C31 to C36, F8)."""

from __future__ import annotations

import pytest
from condition_story import DAILY, WEEKLY, XY, Story, asset, check

from tidewheel.logic.conditions import nodes as n
from tidewheel.logic.conditions import presets
from tidewheel.logic.conditions.selections import Groups, Keys
from tidewheel.logic.conditions.subjects import Key
from tidewheel.logic.graph.specs import DepSpec
from tidewheel.logic.partitions.mappings import (
    AllPartitions,
    LastPartition,
    SpecificPartitions,
    StaticMapping,
    TimeWindowMapping,
)

WILL = n.AnyDeps(operand=n.WillBeRequested())
UPDATED = n.AnyDeps(operand=n.NewlyUpdated())


def test_dependencies_come_first_whatever_their_names():
    story = Story(asset("z", n.Missing()), asset("m", WILL, ["z"]), asset("a", WILL, ["m"]))
    assert story.evaluate() == {"z": True, "m": True, "a": True}


def test_requests_of_the_same_level_are_not_seen():
    story = Story(asset("a", n.Missing()), asset("b", n.AssetMatches(key="a", operand=n.WillBeRequested())))
    assert story.evaluate() == {"a": True}


def test_checks_come_between_their_asset_and_its_children():
    story = Story(asset("u"), check("u", "c"), asset("a", None, ["u"]))
    levels = {key.name: story.graph[key].level for key in story.graph.subjects}
    assert levels["u"] < levels["u:c"] < levels["a"]


def test_a_check_that_looks_at_children_does_not_hold_them_back():
    story = Story(asset("u"), check("u", "c", deps=("a",)), asset("a", n.Missing(), ["u"]))
    levels = {key.name: story.graph[key].level for key in story.graph.subjects}
    assert levels["u"] < levels["a"] < levels["u:c"]


def test_what_is_made_together_is_requested_together():
    story = Story(
        asset("m1", n.Missing(), required_siblings=("m2",)),
        asset("m2", required_siblings=("m1",)),
        asset("c", WILL, ["m2"]),
    )
    assert story.evaluate() == {"m1": True, "c": True}


def test_one_bad_condition_holds_no_other_back_and_keeps_its_memory():
    """F8: it goes on where it was before it failed."""
    bad = n.And(operands=(n.NewlyUpdated(), n.Not(operand=n.AssetMatches(key="gone", operand=n.Missing()))))
    nodes = [asset("a", bad), asset("b", n.NewlyUpdated())]
    story = Story(*nodes, asset("gone")).made("gone")
    assert story.evaluate() == {}
    story.define(*nodes).made("a", "b")
    assert story.evaluate() == {"b": True}
    assert "'gone'" in str(story.error("a"))
    assert story.evaluate() == {}
    memory = story.progress.targets[Key("asset", "a")]
    assert memory.held is not None and memory.held.event_id < story.event_id
    story.define(*nodes, asset("gone"))
    assert story.evaluate() == {"a": True}


def test_a_mapping_that_cannot_map_fails_its_target_only():
    wrong = DepSpec(asset="u", mapping=TimeWindowMapping())
    story = Story(
        asset("u", partitions=XY), asset("a", UPDATED, [wrong], partitions=DAILY), asset("b", n.Missing())
    ).made("u")
    story.evaluate()
    assert story.made("u").evaluate() == {"b": True}
    assert "time window" in str(story.error("a"))


def test_undeclared_and_external_parents_are_missing_until_reported():
    condition = n.AnyDeps(operand=n.Missing())
    story = Story(
        asset("o", kind="external"), asset("a", condition, ["o"]), asset("b", condition, ["nowhere"])
    )
    assert story.evaluate() == {"a": True, "b": True}
    assert story.made("o", run=None).made("nowhere", run=None).evaluate() == {}


DAYS = [f"2024-01-{day:02}" for day in range(1, 15)]


@pytest.mark.parametrize(
    ("up", "down", "mapping", "updated", "expected"),
    [
        (DAILY, WEEKLY, None, "2024-01-08", ["2024-01-07"]),
        (WEEKLY, DAILY, None, "2024-01-07", DAYS[6:13]),
        (DAILY, DAILY, TimeWindowMapping(start_offset=-1, end_offset=-1), "2024-01-08", ["2024-01-09"]),
        (
            DAILY,
            DAILY,
            TimeWindowMapping(start_offset=-2),
            "2024-01-08",
            ["2024-01-08", "2024-01-09", "2024-01-10"],
        ),
        (DAILY, XY, LastPartition(), "2024-01-13", ["x", "y"]),
        (DAILY, XY, LastPartition(), "2024-01-12", None),
        (XY, DAILY, AllPartitions(), "x", DAYS[:13]),
        (XY, XY, SpecificPartitions(keys=("y",)), "x", None),
        (XY, XY, SpecificPartitions(keys=("y",)), "y", ["x", "y"]),
        (XY, XY, StaticMapping(pairs=(("x", "y"),)), "x", ["y"]),
        (XY, None, None, "x", True),
        (None, XY, None, None, ["x", "y"]),
    ],
)
def test_updates_reach_the_partitions_that_need_them(up, down, mapping, updated, expected):
    story = Story(
        asset("u", partitions=up),
        asset("a", UPDATED, [DepSpec(asset="u", mapping=mapping)], partitions=down),
        now="2024-01-14 01:00",
    )
    story.evaluate()
    assert story.made("u", part=updated).evaluate() == ({} if expected is None else {"a": expected})


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (n.AnyDeps(operand=n.Missing()), True),
        (n.AllDeps(operand=n.Missing()), True),
        (n.AnyDeps(operand=n.Not(operand=n.Missing())), True),
        (n.AllDeps(operand=n.Not(operand=n.Missing())), True),
        (n.Not(operand=n.AnyDeps(operand=n.Missing())), False),
    ],
)
def test_all_deps_asks_for_one_partition_of_each(condition, expected):
    """C30."""
    story = Story(asset("u", partitions=XY), asset("a", condition, ["u"])).made("u", part="x")
    assert ("a" in story.evaluate()) is expected


def test_without_dependencies_any_is_false_and_all_is_true():
    story = Story(asset("a", n.AnyDeps(operand=n.Missing())), asset("b", n.AllDeps(operand=n.Missing())))
    assert story.evaluate() == {"b": True}


def test_partitions_without_any_upstream_partition():
    """C32: neither kind of operator is true for them."""
    later = DAILY.__class__(cron=DAILY.cron, start=DAILY.start + 2 * 86_400, fmt=DAILY.fmt)
    story = Story(
        asset("u", partitions=later),
        asset("a", n.AnyDeps(operand=n.Missing()), ["u"], partitions=DAILY),
        asset("b", n.AllDeps(operand=n.Missing()), ["u"], partitions=DAILY),
    )
    assert story.evaluate() == {"a": ["2024-01-03", "2024-01-04"], "b": ["2024-01-03", "2024-01-04"]}


@pytest.mark.parametrize(
    ("allow", "ignore", "updated", "expected"),
    [
        (Keys(keys=("u",)), None, "u", True),
        (Keys(keys=("u",)), None, "v", False),
        (None, Groups(groups=("g",)), "u", False),
        (None, Groups(groups=("g",)), "v", True),
        (Keys(keys=("u", "v")), Keys(keys=("v", "unknown")), "v", False),
    ],
)
def test_selections_narrow_the_dependencies(allow, ignore, updated, expected):
    condition = n.AnyDeps(operand=n.NewlyUpdated(), allow=allow, ignore=ignore)
    story = Story(asset("u", group="g"), asset("v"), asset("a", condition, ["u", "v"]))
    story.evaluate()
    assert ("a" in story.made(updated).evaluate()) is expected


def test_virtual_dependencies_are_looked_through_on_request():
    through = n.AnyDeps(operand=n.Missing(), through_virtual=True)
    plain = n.AnyDeps(operand=n.Missing())
    story = Story(
        asset("u"),
        asset("v", None, ["u"], is_virtual=True),
        asset("t", through, ["v"]),
        asset("p", plain, ["v"]),
    )
    assert story.evaluate() == {"t": True, "p": True}
    assert story.made("u").evaluate() == {"p": True}


def test_the_chosen_targets_do_not_see_the_others_requests():
    """C67: two sensors."""
    from tidewheel.logic.conditions.evaluate import evaluate
    from tidewheel.logic.conditions.memory import Progress

    story = Story(asset("u", n.Missing()), asset("a", WILL, ["u"]))
    facts = story.as_facts({})
    assert set(evaluate(story.graph, facts, Progress()).requested) == {Key("asset", "u"), Key("asset", "a")}
    assert not evaluate(story.graph, facts, Progress(), [Key("asset", "a")]).requested


def test_an_asset_of_two_locations_is_that_of_the_one_that_makes_it():
    story = Story().define(
        asset("u", kind="external"), asset("a", presets.eager(), ["u"]), other=[asset("u", n.Missing())]
    )
    assert story.graph[Key("asset", "u")].location == "there"
    assert story.evaluate() == {"u": True}


def test_targets_that_wait_for_each_others_requests_are_told():
    def asks(name: str) -> n.Condition:
        return n.Or(operands=(n.Missing(), n.AssetMatches(key=name, operand=n.WillBeRequested())))

    story = Story(
        asset("a", asks("b")),
        asset("b", asks("a")),
        asset("c", asks("a")),
        asset("up", asks("down")),
        asset("down", n.Or(operands=(n.Missing(), WILL)), ["up"]),
        asset("free", n.Missing()),
    )
    assert story.evaluate() == {"c": True, "down": True, "free": True}
    for name, other in (("a", "b"), ("b", "a"), ("up", "down")):
        assert f"whose request depends on that of {name}" in str(story.error(name))
        assert f"got {other}," in str(story.error(name))


def test_a_new_window_upstream_wakes_an_unpartitioned_child():
    story = Story(asset("u", partitions=DAILY), asset("a", n.AnyDeps(operand=n.Missing()), ["u"]))
    assert story.made("u").times(3) == [{}, {}, {}]
    assert story.at("2024-01-06 00:00").evaluate() == {"a": True}


def test_a_request_keeps_the_date_of_the_evaluation_that_made_it():
    """Also when that target's later evaluations failed, and a higher one asks in the very round it recovers."""
    once = n.And(
        operands=(
            n.NewlyTrue(operand=n.Missing()),
            n.Not(operand=n.AssetMatches(key="gone", operand=n.NewlyUpdated())),
        )
    )
    asked = n.Since(trigger=n.AnyDeps(operand=n.NewlyRequested()), reset=n.ExecutionFailed())
    nodes = [asset("a", once), asset("c", asked, ["a"])]
    story = Story(*nodes, asset("gone"))
    assert story.evaluate() == {"a": True}
    story.define(*nodes).later(1).made("c", run=None)
    assert story.evaluate() == {"c": True}
    assert "'gone'" in str(story.error("a"))
    story.define(*nodes, asset("gone")).later(1).made("c", run=None)
    assert story.evaluate() == {"c": True}
    (latch,) = story.progress.targets[Key("asset", "c")].nodes.values()
    assert [stamp.event_id for stamp, _ in latch.layers] == [0]
