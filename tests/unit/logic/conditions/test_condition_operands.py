"""Every operand says what it has to say, evaluation by evaluation (semantics C9 to C29)."""

from __future__ import annotations

import msgspec
import pytest
from condition_story import DAILY, HOUR, WEEKLY, XY, Story, asset, check, job, lasting

from tidewheel.logic.conditions import nodes as n
from tidewheel.logic.conditions import presets
from tidewheel.logic.conditions.facts import Attempts
from tidewheel.logic.conditions.memory import Progress
from tidewheel.logic.graph.specs import DepSpec
from tidewheel.logic.partitions.definitions import DynamicPartitions, MultiPartitions
from tidewheel.logic.partitions.mappings import AllPartitions, TimeWindowMapping
from tidewheel.logic.partitions.sets import everything

NO, YES = {}, {"a": True}
TICK = n.CronTickPassed(cron="0 * * * *")


def test_missing_until_made_and_again_after_a_wipe():
    story = lasting(n.Missing())
    assert story.times(2) == [YES, YES]
    assert story.made("a").evaluate() == NO
    assert story.wiped("a").evaluate() == YES


def test_newly_missing_is_true_at_first_and_when_wiped():
    story = lasting(presets.newly_missing())
    assert story.times(2) == [YES, NO]
    assert story.made("a").evaluate() == NO
    assert story.wiped("a").times(2) == [YES, NO]


def test_newly_updated_flashes_for_every_new_event_but_not_at_first():
    story = lasting(n.NewlyUpdated()).made("a")
    assert story.times(2) == [NO, NO]
    assert story.made("a").times(2) == [YES, NO]
    assert story.made("a", run=None).made("a").times(2) == [YES, NO]


def test_newly_requested_alternates_with_its_own_request():
    story = lasting(n.And(operands=(n.Missing(), n.Not(operand=n.NewlyRequested()))))
    assert story.times(5) == [YES, NO, YES, NO, YES]


def test_initial_evaluation_is_true_once():
    assert lasting(n.InitialEvaluation()).times(3) == [YES, NO, NO]


@pytest.mark.parametrize(
    ("before", "after", "anew"),
    [
        (None, DAILY, True),
        (DAILY, None, True),
        (DAILY, WEEKLY, True),
        (XY, msgspec.structs.replace(XY, keys=("w", "x", "y")), False),
        (DAILY, msgspec.structs.replace(DAILY, end_offset=1), False),
    ],
    ids=["partitioned", "unpartitioned", "recut", "keys added", "end offset"],
)
def test_initial_evaluation_comes_back_when_the_partitions_become_others(before, after, anew):
    story = lasting(n.InitialEvaluation(), partitions=before).at("2024-01-20 01:00")
    story.times(2)
    story.define(asset("a", n.InitialEvaluation(), partitions=after))
    assert bool(story.evaluate()) is anew
    assert story.evaluate() == NO


def test_initial_evaluation_stays_away_when_the_condition_changes_or_the_asset_returns():
    story = lasting(n.InitialEvaluation())
    story.evaluate()
    story.define(asset("a", n.And(operands=(n.InitialEvaluation(), n.Missing()))))
    assert story.evaluate() == NO
    story.define(asset("b")).evaluate()
    assert story.define(asset("a", n.InitialEvaluation())).evaluate() == NO


def test_execution_failed_lasts_until_success_whatever_is_cancelled():
    story = lasting(n.ExecutionFailed())
    assert story.evaluate() == NO
    assert story.failed("a").times(2) == [YES, YES]
    assert story.canceled("a").evaluate() == YES
    assert story.made("a").evaluate() == NO


def test_execution_canceled_tells_of_the_latest_attempt():
    story = lasting(n.ExecutionCanceled())
    assert story.canceled("a").times(2) == [YES, YES]
    assert story.failed("a").evaluate() == NO


def test_run_in_progress_and_backfill_in_progress():
    story = lasting(presets.in_progress(), partitions=XY)
    assert story.running("a", "x").evaluate() == {"a": ["x"]}
    assert story.set("a", backfill_in_progress=story.some("a", "y")).evaluate() == {"a": ["x", "y"]}
    assert story.made("a", part="x").evaluate() == {"a": ["y"]}


def test_in_progress_anywhere_is_true_everywhere():
    story = lasting(n.RunInProgress(any_partition=True), partitions=XY)
    assert story.running("a", "x").evaluate() == {"a": ["x", "y"]}


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [("1", "1", NO), ("1", "2", YES), (None, "1", NO), ("1", None, YES), (None, None, NO)],
)
def test_code_version_changed(before, after, changed):
    condition = n.CodeVersionChanged()
    story = lasting(condition, code_version=before)
    assert story.times(2) == [NO, NO]
    story.define(asset("a", condition, code_version=after))
    assert story.times(2) == [changed, NO]


@pytest.mark.parametrize("version_first", [True, False])
def test_code_version_changed_does_not_depend_on_the_order_of_operands(version_first):
    """F9: neither order keeps the change for later; both see it when it comes."""
    operands = (n.CodeVersionChanged(), n.Missing())
    condition = n.And(operands=operands if version_first else operands[::-1])
    story = lasting(condition, code_version="1").made("a")
    story.evaluate()
    story.define(asset("a", condition, code_version="2"))
    assert story.evaluate() == NO
    assert story.wiped("a").evaluate() == NO
    assert story.define(asset("a", condition, code_version="3")).evaluate() == YES


def test_code_version_change_behind_a_false_sibling_is_kept_by_since():
    """F9: the latch sees the change wherever it stands."""
    latch = n.Since(trigger=n.CodeVersionChanged(), reset=n.NewlyUpdated())
    condition = n.And(operands=(n.Missing(), latch))
    story = lasting(condition, code_version="1").made("a")
    story.evaluate()
    story.define(asset("a", condition, code_version="2")).evaluate()
    assert story.wiped("a").evaluate() == YES


def test_data_version_changed_needs_another_version():
    story = lasting(n.DataVersionChanged())
    story.evaluate()
    assert story.made("a").evaluate() == YES
    assert story.made("a", changed=False).evaluate() == NO
    assert story.made("a", changed=False).made("a").times(2) == [YES, NO]


@pytest.mark.parametrize(
    ("moments", "expected"),
    [
        (["01:30", "01:59", "02:00", "02:01"], [NO, NO, YES, NO]),
        (["01:00", "02:00", "02:30"], [NO, YES, NO]),
        (["01:30", "07:30", "07:31"], [NO, YES, NO]),
        (["02:30", "01:30", "02:30"], [NO, NO, YES]),
    ],
    ids=["on the boundary once", "first never", "several count once", "the clock goes back"],
)
def test_cron_tick_passed_once_for_each_interval(moments, expected):
    story = lasting(TICK)
    assert [story.at(f"2024-01-05 {one}").evaluate() for one in moments] == expected


def test_cron_tick_in_a_zone():
    story = lasting(n.CronTickPassed(cron="0 0 * * *", zone="America/New_York"), partitions=None)
    story.at("2024-01-05 04:59").evaluate()
    assert story.at("2024-01-05 05:00").evaluate() == YES


MULTI = MultiPartitions(dimensions=(("c", XY), ("d", DAILY)))


@pytest.mark.parametrize(
    ("spec", "lookback_hours", "expected"),
    [
        (None, None, True),
        (XY, None, ["x", "y"]),
        (DAILY, None, ["2024-01-04"]),
        (DAILY, 23, None),
        (DAILY, 24, ["2024-01-04"]),
        (DAILY, 47, ["2024-01-04"]),
        (DAILY, 48, ["2024-01-03", "2024-01-04"]),
        (DAILY, 0, ["2024-01-04"]),
        (DAILY, 10_000, ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"]),
        (WEEKLY, None, None),
        (MULTI, None, ["x|2024-01-04", "y|2024-01-04"]),
    ],
)
def test_in_latest_time_window(spec, lookback_hours, expected):
    seconds = None if lookback_hours is None else lookback_hours * HOUR
    story = lasting(n.InLatestTimeWindow(lookback_s=seconds), partitions=spec)
    assert story.evaluate() == ({} if expected is None else {"a": expected})


def test_latest_window_stays_after_the_end_and_respects_the_offset():
    ended = msgspec.structs.replace(DAILY, end=DAILY.start + 48 * HOUR)
    assert lasting(n.InLatestTimeWindow(), partitions=ended).evaluate() == {"a": ["2024-01-02"]}
    early = msgspec.structs.replace(DAILY, end_offset=1)
    assert lasting(n.InLatestTimeWindow(), partitions=early).evaluate() == {"a": ["2024-01-05"]}


YESTERDAY = TimeWindowMapping(start_offset=-1, end_offset=-1)


@pytest.mark.parametrize(
    ("up", "down", "mapping", "together"),
    [
        (None, None, None, True),
        (DAILY, DAILY, None, True),
        (DAILY, DAILY, YESTERDAY, True),
        (XY, XY, None, True),
        (XY, XY, AllPartitions(), False),
        (DAILY, None, None, False),
        (None, DAILY, None, False),
        (DAILY, WEEKLY, None, False),
    ],
)
def test_will_be_requested_needs_a_common_run(up, down, mapping, together):
    condition = n.AnyDeps(operand=n.WillBeRequested())
    story = Story(
        asset("u", n.Missing(), partitions=up),
        asset("c", condition, [DepSpec(asset="u", mapping=mapping)], partitions=down),
        now="2024-01-14 01:00",
    )
    assert ("c" in story.evaluate()) is together


def test_will_be_requested_stops_at_locations_and_observable_sources():
    condition = n.AnyDeps(operand=n.WillBeRequested())
    story = Story(asset("u", n.Missing(), kind="observable"), asset("c", condition, ["u"]))
    assert story.evaluate() == {"u": True}
    story = Story().define(asset("u", n.Missing()), other=[asset("c", condition, ["u"])])
    assert story.evaluate() == {"u": True}


def test_will_be_requested_is_never_about_the_target_itself():
    story = lasting(n.Or(operands=(n.Missing(), n.And(operands=(n.WillBeRequested(),)))))
    assert story.made("a").evaluate() == NO


def test_executed_with_root_target_looks_at_the_run_of_each_partition():
    """F7: what the run had planned counts, partition by partition, however it was launched."""
    condition = n.AnyDeps(operand=n.ExecutedWithRootTarget())
    story = Story(asset("u", partitions=XY), asset("c", condition, ["u"], partitions=XY))
    assert story.made("u", part="x", planned=("u", "c")).evaluate() == {"c": ["x"]}
    assert story.made("u", part="y").evaluate() == {"c": ["x"]}
    assert story.made("u", part="x").evaluate() == {}


@pytest.mark.parametrize(
    ("keys", "values", "expected"),
    [
        (("team",), (), True),
        ((), (("team", "a"),), True),
        ((), (("team", "b"),), False),
        (("team", "x"), (), False),
        ((), (), True),
    ],
)
def test_executed_with_tags(keys, values, expected):
    story = lasting(n.ExecutedWithTags(tag_keys=keys, tag_values=values))
    assert story.evaluate() == NO
    assert bool(story.made("a", tags={"team": "a"}).evaluate()) is expected
    assert bool(story.failed("a").evaluate()) is expected
    assert story.made("a", run=None).evaluate() == NO


def test_tags_of_new_updates():
    tagged = (("team", "a"),)
    some = n.AnyNewUpdateHasRunTags(tag_values=tagged)
    every = n.AllNewUpdatesHaveRunTags(tag_values=tagged)
    story = Story(
        asset("u"),
        asset("s", n.AnyDeps(operand=some), ["u"]),
        asset("e", n.AnyDeps(operand=every), ["u"]),
        asset("r", n.AnyDeps(operand=n.AnyNewUpdateHasRunTags()), ["u"]),
    )
    assert story.made("u", tags={"team": "a"}).evaluate() == {}
    assert story.made("u", tags={"team": "a"}).times(2) == [{"s": True, "e": True, "r": True}, {}]
    assert story.made("u", tags={"team": "a"}).made("u", tags={"team": "b"}).evaluate() == {
        "s": True,
        "r": True,
    }
    assert story.made("u", run=None).evaluate() == {}


def test_checks_are_missing_again_after_each_materialisation_of_their_asset():
    story = Story(
        asset("u"),
        check("u", "m", n.Missing()),
        check("u", "p", n.CheckResultIs(passed=True)),
        check("u", "f", n.CheckResultIs(passed=False)),
        check("u", "n", n.NewlyUpdated()),
    )
    assert story.evaluate() == {"u:m": True}
    for name in ("u:m", "u:p", "u:f", "u:n"):
        story.checked(name, passed=name != "u:f")
    assert story.evaluate() == {"u:p": True, "u:f": True, "u:n": True}
    assert story.made("u").evaluate() == {"u:m": True}


def test_check_operands_on_an_asset_fail_that_asset_only():
    story = Story(asset("a", n.CheckResultIs(passed=True)), asset("b", n.Missing()))
    assert story.evaluate() == {"b": True}
    assert "to be asked of a check" in str(story.error("a"))


@pytest.mark.parametrize("blocking_only", [False, True])
def test_any_and_all_checks(blocking_only):
    passed = n.CheckResultIs(passed=True)
    story = Story(
        asset("none_any", n.AnyChecks(operand=passed)),
        asset("none_all", n.AllChecks(operand=passed)),
        asset("some_any", n.AnyChecks(operand=passed, blocking_only=blocking_only)),
        asset("some_all", n.AllChecks(operand=passed, blocking_only=blocking_only)),
        check("some_any", "b", blocking=True),
        check("some_any", "o"),
        check("some_all", "b", blocking=True),
        check("some_all", "o"),
    )
    assert story.evaluate() == {"none_all": True}
    story.checked("some_any:b").checked("some_all:b")
    every = {"none_all": True, "some_any": True}
    assert story.evaluate() == ({**every, "some_all": True} if blocking_only else every)


def test_freshness_states():
    story = lasting(n.FreshnessIs(state="warned"))
    assert story.evaluate() == NO
    assert story.set("a", freshness="warned").evaluate() == YES
    assert story.set("a", freshness="failed").evaluate() == NO


def test_asset_matches_looks_up_down_and_sideways():
    story = Story(
        asset("u", n.AssetMatches(key="c", operand=n.Missing()), partitions=DAILY),
        asset("c", None, ["u"], partitions=DAILY),
        asset("o", n.AssetMatches(key="u", operand=n.Missing())),
        asset("w", n.AssetMatches(key="nowhere", operand=n.Missing())),
    )
    days = ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"]
    assert story.evaluate() == {"u": days, "o": True}
    assert story.made("c", part=days[:3]).evaluate() == {"u": days[3:], "o": True}
    assert "'nowhere'" in str(story.error("w"))


def test_any_downstream_conditions_are_asked_about_the_asset_itself():
    story = Story(
        asset("u", n.AnyDownstream()),
        asset("between", None, ["u"]),
        asset("x", n.Missing(), ["between"]),
        asset("y", n.NewlyUpdated(), ["u"]),
        asset("alone", n.AnyDownstream()),
    )
    assert story.evaluate() == {"u": True, "x": True}
    assert story.made("u").evaluate() == {"u": True, "x": True}
    assert story.evaluate() == {"x": True}


def test_jobs_ask_about_their_root_assets():
    story = Story(
        asset("r"),
        asset("s"),
        asset("inner", None, ["r", "s"]),
        job("any", n.AnyJobRoots(operand=n.NewlyUpdated()), ["r", "s", "inner"]),
        job("all", n.AllJobRoots(operand=n.Not(operand=n.Missing())), ["r", "s", "inner"]),
        asset("a", n.AnyJobRoots(operand=n.Missing())),
    )
    assert story.evaluate() == {}
    assert "a job" in str(story.error("a"))
    assert story.made("inner").evaluate() == {}
    assert story.made("r").evaluate() == {"any": True}
    assert story.made("s").evaluate() == {"any": True, "all": True}


def test_updated_within_ends_by_itself():
    story = lasting(n.UpdatedWithin(duration_s=2 * HOUR)).made("a")
    assert story.evaluate() == YES
    assert story.later(2).evaluate() == YES
    assert story.later(0.01).evaluate() == NO


def test_updated_and_failed_since_the_latest_tick():
    story = Story(
        asset("a", n.UpdatedSinceCron(cron="0 18 * * *")),
        asset("f", n.FailedSinceCron(cron="0 0 * * *")),
        now="2024-01-05 17:00",
    )
    assert story.made("a").failed("f").evaluate() == {"a": True, "f": True}
    assert story.at("2024-01-05 18:00").evaluate() == {"f": True}
    assert story.at("2024-01-06 00:00").evaluate() == {}
    assert story.made("a").evaluate() == {"a": True}


def test_parents_nonexistent():
    later = msgspec.structs.replace(DAILY, start=DAILY.start + 48 * HOUR)
    story = Story(asset("u", partitions=later), asset("a", n.ParentsNonexistent(), ["u"], partitions=DAILY))
    assert story.evaluate() == {"a": ["2024-01-01", "2024-01-02"]}


def test_behind_from_an_update_of_an_input_until_the_target_is_made():
    story = Story(asset("u"), asset("a", n.Behind(), ["u"]))
    assert story.evaluate() == NO
    assert story.made("u").times(2) == [YES, YES]
    assert story.failed("a").evaluate() == YES
    assert story.made("a").times(2) == [NO, NO]
    assert story.made("u", "a").evaluate() == NO
    assert story.made("u").evaluate() == YES


def test_behind_at_first_is_what_the_ledger_says():
    story = Story(asset("u"), asset("a", n.Behind(), ["u"])).made("a").made("u")
    assert story.set("a", behind=everything(None, story.view())).times(2) == [YES, YES]
    assert story.made("a").evaluate() == NO


def test_behind_by_version_ignores_updates_that_change_nothing():
    story = Story(asset("u"), asset("a", n.Behind(by_version=True), ["u"])).made("u", "a")
    story.evaluate()
    assert story.made("u", changed=False).evaluate() == NO
    assert story.made("u").evaluate() == YES


def test_retries_wait_longer_and_longer_and_stop():
    story = lasting(n.RetryAllowed(max_failures=3, backoff_s=HOUR, backoff_max_s=10 * HOUR))
    assert story.evaluate() == YES
    every = everything(None, story.view())
    story.set("a", attempts=(Attempts(failures=1, failed_at=story.now, partitions=every),))
    assert [story.evaluate(), story.later(0.9).evaluate(), story.later(0.1).evaluate()] == [NO, NO, YES]
    story.set("a", attempts=(Attempts(failures=2, failed_at=story.now, partitions=every),))
    assert [story.later(1.9).evaluate(), story.later(0.1).evaluate()] == [NO, YES]
    story.set("a", attempts=(Attempts(failures=3, failed_at=story.now, partitions=every),))
    assert story.later(1000).evaluate() == NO


def test_limited_takes_the_latest_and_drops_the_others():
    story = lasting(n.Limited(operand=n.Missing(), limit=1), partitions=DAILY)
    assert story.evaluate() == {"a": ["2024-01-04"]}
    assert story.made("a", part="2024-01-04").evaluate() == {}
    assert story.at("2024-01-06 00:30").evaluate() == {"a": ["2024-01-05"]}


def test_dynamic_keys_come_and_go():
    story = lasting(presets.newly_missing(), partitions=DynamicPartitions(name="dyn")).added("p")
    assert story.evaluate() == {"a": ["p"]}
    assert story.added("q").evaluate() == {"a": ["q"]}
    assert story.removed("p").evaluate() == {}
    assert story.added("p").times(2) == [{"a": ["p"]}, {}]


def test_nothing_is_asked_of_an_unread_condition():
    story = Story(asset("a").__class__(key="a", condition=b"\x09damaged"), asset("b", n.Missing()))
    assert story.evaluate() == {"b": True}
    assert "stored condition" in str(story.error("a"))
    assert isinstance(story.progress, Progress)
