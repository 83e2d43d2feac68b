"""The public class of conditions: what users write, and what they are told when it is wrong."""

from __future__ import annotations

import dataclasses
import json
import pickle
from datetime import timedelta

import pytest

from tidewheel.definitions.assets.selection import AssetSelection
from tidewheel.definitions.automation.automation_selections import selection_value
from tidewheel.definitions.automation.names import (
    AutoMaterializePolicy,
    AutoMaterializePolicyType,
    AutoMaterializeRule,
    AutomationCondition,
    AutomationContext,
    AutomationResult,
)
from tidewheel.definitions.jobs.run_config import RunConfig
from tidewheel.errors import CheckError, NotImplementedCheckError, ParameterCheckError
from tidewheel.logic.conditions import codec
from tidewheel.logic.conditions import nodes as n
from tidewheel.logic.conditions import selections as s
from tidewheel.values.keys import AssetCheckKey, AssetKey

AC = AutomationCondition
MISSING = AC.missing()

PARAMETERS = {
    "on_cron": ("0 0 * * *",),
    "cron_tick_passed": ("0 0 * * *",),
    "all_deps_updated_since_cron": ("0 0 * * *",),
    "materialized_since_cron": ("0 0 * * *",),
    "failed_since_cron": ("0 0 * * *",),
    "updated_within": (timedelta(hours=1),),
    "asset_matches": ("a", MISSING),
    "any_deps_match": (MISSING,),
    "all_deps_match": (MISSING,),
    "any_checks_match": (MISSING,),
    "all_checks_match": (MISSING,),
    "any_job_root_assets_match": (MISSING,),
    "all_job_root_assets_match": (MISSING,),
}
CONSTRUCTORS = sorted(name for name, one in vars(AC).items() if isinstance(one, staticmethod))


@pytest.mark.parametrize("name", CONSTRUCTORS)
def test_every_constructor_makes_a_condition_that_can_leave_the_process(name):
    condition = getattr(AC, name)(*PARAMETERS.get(name, ()))
    assert isinstance(condition, AutomationCondition)
    assert condition.is_serializable
    assert codec.decode(codec.encode(condition.node)) == condition.node
    assert condition == pickle.loads(pickle.dumps(condition))
    assert hash(condition) == hash(getattr(AC, name)(*PARAMETERS.get(name, ())))
    assert repr(condition).startswith("<AutomationCondition ")


def test_kinds_are_told_apart():
    assert AC.missing() != AC.newly_updated()
    assert (MISSING & AC.newly_updated()) != (MISSING | AC.newly_updated())
    assert len({AC.missing(), AC.missing(), AC.newly_updated()}) == 2
    assert AC.missing() != "missing"


def test_operators_build_trees():
    both = MISSING & ~AC.in_progress()
    assert both.node == n.And(operands=(n.Missing(), n.Not(operand=AC.in_progress().node)))
    assert (both & MISSING).node.operands[-1] == n.Missing()
    assert (MISSING | both).operator_type == "or"
    assert MISSING.newly_true().name == "NEWLY_TRUE"
    assert MISSING.since(AC.newly_requested()).node == n.Since(trigger=n.Missing(), reset=n.NewlyRequested())
    assert MISSING.since_last_handled().children[1].get_label() == "handled"


def test_labels_names_and_children():
    eager = AC.eager()
    assert (eager.get_label(), eager.label, eager.name) == ("eager", "eager", "AND")
    assert [child.get_label() or child.name for child in eager.children] == [
        "in_latest_time_window",
        "SINCE",
        "NOT",
        "NOT",
        "NOT",
    ]
    assert eager.with_label("mine").get_label() == "mine"
    assert AC.on_cron("@daily").get_label() == "on_cron(@daily, UTC)"
    assert AC.asset_matches(["a", "b"], MISSING).name == "a/b"
    assert eager.requires_cursor and not MISSING.requires_cursor


def test_ready_made_conditions_can_be_edited():
    changed = AC.eager().replace("newly_updated", AC.data_version_changed()).without(~AC.any_deps_missing())
    assert "data_version_changed" in str([child.name for child in walk(changed)])
    assert len(changed.children) == 4
    assert AC.eager().replace("eager", MISSING) == MISSING
    selected = AC.eager().ignore(AssetSelection.groups("g")).allow(AssetSelection.assets("a"))
    deps = selected.children[2].children[0].node
    assert (deps.ignore, deps.allow) == (s.Groups(groups=("g",)), s.Keys(keys=("a",)))
    assert AC.any_deps_missing().resolve_through_virtual().node.through_virtual


def walk(condition):
    yield condition
    for child in condition.children:
        yield from walk(child)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: MISSING & True, ParameterCheckError, "expected an AutomationCondition, got True"),
        (lambda: MISSING | "x", ParameterCheckError, "'x'"),
        (lambda: MISSING.since("x"), ParameterCheckError, "since"),
        (lambda: AC.any_deps_match(5), ParameterCheckError, "any_deps_match"),
        (lambda: AC.cron_tick_passed("bad"), ParameterCheckError, "'bad'"),
        (lambda: AC.cron_tick_passed("0 0 * * *", "Mars/X"), ParameterCheckError, "Mars"),
        (lambda: AC.on_cron(["0 0 * * *"]), ParameterCheckError, "one cron string"),
        (lambda: AC.in_latest_time_window(5), ParameterCheckError, "lookback_delta"),
        (lambda: AC.in_latest_time_window(timedelta(-1)), ParameterCheckError, "negative"),
        (lambda: AC.eager().without(MISSING), ParameterCheckError, "one of the operands"),
        (lambda: (MISSING & AC.newly_updated()).without(MISSING), CheckError, "at least two"),
        (lambda: AC.any_deps_missing().allow("x"), ParameterCheckError, "AssetSelection"),
        (lambda: MISSING.allow(AssetSelection.all()), CheckError, "over dependencies or checks"),
        (lambda: MISSING.with_label(5), ParameterCheckError, "with_label"),
        (lambda: MISSING.replace(5, MISSING), ParameterCheckError, "replace"),
        (lambda: AC.executed_with_tags(tag_keys="team"), ParameterCheckError, "tag_keys"),
        (lambda: AC.keep_up_to_date(max_failures=0), ParameterCheckError, "max_failures"),
        (lambda: MISSING.with_run_options(max_partitions_per_run=0), ParameterCheckError, "max_partitions"),
        (lambda: MISSING.with_run_options(max_partitions_per_run="3"), ParameterCheckError, "max_partitions"),
        (lambda: MISSING.with_run_options(priority="high"), ParameterCheckError, "priority as a whole"),
        (lambda: MISSING.with_run_options(run_alone="no"), ParameterCheckError, "run_alone"),
        (lambda: MISSING.with_run_options(tags="x"), ParameterCheckError, "tags as a mapping"),
        (lambda: MISSING.with_run_options(run_config="x"), ParameterCheckError, "run_config as a mapping"),
        (lambda: AC.keep_up_to_date(max_failures="3"), ParameterCheckError, "max_failures"),
        (lambda: AC.executed_with_tags(tag_values="x"), ParameterCheckError, "tag_values as a mapping"),
        (lambda: MISSING.evaluate(None), NotImplementedCheckError, "class of your own"),
    ],
)
def test_mistakes_are_told(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_run_options_stay_with_the_condition():
    condition = MISSING.with_run_options(
        tags={"team": "a"}, priority=3, run_config={"ops": {}}, run_alone=True
    )
    options = condition.node.options
    assert (options.tags, options.priority, options.run_config, options.alone) == (
        (("team", "a"),),
        3,
        '{"ops":{}}',
        True,
    )
    assert condition.with_run_options(priority=1).node.operand == n.Missing()


def test_run_options_take_a_run_config_object():
    options = MISSING.with_run_options(run_config=RunConfig(ops={"a": {"config": {"n": 1}}})).node.options
    assert json.loads(options.run_config)["ops"] == {"a": {"config": {"n": 1}}}


# -- users' own classes ---------------------------------------------------------------------------------------------------


class Weekday(AutomationCondition[AssetKey]):
    def __init__(self, day: int = 0) -> None:
        self.day = day

    def evaluate(self, context: AutomationContext) -> AutomationResult:
        return AutomationResult(context, context.candidate_subset)


@dataclasses.dataclass(frozen=True)
class Threshold(AutomationCondition):
    limit: int

    def evaluate(self, context: AutomationContext) -> AutomationResult:
        return AutomationResult(context, context.get_empty_subset())


def test_own_classes_join_the_others():
    own = Weekday()
    tree = own & ~Weekday(1) & MISSING
    assert (own.name, own.get_label(), own.is_serializable) == ("Weekday", None, False)
    assert tree.children[0] is own
    assert not tree.is_serializable and tree.requires_cursor
    assert own != Weekday() and own == own
    assert AC.any_deps_match(own).children[0] is own
    assert (own & MISSING) == (own & MISSING) != (Weekday() & MISSING)


def test_own_classes_may_be_data_classes():
    assert (Threshold(3) & MISSING) == (Threshold(3) & MISSING) != (Threshold(4) & MISSING)
    assert Threshold(3).with_label("mine").get_label() == "mine"


# -- selections -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("selection", "value"),
    [
        (AssetSelection.all(), s.AllAssets()),
        (AssetSelection.assets("a", "b/c"), s.Keys(keys=("a", "b/c"))),
        (AssetSelection.key_prefixes(["a", "b"]), s.KeyPrefixes(prefixes=(("a", "b"),))),
        (AssetSelection.key_substring("x"), s.KeySubstring(text="x")),
        (AssetSelection.tag("k", "v"), s.Tagged(key="k", value="v")),
        (AssetSelection.owner("me"), s.OwnedBy(owner="me")),
        (AssetSelection.kind("sql"), s.OfKind(kind="sql")),
        (AssetSelection.all_asset_checks(), s.ChecksOf()),
        (AssetSelection.checks_for_assets("a"), s.ChecksOf(assets=("a",))),
        (AssetSelection.checks(AssetCheckKey(AssetKey("a"), "c")), s.Checks(checks=("a:c",))),
        (AssetSelection.assets("a").downstream(1), s.Downstream(of=s.Keys(keys=("a",)), depth=1)),
        (
            AssetSelection.assets("a").upstream(include_self=False),
            s.Upstream(of=s.Keys(keys=("a",)), include_self=False),
        ),
        (AssetSelection.all().sinks(), s.Sinks(of=s.AllAssets())),
        (AssetSelection.all().roots(), s.Roots(of=s.AllAssets())),
        (AssetSelection.all().materializable(), s.Materializable(of=s.AllAssets())),
        (AssetSelection.all().required_multi_asset_neighbors(), s.Siblings(of=s.AllAssets())),
        (AssetSelection.all().upstream_source_assets(), s.ExternalParents(of=s.AllAssets())),
        (
            AssetSelection.groups("g") | AssetSelection.assets("a"),
            s.AnyOf(operands=(s.Groups(groups=("g",)), s.Keys(keys=("a",)))),
        ),
        (
            AssetSelection.groups("g") & AssetSelection.assets("a"),
            s.AllOf(operands=(s.Groups(groups=("g",)), s.Keys(keys=("a",)))),
        ),
        (
            AssetSelection.all() - AssetSelection.assets("a"),
            s.Less(left=s.AllAssets(), right=s.Keys(keys=("a",))),
        ),
    ],
)
def test_selections_become_values(selection, value):
    assert selection_value(selection) == value


# -- the older policies ---------------------------------------------------------------------------------------------------

RULES = {
    "materialize_on_cron": ("0 0 * * *",),
    "materialize_on_missing": (),
    "materialize_on_parent_updated": (),
    "materialize_on_required_for_freshness": (),
    "skip_on_backfill_in_progress": (),
    "skip_on_not_all_parents_updated": (),
    "skip_on_not_all_parents_updated_since_cron": ("0 18 * * *",),
    "skip_on_parent_missing": (),
    "skip_on_parent_outdated": (),
    "skip_on_required_but_nonexistent_parents": (),
    "skip_on_run_in_progress": (),
}


@pytest.mark.parametrize("name", sorted(RULES))
def test_every_rule_is_a_condition(name):
    rule = getattr(AutoMaterializeRule, name)(*RULES[name])
    assert rule == getattr(AutoMaterializeRule, name)(*RULES[name])
    assert rule.description.startswith(name.split("_since")[0].split("_on_")[0])
    assert rule.decision_type.value == name.split("_")[0].upper()
    assert isinstance(rule.to_asset_condition(), AutomationCondition)
    assert codec.decode(codec.encode(rule.to_asset_condition().node))


def test_policies_and_rules_of_the_documentation():
    rule = AutoMaterializeRule
    policy = AutoMaterializePolicy.from_rules(
        [rule.materialize_on_cron("0 2 * * *"), rule.skip_on_parent_outdated(minutes=360)]
    )
    assert (len(policy.materialize_rules), len(policy.skip_rules)) == (1, 1)
    assert policy.policy_type is AutoMaterializePolicyType.LAZY
    eager = AutoMaterializePolicy.eager()
    assert eager.policy_type is AutoMaterializePolicyType.EAGER
    assert eager.rules - AutoMaterializePolicy.lazy().rules == {
        rule.materialize_on_missing(),
        rule.materialize_on_parent_updated(),
    }
    assert (
        eager.with_rules(rule.skip_on_run_in_progress()).without_rules(rule.skip_on_run_in_progress())
        == eager
    )
    assert eager.max_materializations_per_minute == 1
    assert rule.skip_on_parent_outdated() != rule.skip_on_parent_outdated(minutes=5)


def test_a_condition_in_the_clothes_of_a_policy():
    policy = AC.eager().as_auto_materialize_policy()
    assert policy == AutoMaterializePolicy.from_automation_condition(AC.eager())
    assert policy.to_automation_condition() == AC.eager()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: AutoMaterializePolicy([AutoMaterializeRule.materialize_on_missing()]), "expected a set"),
        (lambda: AutoMaterializePolicy.eager(0), "1 or more"),
        (
            lambda: AutoMaterializePolicy.lazy().without_rules(AutoMaterializeRule.materialize_on_missing()),
            "rules",
        ),
        (lambda: AutoMaterializeRule.skip_on_parent_outdated(minutes=0), "minutes"),
        (lambda: AutoMaterializeRule.materialize_on_cron("bad"), "bad"),
    ],
)
def test_mistakes_in_policies_are_told(make, words):
    with pytest.raises(CheckError, match=words):
        make()
