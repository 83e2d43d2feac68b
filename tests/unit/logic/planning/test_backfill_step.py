"""The next runs of a backfill: tables for the rules, and random graphs for what must always hold."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tidewheel.logic.partitions import projection
from tidewheel.logic.partitions.definitions import (
    DynamicKeys,
    DynamicPartitions,
    MultiPartitions,
    PartitionView,
    StaticPartitions,
    TimeWindowPartitions,
)
from tidewheel.logic.partitions.mappings import Identity, StaticMapping, TimeWindowMapping, default_mapping
from tidewheel.logic.partitions.sets import everything, from_keys, from_ordinals, from_range, nothing
from tidewheel.logic.planning.backfill_runs import ALL_IN_ONE, stretches
from tidewheel.logic.planning.backfill_step import (
    CIRCLE,
    FAILED_UPSTREAM,
    GONE,
    MISSING_UPSTREAM,
    BackfillDep,
    BackfillFacts,
    BackfillTarget,
    decide_backfill_step,
    untouched,
)

DAY = 86_400.0
START = 1_704_067_200.0  # Monday 2024-01-01
DAILY = TimeWindowPartitions(cron="0 0 * * *", start=START, fmt="%Y-%m-%d")
WEEKLY = TimeWindowPartitions(cron="0 0 * * 1", start=START, fmt="%Y-%m-%d")
COLOURS = StaticPartitions(keys=tuple("abcdef"))
GRID = MultiPartitions(dimensions=(("colour", COLOURS), ("size", StaticPartitions(keys=tuple("123")))))
NAMES = DynamicPartitions(name="names")
VIEW = PartitionView(
    now=START + 21 * DAY,
    dynamic_keys={"names": DynamicKeys(keys=("x", "z"), ordinals=(0, 2), next_ordinal=3)},
)
YESTERDAY = TimeWindowMapping(start_offset=-1, end_offset=-1)


def target(name, spec=None, *deps, **more):
    """A target; a dependency is another target, or (target, mapping), or (None, mapping) for itself."""
    links = []
    for each in deps:
        above, mapping = each if isinstance(each, tuple) else (each, None)
        up_name, up_spec = (name, spec) if above is None else (above.name, above.spec)
        links.append(
            BackfillDep(name=up_name, spec=up_spec, mapping=mapping or default_mapping(spec, up_spec))
        )
    fields = {"location": "shop", "existing": everything(spec, VIEW), "unit": name} | more
    return BackfillTarget(name=name, spec=spec, deps=tuple(links), **fields)


class Story:
    """A backfill that is stepped by hand: every run of a step ends as told."""

    def __init__(self, *targets, wanted=None, run_limit=1_000):
        self.targets = targets
        self.run_limit = run_limit
        wanted = wanted or {}
        self.sets = {
            each.name: untouched(wanted.get(each.name, everything(each.spec, VIEW))) for each in targets
        }
        self.reasons = []
        self.runs = []

    def step(self):
        facts = BackfillFacts(targets=self.targets, sets=self.sets, view=VIEW, run_limit=self.run_limit)
        decision = decide_backfill_step(facts)
        self.sets = dict(decision.sets)
        self.reasons += decision.left_out
        self.runs = decision.runs
        self.is_over = decision.is_over
        return [(",".join(run.targets), words(run.stretch)) for run in decision.runs]

    def end(self, run, status="done", made=()):
        for name in run.targets:
            sets = self.sets[name]
            tried = run.stretch.partitions & sets.wanted
            outcome = "done" if name in made else status
            self.sets[name] = replace(sets, **{outcome: getattr(sets, outcome) | tried})

    def end_all(self, fails=lambda run: False):
        for run in self.runs:
            self.end(run, "failed" if fails(run) else "done")

    def play(self, fails=lambda run: False):
        """All steps to the end: what each asked for."""
        steps = []
        while True:
            steps.append(self.step())
            if self.is_over:
                return steps[:-1]
            assert len(steps) < 500, "it does not end"
            self.end_all(fails)

    def left_out(self, name):
        return set(self.sets[name].left_out.keys(VIEW)) or len(self.sets[name].left_out)


def words(stretch):
    if stretch.first is None:
        return ""
    return stretch.first if stretch.key else f"{stretch.first}..{stretch.last}"


def keys(spec, *texts):
    return from_keys(spec, texts, VIEW)


# -- runs of one asset ------------------------------------------------------------------------------------------------


def cut(partitions, limit):
    return [words(one) for one in stretches(partitions, limit, VIEW)]


def test_a_run_takes_one_partition_or_neighbours_up_to_a_limit():
    days = from_range(DAILY, "2024-01-01", "2024-01-05", VIEW)
    assert cut(days, 1) == [f"2024-01-0{day}" for day in range(1, 6)]
    assert cut(days, 2) == ["2024-01-01..2024-01-02", "2024-01-03..2024-01-04", "2024-01-05"]
    assert cut(days, ALL_IN_ONE) == ["2024-01-01..2024-01-05"]


def test_a_gap_of_partitions_that_exist_parts_two_runs():
    letters = keys(COLOURS, "a", "b", "d", "e", "f")
    assert cut(letters, ALL_IN_ONE) == ["a..b", "d..f"]
    assert cut(letters, 2) == ["a..b", "d..e", "f"]


def test_a_gap_of_partitions_that_do_not_exist_parts_nothing():
    assert cut(keys(NAMES, "x", "z"), ALL_IN_ONE) == ["x..z"]
    working_days = replace(DAILY, exclusions=("0 0 * * 6", "0 0 * * 0"))
    assert cut(everything(working_days, VIEW), ALL_IN_ONE) == ["2024-01-01..2024-01-19"]


def test_neighbours_of_two_dimensions_are_rectangles():
    assert cut(everything(GRID, VIEW), ALL_IN_ONE) == ["a|1..f|3"]
    corner = keys(GRID, "a|1", "a|2", "b|1", "b|2", "c|3")
    assert cut(corner, ALL_IN_ONE) == ["a|1..b|2", "c|3"]
    assert cut(corner, 2) == ["a|1..a|2", "b|1..b|2", "c|3"]


def test_what_has_no_partitions_is_one_run():
    assert cut(everything(None, VIEW), 1) == [""]
    assert cut(nothing(None), 1) == []


# -- runs of several assets -------------------------------------------------------------------------------------------


def test_assets_of_the_same_partitions_share_runs():
    orders = target("orders", COLOURS)
    story = Story(orders, target("sums", COLOURS, orders), target("other", COLOURS))
    assert story.step() == [("orders,other,sums", letter) for letter in "abcdef"]


@pytest.mark.parametrize(
    "more", [{"limit": 2}, {"location": "office"}], ids=["another policy", "another location"]
)
def test_assets_that_cannot_share_runs_follow_each_other(more):
    orders = target("orders", COLOURS)
    story = Story(
        orders,
        target("sums", COLOURS, orders, **more),
        wanted=dict.fromkeys(("orders", "sums"), keys(COLOURS, "a")),
    )
    assert story.play() == [[("orders", "a")], [("sums", "a")]]


def test_an_asset_shares_runs_only_where_the_other_is_wanted_too():
    orders = target("orders", COLOURS)
    sums = target("sums", COLOURS, orders)
    story = Story(orders, sums, wanted={"orders": keys(COLOURS, "a", "b"), "sums": keys(COLOURS, "b", "c")})
    assert story.step() == [("orders,sums", "b"), ("orders", "a"), ("sums", "c")]


def test_weeks_wait_for_their_days_and_all_for_everything():
    days = target("days", DAILY)
    weeks = target("weeks", WEEKLY, days, limit=ALL_IN_ONE)
    story = Story(days, weeks, target("report", None, weeks))
    first = story.step()
    assert len(first) == 21
    assert {name for name, _ in first} == {"days"}
    for run in story.runs[:10]:
        story.end(run)
    assert story.step() == [("weeks", "2024-01-01")]
    story.end_all()
    assert story.step() == []


def test_an_offset_is_a_need_of_another_run():
    orders = target("orders", DAILY)
    late = target("late", DAILY, (orders, YESTERDAY))
    days = from_range(DAILY, "2024-01-02", "2024-01-03", VIEW)
    story = Story(orders, late, wanted={"orders": days, "late": days})
    assert story.play() == [
        [("orders,late", "2024-01-02"), ("orders", "2024-01-03")],
        [("late", "2024-01-03")],
    ]


def test_an_asset_that_needs_its_own_yesterday_goes_day_by_day():
    balance = target("balance", DAILY, (None, YESTERDAY))
    days = from_range(DAILY, "2024-01-02", "2024-01-04", VIEW)
    story = Story(balance, wanted={"balance": days})
    assert story.play() == [[("balance", f"2024-01-0{day}")] for day in (2, 3, 4)]


def test_in_a_single_run_it_goes_through_them_at_once():
    balance = target("balance", DAILY, (None, YESTERDAY), limit=ALL_IN_ONE)
    story = Story(balance, wanted={"balance": from_range(DAILY, "2024-01-02", "2024-01-04", VIEW)})
    assert story.play() == [[("balance", "2024-01-02..2024-01-04")]]


def test_in_a_single_run_it_does_not_overtake_what_waits():
    orders = target("orders", DAILY, limit=1)
    balance = target("balance", DAILY, (None, YESTERDAY), orders, limit=ALL_IN_ONE)
    story = Story(orders, balance)
    story.step()
    for run in (story.runs[0], story.runs[1], story.runs[5]):
        story.end(run)
    assert story.step() == [("balance", "2024-01-01..2024-01-02")]


def test_what_is_made_together_waits_together():
    orders = target("orders", COLOURS, limit=2)
    left = target("left", COLOURS, orders, unit="both")
    right = target("right", COLOURS, unit="both")
    story = Story(orders, left, right, wanted=dict.fromkeys(("orders", "left", "right"), keys(COLOURS, "a")))
    assert story.play() == [[("orders", "a")], [("left,right", "a")]]


def test_a_single_run_over_its_own_past_is_not_split_by_what_another_asset_wants():
    orders = target("orders", DAILY, limit=ALL_IN_ONE)
    balance = target("balance", DAILY, (None, YESTERDAY), limit=ALL_IN_ONE)
    wanted = {
        "orders": from_range(DAILY, "2024-01-03", "2024-01-04", VIEW),
        "balance": from_range(DAILY, "2024-01-02", "2024-01-04", VIEW),
    }
    assert Story(orders, balance, wanted=wanted).play() == [
        [("orders", "2024-01-03..2024-01-04"), ("balance", "2024-01-02..2024-01-04")]
    ]


# -- what is given up -------------------------------------------------------------------------------------------------


def test_only_what_needs_the_failed_partition_is_left_out():
    days = target("days", DAILY)
    weeks = target("weeks", WEEKLY, days)
    report = target("report", None, weeks)
    story = Story(days, weeks, report)
    story.play(fails=lambda run: run.stretch.first == "2024-01-10")
    assert set(story.sets["weeks"].done.keys(VIEW)) == {"2024-01-01", "2024-01-15"}
    assert story.left_out("weeks") == {"2024-01-08"}
    assert story.left_out("report") == 1
    assert [(each.target, each.reason, each.upstream) for each in story.reasons] == [
        ("weeks", FAILED_UPSTREAM, "days"),
        ("report", FAILED_UPSTREAM, "weeks"),
    ]


def test_after_a_failed_day_the_days_that_build_on_it_are_left_out():
    balance = target("balance", DAILY, (None, YESTERDAY))
    story = Story(balance, wanted={"balance": from_range(DAILY, "2024-01-02", "2024-01-09", VIEW)})
    story.play(fails=lambda run: run.stretch.first == "2024-01-04")
    assert len(story.sets["balance"].done) == 2
    assert len(story.sets["balance"].left_out) == 5


def test_what_needs_partitions_that_do_not_exist_is_left_out():
    later = replace(DAILY, start=START + 7 * DAY)
    days = target("days", later)
    weeks = target("weeks", WEEKLY, days)
    story = Story(weeks)
    story.play()
    assert story.left_out("weeks") == {"2024-01-01"}
    assert story.reasons[0].reason == MISSING_UPSTREAM


def test_what_does_not_exist_any_more_is_left_out():
    story = Story(
        target("orders", COLOURS, existing=keys(COLOURS, "a")), wanted={"orders": keys(COLOURS, "a", "b")}
    )
    assert story.play() == [[("orders", "a")]]
    assert (story.left_out("orders"), story.reasons[0].reason) == ({"b"}, GONE)


def test_partitions_that_need_each_other_are_left_out_at_the_end():
    mapping = StaticMapping(pairs=(("a", "b"), ("b", "a")))
    story = Story(target("ring", COLOURS, (None, mapping)), wanted={"ring": keys(COLOURS, "a", "b", "c")})
    assert story.play() == [[("ring", "c")]]
    assert (story.left_out("ring"), story.reasons[0].reason) == ({"a", "b"}, CIRCLE)


def test_the_number_of_runs_is_limited_and_nothing_is_lost():
    story = Story(target("orders", COLOURS), run_limit=2)
    assert [len(step) for step in story.play()] == [2, 2, 2]


def test_without_room_for_runs_nothing_happens():
    story = Story(target("orders", COLOURS), run_limit=0)
    assert (story.step(), story.is_over) == ([], False)
    assert not story.reasons


def test_a_hundred_thousand_partitions_cost_what_is_asked_for():
    many = DynamicPartitions(name="many")
    view = PartitionView(
        now=START,
        dynamic_keys={
            "many": DynamicKeys(
                keys=tuple(map(str, range(100_000))), ordinals=tuple(range(100_000)), next_ordinal=100_000
            )
        },
    )
    whole = everything(many, view)
    one = BackfillTarget(name="one", location="shop", spec=many, existing=whole)
    facts = BackfillFacts(targets=(one,), sets={"one": untouched(whole)}, view=view, run_limit=10)
    decision = decide_backfill_step(facts)
    assert [run.stretch.key for run in decision.runs] == [str(number) for number in range(10)]
    assert len(decision.sets["one"].open) == 99_990


# -- what always holds ------------------------------------------------------------------------------------------------

SPECS = (None, DAILY, WEEKLY, COLOURS, DAILY, COLOURS)


def random_targets(chance):
    targets = []
    for number in range(chance.randint(1, 6)):
        spec = chance.choice(SPECS)
        deps = []
        for above in chance.sample(targets, min(len(targets), chance.randint(0, 2))):
            if above.spec == spec == DAILY and chance.random() < 0.3:
                deps.append((above, YESTERDAY))
            elif None in (above.spec, spec) or (above.spec is COLOURS) == (spec is COLOURS):
                deps.append(above)
        if spec is DAILY and chance.random() < 0.2:
            deps.append((None, YESTERDAY))
        limit = chance.choice((1, 1, 3, ALL_IN_ONE))
        targets.append(
            target(f"t{number}", spec, *deps, limit=limit, location=chance.choice(("shop", "shop", "off")))
        )
    return targets


def random_wanted(chance, targets):
    wanted = {}
    for each in targets:
        whole = everything(each.spec, VIEW)
        if each.spec is None or chance.random() < 0.5:
            wanted[each.name] = whole
        else:
            wanted[each.name] = from_ordinals(each.spec, [one for one in whole if chance.random() < 0.6])
    return wanted


def needs(story, each, ordinal):
    """(target, partitions) that one partition needs among those that are wanted."""
    mine = everything(None, VIEW) if each.spec is None else from_ordinals(each.spec, [ordinal])
    for dep in each.deps:
        if dep.name in story.sets:
            needed = projection.upstream(dep.mapping, mine, dep.spec, VIEW).existing
            yield dep.name, needed & story.sets[dep.name].wanted


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(seed=1037943)
@given(seed=st.integers(0, 2**32))
def test_everything_wanted_is_asked_for_once_in_order_or_left_out_for_a_reason(seed):
    chance = random.Random(seed)
    targets = random_targets(chance)
    story = Story(*targets, wanted=random_wanted(chance, targets), run_limit=chance.choice((1, 4, 1_000)))
    by_name = {each.name: each for each in targets}
    asked = {each.name: set() for each in targets}
    under_way = []
    for _ in range(3_000):
        before = story.sets
        story.step()
        assert len(story.runs) <= story.run_limit
        for run in story.runs:
            partitions = run.stretch.partitions
            limit = by_name[run.targets[0]].limit
            assert limit == ALL_IN_ONE or len(partitions) <= limit
            for name in run.targets:
                each = by_name[name]
                assert (each.location, each.limit, each.spec) == (
                    run.location,
                    limit,
                    by_name[run.targets[0]].spec,
                )
                assert partitions.is_subset_of(story.sets[name].wanted)
                assert asked[name].isdisjoint(partitions)
                asked[name].update(partitions)
                for ordinal in partitions:
                    for above, needed in needs(story, each, ordinal):
                        missing = needed - before[above].done
                        # what is not done yet is made by this very run
                        assert missing.is_empty or (above in run.targets and missing.is_subset_of(partitions))
        under_way += story.runs
        if story.is_over:
            break
        chance.shuffle(under_way)
        for _ in range(chance.randint(1, max(1, len(under_way)))):
            if under_way:
                story.end(under_way.pop(), "failed" if chance.random() < 0.15 else "done")
    assert story.is_over
    assert not under_way
    for each in targets:
        sets = story.sets[each.name]
        assert sets.wanted == sets.done | sets.failed | sets.left_out
        assert asked[each.name] == set(sets.done | sets.failed)
        for ordinal in sets.left_out:
            assert any(
                needed.overlaps(story.sets[above].lost) for above, needed in needs(story, each, ordinal)
            )


def test_identity_of_equal_definitions_is_what_lets_assets_share_runs():
    orders = target("orders", COLOURS)
    again = StaticPartitions(keys=tuple("abcdef"))
    sums = target("sums", again, (orders, Identity()))
    assert Story(orders, sums).step()[0] == ("orders,sums", "a")
