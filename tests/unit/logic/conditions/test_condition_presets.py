"""The ready-made conditions tell the stories that their users know (C42 to C51, C72, C73 to C75)."""

from __future__ import annotations

import pytest
from condition_story import DAILY, HOUR, WEEKLY, XY, Story, asset, check, lasting

from tidewheel.logic.conditions import legacy_rules, presets
from tidewheel.logic.conditions import nodes as n
from tidewheel.logic.conditions.facts import Attempts
from tidewheel.logic.conditions.naming import label_or_name
from tidewheel.logic.conditions.rewrite import replaced, walk, without
from tidewheel.logic.graph.specs import DepSpec
from tidewheel.logic.partitions.definitions import DynamicPartitions
from tidewheel.logic.partitions.mappings import TimeWindowMapping

EAGER, ON_MISSING = presets.eager(), presets.on_missing()
ON_CRON = presets.on_cron("0 0 * * *", "UTC")
DYN = DynamicPartitions(name="dyn")
NO, YES = {}, {"a": True}


@pytest.mark.parametrize(
    ("condition", "labels"),
    [
        (
            EAGER,
            "eager in_latest_time_window SINCE OR newly_missing missing any_deps_updated OR newly_updated_without_root "
            "newly_updated NOT executed_with_root_target will_be_requested handled newly_requested newly_updated "
            "initial_evaluation NOT any_deps_missing AND missing NOT will_be_requested NOT any_deps_in_progress "
            "in_progress run_in_progress backfill_in_progress NOT in_progress run_in_progress backfill_in_progress",
        ),
        (
            ON_MISSING,
            "on_missing in_latest_time_window missing_since_last_handled NEWLY_TRUE missing handled newly_requested "
            "newly_updated initial_evaluation NOT any_deps_missing AND missing NOT will_be_requested",
        ),
        (
            presets.all_deps_blocking_checks_passed(),
            "all_deps_blocking_checks_passed all_blocking_checks_passed OR check_passed will_be_requested",
        ),
    ],
)
def test_expansions_have_the_known_names(condition, labels):
    assert " ".join(label_or_name(node) for node in walk(condition)) == labels


def test_on_cron_expansion():
    tick = "cron_tick_passed(cron_schedule=0 0 * * *, cron_timezone=UTC)"
    assert [label_or_name(node) for node in walk(ON_CRON)] == [
        "on_cron(0 0 * * *, UTC)",
        "in_latest_time_window",
        "SINCE",
        tick,
        "handled",
        "newly_requested",
        "newly_updated",
        "initial_evaluation",
        "all_deps_updated_since_cron(0 0 * * *, UTC)",
        "OR",
        "SINCE",
        "newly_updated",
        tick,
        "will_be_requested",
    ]


@pytest.mark.parametrize(
    ("condition", "expected"), [(EAGER, [0, 0, 0, 0]), (n.Missing(), [3, 3, 3, 3]), (ON_CRON, [0, 0, 3, 0])]
)
def test_three_roots_that_were_never_made(condition, expected):
    story = Story(*(asset(key, condition) for key in "abc"))
    moments = ("2024-01-01 01:00", "2024-01-01 02:00", "2024-01-02 02:00", "2024-01-02 03:00")
    assert [len(story.at(one).evaluate()) for one in moments] == expected


# -- eager ----------------------------------------------------------------------------------------------------------------


def parent_and_child() -> Story:
    story = Story(asset("u"), asset("a", EAGER, ["u"])).made("u", "a")
    assert story.evaluate() == NO
    return story


def test_eager_reacts_once_to_an_update():
    story = parent_and_child()
    assert story.made("u").times(2) == [YES, NO]


def test_eager_requests_a_whole_chain_at_once():
    story = Story(asset("u"), asset("a", EAGER, ["u"]), asset("b", EAGER, ["a"]), asset("c", EAGER, ["b"]))
    story.made("u", "a", "b", "c").evaluate()
    chain = {"a": True, "b": True, "c": True}
    assert story.made("u").times(2) == [chain, {}]
    assert story.made("a", "b", "c").times(2) == [{}, {}]


def test_eager_asks_once_for_two_updates():
    story = Story(asset("u"), asset("v"), asset("a", EAGER, ["u", "v"])).made("u", "v", "a")
    story.evaluate()
    assert story.made("u").made("v").times(2) == [YES, NO]


def test_eager_remembers_an_update_until_the_missing_dependency_appears():
    story = Story(asset("u"), asset("v"), asset("a", EAGER, ["u", "v"]))
    story.evaluate()
    assert story.made("u").times(2) == [NO, NO]
    assert story.made("v").times(2) == [YES, NO]


def test_eager_waits_for_dependencies_and_itself_to_finish():
    story = parent_and_child()
    assert story.made("u").running("u").evaluate() == NO
    assert story.made("u").evaluate() == YES
    story.running("a").made("u")
    assert story.times(2) == [NO, NO]
    assert story.canceled("a").evaluate() == YES


def test_eager_does_not_repeat_a_failed_run():
    """F5: its own choice; keep_up_to_date is for those who want another."""
    story = parent_and_child()
    assert story.made("u").evaluate() == YES
    assert story.running("a").evaluate() == NO
    assert story.failed("a").times(3) == [NO, NO, NO]
    assert story.made("u").evaluate() == YES


def test_eager_does_not_ask_for_what_was_missing_at_first_sight():
    """F6."""
    story = lasting(EAGER)
    assert story.times(2) == [NO, NO]
    story.made("a").evaluate()
    assert story.wiped("a").times(2) == [YES, NO]


def test_eager_takes_the_latest_partition_as_it_comes():
    story = lasting(EAGER, partitions=DAILY)
    assert story.times(2) == [NO, NO]
    assert story.at("2024-01-06 00:10").times(2) == [{"a": ["2024-01-05"]}, NO]
    assert story.at("2024-01-10 00:10").times(2) == [{"a": ["2024-01-09"]}, NO]


def test_eager_daily_child_follows_its_parents_partition():
    story = Story(asset("u", partitions=DAILY), asset("a", EAGER, ["u"], partitions=DAILY))
    story.evaluate()
    assert story.at("2024-01-06 00:10").evaluate() == NO
    assert story.made("u", part="2024-01-05").times(2) == [{"a": ["2024-01-05"]}, NO]
    assert story.made("u", part="2024-01-02").evaluate() == NO


def test_eager_without_the_window_reacts_to_old_partitions():
    anytime = without(EAGER, n.InLatestTimeWindow())
    story = Story(asset("u", partitions=DAILY), asset("a", anytime, ["u"], partitions=DAILY))
    story.evaluate()
    assert story.made("u", part="2024-01-02").times(2) == [{"a": ["2024-01-02"]}, NO]


def test_eager_weekly_child_waits_for_the_whole_week():
    story = Story(asset("u", partitions=DAILY), asset("a", EAGER, ["u"], partitions=WEEKLY))
    story.at("2024-01-14 01:00").evaluate()
    for day in range(7, 13):
        assert story.made("u", part=f"2024-01-{day:02}").evaluate() == NO
    assert story.made("u", part="2024-01-13").times(2) == [{"a": ["2024-01-07"]}, NO]


def test_eager_with_itself_of_yesterday_waits_for_yesterday():
    yesterday = DepSpec(asset="a", mapping=TimeWindowMapping(start_offset=-1, end_offset=-1))
    story = lasting(EAGER, deps=[yesterday], partitions=DAILY)
    story.evaluate()
    assert story.at("2024-01-06 01:00").evaluate() == NO
    assert story.made("a", part="2024-01-04").evaluate() == {"a": ["2024-01-05"]}


def test_eager_takes_dynamic_keys_that_are_new():
    story = Story(asset("a", EAGER, partitions=DYN), asset("c", EAGER, ["a"])).added("p")
    story.evaluate()
    assert story.added("q").times(2) == [{"a": ["q"]}, {}]
    assert story.made("a", part="q").evaluate() == {}
    assert story.made("a", part="p").evaluate() == {"c": True}


def test_eager_acts_after_a_stop_on_what_happened_meanwhile():
    story = parent_and_child()
    assert story.made("u").later(100).define(*nodes_of(story)).evaluate() == YES


def nodes_of(story: Story):
    return [asset("u"), asset("a", EAGER, ["u"])]


def test_eager_child_of_another_location_comes_one_evaluation_later():
    story = Story().define(asset("u", n.NewlyTrue(operand=n.Missing())), other=[asset("a", EAGER, ["u"])])
    assert story.evaluate() == {"u": True}
    assert story.made("u").evaluate() == YES


def test_eager_check_runs_with_and_after_its_asset():
    story = Story(asset("u"), asset("a", EAGER, ["u"]), check("a", "c", EAGER)).made("u", "a")
    story.evaluate()
    assert story.made("a").evaluate() == {"a:c": True}
    assert story.made("u").evaluate() == {"a": True, "a:c": True}


def test_on_missing_check_runs_after_each_materialisation_without_it():
    story = Story(asset("a"), check("a", "c", ON_MISSING)).made("a").checked("a:c")
    story.evaluate()
    assert story.made("a").times(2) == [{"a:c": True}, {}]


# -- on_missing -----------------------------------------------------------------------------------------------------------


def test_on_missing_after_first_sight_only():
    story = Story(asset("u"), asset("a", ON_MISSING, ["u"]))
    assert story.times(2) == [NO, NO]
    assert story.made("u").evaluate() == NO
    story.made("a").evaluate()
    assert story.wiped("a").times(2) == [YES, NO]


def test_on_missing_without_the_window_asks_for_all_that_were_missed():
    story = lasting(without(ON_MISSING, n.InLatestTimeWindow()), partitions=DAILY)
    story.evaluate()
    assert story.at("2024-01-08 01:00").evaluate() == {"a": ["2024-01-05", "2024-01-06", "2024-01-07"]}


# -- on_cron --------------------------------------------------------------------------------------------------------------


def nightly(*deps: str) -> Story:
    story = Story(*(asset(dep) for dep in deps), asset("a", ON_CRON, deps)).made(*deps, "a")
    assert story.at("2024-01-05 22:00").evaluate() == NO
    return story


def test_on_cron_without_dependencies_at_each_tick_once():
    story = nightly()
    assert story.at("2024-01-06 00:01").times(2) == [YES, NO]
    assert story.at("2024-01-09 12:00").times(2) == [YES, NO]


def test_on_cron_waits_for_all_dependencies_after_the_tick():
    story = nightly("u", "v")
    story.made("u").evaluate()
    assert story.at("2024-01-06 00:01").evaluate() == NO
    assert story.made("v").evaluate() == NO
    assert story.made("u").times(2) == [YES, NO]


def test_on_cron_counts_updates_after_the_tick_in_the_same_interval():
    story = nightly("u")
    assert story.at("2024-01-06 00:10").made("u", at="2024-01-06 00:05").evaluate() == YES
    story = nightly("u")
    assert story.at("2024-01-06 00:10").made("u", at="2024-01-05 23:55").evaluate() == NO


def test_on_cron_makes_one_run_of_two_ticks():
    story = nightly("u")
    story.at("2024-01-06 00:01").evaluate()
    assert story.at("2024-01-07 00:01").evaluate() == NO
    assert story.made("u").times(2) == [YES, NO]


def test_on_cron_counts_an_own_run_after_the_tick_as_handling_it():
    story = nightly()
    assert story.at("2024-01-06 00:10").made("a", at="2024-01-06 00:05").evaluate() == NO


def test_on_cron_keeps_a_tick_after_an_own_run():
    """F2."""
    story = nightly()
    assert story.at("2024-01-06 00:10").made("a", at="2024-01-05 23:55").evaluate() == YES


def test_on_cron_does_not_fire_for_a_tick_before_first_sight():
    story = lasting(ON_CRON).at("2024-01-06 00:30")
    assert story.times(2) == [NO, NO]


def test_on_cron_daily_partitions_take_yesterday():
    six = presets.on_cron("0 6 * * *", "UTC")
    story = Story(asset("u", partitions=DAILY), asset("a", six, ["u"], partitions=DAILY))
    story.at("2024-01-06 05:00").evaluate()
    assert story.at("2024-01-06 06:01").evaluate() == NO
    assert story.made("u", part="2024-01-03").evaluate() == NO
    assert story.made("u", part="2024-01-05").times(2) == [{"a": ["2024-01-05"]}, NO]


def test_on_cron_requests_parent_and_child_together():
    story = Story(asset("u", ON_CRON), asset("a", ON_CRON, ["u"])).made("u", "a").at("2024-01-05 22:00")
    story.evaluate()
    assert story.at("2024-01-06 00:01").times(2) == [{"u": True, "a": True}, {}]


# -- blocking checks ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("passed", "made_again", "expected"), [(True, False, YES), (False, False, NO), (True, True, NO)]
)
def test_blocking_checks_hold_children_back(passed, made_again, expected):
    story = Story(
        asset("u"),
        check("u", "b", blocking=True),
        check("u", "other"),
        asset("a", presets.all_deps_blocking_checks_passed(), ["u"]),
    )
    assert story.made("u").evaluate() == NO
    story.checked("u:b", passed)
    if made_again:
        story.made("u")
    assert story.evaluate() == expected


def test_a_requested_blocking_check_lets_the_child_join_the_run():
    """F10: checks are evaluated between their asset and its children."""
    gated = n.And(operands=(EAGER, presets.all_deps_blocking_checks_passed()))
    story = Story(
        asset("s"),
        asset("u", EAGER, ["s"]),
        check("u", "b", EAGER, blocking=True),
        asset("a", gated, ["u"]),
    ).made("s", "u", "a")
    story.evaluate()
    assert story.made("s").evaluate() == {"u": True, "u:b": True, "a": True}


# -- ours -----------------------------------------------------------------------------------------------------------------


def test_keep_up_to_date_asks_until_it_is():
    story = Story(asset("u"), asset("a", presets.keep_up_to_date(), ["u"]))
    assert story.evaluate() == NO
    assert story.made("u").times(2) == [YES, YES]
    assert story.running("a").evaluate() == NO
    assert story.canceled("a").evaluate() == YES
    assert story.made("a").evaluate() == NO
    assert story.made("u", changed=False).evaluate() == NO
    assert story.made("u").evaluate() == YES


def test_keep_up_to_date_backs_off_after_failures_and_stops():
    story = Story(asset("a", presets.keep_up_to_date(max_failures=2, backoff_s=HOUR)))
    assert story.evaluate() == YES
    every = story.some("a", None)
    story.failed("a").set("a", attempts=(Attempts(failures=1, failed_at=story.now, partitions=every),))
    assert [story.evaluate(), story.later(1).evaluate()] == [NO, YES]
    story.failed("a").set("a", attempts=(Attempts(failures=2, failed_at=story.now, partitions=every),))
    assert story.later(1000).evaluate() == NO
    assert story.set("a", attempts=()).evaluate() == YES


def test_keep_up_to_date_joins_the_run_of_its_parent():
    keep = presets.keep_up_to_date()
    story = Story(asset("u", keep), asset("a", keep, ["u"]), asset("b", keep, ["a"])).made("u", "a", "b")
    assert story.evaluate() == {}
    assert story.wiped("u").evaluate() == {"u": True, "a": True, "b": True}


def test_keep_up_to_date_never_backfills_on_first_sight():
    assert lasting(presets.keep_up_to_date(), partitions=DAILY).evaluate() == {"a": ["2024-01-04"]}


def test_parent_newer_and_the_other_conditions_of_the_documentation():
    condition = n.And(
        operands=(
            n.Behind(label="parent_newer"),
            n.CronTickPassed(cron="0 0 * * *"),
            n.Not(operand=n.UpdatedSinceCron(cron="0 18 * * *")),
            presets.all_deps_blocking_checks_passed(),
        )
    )
    story = Story(asset("u"), asset("a", condition, ["u"]), now="2024-01-05 12:00").made("u", "a")
    story.evaluate()
    assert story.at("2024-01-05 17:00").made("u").evaluate() == NO
    assert story.at("2024-01-06 00:01").evaluate() == YES
    story.made("a").evaluate()
    assert story.at("2024-01-06 19:00").made("u").made("a").made("u").evaluate() == NO
    assert story.at("2024-01-07 00:01").evaluate() == NO


def test_missing_partitions_whose_parent_is_there():
    condition = n.And(operands=(n.Missing(), presets.parent_materialized()))
    story = Story(asset("u", partitions=XY), asset("a", condition, ["u"], partitions=XY))
    assert story.evaluate() == {}
    assert story.made("u", part="x").evaluate() == {"a": ["x"]}


# -- the older policies ---------------------------------------------------------------------------------------------------

LAZY_SKIPS = (
    legacy_rules.parent_missing(),
    legacy_rules.parent_outdated(None),
    legacy_rules.nonexistent_parents(),
    legacy_rules.backfill_in_progress(all_partitions=False),
)


def old(*rules: n.Condition, limit: int | None = 1) -> n.Condition:
    return legacy_rules.policy(materialize=rules, skip=LAZY_SKIPS, limit=limit)


OLD_EAGER = old(legacy_rules.on_missing(), legacy_rules.on_parent_updated(()))


def test_the_old_eager_policy_takes_what_is_missing_at_first_sight():
    assert lasting(OLD_EAGER).times(2) == [YES, NO]


def test_the_old_limit_drops_all_but_the_latest():
    story = lasting(OLD_EAGER, partitions=DAILY)
    assert story.times(2) == [{"a": ["2024-01-04"]}, NO]
    assert story.at("2024-01-06 01:00").evaluate() == {"a": ["2024-01-05"]}
    all_of_them = old(legacy_rules.on_missing(), limit=None)
    assert len(lasting(all_of_them, partitions=DAILY).evaluate()["a"]) == 4


def test_the_old_policy_follows_parents_and_waits_for_outdated_ones():
    story = Story(asset("u"), asset("b", None, ["u"]), asset("a", OLD_EAGER, ["b"])).made("u", "b", "a")
    story.evaluate()
    assert story.made("u").made("u").evaluate() == NO
    assert story.made("b").times(2) == [YES, NO]
    story.made("a").evaluate()
    assert story.made("b").made("u").evaluate() == NO


def test_outdated_parents_may_be_some_minutes_old():
    fresh_enough = legacy_rules.policy(
        materialize=(legacy_rules.on_cron(n.CronTickPassed(cron="0 2 * * *"), all_partitions=False),),
        skip=(legacy_rules.parent_outdated(6 * HOUR),),
        limit=1,
    )
    nodes = (asset("u"), asset("b", None, ["u"]), asset("a", fresh_enough, ["b"]))
    story = Story(*nodes, now="2024-01-05 23:00").made("u", "b", "a")
    story.evaluate()
    assert story.made("u").at("2024-01-06 02:00").evaluate() == YES
    story = Story(*nodes, now="2024-01-05 12:00").made("u", "b", "a")
    story.evaluate()
    assert story.made("u").at("2024-01-06 02:00").evaluate() == NO


def test_the_old_cron_rule_fires_at_first_sight_and_at_each_tick():
    rule = legacy_rules.on_cron(n.CronTickPassed(cron="0 0 * * *"), all_partitions=False)
    story = lasting(old(rule), partitions=DAILY)
    assert story.times(2) == [{"a": ["2024-01-04"]}, NO]
    assert story.at("2024-01-06 00:01").times(2) == [{"a": ["2024-01-05"]}, NO]


def test_not_all_parents_updated_skips_until_all_are():
    waits = legacy_rules.policy(
        materialize=(legacy_rules.on_parent_updated(()),),
        skip=(legacy_rules.not_all_parents_updated(every_partition=False),),
        limit=None,
    )
    story = Story(asset("u"), asset("v"), asset("a", waits, ["u", "v"])).made("u", "v", "a")
    story.evaluate()
    assert story.made("u").evaluate() == NO
    assert story.made("v").times(2) == [YES, NO]
    story.made("a").evaluate()
    assert story.made("v").evaluate() == NO


def test_only_updates_with_the_wanted_tags_count():
    story = Story(asset("u"), asset("a", old(legacy_rules.on_parent_updated((("team", "a"),))), ["u"]))
    story.made("u", "a").evaluate()
    assert story.made("u").evaluate() == NO
    assert story.made("u", tags={"team": "a"}).evaluate() == YES


def test_handled_can_be_replaced_by_label():
    eager = replaced(EAGER, "handled", n.NewlyRequested())
    story = Story(asset("u"), asset("a", eager, ["u"]))
    story.made("u").evaluate()
    assert story.made("u").evaluate() == YES
