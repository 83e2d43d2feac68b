"""Why something runs or does not, since when, and when that can next change."""

from __future__ import annotations

import msgspec
import pytest
from condition_story import DAILY, HOUR, Story, asset, lasting, moment

from tidewheel.logic.conditions import nodes as n
from tidewheel.logic.conditions import presets
from tidewheel.logic.conditions.explain import Explanation, TargetExplanation, explain
from tidewheel.logic.conditions.facts import Attempts

EAGER = presets.eager()


def why(story: Story, name: str = "a", part: str | None = None) -> TargetExplanation:
    story.evaluate()
    result = story.evaluation.results[story.key(name)]
    ordinal = None if part is None else next(iter(story.some(name, part)))
    return explain(result, story.as_facts(story.facts), story.graph, ordinal=ordinal)


def find(tree: Explanation, name: str) -> Explanation:
    waiting = [tree]
    while waiting:
        one = waiting.pop(0)
        if name in (one.label, one.name):
            return one
        waiting.extend(one.children)
    raise KeyError(name)


def test_what_is_missing_is_named():
    story = Story(asset("u"), asset("v"), asset("a", EAGER, ["u", "v"]))
    story.evaluate()
    found = why(story.made("u"))
    assert not found.is_requested
    assert found.waits_for == ("an end of: any_deps_missing (v)",)


def test_a_swallowed_trigger_is_told_apart_from_a_false_one():
    assert "newly_missing to become true anew" in " ".join(
        why(
            lasting(
                n.And(operands=(presets.since_last_handled(presets.newly_missing()), n.InLatestTimeWindow()))
            )
        ).waits_for
    )
    story = lasting(presets.since_last_handled(n.NewlyUpdated()))
    assert why(story).waits_for == ("an update of a",)


def test_a_request_is_explained_by_the_event_behind_it():
    story = Story(asset("u"), asset("a", EAGER, ["u"])).made("u", "a")
    story.evaluate()
    at = story.later(1).now
    found = why(story.made("u"))
    assert found.is_requested and found.waits_for == ()
    assert find(found.tree, "SINCE").since == at
    assert find(found.tree, "any_deps_updated").is_true


@pytest.mark.parametrize(
    ("condition", "change"),
    [
        (n.CronTickPassed(cron="0 6 * * *"), "2024-01-05 06:00"),
        (n.UpdatedSinceCron(cron="0 6 * * *"), "2024-01-05 06:00"),
        (n.FailedSinceCron(cron="0 6 * * *"), "2024-01-05 06:00"),
        (presets.on_cron("0 6 * * *", "UTC"), "2024-01-05 06:00"),
        (n.InLatestTimeWindow(), "2024-01-06 00:00"),
        (n.UpdatedWithin(duration_s=2 * HOUR), "2024-01-05 03:00"),
        (n.Missing(), None),
    ],
)
def test_when_time_alone_can_change_it(condition, change):
    story = lasting(condition, partitions=DAILY)
    story.made("a", part="2024-01-02")
    assert why(story).next_change == (None if change is None else moment(change))


def test_the_end_of_a_back_off_is_known():
    story = lasting(n.RetryAllowed(max_failures=3, backoff_s=HOUR, backoff_max_s=10 * HOUR))
    every = story.some("a", None)
    found = why(story.set("a", attempts=(Attempts(failures=2, failed_at=story.now, partitions=every),)))
    assert found.next_change == story.now + 2 * HOUR
    assert "wait after the failure of a" in found.waits_for[0]
    stopped = why(story.set("a", attempts=(Attempts(failures=3, failed_at=story.now, partitions=every),)))
    assert stopped.next_change is None


def test_one_partition_can_be_asked_about():
    story = lasting(n.Missing(), partitions=DAILY).made("a", part="2024-01-02")
    assert why(story, part="2024-01-03").is_requested
    found = why(story, part="2024-01-02")
    assert not found.is_requested
    assert found.tree.since == story.now
    assert (found.tree.true_count, found.tree.asked_count) == (3, 4)


def test_a_failed_evaluation_is_explained_by_its_reason():
    found = why(lasting(n.AssetMatches(key="gone", operand=n.Missing())))
    assert found.tree is None
    assert "'gone'" in str(found.error)


def test_explanations_are_plain_data():
    found = why(Story(asset("u"), asset("a", EAGER, ["u"])))
    assert msgspec.json.decode(msgspec.json.encode(found), type=TargetExplanation) == found
