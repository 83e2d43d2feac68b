"""What is remembered survives restarts and changes of definitions."""

from __future__ import annotations

import msgspec
import pytest
from condition_story import DAILY, XY, Story, asset
from condition_worlds import World
from hypothesis import given, settings
from hypothesis import strategies as st

from tidewheel.logic.conditions import memory
from tidewheel.logic.conditions import nodes as n
from tidewheel.logic.conditions.errors import ConditionError
from tidewheel.logic.conditions.evaluate import evaluate
from tidewheel.logic.conditions.memory import Progress
from tidewheel.logic.conditions.subjects import Key
from tidewheel.logic.partitions.definitions import DynamicPartitions

A = Key("asset", "a")
SINCE = n.Since(trigger=n.NewlyUpdated(), reset=n.CronTickPassed(cron="0 0 1 1 *"))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_any_memory_comes_back_from_its_stored_form(seed):
    world = World(seed, assets=4)
    progress = Progress()
    for _ in range(4):
        world.step()
        progress = evaluate(world.graph, world.all_facts(), progress).progress
    for one in progress.targets.values():
        assert memory.decode(memory.encode(one)) == one


@pytest.mark.parametrize("data", [b"", b"\x09", b"\x01\xc0"])
def test_damaged_memory_is_told(data):
    with pytest.raises(ConditionError, match="stored memory"):
        memory.decode(data)


def test_only_what_differs_from_nothing_is_remembered():
    story = Story(asset("a", SINCE, partitions=DAILY))
    story.evaluate()
    assert story.progress.targets[A].nodes == {}
    story.made("a", part="2024-01-03").evaluate()
    assert len(story.progress.targets[A].nodes) == 1


def test_sets_follow_their_keys_when_static_keys_change():
    story = Story(asset("a", SINCE, partitions=XY))
    story.evaluate()
    assert story.made("a", part="y").evaluate() == {"a": ["y"]}
    story.facts.clear(), story.updates.clear()
    story.define(asset("a", SINCE, partitions=msgspec.structs.replace(XY, keys=("w", "x", "y"))))
    assert story.evaluate() == {"a": ["y"]}


def test_sets_are_dropped_when_time_windows_are_cut_otherwise():
    story = Story(asset("a", SINCE, partitions=DAILY))
    story.evaluate()
    story.made("a", part="2024-01-03").evaluate()
    story.facts.clear(), story.updates.clear()
    story.define(asset("a", SINCE, partitions=msgspec.structs.replace(DAILY, start=DAILY.start + 86_400)))
    assert story.evaluate() == {}


def test_sets_stay_when_only_more_windows_exist():
    story = Story(asset("a", SINCE, partitions=DAILY))
    story.evaluate()
    story.made("a", part="2024-01-03").evaluate()
    story.define(asset("a", SINCE, partitions=msgspec.structs.replace(DAILY, end_offset=1)))
    assert story.evaluate() == {"a": ["2024-01-03"]}


def test_removed_keys_are_forgotten():
    story = Story(asset("a", SINCE, partitions=DynamicPartitions(name="dyn"))).added("p", "q")
    story.evaluate()
    assert story.made("a", part=["p", "q"]).evaluate() == {"a": ["p", "q"]}
    assert story.removed("p").evaluate() == {"a": ["q"]}
    assert story.added("p").evaluate() == {"a": ["q"]}


def test_the_memory_of_a_removed_target_waits_for_it():
    story = Story(asset("a", SINCE))
    story.evaluate()
    story.made("a").evaluate()
    story.define(asset("b")).evaluate()
    assert story.define(asset("a", SINCE)).evaluate() == {"a": True}
