import datetime

import dagster as dg
from dagster import AutomationCondition as AC

UTC = datetime.timezone.utc
START = datetime.datetime(2024, 3, 10, 10, 30, tzinfo=UTC)


class Story:
    """One scenario: what is requested, evaluation after evaluation."""

    def __init__(self, *definitions, **more):
        checks = [one for one in definitions if isinstance(one, dg.AssetChecksDefinition)]
        assets = [one for one in definitions if one not in checks]
        self.defs = dg.Definitions(assets=assets, asset_checks=checks, **more)
        self.instance = dg.DagsterInstance.ephemeral()
        self.now, self.cursor, self.told = START, None, []

    def look(self, minutes=1):
        self.now += datetime.timedelta(minutes=minutes)
        result = dg.evaluate_automation_conditions(
            defs=self.defs, instance=self.instance, evaluation_time=self.now, cursor=self.cursor
        )
        self.cursor = result.cursor
        keys = sorted(self.defs.resolve_all_asset_keys(), key=str)
        told = {}
        for key in keys:
            wanted = result.get_requested_partitions(key)
            if wanted:
                told[key.to_user_string()] = sorted("" if one is None else one for one in wanted)
        self.told.append([result.total_requested, told])
        return told

    def made(self, key, *partitions, tags=None):
        for partition in partitions or (None,):
            self.instance.report_runless_asset_event(
                dg.AssetMaterialization(key, partition=partition, tags=tags)
            )
        return self

    def run(self, *names, partition=None, tags=None):
        dg.materialize(
            list(self.defs.assets) + list(self.defs.asset_checks or ()),
            selection=dg.AssetSelection.assets(*names),
            partition_key=partition,
            instance=self.instance,
            tags=tags,
            raise_on_error=False,
        )
        return self


def asset(name, *deps, condition=None, **more):
    def compute():
        return None

    return dg.asset(name=name, deps=list(deps), automation_condition=condition, **more)(compute)


def fails(name, *deps, condition=None, **more):
    def compute():
        raise RuntimeError("not now")

    return dg.asset(name=name, deps=list(deps), automation_condition=condition, **more)(compute)


def missing_itself():
    story = Story(asset("a", condition=AC.missing()))
    story.look()
    story.look()
    story.made("a").look()
    return story


def newly_true_of_missing():
    story = Story(asset("a", condition=AC.missing().newly_true()))
    story.look()
    story.look()
    story.made("a").look()
    return story


def since_last_handled():
    story = Story(
        asset("a"),
        asset("b", "a", condition=AC.any_deps_updated().since_last_handled()),
        asset("c", "a", condition=AC.any_deps_updated()),
    )
    story.look()
    story.made("a").look()
    story.look()
    story.made("b").look()
    story.made("a").made("a").look()
    return story


def since_two_inputs():
    condition = AC.asset_matches("a", AC.newly_updated()).since(AC.asset_matches("b", AC.newly_updated()))
    story = Story(asset("a"), asset("b"), asset("c", "a", "b", condition=condition))
    story.look()
    story.made("a").look()
    story.look()
    story.made("b").look()
    story.made("a").made("b").look()
    story.look()
    story.made("b").made("a").look()
    story.look()
    return story


def any_and_all_inputs_missing():
    story = Story(
        asset("a"),
        asset("b"),
        asset("any", "a", "b", condition=AC.any_deps_missing()),
        asset("all", "a", "b", condition=AC.all_deps_match(AC.missing())),
        asset("none", "a", "b", condition=~AC.any_deps_missing()),
    )
    story.look()
    story.made("a").look()
    story.made("b").look()
    return story


def all_updated_in_turn():
    both = AC.all_deps_match(AC.newly_updated().since(AC.cron_tick_passed("0 * * * *")))
    story = Story(asset("a"), asset("b"), asset("c", "a", "b", condition=both.newly_true()))
    story.look()
    story.made("a").look()
    story.made("b").look()
    story.look()
    story.look(60)
    story.made("b").look()
    story.made("a").look()
    return story


def failed_and_made():
    story = Story(
        fails("a", condition=AC.execution_failed()),
        asset("b", "a", condition=AC.any_deps_match(AC.execution_failed())),
    )
    story.look()
    story.run("a").look()
    story.look()
    story.made("a").look()
    return story


def newly_failed():
    story = Story(fails("a", condition=AC.execution_failed().newly_true()))
    story.look()
    story.run("a").look()
    story.run("a").look()
    story.made("a").look()
    story.run("a").look()
    return story


def in_progress_never_without_runs():
    story = Story(
        asset("a", condition=AC.in_progress()),
        asset("b", "a", condition=~AC.in_progress() & ~AC.any_deps_in_progress()),
    )
    story.look()
    story.run("a").look()
    return story


def requested_together():
    wants = AC.any_deps_match(AC.will_be_requested())
    story = Story(
        asset("a", condition=AC.missing().newly_true()),
        asset("b", "a", condition=wants),
        asset("c", "b", condition=wants),
        asset("d", "a", condition=AC.any_deps_match(AC.newly_requested())),
    )
    story.look()
    story.look()
    story.look()
    return story


def code_versions():
    story = Story(
        asset("a", condition=AC.code_version_changed(), code_version="1"),
        asset("b", condition=AC.initial_evaluation()),
    )
    story.look()
    story.look()
    other = Story(
        asset("a", condition=AC.code_version_changed(), code_version="2"),
        asset("b", condition=AC.initial_evaluation()),
    )
    story.defs = other.defs
    story.look()
    story.look()
    return story


def data_versions():
    story = Story(
        asset("a"),
        asset("b", "a", condition=AC.any_deps_match(AC.data_version_changed())),
        asset("c", "a", condition=AC.any_deps_match(AC.newly_updated())),
    )
    story.look()
    for version in ("1", "1", "2", "1"):
        story.made("a", tags={"dagster/data_version": version}).look()
    return story


def run_tags():
    nightly = AC.executed_with_tags(tag_values={"kind": "nightly"})
    story = Story(
        asset("a"),
        asset("b", "a", condition=AC.any_deps_match(AC.newly_updated() & nightly)),
        asset("c", "a", condition=AC.any_deps_match(AC.newly_updated() & ~nightly)),
        asset("d", "a", condition=AC.any_deps_match(nightly)),
        asset("e", "a", condition=AC.any_deps_match(AC.executed_with_tags(tag_keys={"kind"}))),
    )
    story.look()
    story.run("a", tags={"kind": "nightly"}).look()
    story.look()
    story.run("a", tags={"kind": "daily"}).look()
    story.run("a").look()
    story.made("a").look()
    return story


def beyond_the_neighbour():
    story = Story(
        asset("a"),
        asset("b", "a"),
        asset("c", "b", condition=AC.any_deps_match(AC.any_deps_match(AC.newly_updated()))),
        asset("d", condition=AC.any_downstream_conditions()),
        asset("e", "d", condition=AC.missing()),
    )
    story.look()
    story.made("a").look()
    story.made("b").made("e").look()
    return story


def nested_logic():
    condition = (AC.missing() | AC.any_deps_updated()) & ~AC.asset_matches("stop", AC.newly_updated())
    story = Story(asset("a"), asset("stop"), asset("b", "a", condition=condition))
    story.look()
    story.made("stop").look()
    story.made("b").look()
    story.made("a").look()
    story.made("a").made("stop").look()
    return story


def replaced_parts():
    no_wait = AC.eager().without(~AC.any_deps_missing()).without(~AC.any_deps_in_progress())
    cron = AC.on_cron("0 * * * *").replace("all_deps_updated_since_cron", AC.any_deps_updated())
    story = Story(
        asset("a"),
        asset("b"),
        asset("c", "a", "b", condition=no_wait),
        asset("d", "a", "b", condition=cron),
    )
    story.look()
    story.made("a").look()
    story.made("c").look(40)
    story.made("b").look()
    return story


SCENARIOS = [
    missing_itself,
    newly_true_of_missing,
    since_last_handled,
    since_two_inputs,
    any_and_all_inputs_missing,
    all_updated_in_turn,
    failed_and_made,
    newly_failed,
    in_progress_never_without_runs,
    requested_together,
    code_versions,
    data_versions,
    run_tags,
    beyond_the_neighbour,
    nested_logic,
    replaced_parts,
]


defs = dg.Definitions(assets=[asset("root"), asset("leaf", "root", condition=AC.eager())])


def observe():
    told = {}
    for scenario in SCENARIOS:
        told[scenario.__name__] = scenario().told
    return told
