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


def eager_chain():
    story = Story(asset("a"), asset("b", "a", condition=AC.eager()), asset("c", "b", condition=AC.eager()))
    story.look()
    story.made("a").look()
    story.look()
    story.made("b").look()
    story.made("c").look()
    story.made("a").made("b").look()
    return story


def eager_waits_for_missing_inputs():
    story = Story(asset("a"), asset("b"), asset("c", "a", "b", condition=AC.eager()))
    story.look()
    story.made("a").look()
    story.made("b").look()
    story.look()
    return story


def eager_diamond():
    story = Story(
        asset("a"),
        asset("b", "a", condition=AC.eager()),
        asset("c", "a", condition=AC.eager()),
        asset("d", "b", "c", condition=AC.eager()),
    )
    story.look()
    story.made("a").look()
    story.made("b").look()
    story.made("c").look()
    story.made("d").look()
    return story


def eager_after_a_failure():
    story = Story(asset("a"), fails("b", "a", condition=AC.eager()))
    story.look()
    story.made("a").look()
    story.run("b").look()
    story.look()
    story.made("a").look()
    return story


def on_missing_chain():
    story = Story(
        asset("a"), asset("b", "a", condition=AC.on_missing()), asset("c", "b", condition=AC.on_missing())
    )
    story.look()
    story.look()
    story.made("a").look()
    story.look()
    story.made("b").made("c").look()
    story.made("a").look()
    return story


def on_cron_waits_for_all():
    story = Story(asset("a"), asset("b"), asset("c", "a", "b", condition=AC.on_cron("0 * * * *")))
    story.look()
    story.made("a").made("b").look()
    story.look(60)
    story.made("a").look()
    story.made("b").look()
    story.look()
    story.look(60)
    story.made("a").made("b").look()
    story.look(180)
    return story


def on_cron_without_inputs():
    story = Story(
        asset("a", condition=AC.on_cron("0 * * * *")), asset("b", "a", condition=AC.on_cron("0 * * * *"))
    )
    story.look()
    story.look(40)
    story.look()
    story.look(60)
    story.made("a").look()
    return story


def on_cron_ignoring_one():
    story = Story(
        asset("a"),
        asset("b"),
        asset("c", "a", "b", condition=AC.on_cron("0 * * * *").ignore(dg.AssetSelection.assets("b"))),
        asset("d", "a", "b", condition=AC.on_cron("0 * * * *").allow(dg.AssetSelection.assets("b"))),
    )
    story.look()
    story.look(60)
    story.made("a").look()
    story.made("b").look()
    return story


def eager_ignoring_and_allowing():
    story = Story(
        asset("a", group_name="one"),
        asset("b", group_name="two"),
        asset("c", "a", "b", condition=AC.eager().ignore(dg.AssetSelection.groups("two"))),
        asset("d", "a", "b", condition=AC.eager().allow(dg.AssetSelection.groups("two"))),
    )
    story.look()
    story.made("a").look()
    story.made("c").made("b").look()
    story.made("d").look()
    story.made("a").made("b").look()
    return story


SCENARIOS = [
    eager_chain,
    eager_waits_for_missing_inputs,
    eager_diamond,
    eager_after_a_failure,
    on_missing_chain,
    on_cron_waits_for_all,
    on_cron_without_inputs,
    on_cron_ignoring_one,
    eager_ignoring_and_allowing,
]


defs = dg.Definitions(assets=[asset("root"), asset("leaf", "root", condition=AC.eager())])


def observe():
    told = {}
    for scenario in SCENARIOS:
        told[scenario.__name__] = scenario().told
    return told
